//! The API server itself: its version and its clock.

use std::time::Duration;

use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use serde::Deserialize;
use tokio::time::timeout;

use crate::{client::Client, error::ApiError, finding::Finding};

/// The oldest version that has all that is used here; admission policies came last.
const OLDEST: (u32, u32) = (1, 30);

/// The version that every test runs against.
const TESTED: (u32, u32) = (1, 36);

/// How long the rest of an answer that has begun is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// More than clocks that are set by NTP, and the whole seconds of the header, are ever apart.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(5);

/// What an API server says about itself.
#[derive(Debug)]
pub(crate) struct Server {
    version: Version,
    /// Its clock less ours.
    ahead: Option<SignedDuration>,
}

/// The answer to `/version`.
#[derive(Debug, Deserialize)]
struct Version {
    major: String,
    minor: String,
    #[serde(rename = "gitVersion")]
    name: String,
}

impl Server {
    pub(crate) async fn ask(client: &Client) -> Result<Self, ApiError> {
        let before = Timestamp::now();
        let response = client.open("/version").await?;
        let after = Timestamp::now();
        let date = response.headers().get("date").and_then(|date| date.to_str().ok());
        let ahead = date.and_then(|date| ahead(date, before, after));
        let asked = || "GET /version".to_owned();
        let body = timeout(PATIENCE, response.into_body().collect())
            .await
            .map_err(|_| ApiError::Timeout { asked: asked(), after: PATIENCE })?
            .map_err(|source| ApiError::Unreachable {
                server: client.server().to_owned(),
                asked: asked(),
                source,
            })?;
        let version = serde_json::from_slice(&body.to_bytes())
            .map_err(|source| ApiError::Answer { asked: asked(), source })?;
        Ok(Self { version, ahead })
    }

    pub(crate) fn findings(&self, client: &Client) -> Vec<Finding> {
        let Version { name, .. } = &self.version;
        let text = format!("Kubernetes {name} answers at {}", client.server());
        let mut findings = vec![Finding::good("connection", text), self.version.finding()];
        findings.extend(self.ahead.map(clock));
        findings
    }
}

impl Version {
    fn numbers(&self) -> Option<(u32, u32)> {
        // Some providers write `36+`.
        Some((self.major.parse().ok()?, self.minor.trim_end_matches('+').parse().ok()?))
    }

    fn finding(&self) -> Finding {
        let Self { name, .. } = self;
        let (oldest, tested) = (dotted(OLDEST), dotted(TESTED));
        match self.numbers() {
            Some(numbers) if numbers < OLDEST => Finding::warning(
                "version",
                format!("{name} is older than {oldest}, and this is tested with {tested}"),
                "bring the cluster to a newer version",
            ),
            Some(_) => Finding::good("version", format!("{name} is {oldest} or newer")),
            None => Finding::warning(
                "version",
                format!("cannot tell how old `{name}` is; this is tested with {tested}"),
                "",
            ),
        }
    }
}

fn dotted((major, minor): (u32, u32)) -> String {
    format!("{major}.{minor}")
}

/// How far the clock that says `date` was ahead of ours, if it was read between two moments.
fn ahead(date: &str, before: Timestamp, after: Timestamp) -> Option<SignedDuration> {
    let date = rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
    let middle = before + after.duration_since(before) / 2;
    // The header leaves out the fraction of a second.
    Some(date.duration_since(middle) + SignedDuration::from_millis(500))
}

fn clock(ahead: SignedDuration) -> Finding {
    let seconds = ahead.abs().as_secs();
    if ahead.abs() <= TOLERANCE {
        return Finding::good("clock", "the clocks here and there agree");
    }
    let which = if ahead.is_positive() { "behind" } else { "ahead of" };
    Finding::warning(
        "clock",
        format!("the clock here is {seconds} s {which} that of the API server"),
        "set both by NTP: leases and certificates go by the clock",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Level;

    #[test]
    fn a_clock_that_is_wrong_is_noticed() {
        let now: Timestamp = "2026-02-03T04:05:06.5Z".parse().unwrap();
        for (case, date, expected) in [
            ("equal", "Tue, 03 Feb 2026 04:05:06 GMT", Some((Level::Good, "agree"))),
            ("a little off", "Tue, 03 Feb 2026 04:05:09 GMT", Some((Level::Good, "agree"))),
            ("behind", "Tue, 03 Feb 2026 04:06:06 GMT", Some((Level::Warning, "60 s behind that"))),
            ("ahead", "Tue, 03 Feb 2026 04:04:06 GMT", Some((Level::Warning, "60 s ahead of"))),
            ("no date", "yesterday", None),
        ] {
            let found = ahead(date, now, now).map(clock);
            let found = found.as_ref().map(|finding| (finding.level, finding.text.as_str()));
            match (found, expected) {
                (Some((level, text)), Some((expected, part))) => {
                    assert_eq!(level, expected, "{case}: {text}");
                    assert!(text.contains(part), "{case}: {text}");
                }
                (found, expected) => assert_eq!(found, expected, "{case}"),
            }
        }
    }

    #[test]
    fn a_version_that_is_too_old_is_noticed() {
        for (major, minor, expected) in [
            ("1", "36", Level::Good),
            ("1", "30+", Level::Good),
            ("1", "29", Level::Warning),
            ("2", "0", Level::Good),
            ("", "", Level::Warning),
        ] {
            let text = |text: &str| text.to_owned();
            let name = format!("v{major}.{minor}.0");
            let version = Version { major: text(major), minor: text(minor), name };
            assert_eq!(version.finding().level, expected, "{major}.{minor}");
        }
    }
}
