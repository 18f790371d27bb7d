//! Deletes a release: everything that it owns, and then its state.
//!
//! The commit point is the head write after which nothing is committed any more. Before it nothing
//! is deleted; after it, this command or the next one deletes to the end.

use std::collections::BTreeSet;

use a4co_bundle::{ObjectRef, ReleaseId, applyset_id};
use serde_json::Value;

use crate::{
    apply::Options,
    change::Change,
    client::Client,
    collect::collect,
    event::Event,
    event::Observer,
    failure::Failure,
    head::{Head, State},
    head_object::HeadObject,
    history::Action,
    interrupt::Interrupt,
    inventory::Inventory,
    lease, live,
    mutant::{self, Mutant},
    place::Place,
    plan::{self, Inputs, Plan},
    preflight,
    recover::{Recovered, finish_or_undo, warn},
    refusal::Refusal,
    resource::Resources,
    site_release::SiteRelease,
    step::StepError,
    survey::load,
    transaction::{Transaction, close},
    waves::Stopped,
    work::Work,
};

/// What deleting a release comes to, for a person to agree to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletionPlan {
    /// What happens to each object.
    pub plan: Plan,
    /// What is under way, and is finished or undone first.
    pub state: State,
    /// Objects (each a `StatefulSet`) that say that the claims of their template are deleted with them, and so what
    /// people keep in these.
    pub takes_claims: Vec<ObjectRef>,
}

/// What was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// Release that the cluster had.
    pub release: Option<ReleaseId>,
    /// What was planned.
    pub plan: Plan,
    /// Objects whose deletion was refused. While there are some, the state stays.
    pub leftover: Vec<ObjectRef>,
}

/// Works out what deleting the release of `place` would do.
///
/// # Errors
/// Refuses when there is none, when the state cannot be read, or when the user may not do it.
pub async fn plan_deletion(client: &Client, place: &Place) -> Result<DeletionPlan, Refusal> {
    let doomed = Doomed::of(client, place, place.head_object(client).await?).await?;
    let objects = doomed.release.as_ref().map_or(&[][..], SiteRelease::objects).iter();
    let takes_claims = objects
        .filter(|object| takes_claims(object.reference(), &object.manifest()))
        .map(|object| object.reference().clone());
    Ok(DeletionPlan {
        takes_claims: takes_claims.collect(),
        state: doomed.head.head.state,
        plan: doomed.plan,
    })
}

fn takes_claims(object: &ObjectRef, manifest: &Value) -> bool {
    let policy = &manifest["spec"]["persistentVolumeClaimRetentionPolicy"];
    (object.group(), object.kind.as_str()) == ("apps", "StatefulSet")
        && policy["whenDeleted"] == "Delete"
}

impl DeletionPlan {
    /// Returns whether carrying out `plan` is no more than what was agreed to.
    fn covers(&self, plan: &Plan) -> bool {
        let is_same = plan.from == self.plan.from;
        // What is undone first comes back, and goes with its release.
        if self.state != State::Idle && is_same {
            return true;
        }
        let agreed: BTreeSet<_> = pruned(&self.plan).collect();
        (is_same || plan.from.is_none()) && pruned(plan).all(|object| agreed.contains(object))
    }
}

fn pruned(plan: &Plan) -> impl Iterator<Item = &ObjectRef> {
    let steps = plan.steps.iter().filter(|step| step.change == Change::Prune);
    steps.map(|step| &step.object)
}

/// Deletes the release of `place`: its objects, but for those whose kind is never pruned, and its
/// state. What an interrupted command left is finished or undone first. Where it would be something
/// else than was `agreed` to, nothing is deleted.
///
/// # Errors
/// A [`Failure`] tells why, and what became of the cluster.
pub async fn delete(
    client: &Client,
    place: &Place,
    agreed: Option<&DeletionPlan>,
    options: &Options,
    observer: &dyn Observer,
    interrupt: Interrupt,
) -> Result<Deletion, Failure> {
    let work = Work { client, place, options, observer, interrupt };
    let lease = work.acquire().await?;
    let client = lease.guard(client);
    let work = Work { client: &client, ..work };
    let deletion = Box::pin(work.under(lease, delete_under(&work, agreed))).await?;
    // Without it everything is deleted too, but for this trace.
    drop(lease::forget(&client, place).await);
    Ok(deletion)
}

