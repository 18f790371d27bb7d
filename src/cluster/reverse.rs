//! The other direction of a plan: what a rollback to the release before would do to each object,
//! once the plan is carried out. A pure function of two releases and a plan.
//!
//! A plan that fails is undone from the undo log instead, which brings every object back to exactly
//! what it was. After the commit that log is gone: a rollback knows the two releases, and what
//! others had changed or made is theirs no more.

use std::collections::BTreeMap;

use a4co_bundle::Object;

use crate::{
    change::{Change, Step},
    immutable::immutable_changes,
    one_way,
    plan::{self, Plan},
    rehearse::may_recreate,
    site_release::SiteRelease,
    survey::by_reference,
};

/// What a rollback to the release before does to one object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reversal {
    /// Nothing.
    #[default]
    Nothing,
    /// The release before does not have it, so it is deleted.
    Delete,
    /// It is created again, without what people kept in it.
    Create,
    /// It is a job that is created, or deleted and created anew, and runs again.
    Rerun,
    /// Its fields change back.
    Update,
    /// It is deleted and created anew, for its fields cannot change back.
    Recreate,
    /// It stays, for taking it away would take away what people keep in it or rely on.
    Stay,
    /// It bars the rollback: its fields cannot change back, and the release before does not let it
    /// be created anew.
    Bar,
}

impl Reversal {
    /// Returns the word for it, as users see it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Delete => "delete",
            Self::Create => "create",
            Self::Rerun => "rerun",
            Self::Update => "update",
            Self::Recreate => "recreate",
            Self::Stay => "stay",
            Self::Bar => "bar",
        }
    }
}

impl Plan {
    /// Works out the way back of every step, from `target` to `before`. Without a release before,
    /// there is none.
    pub(crate) fn reverse(&mut self, target: &SiteRelease, before: Option<&SiteRelease>) {
        let Some(before) = before else { return };
        let wanted = by_reference(target.objects());
        let known: BTreeMap<_, &Object> =
            before.objects().iter().map(|object| (object.reference().identity(), object)).collect();
        for step in &mut self.steps {
            let old = known.get(&step.object.identity()).copied();
            let new = wanted.get(&step.object).copied();
            step.way_back = match (old, new) {
                (Some(old), Some(new)) => back_to(old, new),
                (Some(_), None) => restored(step),
                (None, Some(_)) if plan::is_kept(&step.object, &before.config().keep) => {
                    Reversal::Stay
                }
                (None, Some(_)) => Reversal::Delete,
                (None, None) => Reversal::Nothing,
            };
        }
    }
}

/// The way back of an object that the release drops.
fn restored(step: &Step) -> Reversal {
    match step.change {
        Change::Prune if plan::is_job(&step.object) => Reversal::Rerun,
        Change::Prune => Reversal::Create,
        _ => Reversal::Nothing,
    }
}

/// The way back of an object that both releases have.
fn back_to(old: &Object, new: &Object) -> Reversal {
    if old.digest() == new.digest() {
        return Reversal::Nothing;
    }
    let (before, after) = (old.manifest(), new.manifest());
    let is_definition = old.reference().kind == "CustomResourceDefinition";
    if is_definition && one_way::keeps_definition(&after, &before) {
        return Reversal::Stay;
    }
    let mut settled = before.clone();
    one_way::settle_storage(&mut settled, &after);
    match (immutable_changes(&after, &settled).is_empty(), may_recreate(old)) {
        (true, _) if settled == after => Reversal::Stay,
        (true, _) => Reversal::Update,
        (false, true) if plan::is_job(old.reference()) => Reversal::Rerun,
        (false, true) => Reversal::Recreate,
        (false, false) => Reversal::Bar,
    }
}

#[cfg(test)]
mod tests {
    use a4co_bundle::{
        CONFIG_SCHEMA, GroupKind, PART_OF_LABEL, Release, ReleaseConfig, Requirements, applyset_id,
    };
    use serde_json::{Value, json};

    use super::*;

