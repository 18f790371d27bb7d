//! Why objects are not ready, as the cluster itself explains it: a workload by its condition, its
//! pods, and where those are silent, by events.
//!
//! However many objects there are, one look costs a bounded number of requests: one for the pods of
//! up to 40 workloads in a namespace, and a handful for the few that are still not understood.
//! Nothing here can fail: what cannot be read explains nothing.

use std::{collections::BTreeMap, iter};

use a4co_bundle::ObjectRef;
use serde_json::Value;

use crate::{
    client::{Client, Form},
    conditions, kube_event,
    pods::{self, PodsOf, Revision, Stage, Workload},
    trouble::{Source, Trouble, UNBOUND, is_node_coming},
};

/// `ReplicaSets` that are asked which revision they are, in one look.
const REPLICA_SETS: usize = 8;

/// Objects about which events are asked for, in one look. Events are not cached by the API server.
const EVENTS: usize = 3;

/// Claims of one pod that are looked at.
const CLAIMS: usize = 3;

/// What keeps objects from becoming ready.
pub(crate) type Troubles = BTreeMap<ObjectRef, Trouble>;

/// A pod of the current revision, and where it has come to.
struct Member<'a> {
    pod: &'a Value,
    stage: Stage,
}

/// Something that has to be asked about.
#[derive(Clone, Copy)]
enum Question<'a> {
    /// A workload without pods.
    NoPods(Workload<'a>),
    /// A pod that is scheduled, but does not start, or runs and is not ready.
    Silent(&'a Value),
    /// A pod that the scheduler has no node for.
    Unscheduled(&'a Value),
}

/// Finds out what keeps each of `workloads` from becoming ready. Events are asked for only if
/// `with_events`, which is for what is late.
pub(crate) async fn explain(
    client: &Client,
    workloads: &[Workload<'_>],
    with_events: bool,
) -> Troubles {
    let pods = pods::read(client, workloads).await;
    let revisions = revisions(client, workloads, &pods).await;
    let mut troubles = Troubles::new();
    let mut left = if with_events { EVENTS } else { 0 };
    for workload in workloads {
        let members = members(*workload, &pods, &revisions);
        let told = controller(*workload).into_iter().chain(members.iter().filter_map(Member::told));
        let count = members.iter().filter(|member| member.stage != Stage::Good).count();
        let mut trouble = told.min_by_key(Trouble::rank);
        if let Some(question) = question(*workload, &members, trouble.as_ref()) {
            trouble = match left {
                0 => trouble.map(unasked),
                _ => question.answer(client, trouble).await,
            };
            left = left.saturating_sub(1);
        }
        if let Some(mut trouble) = trouble {
            if count > 1 {
                trouble.text = format!("{} (and {} more)", trouble.text, count - 1);
            }
            troubles.insert(workload.reference.clone(), trouble);
        }
    }
    troubles
}

impl Member<'_> {
    fn told(&self) -> Option<Trouble> {
        match &self.stage {
            Stage::Told(trouble) | Stage::Unscheduled(trouble) | Stage::Unready(trouble) => {
                Some(trouble.clone())
            }
            Stage::Good | Stage::Starting => None,
        }
    }
}

/// What a workload itself says about why it has no pods.
fn controller(workload: Workload<'_>) -> Option<Trouble> {
    let condition = conditions::holding(workload.object, "ReplicaFailure")?;
    let reason = condition["reason"].as_str()?;
    let words = condition["message"].as_str().unwrap_or_default();
    Trouble::new(Source::Controller, reason, "", words)
}

/// The pods of `workload` that are of its current revision.
fn members<'a>(workload: Workload<'_>, pods: &'a PodsOf, revisions: &Revisions) -> Vec<Member<'a>> {
    let wanted = &workload.object["metadata"]["annotations"][REVISION];
    let is_current = |pod: &&Value| match workload.revision(pod) {
        Revision::Current => true,
        Revision::Old => false,
        // Where it cannot be told, nothing is said against the workload.
        Revision::OfReplicaSet(name) => {
            let revision = revisions.get(&key(pod, &name));
            revision.is_some_and(|revision| revision.is_string() && revision == wanted)
        }
    };
    let pods = pods.get(workload.reference).into_iter().flatten().filter(is_current);
    pods.map(|pod| Member { pod, stage: pods::stage(workload, pod) }).collect()
}

/// Decides what has to be asked to understand `workload`, given what was told already.
fn question<'a>(
    workload: Workload<'a>,
    members: &[Member<'a>],
    told: Option<&Trouble>,
) -> Option<Question<'a>> {
    let first = |is_wanted: fn(&Stage) -> bool| {
        members.iter().find(|member| is_wanted(&member.stage)).map(|member| member.pod)
    };
    match told {
        Some(trouble) if trouble.is_from(Source::Scheduling) => {
            first(|stage| matches!(stage, Stage::Unscheduled(_))).map(Question::Unscheduled)
        }
        Some(trouble) if trouble.is_from(Source::Pod) => {
            first(|stage| matches!(stage, Stage::Starting | Stage::Unready(_)))
                .map(Question::Silent)
        }
        Some(_) => None,
        None if members.is_empty() => Some(Question::NoPods(workload)),
        None => first(|stage| *stage == Stage::Starting).map(Question::Silent),
    }
}

impl Question<'_> {
    /// Asks, and returns the trouble that is known then.
    async fn answer(self, client: &Client, told: Option<Trouble>) -> Option<Trouble> {
        let (object, source) = match self {
            Self::NoPods(workload) => (workload.object, Source::Controller),
            Self::Silent(pod) => (pod, Source::Pod),
            Self::Unscheduled(pod) => return Some(unscheduled(client, pod, told?).await),
        };
        let who = match self {
            Self::NoPods(_) => String::new(),
            _ => format!("pod {}", name(object)),
        };
        let events = events(client, object).await.unwrap_or_default();
        let trouble = told_by(&events, source, &who).or_else(|| told.clone())?;
        Some(Trouble { log: told.and_then(|told| told.log), ..trouble })
    }
}

