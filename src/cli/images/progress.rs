//! Tells what is sent: on a terminal one line that changes, elsewhere only what a person should know.

use std::sync::{Mutex, PoisonError};

use a4co_registry::{Event, Observer, human_bytes};

use crate::cli::output;

/// How many bytes come before the line changes again.
const STEP: u64 = 1 << 20;

/// What was sent until now.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes that are to be sent at most; fewer, the more is there already.
    all: u64,
    sent: u64,
    told: u64,
}

impl Progress {
    /// Learns how much there is to be sent at most.
    pub(crate) fn expect(&self, bytes: u64) {
        self.state().all = bytes;
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Progress {
    fn observe(&self, event: &Event<'_>) {
        let mut state = self.state();
        match event {
            Event::Present { size, .. } => state.all = state.all.saturating_sub(*size),
            Event::Transferred { bytes, .. } => state.sent += bytes,
            Event::Retrying { error, pause } => {
                let pause = pause.as_secs_f32();
                output::talk(&format!("{error}; trying again in {pause:.1} s"));
            }
            _ => {}
        }
        if state.sent >= state.told + STEP {
            state.told = state.sent;
            let (sent, all) = (human_bytes(state.sent), human_bytes(state.all.max(state.sent)));
            output::murmur(&format!("sent {sent} of at most {all}"));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        output::murmur("");
    }
}
