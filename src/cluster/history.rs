//! What happened in a place: the log that `history` shows and that `rollback` searches.

use std::{fmt, str::FromStr};

use a4co_bundle::{Digest, ReleaseId};
use jiff::Timestamp;
use semver::Version;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{head::Stored, site_release::Edition};

/// Most entries kept; with 350 bytes each they stay far below the 1 MiB of a `ConfigMap`.
const MAX_ENTRIES: usize = 200;

/// What a person writes for no overlay, behind the `+`.
const NO_OVERLAY: &str = "none";

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Counts entries from 1.
    pub revision: u64,
    /// Release that was to be applied.
    pub release: ReleaseId,
    /// Digest of the stored bundle that holds it.
    pub bundle: Digest,
    /// Digest of the site overlay that it was applied with; `None` without one.
    #[serde(default)]
    pub overlay: Option<Digest>,
    /// Its version.
    pub version: Version,
    /// What was done.
    pub action: Action,
    /// How it ended.
    pub outcome: Outcome,
    /// When it was committed or undone.
    pub at: Timestamp,
    /// Who did it.
    pub by: String,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A bundle was applied.
    Apply,
    /// A release that the cluster held was applied again.
    Rollback,
    /// A bundle was applied, and took over objects that others had made.
    Adopt,
    /// The release was deleted.
    Delete,
}

const ACTIONS: [(Action, &str); 4] = [
    (Action::Apply, "apply"),
    (Action::Rollback, "rollback"),
    (Action::Adopt, "adopt"),
    (Action::Delete, "delete"),
];

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = ACTIONS.iter().find(|(action, _)| action == self).map_or("", |(_, name)| name);
        f.pad(name)
    }
}

impl FromStr for Action {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        ACTIONS.iter().find(|(_, name)| *name == text).map(|(action, _)| *action).ok_or(())
    }
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The release was committed.
    Committed,
    /// It failed, and the release before it was restored.
    RolledBack,
}

/// Why a release cannot be told from what a person wrote.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SelectError {
    /// Nothing in the history begins like that.
    #[error("no release in the history begins with `{prefix}`")]
    Unknown {
        /// What the person wrote.
        prefix: String,
        /// Releases that could have been meant, newest first.
        candidates: Vec<Candidate>,
    },
    /// More than one release begins like that.
    #[error("`{prefix}` is ambiguous: {} releases begin with it", candidates.len())]
    Ambiguous {
        /// What the person wrote.
        prefix: String,
        /// Releases that begin like that, newest first.
        candidates: Vec<Candidate>,
    },
    /// There is no release before the committed one.
    #[error("there is no earlier release to roll back to")]
    NoEarlier,
}

/// A release that the history offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The release.
    pub release: ReleaseId,
    /// Its version.
    pub version: Version,
}

