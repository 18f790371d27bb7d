//! How long a command may write: as long as nobody else can have taken its lease.
//!
//! A process may be stopped, or a machine sleep, between two requests. So before each write the
//! clock is asked: the one that is never set back, and, because that one stands still while a
//! machine sleeps, the other one too.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use crate::lease::DURATION;

/// Writes end so long before the lease does.
const MARGIN: Duration = Duration::from_secs(5);

/// A moment by both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    steady: Instant,
    wall: SystemTime,
}

/// The time until which a command may write; clones are the same term.
#[derive(Clone, Debug)]
pub(crate) struct Term(Arc<Mutex<Moment>>);

impl Moment {
    pub(crate) fn now() -> Self {
        Self { steady: Instant::now(), wall: SystemTime::now() }
    }

    /// How long ago it was, by the clock that says more.
    fn elapsed(self, now: Self) -> Duration {
        let steady = now.steady.saturating_duration_since(self.steady);
        steady.max(now.wall.duration_since(self.wall).unwrap_or_default())
    }
}

impl Term {
    /// A term that counts from when the lease was asked for.
    pub(crate) fn new(asked: Moment) -> Self {
        Self(Arc::new(Mutex::new(asked)))
    }

    /// Counts from a new moment.
    pub(crate) fn renew(&self, asked: Moment) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = asked;
    }

    /// Returns whether it is too late to write.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over_at(Moment::now())
    }

    fn is_over_at(&self, now: Moment) -> bool {
        let asked = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.elapsed(now) + MARGIN >= DURATION
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_ends_before_the_lease_by_either_clock() {
        let start = Moment::now();
        let later = |steady, wall| Moment {
            steady: start.steady + Duration::from_secs(steady),
            wall: start.wall + Duration::from_secs(wall),
        };
        for (case, now, expected) in [
            ("both clocks early", later(84, 84), false),
            ("both clocks late", later(85, 85), true),
            ("the wall clock was set back", Moment { wall: start.wall, ..later(85, 0) }, true),
            ("the machine slept", later(1, 600), true),
        ] {
            assert_eq!(Term::new(start).is_over_at(now), expected, "{case}");
        }
        let term = Term::new(start);
        term.renew(later(60, 60));
        assert!(!term.is_over_at(later(140, 140)), "renewed");
    }
}
