//! How long a command that changes the cluster waits, and for whom it does it.

use std::{env, time::Duration};

use a4co_cluster::{Options, OverlayChoice};
use clap::Args;

const TIMEOUT: Duration = Duration::from_mins(5);

/// How long to wait.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct PatienceArgs {
    /// How long the objects of one wave may take to become ready, such as 90s, 10m [default: 5m]
    #[arg(long, value_parser = parse_duration, value_name = "TIME")]
    timeout: Option<Duration>,
    /// How long to wait for another command that is at work [default: until that shows that it is
    /// alive, or counts as killed, some 100 s after its last sign of life]
    #[arg(long, value_parser = parse_duration, value_name = "TIME")]
    wait: Option<Duration>,
}

impl PatienceArgs {
    pub(crate) fn options(self) -> Options {
        Options {
            timeout: self.timeout.unwrap_or(TIMEOUT),
            patience: self.wait,
            holder: holder(),
            adoption: None,
            accepts_one_way: false,
            overlay: OverlayChoice::Keep,
        }
    }

    /// Returns the option that was given, if one was.
    pub(crate) fn given(self) -> Option<&'static str> {
        let timeout = self.timeout.map(|_| "--timeout");
        timeout.or(self.wait.map(|_| "--wait"))
    }

    /// Takes from `other` what was not given here.
    pub(crate) fn or(self, other: Self) -> Self {
        Self { timeout: self.timeout.or(other.timeout), wait: self.wait.or(other.wait) }
    }
}

/// Who we are, for the lease and the history: `ann@laptop/4711`.
fn holder() -> String {
    let user = ["USER", "LOGNAME"].into_iter().find_map(|name| env::var(name).ok());
    let user = user.map_or_else(String::new, |user| user + "@");
    let host = fs_err::read_to_string("/proc/sys/kernel/hostname");
    let host = host.map_or_else(|_| "unknown".to_owned(), |host| host.trim().to_owned());
    format!("{user}{host}/{}", std::process::id())
}

/// Parses `90s`, `10m`, `1h`, or a number of seconds.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let (number, factor) = match text.as_bytes().last() {
        Some(b's') => (&text[..text.len() - 1], 1),
        Some(b'm') => (&text[..text.len() - 1], 60),
        Some(b'h') => (&text[..text.len() - 1], 3600),
        _ => (text, 1),
    };
    let seconds =
        number.parse::<u32>().map_err(|_| "give a time such as 90s, 10m or 1h".to_owned())?;
    Ok(Duration::from_secs(u64::from(seconds) * factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_people_do() {
        for (text, seconds) in [
            ("90s", Some(90)),
            ("10m", Some(600)),
            ("1h", Some(3600)),
            ("5", Some(5)),
            ("", None),
            ("m", None),
            ("-1s", None),
            ("1.5h", None),
        ] {
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(parse_duration(text).ok(), expected, "{text}");
        }
    }
}
