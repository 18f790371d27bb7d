//! Asks the API server what it would say to a plan.
//!
//! Who only looks gets everything checked. Who changes the cluster does not wait for that: objects
//! that do not exist yet are typed by the compiler and undone by deleting them, so asking about them
//! would only double the work; but for rights, which only the API server can weigh. Of many updates
//! that are alike a few are asked about: the others are undone, should they be refused.
//!
//! What comes behind a namespace, a definition or a role of the same release cannot be asked about:
//! dry runs do not add up. Such a step is marked.

use std::collections::{BTreeMap, BTreeSet};

use a4co_bundle::{FieldChange, Object, ObjectRef};
use serde_json::Value;

use crate::{
    change::{Change, Obstacle, Step},
    client::{Client, Effect},
    event::Observer,
    foresee::{self, Foreseen},
    immutable::{Answer, ImmutableChange, immutable_changes},
    one_way::{OneWay, one_way},
    plan::Plan,
    refusal::Refusal,
    site_release::SiteRelease,
    step::StepError,
    survey::{Survey, by_reference},
    waves::Waves,
};

/// Annotation of an object that may be deleted and created anew where it cannot change: its value
/// is `recreate`.
pub(crate) const POLICY_ANNOTATION: &str = "a4co.dev/on-immutable-change";

/// How many dry runs are worth their time before a change of many objects.
const SAMPLE: usize = 64;

/// How much is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Everything.
    All,
    /// Each kind of change, and not much more.
    Sample,
}

/// Asks about `plan`, and returns it with what the answers change.
pub(crate) async fn rehearse(
    client: &Client,
    survey: &Survey<'_>,
    release: &SiteRelease,
    mut plan: Plan,
    extent: Extent,
    observer: &dyn Observer,
) -> Result<Plan, Refusal> {
    let objects = by_reference(release.objects());
    mark_unchecked(&mut plan, survey, &objects);
    let mut immutable = immutable(survey, &plan, &objects);
    let mut errors = Vec::new();
    for foreseen in foresee::adoptions(client, survey, &plan, &objects).await? {
        let Foreseen { object, answer, one_way: steps, immutable: fixed } = foreseen;
        plan.one_way.extend(steps);
        match answer {
            Ok(fields) => adopt(&mut plan, &object, fields),
            Err(error) => errors.push(error),
        }
        if !fixed.is_empty() {
            immutable.entry(object).or_default().extend(fixed);
        }
    }
    let waves = Waves { writer: survey.writer(client, Effect::DryRun), observer, interrupt: None };
    let is_rehearsed = |step: &&Step| is_rehearsed(step, extent);
    let steps: Vec<&Step> = plan.writes().filter(is_rehearsed).collect();
    let steps = match extent {
        Extent::All => steps,
        Extent::Sample => sample(steps, |step| immutable.contains_key(&step.object)),
    };
    errors.extend(waves.write(&steps, &objects).await.1);
    if let Some(index) = errors.iter().position(StepError::is_unanswered) {
        return Err(match errors.swap_remove(index) {
            StepError::Write { error, .. } | StepError::Api(error) => error.into(),
            other => Refusal::DryRun { errors: vec![other] },
        });
    }
    let (invalid, mut errors): (Vec<_>, Vec<_>) =
        errors.into_iter().partition(|error| is_confirmed(error, &immutable));
    if !errors.is_empty() {
        errors.sort_by_key(ToString::to_string);
        return Err(Refusal::DryRun { errors });
    }
    let invalid: BTreeSet<_> = invalid.iter().filter_map(StepError::object).cloned().collect();
    for (object, changes) in immutable {
        let is_ignored = |change: &ImmutableChange| change.answer == Answer::Ignored;
        if invalid.contains(&object) || changes.iter().any(is_ignored) {
            let wanted = objects.get(&object).map(|object| object.manifest());
            let may_recreate = wanted.as_ref().is_some_and(allows_recreation);
            // A job that is created anew runs anew.
            let again = wanted.map_or_else(Vec::new, |after| one_way(&object, None, &after));
            resolve(&mut plan, object, changes, may_recreate, again);
        }
    }
    if plan.obstacles.is_empty() {
        plan.reverse(release, survey.current.as_ref());
        plan.foresee_undoing(release, survey.current.as_ref());
        return Ok(plan);
    }
    Err(Refusal::Obstacles { obstacles: plan.obstacles })
}

/// Changes of fields that can never change, by object.
type Immutable = BTreeMap<ObjectRef, Vec<ImmutableChange>>;

fn immutable(
    survey: &Survey<'_>,
    plan: &Plan,
    objects: &BTreeMap<&ObjectRef, &Object>,
) -> Immutable {
    let known = by_reference(survey.current.as_ref().map_or(&[], SiteRelease::objects));
    let updates = plan.steps.iter().filter(|step| matches!(step.change, Change::Update(_)));
    let changes = updates.filter_map(|step| {
        let (before, after) = (known.get(&step.object)?, objects.get(&step.object)?);
        let changes = immutable_changes(&before.manifest(), &after.manifest());
        (!changes.is_empty()).then(|| (step.object.clone(), changes))
    });
    changes.collect()
}

