//! What has to be done to bring a cluster to a release: a pure function of two releases, what was
//! recorded, and what is live.

use std::collections::{BTreeMap, BTreeSet};

use a4co_bundle::{GroupKind, Object, ObjectRef, field_changes};

use crate::{
    change::{Change, Obstacle, Step},
    inventory::Inventory,
    live::{Live, LiveObjects},
    mutant::{self, Mutant},
    one_way::{OneWay, Reason, one_way},
    site_release::Edition,
};

/// Kinds that are never pruned: deleting one deletes what people keep in it.
const KEPT_KINDS: [(&str, &str); 4] = [
    ("", "Namespace"),
    ("", "PersistentVolume"),
    ("", "PersistentVolumeClaim"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
];

/// Everything that has to be done, by wave and object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Release that the cluster has; `None` before the first one.
    pub from: Option<Edition>,
    /// Release that it shall have; `None` when all objects go.
    pub to: Option<Edition>,
    /// What happens to each object of either release.
    pub steps: Vec<Step>,
    /// Why it cannot be done.
    pub obstacles: Vec<Obstacle>,
    /// What cannot be taken back.
    pub one_way: Vec<OneWay>,
}

/// What a plan is made of.
pub(crate) struct Inputs<'a> {
    /// Objects that shall be there.
    pub(crate) target: &'a [Object],
    /// Objects that an earlier release may have left.
    pub(crate) current: &'a [Object],
    /// Objects whose deletion was refused before.
    pub(crate) leftover: &'a [ObjectRef],
    /// What was recorded when objects were applied last.
    pub(crate) inventory: &'a Inventory,
    /// What there is.
    pub(crate) live: &'a LiveObjects,
    /// Id of the set that the objects belong to.
    pub(crate) applyset: &'a str,
    /// More kinds that are never pruned.
    pub(crate) keep: &'a [GroupKind],
    /// Whether objects that others made are taken over.
    pub(crate) adopts: bool,
}

impl Plan {
    /// A plan without any step.
    pub(crate) fn empty(from: Option<Edition>, to: Option<Edition>) -> Self {
        Self { from, to, steps: Vec::new(), obstacles: Vec::new(), one_way: Vec::new() }
    }

    /// Returns the steps that write to the cluster.
    pub fn writes(&self) -> impl Iterator<Item = &Step> {
        let is_write = |step: &&Step| !matches!(step.change, Change::Keep | Change::Leave);
        self.steps.iter().filter(is_write)
    }

    /// Returns the steps that touch an object before the commit.
    pub(crate) fn touched(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.change.is_touching())
    }

    /// Returns whether nothing has to be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.writes().next().is_none()
    }

    /// Makes obstacles of the claims that are asked to shrink. Who goes back finds them as they are.
    pub(crate) fn refuse_to_shrink(&mut self) {
        let kept = self.one_way.extract_if(.., |step| matches!(step.why, Reason::Kept { .. }));
        self.obstacles.extend(kept.filter_map(|OneWay { object, why }| match why {
            Reason::Kept { has, wants } => Some(Obstacle::Shrinking { object, has, wants }),
            _ => None,
        }));
    }

    /// Returns the number of steps that `wanted` accepts.
    pub fn count(&self, wanted: impl Fn(&Change) -> bool) -> usize {
        self.steps.iter().filter(|step| wanted(&step.change)).count()
    }
}

