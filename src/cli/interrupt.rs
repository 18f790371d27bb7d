//! The first SIGINT or SIGTERM asks to stop safely; a second one stops at once and leaves the
//! journal for the next command.

use std::process;

use a4co_cluster::Interrupt;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use super::{
    output,
    problem::{MIXED, Problem},
    report::Reporter,
};

/// What a command makes of interrupts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Habit {
    /// It goes back to the old release.
    GoBack,
    /// What it has begun it brings to its end.
    Finish,
    /// The same, and what it brings to its end may be a deletion.
    Delete,
}

impl Habit {
    /// What a person is told the first time.
    fn answer(self) -> &'static str {
        match self {
            Self::GoBack => "interrupted: stopping safely; interrupt again to stop at once",
            Self::Finish => {
                "interrupted: what has begun goes on to the end; interrupt again to stop at once"
            }
            Self::Delete => {
                "interrupted: once it has begun, a deletion goes on to the end; interrupt again to \
                 stop at once"
            }
        }
    }

    /// What state the cluster is in when a person insists, as far as that is known.
    fn state(self) -> &'static str {
        match self {
            Self::GoBack => MIXED,
            Self::Finish => "what had begun is left to the next command",
            Self::Delete => {
                "a deletion may have begun; what is left of it is left to the next command"
            }
        }
    }
}

/// Starts to listen. `reporter` tells how it ended when the person insists.
pub(crate) fn listen(reporter: Reporter, habit: Habit) -> Result<Interrupt, Problem> {
    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut terminations = signal(SignalKind::terminate())?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        let mut is_first = true;
        loop {
            tokio::select! {
                _ = interrupts.recv() => {}
                _ = terminations.recv() => {}
            }
            if is_first {
                output::talk(habit.answer());
                let _ = sender.send(true);
                is_first = false;
            } else {
                stop(reporter, habit);
            }
        }
    });
    Ok(receiver)
}

#[expect(clippy::exit, reason = "the person insists; the journal in the cluster is made for this")]
fn stop(reporter: Reporter, habit: Habit) -> ! {
    process::exit(reporter.report(&Problem::stopped(habit.state())).into())
}