/// Without events nobody knows whether a node is coming.
fn unasked(told: Trouble) -> Trouble {
    Trouble { is_excused: told.is_from(Source::Scheduling), ..told }
}

/// What keeps the scheduler from finding a node: perhaps a claim, or that a node is yet to come.
async fn unscheduled(client: &Client, pod: &Value, told: Trouble) -> Trouble {
    for claim in claims(pod).into_iter().take(CLAIMS) {
        let path = format!("/api/v1/namespaces/{}/persistentvolumeclaims/{claim}", namespace(pod));
        let found: Option<Value> = client.get(&path, Form::Whole).await.unwrap_or_default();
        if let Some(found) = found.filter(|found| found["status"]["phase"] != "Bound") {
            return unbound(client, &found).await.unwrap_or(told);
        }
    }
    let Some(events) = events(client, pod).await else { return unasked(told) };
    let is_excused = events.iter().any(|event| is_node_coming(kube_event::reason(event)));
    Trouble { is_excused, ..told }
}

/// Why a claim has no volume.
async fn unbound(client: &Client, claim: &Value) -> Option<Trouble> {
    let who = format!("PersistentVolumeClaim {}", name(claim));
    let events = events(client, claim).await.unwrap_or_default();
    let silent = || Trouble::new(Source::Claim, UNBOUND, &who, "has no volume");
    told_by(&events, Source::Claim, &who).or_else(silent)
}

/// What the newest of `events` that means trouble tells about `who`.
fn told_by(events: &[Value], source: Source, who: &str) -> Option<Trouble> {
    kube_event::newest(events, |event| {
        Trouble::new(source, kube_event::reason(event), who, kube_event::words(event))
    })
}

/// Names of the claims that `pod` uses.
fn claims(pod: &Value) -> Vec<String> {
    let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    let names = volumes.filter_map(|volume| {
        if volume["ephemeral"].is_object() {
            // Kubernetes names the claims that it makes itself like this.
            return Some(format!("{}-{}", name(pod), volume["name"].as_str()?));
        }
        volume["persistentVolumeClaim"]["claimName"].as_str().map(str::to_owned)
    });
    names.collect()
}

async fn events(client: &Client, object: &Value) -> Option<Vec<Value>> {
    kube_event::about(client, namespace(object), object["metadata"]["uid"].as_str()?).await
}

/// Annotation by which the revision of a Deployment and of its `ReplicaSets` is told.
const REVISION: &str = "deployment.kubernetes.io/revision";

/// Revisions of `ReplicaSets`, by namespace and name.
type Revisions = BTreeMap<(String, String), Value>;