    fn release(objects: &[Value]) -> SiteRelease {
        let config = ReleaseConfig {
            schema: CONFIG_SCHEMA,
            app: "shop".to_owned(),
            environment: "test".to_owned(),
            version: "1.0.0".parse().unwrap(),
            namespace: "shop".to_owned(),
            images: Vec::new(),
            requirements: Requirements::default(),
            readiness: Vec::new(),
            keep: vec![GroupKind { group: "example.com".to_owned(), kind: "Disk".to_owned() }],
            notes: Vec::new(),
        };
        let labelled = |object: &Value| {
            let mut object = object.clone();
            object["metadata"]["name"] = json!("x");
            object["metadata"]["labels"][PART_OF_LABEL] = applyset_id("shop", "shop").into();
            (1, object)
        };
        let objects = objects.iter().map(labelled).collect();
        SiteRelease::plain(Release::new(config, objects).unwrap())
    }

    fn object(api_version: &str, kind: &str, spec: &Value) -> Value {
        json!({ "apiVersion": api_version, "kind": kind, "metadata": {}, "spec": spec })
    }

    fn recreated(mut object: Value) -> Value {
        object["metadata"]["annotations"] = json!({ "a4co.dev/on-immutable-change": "recreate" });
        object
    }

    #[test]
    fn each_step_has_the_way_back_that_a_rollback_takes() {
        let config = |text: &str| object("v1", "ConfigMap", &json!(text));
        let web = |app: &str| object("apps/v1", "Deployment", &json!({ "selector": app }));
        let claim = |size: &str| {
            let storage = json!({ "resources": { "requests": { "storage": size } } });
            object("v1", "PersistentVolumeClaim", &storage)
        };
        let definition = |versions: &[&str]| {
            let versions = versions.iter().map(|name| json!({ "name": name, "served": true }));
            let versions: Vec<_> = versions.collect();
            object(
                "apiextensions.k8s.io/v1",
                "CustomResourceDefinition",
                &json!({ "versions": versions }),
            )
        };
        let job = || object("batch/v1", "Job", &json!({}));
        let (create, prune) = (Change::Create, Change::Prune);
        let update = || Change::Update(Vec::new());
        for (case, before, target, change, expected) in [
            ("created", None, Some(config("a")), create.clone(), Reversal::Delete),
            (
                "created, of a kind that is never pruned",
                None,
                Some(claim("1Gi")),
                create.clone(),
                Reversal::Stay,
            ),
            (
                "created, of a kind that the release before never prunes",
                None,
                Some(object("example.com/v1", "Disk", &json!({}))),
                create.clone(),
                Reversal::Stay,
            ),
            (
                "created again after somebody deleted it",
                Some(config("a")),
                Some(config("a")),
                create,
                Reversal::Nothing,
            ),
            ("taken over", None, Some(config("a")), Change::Adopt(Vec::new()), Reversal::Delete),
            ("changed", Some(config("a")), Some(config("b")), update(), Reversal::Update),
            ("set right", Some(config("a")), Some(config("a")), Change::Restore, Reversal::Nothing),
            ("pruned", Some(config("a")), None, prune.clone(), Reversal::Create),
            ("a pruned job", Some(job()), None, prune, Reversal::Rerun),
            ("left", Some(claim("1Gi")), None, Change::Leave, Reversal::Nothing),
            ("grown", Some(claim("1Gi")), Some(claim("2Gi")), update(), Reversal::Stay),
            (
                "a definition with another version",
                Some(definition(&["v1"])),
                Some(definition(&["v1", "v2"])),
                update(),
                Reversal::Stay,
            ),
            (
                "created anew, and back again",
                Some(recreated(web("a"))),
                Some(recreated(web("b"))),
                Change::Recreate(Vec::new()),
                Reversal::Recreate,
            ),
            (
                "created anew, but only the new release allows that",
                Some(web("a")),
                Some(recreated(web("b"))),
                Change::Recreate(Vec::new()),
                Reversal::Bar,
            ),
        ] {
            let before = release(&before.into_iter().collect::<Vec<_>>());
            let target = release(&target.into_iter().collect::<Vec<_>>());
            let object = target.objects().iter().chain(before.objects()).next().unwrap();
            let mut plan = Plan::empty(Some(before.edition()), Some(target.edition()));
            plan.steps.push(Step::new(object.reference().clone(), 1, change, None));
            plan.reverse(&target, Some(&before));
            assert_eq!(plan.steps[0].way_back, expected, "{case}");
        }
    }
}