/// Works out the steps from `from` to `to`.
pub(crate) fn draw(from: Option<Edition>, to: Option<Edition>, inputs: &Inputs<'_>) -> Plan {
    let known: BTreeMap<_, &Object> =
        inputs.current.iter().map(|object| (object.reference().identity(), object)).collect();
    let wanted: BTreeSet<_> =
        inputs.target.iter().map(|object| object.reference().identity()).collect();
    let mut plan = Plan::empty(from, to);
    for object in inputs.target {
        let before = known.get(&object.reference().identity()).copied();
        let live = inputs.live.get(object.reference());
        match change(inputs, object, before, live) {
            Ok(change) => {
                if matches!(change, Change::Create | Change::Update(_)) {
                    // What is created anew does not go on from what was.
                    let before = before.filter(|_| change != Change::Create).map(Object::manifest);
                    let (object, after) = (object.reference(), object.manifest());
                    plan.one_way.extend(one_way(object, before.as_ref(), &after));
                }
                plan.steps.push(step(object, change, live));
            }
            Err(obstacle) => plan.obstacles.push(obstacle),
        }
    }
    let left = inputs.current.iter().map(|object| (object.reference(), object.wave()));
    // What is going already goes first: what is left besides may be needed for that.
    let is_going = |object| inputs.live.get(object).is_some_and(|live| live.deleting);
    let leftover = inputs.leftover.iter().map(|object| (object, u8::from(is_going(object))));
    let left = left.chain(leftover);
    let mut gone = BTreeSet::new();
    for (object, wave) in left {
        let live = inputs.live.get(object);
        let is_member = live.is_some_and(|live| live.part_of.as_deref() == Some(inputs.applyset))
            || live.is_some() && mutant::is(Mutant::PruneOthers);
        if is_member && !wanted.contains(&object.identity()) && gone.insert(object.identity()) {
            let leave = is_kept(object, inputs.keep);
            let change = if leave { Change::Leave } else { Change::Prune };
            plan.steps.push(Step::new(object.clone(), wave, change, live.cloned()));
        }
    }
    plan
}

fn step(object: &Object, change: Change, live: Option<&Live>) -> Step {
    Step::new(object.reference().clone(), object.wave(), change, live.cloned())
}

fn change(
    inputs: &Inputs<'_>,
    object: &Object,
    before: Option<&Object>,
    live: Option<&Live>,
) -> Result<Change, Obstacle> {
    let reference = || object.reference().clone();
    let Some(live) = live else {
        // A job that ran and is gone must not run again.
        let has_run = before.is_some_and(|before| before.digest() == object.digest());
        let is_done = has_run && is_job(object.reference());
        return Ok(if is_done { Change::Keep } else { Change::Create });
    };
    if live.deleting {
        return Err(Obstacle::Deleting(reference()));
    }
    let is_namespace = object.reference().kind == "Namespace";
    match live.part_of.as_deref() {
        Some(set) if set == inputs.applyset => {}
        Some(other) => {
            return Err(Obstacle::OtherSet { object: reference(), part_of: other.to_owned() });
        }
        // A namespace is often made by somebody else before the release comes.
        None if is_namespace => return Ok(Change::Restore),
        None if inputs.adopts => return Ok(Change::Adopt(Vec::new())),
        None => return Err(Obstacle::Foreign(reference())),
    }
    let record = inputs.inventory.get(object.reference());
    let is_untouched = record.is_some_and(|record| record.is_untouched(live));
    let is_same = record.is_some_and(|record| record.digest == object.digest());
    Ok(match (is_same, is_untouched, before) {
        (true, true, _) => Change::Keep,
        (false, _, Some(before)) if before.digest() != object.digest() => {
            Change::Update(field_changes(&before.manifest(), &object.manifest()))
        }
        _ => Change::Restore,
    })
}

/// Tells whether an object is a job, which does its work once.
pub(crate) fn is_job(object: &ObjectRef) -> bool {
    object.group() == "batch" && object.kind == "Job"
}

pub(crate) fn is_kept(object: &ObjectRef, keep: &[GroupKind]) -> bool {
    KEPT_KINDS.contains(&(object.group(), object.kind.as_str()))
        || keep.iter().any(|kept| kept.group == object.group() && kept.kind == object.kind)
}

#[cfg(test)]
mod tests {
    use a4co_bundle::{Digest, PART_OF_LABEL};
    use serde_json::json;

    use super::*;
    use crate::inventory::Record;

    const SET: &str = "applyset-ours-v1";

    fn object(kind: &str, text: &str) -> Object {
        let manifest = json!({
            "apiVersion": "v1",
            "kind": kind,
            "metadata": { "name": "x", "labels": { PART_OF_LABEL: SET } },
            "data": { "text": text },
        });
        Object::new(2, &manifest, SET).unwrap()
    }