/// Asks which revision the `ReplicaSets` of `pods` are, where that matters.
async fn revisions(client: &Client, workloads: &[Workload<'_>], pods: &PodsOf) -> Revisions {
    let wanted = workloads.iter().flat_map(|workload| {
        let pods = pods.get(workload.reference).into_iter().flatten();
        let bad = pods.filter(|pod| pods::stage(*workload, pod) != Stage::Good);
        bad.filter_map(|pod| match workload.revision(pod) {
            Revision::OfReplicaSet(name) => Some(key(pod, &name)),
            _ => None,
        })
    });
    let mut revisions = Revisions::new();
    for key in wanted {
        if revisions.len() >= REPLICA_SETS {
            break;
        }
        if revisions.contains_key(&key) {
            continue;
        }
        let path = format!("/apis/apps/v1/namespaces/{}/replicasets/{}", key.0, key.1);
        let found: Option<Value> = client.get(&path, Form::Metadata).await.unwrap_or_default();
        let revision = found.map(|mut found| found["metadata"]["annotations"][REVISION].take());
        revisions.extend(iter::once((key, revision.unwrap_or_default())));
    }
    revisions
}

fn key(pod: &Value, replica_set: &str) -> (String, String) {
    (namespace(pod).to_owned(), replica_set.to_owned())
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

fn namespace(object: &Value) -> &str {
    object["metadata"]["namespace"].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reference() -> ObjectRef {
        ObjectRef {
            kind: "Deployment".to_owned(),
            api_version: "apps/v1".to_owned(),
            namespace: Some("shop".to_owned()),
            name: "web".to_owned(),
        }
    }

    /// A deployment at its second revision, with pods of both.
    fn deployment() -> Value {
        json!({
            "metadata": { "annotations": { REVISION: "2" } },
            "status": { "replicas": 2, "updatedReplicas": 1 },
        })
    }

    fn pod(name: &str, replica_set: &str, status: &Value) -> Value {
        let owner = json!({ "kind": "ReplicaSet", "name": replica_set, "controller": true });
        json!({
            "metadata": { "name": name, "namespace": "shop", "ownerReferences": [owner] },
            "status": status,
        })
    }

    fn revision(replica_set: &str, revision: Value) -> ((String, String), Value) {
        (("shop".to_owned(), replica_set.to_owned()), revision)
    }

    #[test]
    fn what_pods_of_an_old_revision_say_does_not_count() {
        let (reference, object) = (reference(), deployment());
        let workload = Workload { reference: &reference, object: &object };
        let crash = json!({ "containerStatuses": [{ "state": { "waiting": {
            "reason": "CrashLoopBackOff" } } }] });
        let pods = vec![pod("old", "web-1", &crash), pod("new", "web-2", &crash)];
        let pods = PodsOf::from([(reference.clone(), pods)]);
        let names = |revisions: &Revisions| {
            let members = members(workload, &pods, revisions);
            members.iter().map(|member| name(member.pod).to_owned()).collect::<Vec<_>>()
        };
        for (case, revisions, expected) in [
            (
                "both revisions are known",
                vec![revision("web-1", json!("1")), revision("web-2", json!("2"))],
                vec!["new"],
            ),
            ("one could not be asked", vec![revision("web-2", json!("2"))], vec!["new"]),
            ("one does not tell", vec![revision("web-2", Value::Null)], vec![]),
            ("nothing is known", vec![], vec![]),
        ] {
            assert_eq!(names(&revisions.into_iter().collect()), expected, "{case}");
        }
    }

    #[test]
    fn events_are_asked_for_only_where_pods_do_not_tell() {
        let (reference, object) = (reference(), json!({}));
        let workload = Workload { reference: &reference, object: &object };
        let waiting = |reason: &str| {
            json!({ "phase": "Pending", "containerStatuses": [{ "state": { "waiting": {
                "reason": reason } } }] })
        };
        let unscheduled = json!({ "phase": "Pending", "conditions": [{ "type": "PodScheduled",
            "status": "False", "reason": "Unschedulable" }] });
        for (case, status, expected) in [
            ("no pod", None, "no pods"),
            ("a pod that tells its trouble", Some(waiting("ImagePullBackOff")), "nothing"),
            ("a pod that is starting", Some(waiting("ContainerCreating")), "silent"),
            ("a pod that runs, but is not ready", Some(json!({ "phase": "Running" })), "silent"),
            ("a pod without a node", Some(unscheduled), "unscheduled"),
        ] {
            let pods: Vec<Value> = status.iter().map(|it| pod("web-1", "web", it)).collect();
            let members: Vec<Member<'_>> =
                pods.iter().map(|pod| Member { pod, stage: pods::stage(workload, pod) }).collect();
            let told = members.iter().find_map(Member::told);
            let found = match question(workload, &members, told.as_ref()) {
                None => "nothing",
                Some(Question::NoPods(_)) => "no pods",
                Some(Question::Silent(_)) => "silent",
                Some(Question::Unscheduled(_)) => "unscheduled",
            };
            assert_eq!(found, expected, "{case}");
        }
    }

    #[test]
    fn claims_are_those_of_volumes_and_those_that_kubernetes_makes_for_the_pod() {
        let mut pod = pod("web-1", "web", &json!({}));
        pod["spec"] = json!({ "volumes": [
            { "name": "a", "persistentVolumeClaim": { "claimName": "data" } },
            { "name": "b", "ephemeral": { "volumeClaimTemplate": {} } },
            { "name": "c", "emptyDir": {} },
        ] });
        assert_eq!(claims(&pod), ["data", "web-1-b"]);
    }

    #[test]
    fn a_workload_that_may_not_create_pods_says_so_itself() {
        let reference = reference();
        let condition = json!([{ "type": "ReplicaFailure", "status": "True",
            "reason": "FailedCreate", "message": "exceeded quota" }]);
        let object = json!({ "status": { "conditions": condition } });
        let told = controller(Workload { reference: &reference, object: &object });
        assert_eq!(told.map(|told| told.text).as_deref(), Some("FailedCreate: exceeded quota"));
    }
}
