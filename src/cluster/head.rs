//! The head: one `ConfigMap` that says which release the cluster has and what is under way.
//!
//! Every change of state is one write of this object, guarded by its `resourceVersion`: whoever
//! read an older head cannot write. The one write that changes `committed` is *the* commit point.
//! It is also the parent of the `ApplySet` (KEP-3659) that the release's objects are members of.

use std::{collections::BTreeMap, fmt, str::FromStr};

use a4co_bundle::{Digest, ObjectRef, ReleaseId, head_name};
use semver::Version;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::{
    error::ApiError,
    history::{Action, Entry},
    site_release::Edition,
};

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Idle,
    /// Objects are being brought from one release to another; not committed yet.
    Applying,
    /// The new release is committed; objects that it no longer has are being pruned.
    Committed,
    /// Objects are being brought back to the old release.
    RollingBack,
    /// Bringing them back failed. Nothing goes on until a person has looked.
    Stuck,
}

/// A release that is stored in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The release.
    pub release: ReleaseId,
    /// Digest of the thin bundle that holds it.
    pub bundle: Digest,
    /// Digest of the stored site overlay that it was applied with; `None` without one.
    pub overlay: Option<Digest>,
}

impl Stored {
    /// Returns what is stored, as it was applied.
    #[must_use]
    pub fn edition(self) -> Edition {
        Edition { release: self.release, overlay: self.overlay }
    }
}

/// Most bytes of leftover objects that a head remembers: with the history it stays below the 1 MiB
/// that a `ConfigMap` may have. A head that cannot be written would never be idle again.
const MAX_LEFTOVER_BYTES: usize = 512 << 10;

/// Returns as many of `objects` as a head can remember, and how many it cannot.
pub(crate) fn remembered(mut objects: Vec<ObjectRef>) -> (Vec<ObjectRef>, usize) {
    let mut bytes = 0;
    let fits = |object: &ObjectRef| {
        bytes += serde_json::to_string(object).map_or(0, |text| text.len()) + 1;
        bytes <= MAX_LEFTOVER_BYTES
    };
    let known = objects.iter().map(fits).take_while(|fits| *fits).count();
    let forgotten = objects.len() - known;
    objects.truncate(known);
    (objects, forgotten)
}

/// Content of the head object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// What is under way.
    pub state: State,
    /// Counts transactions; whoever holds a smaller one has been overtaken.
    pub epoch: u64,
    /// Environment that this place is.
    pub environment: String,
    /// The release that the cluster has; `None` before the first commit.
    pub committed: Option<Stored>,
    /// Digest of the stored inventory of the committed release.
    pub inventory: Option<Digest>,
    /// Digest of the undo log of what is under way.
    pub undo: Option<Digest>,
    /// What the command under way does.
    pub action: Option<Action>,
    /// Field managers beside Helm's and kubectl's whose objects what is under way takes over; `None`
    /// when it takes over nothing.
    pub adopts: Option<Vec<String>>,
    /// Whether something was done that cannot be undone, so that the only way is forward.
    pub no_return: bool,
    /// Release on the way in.
    pub to: Option<Stored>,
    /// Release on the way out.
    pub from: Option<Stored>,
    /// Waves of `to` that are done.
    pub wave: u8,
    /// Highest version ever committed here; the bar against downgrades.
    pub highest_version: Option<Version>,
    /// Newest version of the trust file ever used here.
    pub trust: u64,
    /// What happened here, oldest first.
    pub history: Vec<Entry>,
    /// Objects that should be gone, but whose deletion was refused; each command tries again.
    pub leftover: Vec<ObjectRef>,
}

/// Why a head cannot be read.
#[derive(Debug, Error)]
pub enum HeadError {
    /// The request failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A field is malformed.
    #[error("`{field}` of ConfigMap `{namespace}/{name}` is `{text}`, which is not {expected}")]
    Field {
        /// Namespace of the head.
        namespace: String,
        /// Name of the head.
        name: String,
        /// Field of its data.
        field: &'static str,
        /// What stands there.
        text: String,
        /// What should.
        expected: &'static str,
    },
}

