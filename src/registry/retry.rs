//! When a request is sent again, and how long after.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

use http::{HeaderMap, header};
use jiff::{Timestamp, fmt::rfc2822};

use crate::error::RegistryError;

/// How often and how patiently a registry is asked again after a failure that may pass: the statuses
/// 408, 429 and 5xx, a lost connection, a body cut short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often the same is asked for without any progress between; at least 1.
    pub attempts: u32,
    /// Pause after the first failure; it doubles with each that follows.
    pub first_pause: Duration,
    /// Longest pause, also when the registry asks for a longer one (`Retry-After`).
    pub longest_pause: Duration,
}

/// How patiently something is asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Patience {
    /// It cannot succeed.
    None,
    /// It is soon clear whether it can.
    Short,
    /// It may take its time.
    Full,
}

/// How often something is asked for that can succeed soon or not at all.
const SHORT_ATTEMPTS: u32 = 3;

impl Default for Retry {
    /// Six attempts in about 15 s, or up to 5 min if the registry asks for that.
    fn default() -> Self {
        Self {
            attempts: 6,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_mins(1),
        }
    }
}

impl Retry {
    /// Returns how long to wait after the failure number `failures`, counted from 1; `None` when it
    /// is not to be tried again.
    pub(crate) fn pause(&self, failures: u32, error: &RegistryError) -> Option<Duration> {
        let attempts = match error.patience() {
            Patience::None => 1,
            Patience::Short => self.attempts.min(SHORT_ATTEMPTS),
            Patience::Full => self.attempts,
        };
        (failures < attempts).then(|| self.length(failures, error.retry_after(), random()))
    }

    /// Between half and all of a pause that doubles, so that many clients do not come back at once;
    /// not less than the registry asked for.
    fn length(&self, failures: u32, asked: Option<Duration>, random: u64) -> Duration {
        let doubled = self.first_pause.saturating_mul(1 << (failures.min(16) - 1));
        let half = doubled.min(self.longest_pause) / 2;
        let share = f64::from(u32::try_from(random >> 32).unwrap_or(0)) / f64::from(u32::MAX);
        let pause = half + half.mul_f64(share);
        pause.max(asked.unwrap_or_default()).min(self.longest_pause)
    }
}

/// A number that nobody can guess; the standard library's own source of them.
fn random() -> u64 {
    RandomState::new().hash_one(0)
}

/// Reads how long the server wants not to be asked (RFC 9110, 10.2.3): seconds, or a date, which is
/// compared with the server's own clock.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date =
        |text: &str| -> Option<Timestamp> { rfc2822::parse(text).ok().map(|at| at.timestamp()) };
    let now = date(headers.get(header::DATE)?.to_str().ok()?)?;
    Duration::try_from(date(text)?.duration_since(now)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_doubles_with_jitter_and_never_passes_the_longest() {
        let retry = Retry {
            attempts: 9,
            first_pause: Duration::from_secs(2),
            longest_pause: Duration::from_mins(1),
        };
        let seconds = Duration::from_secs;
        for (case, failures, asked, random, expected) in [
            ("the shortest first one", 1, None, 0, seconds(1)),
            ("the longest first one", 1, None, u64::MAX, seconds(2)),
            ("the third", 3, None, u64::MAX, seconds(8)),
            ("one of many", 30, None, u64::MAX, seconds(60)),
            ("the registry asks for more", 1, Some(seconds(7)), 0, seconds(7)),
            ("the registry asks for less", 3, Some(seconds(1)), u64::MAX, seconds(8)),
            ("the registry asks for an hour", 1, Some(seconds(3600)), 0, seconds(60)),
        ] {
            assert_eq!(retry.length(failures, asked, random), expected, "{case}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_by_the_clock_of_the_server() {
        let now = "Sat, 28 Nov 2026 06:00:00 GMT";
        for (case, retry, date, expected) in [
            ("seconds", "120", None, Some(120)),
            ("more seconds than there are", "99999999999999999999", None, Some(u64::MAX)),
            ("a date", "Sat, 28 Nov 2026 06:01:30 GMT", Some(now), Some(90)),
            ("a date that is over", "Sat, 28 Nov 2026 05:00:00 GMT", Some(now), None),
            ("a date without the server's own", "Sat, 28 Nov 2026 06:01:30 GMT", None, None),
            ("a negative number", "-5", Some(now), None),
            ("nonsense", "soon", Some(now), None),
            ("nothing", "", Some(now), None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, retry.parse().unwrap());
            if let Some(date) = date {
                headers.insert(header::DATE, date.parse().unwrap());
            }
            assert_eq!(retry_after(&headers), expected.map(Duration::from_secs), "{case}");
        }
    }
}
