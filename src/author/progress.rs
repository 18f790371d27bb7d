//! Tells what happens with registries: on a terminal one line that changes, elsewhere only what a
//! person should know.

use std::{
    collections::BTreeSet,
    io::IsTerminal as _,
    sync::{Mutex, PoisonError},
};

use a4co_bundle::Digest;
use a4co_registry::{Event, Observer, human_bytes};

use crate::output;

/// How many bytes come before the line changes again.
const STEP: u64 = 1 << 20;

/// What was transferred until now.
#[derive(Debug)]
pub(crate) struct Progress {
    is_terminal: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    bytes: u64,
    told: u64,
    finished: BTreeSet<Digest>,
    present: usize,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self { is_terminal, state: Mutex::default() }
    }

    /// Takes the line away.
    pub(crate) fn end(&self) {
        if self.is_terminal {
            output::murmur("");
        }
    }
}

impl Observer for Progress {
    fn observe(&self, event: &Event<'_>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Present { .. } => state.present += 1,
            Event::Transferred { bytes, .. } => state.bytes += bytes,
            Event::Finished { digest, .. } => {
                state.finished.insert(*digest);
            }
            Event::Retrying { error, pause } => {
                let pause = pause.as_secs_f32();
                output::talk(&format!("{error}; trying again in {pause:.1} s"));
            }
            Event::MirrorSkipped { error } => output::talk(&format!("{error}; asking the next")),
            _ => {}
        }
        if self.is_terminal && state.bytes >= state.told + STEP {
            state.told = state.bytes;
            let State { bytes, finished, present, .. } = &*state;
            let (bytes, finished) = (human_bytes(*bytes), finished.len());
            output::murmur(&format!("{bytes}; {finished} blobs done, {present} were there"));
        }
    }
}