impl Head {
    pub(crate) fn new(environment: &str) -> Self {
        Self {
            state: State::Idle,
            epoch: 0,
            environment: environment.to_owned(),
            committed: None,
            inventory: None,
            undo: None,
            action: None,
            adopts: None,
            no_return: false,
            to: None,
            from: None,
            wave: 0,
            highest_version: None,
            trust: 0,
            history: Vec::new(),
            leftover: Vec::new(),
        }
    }

    pub(crate) fn to_data(&self) -> BTreeMap<String, String> {
        let mut data = BTreeMap::from([
            ("state".to_owned(), self.state.to_string()),
            ("epoch".to_owned(), self.epoch.to_string()),
            ("environment".to_owned(), self.environment.clone()),
            ("wave".to_owned(), self.wave.to_string()),
            ("trust".to_owned(), self.trust.to_string()),
            ("history".to_owned(), self.history.iter().map(Entry::to_line).collect()),
        ]);
        let mut put = |key: &str, value: Option<String>| {
            data.extend(value.map(|value| (key.to_owned(), value)));
        };
        let leftover = (!self.leftover.is_empty()).then(|| serde_json::to_string(&self.leftover));
        let adopts = self.adopts.as_ref().map(serde_json::to_string);
        put("adopts", adopts.and_then(Result::ok));
        put("noReturn", self.no_return.then(|| true.to_string()));
        put("leftover", leftover.and_then(Result::ok));
        put("inventory", self.inventory.map(|digest| digest.to_string()));
        put("undo", self.undo.map(|digest| digest.to_string()));
        put("action", self.action.map(|action| action.to_string()));
        put("highestVersion", self.highest_version.as_ref().map(ToString::to_string));
        for (key, stored) in [("committed", self.committed), ("to", self.to), ("from", self.from)] {
            put(key, stored.map(|stored| stored.release.to_string()));
            put(&format!("{key}Bundle"), stored.map(|stored| stored.bundle.to_string()));
            let overlay = stored.and_then(|stored| stored.overlay);
            put(&format!("{key}Overlay"), overlay.map(|overlay| overlay.to_string()));
        }
        data
    }
}

/// The data of a head object, and where it was found.
pub(crate) struct Fields<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) app: &'a str,
    pub(crate) data: BTreeMap<String, String>,
}

impl Fields<'_> {
    pub(crate) fn to_head(&self) -> Result<Head, HeadError> {
        let required = |field, expected| {
            self.parse::<String>(field, expected)?.ok_or_else(|| self.error(field, "", expected))
        };
        Ok(Head {
            state: self
                .parse("state", "a state")?
                .ok_or_else(|| self.error("state", "", "a state"))?,
            epoch: self.parse("epoch", "a number")?.unwrap_or(0),
            environment: required("environment", "a name")?,
            committed: self.stored(["committed", "committedBundle", "committedOverlay"])?,
            inventory: self.parse("inventory", "a digest")?,
            undo: self.parse("undo", "a digest")?,
            action: self.parse("action", "an action")?,
            adopts: self.json("adopts", "a list of names")?,
            no_return: self.parse("noReturn", "true or false")?.unwrap_or(false),
            to: self.stored(["to", "toBundle", "toOverlay"])?,
            from: self.stored(["from", "fromBundle", "fromOverlay"])?,
            wave: self.parse("wave", "a number")?.unwrap_or(0),
            highest_version: self.parse("highestVersion", "a version")?,
            trust: self.parse("trust", "a number")?.unwrap_or(0),
            history: self.history()?,
            leftover: self.json("leftover", "a list of objects")?.unwrap_or_default(),
        })
    }

    fn history(&self) -> Result<Vec<Entry>, HeadError> {
        let lines = self.data.get("history").map_or("", String::as_str).lines();
        lines
            .map(|line| {
                Entry::from_line(line).ok_or_else(|| self.error("history", line, "a history entry"))
            })
            .collect()
    }

    fn json<T: DeserializeOwned>(
        &self,
        field: &'static str,
        expected: &'static str,
    ) -> Result<Option<T>, HeadError> {
        let text = self.data.get(field);
        let read = |text: &String| {
            serde_json::from_str(text).map_err(|_| self.error(field, text, expected))
        };
        text.map(read).transpose()
    }

    fn stored(
        &self,
        [release_field, bundle_field, overlay_field]: [&'static str; 3],
    ) -> Result<Option<Stored>, HeadError> {
        let release: Option<ReleaseId> = self.parse(release_field, "a release id")?;
        let bundle: Option<Digest> = self.parse(bundle_field, "a digest")?;
        // A head of before there were overlays has none.
        let overlay: Option<Digest> = self.parse(overlay_field, "a digest")?;
        match (release, bundle) {
            (Some(release), Some(bundle)) => Ok(Some(Stored { release, bundle, overlay })),
            (None, None) => Ok(None),
            (None, Some(_)) => Err(self.error(release_field, "", "a release id")),
            (Some(_), None) => Err(self.error(bundle_field, "", "a digest")),
        }
    }

    fn parse<T: FromStr>(
        &self,
        field: &'static str,
        expected: &'static str,
    ) -> Result<Option<T>, HeadError> {
        let text = self.data.get(field);
        text.map(|text| text.parse().map_err(|_| self.error(field, text, expected))).transpose()
    }

    fn error(&self, field: &'static str, text: &str, expected: &'static str) -> HeadError {
        HeadError::Field {
            namespace: self.namespace.to_owned(),
            name: head_name(self.app),
            field,
            text: text.to_owned(),
            expected,
        }
    }
}