    fn live(part_of: Option<&str>, owned: &str) -> Live {
        Live {
            uid: "u1".to_owned(),
            resource_version: "1".to_owned(),
            part_of: part_of.map(str::to_owned),
            deleting: false,
            finalizers: Vec::new(),
            owned: Some(Digest::of(owned.as_bytes())),
            owns_replicas: false,
            epoch: None,
        }
    }

    fn recorded(object: &Object, owned: &str) -> Inventory {
        let mut inventory = Inventory::default();
        let owned = Some(Digest::of(owned.as_bytes()));
        let record = Record { uid: "u1".to_owned(), digest: object.digest(), owned };
        inventory.insert(object.reference().clone(), record);
        inventory
    }

    /// What happens to one object: what a release has, had, what was recorded, what is live.
    fn decide(
        target: Option<&Object>,
        current: Option<&Object>,
        inventory: &Inventory,
        live: Option<Live>,
    ) -> Result<Option<&'static str>, Obstacle> {
        let some = target.or(current).unwrap();
        let live = live.map(|live| (some.reference().clone(), live)).into_iter().collect();
        let plan = draw(
            None,
            None,
            &Inputs {
                target: target.map_or(&[], std::slice::from_ref),
                current: current.map_or(&[], std::slice::from_ref),
                leftover: &[],
                inventory,
                live: &live,
                applyset: SET,
                keep: &[],
                adopts: false,
            },
        );
        if let Some(obstacle) = plan.obstacles.into_iter().next() {
            return Err(obstacle);
        }
        Ok(plan.steps.first().map(|step| step.change.name()))
    }

    #[test]
    fn each_object_gets_the_one_change_that_it_needs() {
        let (old, new) = (object("ConfigMap", "old"), object("ConfigMap", "new"));
        let space = object("Namespace", "");
        let none = Inventory::default();
        let ours = || Some(live(Some(SET), "as left"));
        let drifted = || Some(live(Some(SET), "changed by others"));
        let record = recorded(&old, "as left");
        for (case, target, current, inventory, live, expected) in [
            ("absent is created", Some(&old), None, &none, None, Some("create")),
            (
                "removed by somebody is created again",
                Some(&old),
                Some(&old),
                &record,
                None,
                Some("create"),
            ),
            ("equal is kept", Some(&old), Some(&old), &record, ours(), Some("keep")),
            (
                "changed by the release is updated",
                Some(&new),
                Some(&old),
                &record,
                ours(),
                Some("update"),
            ),
            (
                "changed by somebody is restored",
                Some(&old),
                Some(&old),
                &record,
                drifted(),
                Some("restore"),
            ),
            (
                "unknown to the inventory is sent again",
                Some(&old),
                Some(&old),
                &none,
                ours(),
                Some("restore"),
            ),
            ("dropped by the release is pruned", None, Some(&old), &record, ours(), Some("prune")),
            ("dropped and gone needs nothing", None, Some(&old), &record, None, None),
            (
                "dropped and taken over by others is left alone",
                None,
                Some(&old),
                &record,
                Some(self::live(None, "as left")),
                None,
            ),
            ("a namespace is never pruned", None, Some(&space), &none, ours(), Some("leave")),
            (
                "a namespace that others made is joined",
                Some(&space),
                None,
                &none,
                Some(self::live(None, "")),
                Some("restore"),
            ),
        ] {
            assert_eq!(decide(target, current, inventory, live), Ok(expected), "{case}");
        }
    }

    #[test]
    fn an_object_that_is_not_ours_is_an_obstacle() {
        let wanted = object("ConfigMap", "new");
        let reference = wanted.reference().clone();
        let deleting = Live { deleting: true, ..live(Some(SET), "as left") };
        for (case, live, expected) in [
            ("made by hand", live(None, ""), Obstacle::Foreign(reference.clone())),
            ("being deleted", deleting, Obstacle::Deleting(reference.clone())),
            (
                "of another release",
                live(Some("applyset-other-v1"), ""),
                Obstacle::OtherSet {
                    object: reference.clone(),
                    part_of: "applyset-other-v1".to_owned(),
                },
            ),
        ] {
            let found = decide(Some(&wanted), None, &Inventory::default(), Some(live));
            assert_eq!(found, Err(expected), "{case}");
        }
    }
}