async fn delete_under(work: &Work<'_>, agreed: Option<&DeletionPlan>) -> Result<Deletion, Failure> {
    let recovered = finish_or_undo(work, work.place.head_object(work.client).await?).await?;
    let deleted = delete_recovered(work, agreed, recovered).await;
    deleted.map_err(|failure| recovered.before(failure))
}

async fn delete_recovered(
    work: &Work<'_>,
    agreed: Option<&DeletionPlan>,
    recovered: Recovered,
) -> Result<Deletion, Failure> {
    let Work { client, place, .. } = *work;
    let head = place.head_object(client).await?;
    if let (Recovered::Deleted(release), false) = (recovered, head.exists()) {
        let (plan, leftover) = (Plan::empty(release.map(Into::into), None), Vec::new());
        return Ok(Deletion { release, plan, leftover });
    }
    let Doomed { head, release, resources, plan } = Doomed::of(client, place, head).await?;
    if agreed.is_some_and(|agreed| !agreed.covers(&plan)) {
        return Err(Refusal::NotAgreed.into());
    }
    work.observer.observe(&Event::Planned(&plan));
    work.heed_interrupt()?;
    let mut transaction = work.transaction(head, resources, Inventory::default());
    if mutant::is(Mutant::DeleteBeforeCommit) {
        transaction.waves().prune(&plan, transaction.timeout).await;
    }
    let opened = transaction.write_head(|head| {
        head.state = State::Committed;
        head.epoch += 1;
        head.action = Some(Action::Delete);
        head.from = head.committed.take();
    });
    // Nothing is deleted yet, so this is still a refusal.
    opened.await.map_err(crate::work::refused)?;
    let (release, keep) = (release.as_ref().map(SiteRelease::id), plan.clone());
    match finish_deletion(&mut transaction, &plan).await {
        Ok(refused) => {
            warn(work.observer, &refused);
            let leftover = refused.iter().filter_map(StepError::object).cloned().collect();
            Ok(Deletion { release, plan: keep, leftover })
        }
        Err(cause) => Err(Failure::Unfinished { cause }),
    }
}

/// Goes on with a deletion whose journal is open.
pub(crate) async fn go_on(work: &Work<'_>, head: HeadObject) -> Result<(), Failure> {
    let doomed = Doomed::of(work.client, work.place, head).await?;
    let mut transaction = work.transaction(doomed.head, doomed.resources, Inventory::default());
    let finished = finish_deletion(&mut transaction, &doomed.plan).await;
    warn(work.observer, &finished.map_err(|cause| Failure::Unfinished { cause })?);
    Ok(())
}

/// Deletes what is to go, then the state. Returns what was refused.
async fn finish_deletion(
    transaction: &mut Transaction<'_>,
    plan: &Plan,
) -> Result<Vec<StepError>, StepError> {
    if mutant::is(Mutant::DeleteHeadFirst) {
        transaction.head.clone().delete(transaction.client).await?;
    }
    let pruned = transaction.waves().prune(plan, transaction.timeout).await.answered()?;
    if let Some(Stopped { why, .. }) = pruned.stopped {
        return Err(why);
    }
    transaction.remover().until_gone(&pruned.deleted, transaction.timeout).await?;
    let left = plan.steps.iter().filter(|step| step.change == Change::Leave);
    for namespace in left.filter(|step| step.object.kind == "Namespace") {
        transaction.writer().disown(&namespace.object).await?;
    }
    let refused = pruned.refused.iter().filter_map(StepError::object).cloned();
    let leftover = transaction.remembered(refused.collect());
    let is_all = pruned.refused.is_empty();
    transaction
        .write_head(|head| {
            head.inventory = None;
            head.history.clear();
            head.leftover = leftover;
            // The journal stays open until the head itself is gone: whoever is killed before that
            // leaves something that the next command finishes.
            if is_all { head.from = None } else { close(head) }
        })
        .await?;
    if is_all {
        let store = transaction.place.store(transaction.client);
        if let Some(why) = collect(&store, &transaction.head).await.failure {
            return Err(why);
        }
        transaction.head.clone().delete(transaction.client).await?;
    }
    Ok(pruned.refused)
}

