//! Ctrl-C and SIGTERM, while registries are asked and after.

use std::{
    process,
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{failure::Failure, output};

/// Whether somebody waits in [`or_interrupt`] and so hears of signals.
static IS_WAITED_FOR: AtomicBool = AtomicBool::new(false);
static WATCH: Once = Once::new();

/// Does `work`, and fails with [`Failure::Interrupted`] on the first signal.
///
/// To listen takes the signals away from the system's own way with them, for good; so from then on a
/// thread ends the process when a signal comes and nobody waits here.
pub(crate) async fn or_interrupt<T>(
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let mut signals = Signals::listen()?;
    IS_WAITED_FOR.store(true, Ordering::SeqCst);
    WATCH.call_once(|| drop(thread::spawn(stop_when_interrupted)));
    let result = tokio::select! {
        result = work => result,
        () = signals.next() => Err(Failure::Interrupted),
    };
    if result.is_ok() {
        IS_WAITED_FOR.store(false, Ordering::SeqCst);
    }
    result
}

struct Signals {
    interrupts: Signal,
    terminations: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let interrupts = signal(SignalKind::interrupt())?;
        Ok(Self { interrupts, terminations: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupts.recv() => {}
            _ = self.terminations.recv() => {}
        }
    }
}

#[expect(clippy::exit, reason = "what is being written replaces the old only when it is whole")]
fn stop_when_interrupted() {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return;
    };
    runtime.block_on(async {
        let Ok(mut signals) = Signals::listen() else { return };
        loop {
            signals.next().await;
            if !IS_WAITED_FOR.load(Ordering::SeqCst) {
                output::talk(&Failure::Interrupted.report());
                process::exit(Failure::Interrupted.code().into());
            }
        }
    });
}