const STATES: [(State, &str); 5] = [
    (State::Idle, "idle"),
    (State::Applying, "applying"),
    (State::Committed, "committed"),
    (State::RollingBack, "rolling-back"),
    (State::Stuck, "stuck"),
];

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = STATES.iter().find(|(state, _)| state == self).map_or("", |(_, name)| name);
        f.pad(name)
    }
}

impl FromStr for State {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        STATES.iter().find(|(_, name)| *name == text).map(|(state, _)| *state).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_reads_as_it_was_written() {
        let stored = |text: &str| Stored {
            release: ReleaseId::of(text.as_bytes()),
            bundle: Digest::of(text.as_bytes()),
            overlay: (text == "b").then(|| Digest::of(b"overlay")),
        };
        let head = Head {
            state: State::RollingBack,
            epoch: 7,
            committed: Some(stored("a")),
            inventory: Some(Digest::of(b"i")),
            undo: Some(Digest::of(b"u")),
            action: Some(Action::Rollback),
            adopts: Some(vec!["argocd".to_owned()]),
            no_return: true,
            to: Some(stored("b")),
            from: Some(stored("a")),
            wave: 3,
            highest_version: Some(Version::new(1, 2, 3)),
            trust: 2,
            history: vec![Entry::example()],
            leftover: vec![ObjectRef {
                kind: "ConfigMap".to_owned(),
                api_version: "v1".to_owned(),
                namespace: Some("n".to_owned()),
                name: "x".to_owned(),
            }],
            ..Head::new("staging")
        };
        let fields = Fields { namespace: "n", app: "shop", data: head.to_data() };
        assert_eq!(fields.to_head().unwrap(), head);
    }

    #[test]
    fn a_head_remembers_no_more_than_it_can_hold() {
        let object = |index: usize| ObjectRef {
            kind: "ConfigMap".to_owned(),
            api_version: "v1".to_owned(),
            namespace: Some("a-namespace-of-some-length".to_owned()),
            name: format!("object-{index}"),
        };
        let few: Vec<_> = (0..9).map(object).collect();
        assert_eq!(remembered(few.clone()), (few, 0));
        let (known, forgotten) = remembered((0..20_000).map(object).collect());
        assert_eq!(known.len() + forgotten, 20_000);
        assert!(serde_json::to_string(&known).unwrap().len() <= MAX_LEFTOVER_BYTES + 2);
        assert!(known.len() > 1000 && known[0] == object(0));
    }

    #[test]
    fn a_damaged_head_is_named_with_the_field() {
        let mut data = Head::new("staging").to_data();
        data.insert("epoch".to_owned(), "many".to_owned());
        let error = Fields { namespace: "n", app: "shop", data }.to_head().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`epoch` of ConfigMap `n/a4co.shop` is `many`, which is not a number"
        );
    }
}