/// Tells whether an object was refused for what the table says can never change.
fn is_confirmed(error: &StepError, immutable: &Immutable) -> bool {
    error.is_invalid() && error.object().is_some_and(|object| immutable.contains_key(object))
}

/// Makes a recreation of a step that changes what can never change, or says that it cannot be done.
fn resolve(
    plan: &mut Plan,
    object: ObjectRef,
    changes: Vec<ImmutableChange>,
    may_recreate: bool,
    one_way: Vec<OneWay>,
) {
    let Some(step) = plan.steps.iter_mut().find(|step| step.object == object) else { return };
    let is_theirs = step.live.as_ref().is_some_and(|live| live.part_of.is_none());
    match &step.change {
        Change::Update(fields) | Change::Adopt(fields) if may_recreate && !is_theirs => {
            step.change = Change::Recreate(fields.clone());
            plan.one_way.extend(one_way);
        }
        _ => {
            let fields = changes.into_iter().map(|change| change.change).collect();
            plan.obstacles.push(if is_theirs {
                Obstacle::Unadoptable { object, fields }
            } else {
                Obstacle::Immutable { object, fields }
            });
        }
    }
}

pub(crate) fn may_recreate(object: &Object) -> bool {
    allows_recreation(&object.manifest())
}

fn allows_recreation(manifest: &Value) -> bool {
    manifest["metadata"]["annotations"][POLICY_ANNOTATION] == "recreate"
}

/// Notes what is foreseen of an object that is taken over.
fn adopt(plan: &mut Plan, object: &ObjectRef, fields: Vec<FieldChange>) {
    let step = plan.steps.iter_mut().find(|step| step.object == *object);
    if let Some(step) = step {
        step.change = Change::Adopt(fields);
    }
}

const ROLES: &str = "rbac.authorization.k8s.io";

fn is_rehearsed(step: &Step, extent: Extent) -> bool {
    let is_asked = match step.change {
        Change::Update(_) | Change::Restore => true,
        Change::Create => extent == Extent::All || step.object.group() == ROLES,
        _ => false,
    };
    is_asked && !step.unchecked
}

/// Marks the steps that cannot be asked about yet.
fn mark_unchecked(plan: &mut Plan, survey: &Survey<'_>, objects: &BTreeMap<&ObjectRef, &Object>) {
    let is_created = |step: &&Step| step.change == Change::Create;
    let created: BTreeSet<_> =
        plan.steps.iter().filter(is_created).map(|s| s.object.clone()).collect();
    let namespaces = created.iter().filter(|object| object.kind == "Namespace");
    let namespaces: BTreeSet<&str> = namespaces.map(|object| object.name.as_str()).collect();
    for step in plan.steps.iter_mut().filter(|step| step.change.is_touching()) {
        let namespace = step.object.namespace.as_deref();
        step.unchecked = namespace.is_some_and(|name| namespaces.contains(name))
            || !survey.resources.is_served(&step.object)
            || objects.get(&step.object).is_some_and(|object| binds_one_of(object, &created));
    }
}

/// Tells whether an object binds a role that is `created`: the API server asks what the role may.
fn binds_one_of(object: &Object, created: &BTreeSet<ObjectRef>) -> bool {
    let binding = object.reference();
    let is_binding = binding.group() == ROLES && binding.kind.ends_with("RoleBinding");
    is_binding && {
        let role = &object.manifest()["roleRef"];
        let is_it = |object: &ObjectRef| {
            let is_near = object.namespace.is_none() || object.namespace == binding.namespace;
            object.group() == ROLES
                && role["kind"] == *object.kind
                && role["name"] == *object.name
                && is_near
        };
        created.iter().any(is_it)
    }
}

/// Chooses some steps: all that are `special`, and one of each kind of change at least.
fn sample(mut steps: Vec<&Step>, is_special: impl Fn(&Step) -> bool) -> Vec<&Step> {
    let mut known = BTreeSet::new();
    let mut chosen = 0;
    // Stable: those that are special or the first of their kind come first.
    steps.sort_by_cached_key(|step| {
        let is_chosen = is_special(step) || known.insert(shape(step));
        chosen += usize::from(is_chosen);
        !is_chosen
    });
    steps.truncate(SAMPLE.max(chosen));
    steps
}

/// What a step changes, whatever the object is called.
fn shape(step: &Step) -> (&'static str, &str, &str, Vec<&str>) {
    let fields = step.change.fields().iter().map(|field| field.path.as_str());
    (step.change.name(), &step.object.api_version, &step.object.kind, fields.collect())
}
