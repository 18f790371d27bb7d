//! What was recorded about each object after it was applied, to tell later what has changed.
//!
//! Losing an inventory costs time, never correctness: an object that it does not know is sent again.

use std::collections::BTreeMap;

use a4co_bundle::{Digest, ObjectRef};
use serde::{Deserialize, Serialize};

use crate::live::Live;

/// One object as it was left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Identity of the live object.
    pub(crate) uid: String,
    /// Digest of the manifest that was applied.
    pub(crate) digest: Digest,
    /// Digest of the fields that we owned afterwards.
    pub(crate) owned: Option<Digest>,
}

/// The objects of a release as they were left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inventory(BTreeMap<ObjectRef, Record>);

#[derive(Serialize, Deserialize)]
struct Line {
    object: ObjectRef,
    #[serde(flatten)]
    record: Record,
}

impl Inventory {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let lines = self
            .0
            .iter()
            .map(|(object, record)| Line { object: object.clone(), record: record.clone() });
        serde_json::to_vec(&lines.collect::<Vec<_>>()).unwrap_or_default()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let lines: Vec<Line> = serde_json::from_slice(bytes).ok()?;
        Some(Self(lines.into_iter().map(|line| (line.object, line.record)).collect()))
    }

    pub(crate) fn insert(&mut self, object: ObjectRef, record: Record) {
        self.0.insert(object, record);
    }

    pub(crate) fn get(&self, object: &ObjectRef) -> Option<&Record> {
        self.0.get(object)
    }

    /// Keeps only what is known about the objects that `belongs` accepts.
    pub(crate) fn retain(&mut self, belongs: impl Fn(&ObjectRef) -> bool) {
        self.0.retain(|object, _| belongs(object));
    }
}

impl Record {
    /// Returns whether `live` is the same object, as we left it.
    pub(crate) fn is_untouched(&self, live: &Live) -> bool {
        self.uid == live.uid && self.owned.is_some() && self.owned == live.owned
    }
}
