//! Tells what happens with registries: on a terminal one line that changes, elsewhere a line now and
//! then.

use std::{
    error::Error,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use a4co_compiler::to_line;
use a4co_registry::{Event, Observer, RegistryError, human_bytes, short_digests};

use crate::output;

/// How long a line on a terminal stands before it changes again.
const TERMINAL_PAUSE: Duration = Duration::from_millis(100);
/// How long nothing is said elsewhere, so that a log stays short.
const LOG_PAUSE: Duration = Duration::from_secs(10);

/// What was transferred until now.
#[derive(Debug)]
pub(crate) struct Progress {
    can_murmur: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the last line was told.
    told: Instant,
    /// What there is to do, once that is known.
    planned: Amount,
    /// What is done, and of it what was there before.
    done: Amount,
    present: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Amount {
    blobs: usize,
    bytes: u64,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let state = State::new(Instant::now());
        Self { can_murmur: output::can_murmur(), state: Mutex::new(state) }
    }

    /// Takes the line away.
    pub(crate) fn end(&self) {
        if self.can_murmur {
            output::hush();
        }
    }
}

impl Observer for Progress {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::Retrying { error, pause } => {
                let pause = pause.as_secs_f32();
                output::talk(&format!("{}; trying again in {pause:.1} s", told(error)));
            }
            Event::MirrorSkipped { error } => {
                output::talk(&format!("{}; asking the next", told(error)));
            }
            _ => {}
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.count(event);
        let pause = if self.can_murmur { TERMINAL_PAUSE } else { LOG_PAUSE };
        match state.line(Instant::now(), pause) {
            Some(line) if self.can_murmur => output::murmur(&line),
            Some(line) => output::talk(&line),
            None => {}
        }
    }
}

/// Returns an error that is not the end, in one line.
fn told(error: &RegistryError) -> String {
    short_digests(&to_line(error as &dyn Error))
}

impl State {
    fn new(now: Instant) -> Self {
        Self { told: now, planned: Amount::default(), done: Amount::default(), present: 0 }
    }

    fn count(&mut self, event: &Event<'_>) {
        match event {
            Event::Planned { blobs, bytes } => {
                self.planned.blobs += blobs;
                self.planned.bytes += bytes;
            }
            Event::Present { size, .. } => {
                self.present += 1;
                self.done.blobs += 1;
                self.done.bytes += size;
            }
            Event::Started { offset, .. } => self.done.bytes += offset,
            Event::Transferred { bytes, .. } => self.done.bytes += bytes,
            Event::Finished { .. } => self.done.blobs += 1,
            _ => {}
        }
    }

    /// Returns what to say at `now`, if a `pause` has passed and there is something to say.
    fn line(&mut self, now: Instant, pause: Duration) -> Option<String> {
        let Self { planned, done, present, .. } = *self;
        if planned.blobs == 0 || now.duration_since(self.told) < pause {
            return None;
        }
        self.told = now;
        let (bytes, total) = (human_bytes(done.bytes), human_bytes(planned.bytes));
        let blobs = if planned.blobs == 1 { "blob" } else { "blobs" };
        let were = if present == 1 { "was" } else { "were" };
        let there = if present == 0 { String::new() } else { format!(", {present} {were} there") };
        Some(format!("{bytes} of {total}; {} of {} {blobs}{there}", done.blobs, planned.blobs))
    }
}

#[cfg(test)]
mod tests {
    use a4co_bundle::Digest;

    use super::*;

    #[test]
    fn a_line_comes_after_a_pause_and_says_how_much_of_what() {
        let digest = Digest::of(b"x");
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut state = State::new(start);
        assert_eq!(state.line(at(60), LOG_PAUSE), None, "nothing is known yet");
        state.count(&Event::Planned { blobs: 3, bytes: 3000 });
        state.count(&Event::Present { digest, size: 1000 });
        state.count(&Event::Started { digest, size: 1000, offset: 400 });
        assert_eq!(state.line(at(9), LOG_PAUSE), None, "too soon");
        state.count(&Event::Transferred { digest, bytes: 600 });
        state.count(&Event::Finished { digest, size: 1000 });
        let expected =
            format!("{} of {}; 2 of 3 blobs, 1 was there", human_bytes(2000), human_bytes(3000));
        assert_eq!(state.line(at(10), LOG_PAUSE), Some(expected));
        assert_eq!(state.line(at(19), LOG_PAUSE), None, "too soon again");
        assert!(state.line(at(20), LOG_PAUSE).is_some());
    }
}
