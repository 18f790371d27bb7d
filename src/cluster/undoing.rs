//! What undoes a plan that fails, object by object. A pure function of the plan and two releases;
//! [`crate::undo`] is what does it, from the undo log.

use std::collections::BTreeSet;

use a4co_bundle::{GroupKind, Object};

use crate::{
    change::{Change, Step},
    one_way::{OneWay, Reason},
    plan::{self, Plan},
    site_release::SiteRelease,
};

/// What undoes one step when the plan fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Undoing {
    /// Nothing has to be undone.
    #[default]
    Nothing,
    /// It is deleted again.
    Delete,
    /// It is put back exactly as it was.
    Restore,
    /// It is put back as it was, but for what cannot be taken back, such as storage that a claim got.
    Partly,
    /// It is created again as it was.
    Create,
    /// It stays: deleting it would delete what people keep in it, or the release before has it, too.
    Stay,
    /// It stays away: a job that has run is not run again.
    Gone,
}

impl Undoing {
    /// Returns the word for it, as programs see it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::Partly => "partly",
            Self::Create => "create",
            Self::Stay => "stay",
            Self::Gone => "gone",
        }
    }
}

impl Plan {
    /// Works out what undoes every step to `target`, from `before`.
    pub(crate) fn foresee_undoing(&mut self, target: &SiteRelease, before: Option<&SiteRelease>) {
        let objects = before.map_or(&[][..], SiteRelease::objects).iter().map(Object::reference);
        let known: BTreeSet<_> = objects.collect();
        for step in &mut self.steps {
            let reasons = self.one_way.iter().filter(|one_way| one_way.object == step.object);
            let reasons: Vec<&OneWay> = reasons.collect();
            let is_lost = known.contains(&step.object);
            step.undoing = undoing(step, is_lost, &reasons, &target.config().keep);
        }
    }
}

fn undoing(step: &Step, is_lost: bool, one_way: &[&OneWay], keep: &[GroupKind]) -> Undoing {
    let stays =
        |why: &Reason| matches!(why, Reason::Version { .. } | Reason::StorageVersion { .. });
    let is_partial = |why: &Reason| matches!(why, Reason::Growth { .. } | Reason::Immutable { .. });
    let has = |wanted: fn(&Reason) -> bool| one_way.iter().any(|step| wanted(&step.why));
    match step.change {
        Change::Keep | Change::Leave | Change::Prune => Undoing::Nothing,
        // Somebody had deleted it, and the release before has it.
        Change::Create if is_lost => Undoing::Stay,
        Change::Create | Change::Made if plan::is_kept(&step.object, keep) => Undoing::Stay,
        Change::Create | Change::Made => Undoing::Delete,
        Change::Recreate(_) if plan::is_job(&step.object) => Undoing::Gone,
        Change::Recreate(_) => Undoing::Create,
        Change::Update(_) | Change::Adopt(_) | Change::Restore if has(stays) => Undoing::Stay,
        Change::Update(_) | Change::Adopt(_) | Change::Restore if has(is_partial) => {
            Undoing::Partly
        }
        Change::Update(_) | Change::Adopt(_) | Change::Restore => Undoing::Restore,
    }
}

#[cfg(test)]
mod tests {
    use a4co_bundle::ObjectRef;

    use super::*;

    #[test]
    fn each_step_is_undone_as_far_as_it_can_be() {
        let object = |kind: &str, api_version: &str| ObjectRef {
            kind: kind.to_owned(),
            api_version: api_version.to_owned(),
            namespace: None,
            name: "x".to_owned(),
        };
        let map = || object("ConfigMap", "v1");
        let claim = || object("PersistentVolumeClaim", "v1");
        let job = || object("Job", "batch/v1");
        let definition = || object("CustomResourceDefinition", "apiextensions.k8s.io/v1");
        let kept = GroupKind { group: String::new(), kind: "Secret".to_owned() };
        let growth = || Reason::Growth { from: "1Gi".to_owned(), to: "2Gi".to_owned() };
        let version = || Reason::Version { version: "v2".to_owned() };
        let update = || Change::Update(Vec::new());
        for (case, object, change, is_lost, reason, expected) in [
            ("made", map(), Change::Create, false, None, Undoing::Delete),
            ("made again", map(), Change::Create, true, None, Undoing::Stay),
            ("a claim", claim(), Change::Create, false, None, Undoing::Stay),
            (
                "kept by the release",
                object("Secret", "v1"),
                Change::Create,
                false,
                None,
                Undoing::Stay,
            ),
            ("the namespace", object("Namespace", "v1"), Change::Made, false, None, Undoing::Stay),
            ("changed", map(), update(), true, None, Undoing::Restore),
            ("taken over", map(), Change::Adopt(Vec::new()), false, None, Undoing::Restore),
            ("a claim that grows", claim(), update(), true, Some(growth()), Undoing::Partly),
            ("a definition", definition(), update(), true, Some(version()), Undoing::Stay),
            ("made anew", map(), Change::Recreate(Vec::new()), true, None, Undoing::Create),
            ("a job", job(), Change::Recreate(Vec::new()), true, None, Undoing::Gone),
            ("dropped", map(), Change::Prune, true, None, Undoing::Nothing),
        ] {
            let reason = reason.map(|why| OneWay { object: object.clone(), why });
            let step = Step::new(object, 1, change, None);
            let reasons: Vec<_> = reason.iter().collect();
            let found = undoing(&step, is_lost, &reasons, std::slice::from_ref(&kept));
            assert_eq!(found, expected, "{case}");
        }
    }
}
