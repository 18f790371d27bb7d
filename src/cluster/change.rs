//! What happens to one object, or why nothing can.

use std::fmt;

use a4co_bundle::{Digest, FieldChange, ObjectRef};

use crate::{live::Live, reverse::Reversal, undoing::Undoing};

/// What happens to one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It does not exist and is created.
    Create,
    /// It did not exist, and was created before the journal could be opened: the namespace that
    /// holds it.
    Made,
    /// The release has it otherwise than what was applied last.
    Update(Vec<FieldChange>),
    /// The release has it otherwise where it can never change, and lets it be deleted and created
    /// anew. It is the one change that destroys something before the commit.
    Recreate(Vec<FieldChange>),
    /// Somebody else made it; the release takes it over.
    Adopt(Vec<FieldChange>),
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
    /// Returns whether the object is touched before the commit.
    pub(crate) fn is_touching(&self) -> bool {
        !matches!(self, Self::Keep | Self::Leave | Self::Prune)
    }

    /// Returns the fields that change, where they are known.
    #[must_use]
    pub fn fields(&self) -> &[FieldChange] {
        match self {
            Self::Update(fields) | Self::Recreate(fields) | Self::Adopt(fields) => fields,
            _ => &[],
        }
    }

    /// Returns the word for it, as users see it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create | Self::Made => "create",
            Self::Update(_) => "update",
            Self::Recreate(_) => "recreate",
            Self::Adopt(_) => "adopt",
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
    /// Whether the API server can check it only in its wave: its namespace, its definition or the
    /// role that it binds comes with the same release.
    pub unchecked: bool,
    /// What a rollback to the release before does to the object.
    pub way_back: Reversal,
    /// What undoes it when the plan fails.
    pub undoing: Undoing,
    pub(crate) live: Option<Live>,
    /// What the former owners of an object that is taken over had when it was stored.
    pub(crate) former: Option<Digest>,
}

impl Step {
    pub(crate) fn new(object: ObjectRef, wave: u8, change: Change, live: Option<Live>) -> Self {
        let (way_back, undoing) = (Reversal::default(), Undoing::default());
        Self { object, wave, change, unchecked: false, way_back, undoing, live, former: None }
    }
}

/// Why an object cannot be brought to what the release has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Somebody is deleting it.
    Deleting(ObjectRef),
    /// It exists, and no release of ours owns it.
    Foreign(ObjectRef),
    /// The release has it otherwise where the API server never lets it change.
    Immutable {
        /// Object.
        object: ObjectRef,
        /// Fields that can never change.
        fields: Vec<FieldChange>,
    },
    /// The release asks a claim for less storage than it has.
    Shrinking {
        /// Claim.
        object: ObjectRef,
        /// Storage that it has.
        has: String,
        /// Storage that the release asks for.
        wants: String,
    },
    /// It cannot be taken over: the release has it otherwise where it can never change.
    Unadoptable {
        /// Object.
        object: ObjectRef,
        /// Fields that can never change.
        fields: Vec<FieldChange>,
    },
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
            | Self::Immutable { object, .. }
            | Self::Shrinking { object, .. }
            | Self::Unadoptable { object, .. }
            | Self::OtherSet { object, .. } => object,
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deleting(object) => write!(f, "{object} is being deleted"),
            Self::Foreign(object) => write!(f, "{object} exists and was not made by a release"),
            Self::Immutable { object, fields } => {
                write!(f, "{object} cannot change where this release changes it:")?;
                fields.iter().try_for_each(|field| write!(f, "\n    {field}"))
            }
            Self::Shrinking { object, has, wants } => {
                write!(f, "{object} cannot shrink from {has} to {wants}; no claim can")
            }
            Self::Unadoptable { object, fields } => {
                write!(f, "{object} cannot be taken over, for this can never change:")?;
                fields.iter().try_for_each(|field| write!(f, "\n    {field}"))
            }
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
