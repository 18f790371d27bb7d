//! The first SIGINT or SIGTERM asks to stop safely; a second one stops at once and leaves the
//! journal for the next command.

use std::process;

use a4co_cluster::Interrupt;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use super::{output, problem::Problem, report::Reporter};

/// What a person is told whose command goes back when it is interrupted.
pub(crate) const GOING_BACK: &str = "interrupted: stopping safely; interrupt again to stop at once";

/// Starts to listen. The first time, the person is told `answer`; `reporter` tells how it ended when
/// the person insists.
pub(crate) fn listen(reporter: Reporter, answer: &'static str) -> Result<Interrupt, Problem> {
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
                output::talk(answer);
                let _ = sender.send(true);
                is_first = false;
            } else {
                stop(reporter);
            }
        }
    });
    Ok(receiver)
}

#[expect(clippy::exit, reason = "the person insists; the journal in the cluster is made for this")]
fn stop(reporter: Reporter) -> ! {
    process::exit(reporter.report(&Problem::stopped()).into())
}
