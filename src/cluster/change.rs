//! What happens to one object, or why nothing can.

use std::fmt;

use a4co_bundle::{FieldChange, ObjectRef};

use crate::live::Live;

/// What happens to one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It does not exist and is created.
    Create,
    /// The release has it otherwise than what was applied last.
    Update(Vec<FieldChange>),
    /// Somebody else changed what the release has not; it is set right.
    Restore,
    /// It is as the release has it. Nothing is sent.
    Keep,
    /// The release does not have it any more; it is deleted after the commit.
    Prune,
    /// The release does not have it any more, but its kind is never pruned.
    Leave,
}

impl Change {
    /// Returns the word for it, as users see it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update(_) => "update",
            Self::Restore => "restore",
            Self::Keep => "keep",
            Self::Prune => "prune",
            Self::Leave => "leave",
        }
    }
}

/// What happens to one object, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Object.
    pub object: ObjectRef,
    /// Wave in which it happens.
    pub wave: u8,
    /// What happens.
    pub change: Change,
    pub(crate) live: Option<Live>,
}

/// Why an object cannot be brought to what the release has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Somebody is deleting it.
    Deleting(ObjectRef),
    /// It exists, and no release of ours owns it.
    Foreign(ObjectRef),
    /// It exists and carries our label, but no release here has it.
    Orphan(ObjectRef),
    /// It exists, and belongs to another set of objects.
    OtherSet {
        /// Object.
        object: ObjectRef,
        /// Id of the set.
        part_of: String,
    },
}

impl Obstacle {
    /// Returns the object that stands in the way.
    #[must_use]
    pub fn object(&self) -> &ObjectRef {
        match self {
            Self::Deleting(object)
            | Self::Foreign(object)
            | Self::Orphan(object)
            | Self::OtherSet { object, .. } => object,
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deleting(object) => write!(f, "{object} is being deleted"),
            Self::Foreign(object) => write!(f, "{object} exists and was not made by a release"),
            Self::Orphan(object) => {
                write!(
                    f,
                    "{object} carries the label of this release's objects, but no release here has it"
                )
            }
            Self::OtherSet { object, part_of } => {
                write!(f, "{object} belongs to another set of objects ({part_of})")
            }
        }
    }
}