/// A release that is to go.
struct Doomed {
    head: HeadObject,
    release: Option<SiteRelease>,
    resources: Resources,
    plan: Plan,
}

impl Doomed {
    async fn of(client: &Client, place: &Place, head: HeadObject) -> Result<Self, Refusal> {
        if !head.exists() {
            return Err(Refusal::NoRelease { place: place.to_string() });
        }
        let Head { committed, from, .. } = head.head;
        let release = match committed.or(from) {
            Some(stored) => Some(load(client, place, stored).await?),
            None => None,
        };
        let current = release.as_ref().map_or(&[][..], SiteRelease::objects);
        let leftover = &head.head.leftover;
        let resources = Resources::of_kinds(client, current, leftover).await?;
        let references = current.iter().map(a4co_bundle::Object::reference).chain(leftover);
        let live = live::read(client, &resources, references).await?;
        let inputs = Inputs {
            target: &[],
            current,
            leftover,
            inventory: &Inventory::default(),
            live: &live,
            applyset: &applyset_id(&place.app, &place.namespace),
            keep: release.as_ref().map_or(&[], |release| &release.config().keep),
            adopts: false,
        };
        let plan = plan::draw(release.as_ref().map(SiteRelease::edition), None, &inputs);
        preflight::check_rights(client, place, &resources, inputs.keep, &plan).await?;
        Ok(Self { head, release, resources, plan })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::change::Step;

    fn object(kind: &str, name: &str) -> ObjectRef {
        let (kind, name) = (kind.to_owned(), name.to_owned());
        ObjectRef { kind, api_version: "apps/v1".to_owned(), namespace: None, name }
    }

    fn plan(release: Option<&str>, pruned: &[&str]) -> Plan {
        let mut plan = Plan::empty(release.map(|name| ReleaseId::of(name.as_bytes()).into()), None);
        let steps = pruned.iter().map(|name| Step::new(object("X", name), 1, Change::Prune, None));
        plan.steps.extend(steps);
        plan
    }

    #[test]
    fn what_was_agreed_to_covers_no_more_than_was_shown() {
        let agreed = |state| DeletionPlan {
            plan: plan(Some("shown"), &["a", "b"]),
            state,
            takes_claims: Vec::new(),
        };
        for (case, state, release, pruned, expected) in [
            ("the same", State::Idle, Some("shown"), vec!["a", "b"], true),
            ("less", State::Idle, Some("shown"), vec!["b"], true),
            ("more", State::Idle, Some("shown"), vec!["a", "b", "c"], false),
            ("another release", State::Idle, Some("other"), vec!["a"], false),
            ("what a deletion left", State::Committed, None, vec!["a"], true),
            ("more than a deletion left", State::Committed, None, vec!["c"], false),
            ("what was undone first", State::Applying, Some("shown"), vec!["a", "c"], true),
            ("another one was finished", State::Committed, Some("other"), vec!["a"], false),
        ] {
            assert_eq!(agreed(state).covers(&plan(release, &pruned)), expected, "{case}");
        }
    }

    #[test]
    fn a_stateful_set_says_whether_its_claims_go_with_it() {
        let with = |policy: &str| json!({ "spec": { "persistentVolumeClaimRetentionPolicy": { "whenDeleted": policy } } });
        for (case, kind, manifest, expected) in [
            ("they go", "StatefulSet", with("Delete"), true),
            ("they stay", "StatefulSet", with("Retain"), false),
            ("it says nothing", "StatefulSet", json!({}), false),
            ("another kind", "Deployment", with("Delete"), false),
        ] {
            assert_eq!(takes_claims(&object(kind, "x"), &manifest), expected, "{case}");
        }
    }
}