impl Entry {
    pub(crate) fn to_line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    pub(crate) fn from_line(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    pub(crate) fn stored(&self) -> Stored {
        Stored { release: self.release, bundle: self.bundle, overlay: self.overlay }
    }

    /// Returns what was to be applied.
    #[must_use]
    pub fn edition(&self) -> Edition {
        self.stored().edition()
    }

    #[cfg(test)]
    pub(crate) fn example() -> Self {
        Self {
            revision: 1,
            release: ReleaseId::of(b"a"),
            bundle: Digest::of(b"a"),
            overlay: None,
            version: Version::new(1, 0, 0),
            action: Action::Apply,
            outcome: Outcome::Committed,
            at: Timestamp::UNIX_EPOCH,
            by: "ann@site".to_owned(),
        }
    }
}

/// Adds an entry, numbers it, and above the limit forgets the oldest failure before it, or else the
/// oldest.
pub(crate) fn push(history: &mut Vec<Entry>, mut entry: Entry) {
    entry.revision = history.last().map_or(1, |last| last.revision + 1);
    while history.len() >= MAX_ENTRIES {
        let failure = history.iter().position(|entry| entry.outcome == Outcome::RolledBack);
        history.remove(failure.unwrap_or(0));
    }
    history.push(entry);
}

/// Forgets all but the newest `keep` releases that were committed, and what happened before them.
pub(crate) fn trim(history: &mut Vec<Entry>, keep: usize) {
    let mut kept: Vec<ReleaseId> = Vec::new();
    let mut oldest = history.len();
    for (index, entry) in history.iter().enumerate().rev() {
        if entry.outcome != Outcome::Committed {
            continue;
        }
        if !kept.contains(&entry.release) {
            if kept.len() == keep {
                break;
            }
            kept.push(entry.release);
        }
        oldest = index;
    }
    history.drain(..oldest);
}

/// Finds a release that is stored, whether it was committed or not.
pub(crate) fn stored(history: &[Entry], prefix: &str) -> Result<Stored, SelectError> {
    find(history.iter().rev(), prefix)
}

/// Finds the release to roll back to: the one that `prefix` abbreviates, or without a prefix the
/// one that was committed before the `committed` one, which may be the same with another overlay.
pub(crate) fn select(
    history: &[Entry],
    committed: Edition,
    prefix: Option<&str>,
) -> Result<Stored, SelectError> {
    let newest_first = || history.iter().rev().filter(|entry| entry.outcome == Outcome::Committed);
    let Some(prefix) = prefix else {
        let mut before = newest_first().skip_while(|entry| entry.edition() != committed);
        let earlier = before.find(|entry| entry.edition() != committed);
        return earlier.map(Entry::stored).ok_or(SelectError::NoEarlier);
    };
    find(newest_first(), prefix)
}

/// Finds the one release of `entries`, newest first, that `prefix` abbreviates, as it was applied
/// last. Behind a `+`, the overlay is abbreviated that it was applied with, or said to be `none`.
fn find<'a>(entries: impl Iterator<Item = &'a Entry>, prefix: &str) -> Result<Stored, SelectError> {
    let (digits, overlay) = match prefix.split_once('+') {
        Some((digits, overlay)) => (digits, Some(overlay)),
        None => (prefix, None),
    };
    let has_overlay = |entry: &&Entry| match (overlay, entry.overlay) {
        (None, _) => true,
        (Some(wanted), None) => wanted == NO_OVERLAY,
        (Some(wanted), Some(overlay)) => overlay.starts_with(wanted),
    };
    let mut candidates: Vec<&Entry> = Vec::new();
    for entry in entries.filter(has_overlay) {
        if candidates.iter().all(|known| known.release != entry.release) {
            candidates.push(entry);
        }
    }
    let listed = |entries: &[&Entry]| {
        let candidate =
            |entry: &&Entry| Candidate { release: entry.release, version: entry.version.clone() };
        entries.iter().map(candidate).collect()
    };
    let matching: Vec<&Entry> =
        candidates.iter().filter(|entry| entry.release.starts_with(digits)).copied().collect();
    let prefix = prefix.to_owned();
    match matching.as_slice() {
        [entry] => Ok(entry.stored()),
        [] => Err(SelectError::Unknown { prefix, candidates: listed(&candidates) }),
        several => Err(SelectError::Ambiguous { prefix, candidates: listed(several) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(releases: &[(&str, Outcome)]) -> Vec<Entry> {
        let mut history = Vec::new();
        for (name, outcome) in releases {
            let release = ReleaseId::of(name.as_bytes());
            push(&mut history, Entry { release, outcome: *outcome, ..Entry::example() });
        }
        history
    }

    #[test]
    fn rollback_without_a_prefix_means_the_release_committed_before() {
        use Outcome::{Committed, RolledBack};
        for (case, log, committed, expected) in [
            ("the one before", vec![("a", Committed), ("b", Committed)], "b", Some("a")),
            (
                "a failed one does not count",
                vec![("a", Committed), ("x", RolledBack), ("b", Committed)],
                "b",
                Some("a"),
            ),
            (
                "the same one applied again does not count",
                vec![("a", Committed), ("b", Committed), ("b", Committed)],
                "b",
                Some("a"),
            ),
            (
                "after a rollback, what was before it",
                vec![("a", Committed), ("b", Committed), ("a", Committed)],
                "a",
                Some("b"),
            ),
            ("there is only one", vec![("a", Committed)], "a", None),
        ] {
            let committed = ReleaseId::of(committed.as_bytes()).into();
            let found = select(&history(&log), committed, None);
            let expected = expected.map(|name| ReleaseId::of(name.as_bytes()));
            assert_eq!(found.ok().map(|stored| stored.release), expected, "{case}");
        }
    }

    #[test]
    fn a_prefix_selects_one_release_or_names_the_candidates() {
        let log = history(&[("a", Outcome::Committed), ("b", Outcome::Committed)]);
        let a = ReleaseId::of(b"a");
        let found = select(&log, a.into(), Some(&a.short())).unwrap();
        assert_eq!(found.release, a);
        assert!(matches!(
            select(&log, a.into(), Some("")),
            Err(SelectError::Ambiguous { candidates, .. }) if candidates.len() == 2
        ));
        assert!(matches!(
            select(&log, a.into(), Some("0000")),
            Err(SelectError::Unknown { candidates, .. }) if candidates.len() == 2
        ));
    }

    #[test]
    fn an_overlay_makes_another_edition_of_a_release() {
        let mut log = Vec::new();
        let overlay = |name: &str| Some(Digest::of(name.as_bytes()));
        for (release, overlay) in [("a", None), ("b", overlay("x")), ("b", overlay("y"))] {
            let release = ReleaseId::of(release.as_bytes());
            push(&mut log, Entry { release, overlay, ..Entry::example() });
        }
        let [a, b] = [b"a", b"b"].map(|name| ReleaseId::of(name));
        let edition = |release, overlay| Edition { release, overlay };
        let x = Digest::of(b"x").short();
        for (case, committed, prefix, expected) in [
            ("the one before", edition(b, overlay("y")), None, Some(edition(b, overlay("x")))),
            ("the one before that", edition(b, overlay("x")), None, Some(edition(a, None))),
            (
                "a release as it was applied last",
                edition(a, None),
                Some(b.short()),
                Some(edition(b, overlay("y"))),
            ),
            (
                "the one that is committed",
                edition(b, overlay("y")),
                Some(b.short()),
                Some(edition(b, overlay("y"))),
            ),
            (
                "with an overlay",
                edition(b, overlay("y")),
                Some(format!("{}+{x}", b.short())),
                Some(edition(b, overlay("x"))),
            ),
            (
                "without one",
                edition(b, overlay("y")),
                Some(format!("{}+none", a.short())),
                Some(edition(a, None)),
            ),
            (
                "without one, but it was never applied so",
                edition(b, overlay("y")),
                Some(format!("{}+none", b.short())),
                None,
            ),
            (
                "with an overlay that it was never applied with",
                edition(b, overlay("y")),
                Some(format!("{}+{x}", a.short())),
                None,
            ),
        ] {
            let found = select(&log, committed, prefix.as_deref());
            assert_eq!(found.ok().map(Stored::edition), expected, "{case}");
        }
    }

    #[test]
    fn a_line_of_before_there_were_overlays_has_none() {
        let line = Entry::example().to_line();
        let old = line.replace(r#""overlay":null,"#, "");
        assert_ne!(old, line);
        assert_eq!(Entry::from_line(&old), Some(Entry::example()));
    }

    #[test]
    fn trimming_keeps_the_newest_releases_and_what_happened_since() {
        use Outcome::{Committed, RolledBack};
        let log = [
            ("a", Committed),
            ("x", RolledBack),
            ("b", Committed),
            ("y", RolledBack),
            ("c", Committed),
            ("b", Committed),
        ];
        for (keep, expected) in [(1, 1), (2, 4), (3, 6), (9, 6)] {
            let mut log = history(&log);
            trim(&mut log, keep);
            assert_eq!(log.len(), expected, "keeping {keep}");
        }
    }

    #[test]
    fn the_log_forgets_its_oldest_entries() {
        let log = history(&[("a", Outcome::Committed); MAX_ENTRIES + 3]);
        assert_eq!(log.len(), MAX_ENTRIES);
        assert_eq!(log.last().unwrap().revision, MAX_ENTRIES as u64 + 3);
        let mut failures = vec![("x", Outcome::RolledBack); MAX_ENTRIES + 3];
        failures.insert(0, ("a", Outcome::Committed));
        let log = history(&failures);
        assert_eq!(log[0].release, ReleaseId::of(b"a"), "a committed release outlives failures");
        let mut full = vec![("a", Outcome::Committed); MAX_ENTRIES];
        full.push(("x", Outcome::RolledBack));
        let log = history(&full);
        assert_eq!(log.len(), MAX_ENTRIES);
        assert_eq!(log.last().unwrap().release, ReleaseId::of(b"x"), "what failed is recorded");
    }
}
