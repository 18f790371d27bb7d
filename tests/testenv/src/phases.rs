//! Measures a start.

use std::fmt;
use std::time::{Duration, Instant};

/// When each phase of a start ended.
#[derive(Debug)]
pub(crate) struct Phases {
    started: Instant,
    ended: Vec<(&'static str, Duration)>,
}

impl Phases {
    /// Begins to measure.
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), ended: Vec::new() }
    }

    /// Marks the end of a phase.
    pub(crate) fn end(&mut self, name: &'static str) {
        self.ended.push((name, self.started.elapsed()));
    }
}

impl fmt::Display for Phases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moments =
            self.ended.iter().map(|(name, at)| format!("{name} {:.1} s", at.as_secs_f32()));
        write!(f, "{}", moments.collect::<Vec<_>>().join(", "))
    }
}
