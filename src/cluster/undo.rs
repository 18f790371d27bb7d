//! The undo log: what a transaction will touch, as it was before. It is stored in the cluster
//! before the first object is written, so that any later command can undo without a bundle.

use std::io;

use a4co_bundle::{GroupKind, ObjectRef, PART_OF_LABEL};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use crate::{
    change::{Change, Obstacle},
    draft::Draft,
    image,
    immutable::immutable_changes,
    mutant::{self, Mutant},
    one_way,
    plan::{self, Plan},
};

/// One object that a transaction will touch.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line {
    pub(crate) object: ObjectRef,
    /// Wave in which it is touched.
    pub(crate) wave: u8,
    /// Whether it is deleted and created anew.
    pub(crate) recreates: bool,
    /// The object as it was; `None` when it did not exist.
    pub(crate) image: Option<Box<RawValue>>,
}

/// What brings an object back to what it was.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Return {
    /// It is as it was.
    Nothing,
    /// It did not exist and is deleted.
    Delete,
    /// It did not exist, but deleting it would delete what people keep in it.
    Leave,
    /// This merge patch is the next step.
    Patch(Value),
    /// It is gone and is created again.
    Create,
    /// It is deleted to make room for what was there.
    Replace,
}

/// Lists what `plan` touches before the commit; `image` knows the objects that exist.
pub(crate) fn log(
    plan: &Plan,
    mut image: impl FnMut(&ObjectRef) -> Option<Box<RawValue>>,
) -> Vec<Line> {
    let touched = plan.touched().filter(|_| !mutant::is(Mutant::EmptyUndoLog));
    let line = touched.map(|step| Line {
        object: step.object.clone(),
        wave: step.wave,
        recreates: matches!(step.change, Change::Recreate(_)),
        image: image(&step.object).filter(|_| !mutant::is(Mutant::NoImages)),
    });
    line.collect()
}

/// Drafts what is stored of the log.
pub(crate) fn draft(lines: &[Line]) -> io::Result<Draft> {
    let mut draft = Draft::new();
    serde_json::to_writer(&mut draft, lines)?;
    Ok(draft)
}

pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Vec<Line>> {
    serde_json::from_slice(bytes).ok()
}

impl Line {
    /// Returns the object as it was.
    pub(crate) fn image(&self) -> Option<Value> {
        // It was JSON when it was read, or the log would not have been.
        self.image.as_ref().and_then(|image| serde_json::from_str(image.get()).ok())
    }

    /// Returns the uid that the object had.
    pub(crate) fn uid(&self) -> Option<String> {
        self.image()?["metadata"]["uid"].as_str().map(str::to_owned)
    }

    /// Decides what brings the object back, now that it is `live`.
    pub(crate) fn way_back(
        &self,
        live: Option<&Value>,
        applyset: &str,
        keep: &[GroupKind],
    ) -> Result<Return, Obstacle> {
        let is_member = |live: &Value| live["metadata"]["labels"][PART_OF_LABEL] == applyset;
        let (image, live) = match (self.image(), live) {
            (None, None) => return Ok(Return::Nothing),
            // Somebody else's, who was faster.
            (None, Some(live)) if !is_member(live) => return Ok(Return::Nothing),
            (None, Some(_)) if plan::is_kept(&self.object, keep) => return Ok(Return::Leave),
            (None, Some(_)) if mutant::is(Mutant::NoDeleteOnWayBack) => return Ok(Return::Nothing),
            (None, Some(_)) => return Ok(Return::Delete),
            // A job that is gone has run. Running it again is no way back.
            (Some(_), None) if plan::is_job(&self.object) => return Ok(Return::Nothing),
            (Some(_), None) => return Ok(Return::Create),
            (Some(image), Some(live)) => (image, live),
        };
        let is_going = !live["metadata"]["deletionTimestamp"].is_null();
        let is_other = live["metadata"]["uid"] != image["metadata"]["uid"];
        match (is_going, is_other) {
            (_, true) if !is_member(live) => Err(Obstacle::Foreign(self.object.clone())),
            (true, _) if self.recreates => Ok(self.make_room()),
            (true, _) => Err(Obstacle::Deleting(self.object.clone())),
            // What an earlier attempt has created again already can be patched.
            (false, true) if self.recreates && self.is_incompatible(&image, live) => {
                Ok(self.make_room())
            }
            (false, _) => Ok(self.patch(image, live)),
        }
    }

    /// Deletes what was created anew, and puts back what was there; but a job has run.
    fn make_room(&self) -> Return {
        if plan::is_job(&self.object) { Return::Delete } else { Return::Replace }
    }

    /// Returns whether `live` can never become what `image` was.
    fn is_incompatible(&self, image: &Value, live: &Value) -> bool {
        !immutable_changes(&self.named(live), &self.named(image)).is_empty()
    }

    /// Says in an object what it is, which items of a list do not.
    fn named(&self, object: &Value) -> Value {
        let mut object = object.clone();
        if let Some(fields) = object.as_object_mut() {
            fields.insert("apiVersion".to_owned(), self.object.api_version.as_str().into());
            fields.insert("kind".to_owned(), self.object.kind.as_str().into());
        }
        object
    }

    /// First the fields, then their owners: writing fields changes owners. What cannot be taken
    /// back stays.
    fn patch(&self, mut image: Value, live: &Value) -> Return {
        if mutant::is(Mutant::NoRestoreOnWayBack) {
            return Return::Nothing;
        }
        let is_definition = self.object.kind == "CustomResourceDefinition";
        if is_definition && one_way::keeps_definition(live, &image) {
            return Return::Leave;
        }
        let live = &self.named(live);
        image = self.named(&image);
        let is_kept = one_way::settle(&mut image, live);
        let owners = || {
            // The old owners own fields that are not there any more.
            let is_possible = !is_kept && !mutant::is(Mutant::NoOwnersOnWayBack);
            image::patch_owners(&image, live).filter(|_| is_possible)
        };
        image::patch_fields(&image, live).or_else(owners).map_or(Return::Nothing, Return::Patch)
    }

    /// Returns whether something of the object can never be again what it was, now that it is `live`.
    pub(crate) fn is_kept(&self, live: &Value) -> bool {
        let kept = |image| one_way::settle(&mut self.named(&image), &self.named(live));
        self.image().is_some_and(kept)
    }
}
