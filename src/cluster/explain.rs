//! Why objects are not ready, as the cluster itself explains it: a workload by its condition, its
//! pods, and where those are silent, by events.
//!
//! However many objects there are, one look costs a bounded number of requests: one for the pods of
//! up to 40 workloads in a namespace, and a handful for the few that are still not understood.
//! Nothing here can fail: what cannot be read explains nothing.

use std::{collections::BTreeMap, iter};

use a4co_bundle::ObjectRef;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    answers::Answers,
    client::{Client, FIELD_MANAGER, Form},
    conditions, kube_event,
    pods::{self, Pods, PodsOf, Revision, Stage, Workload},
    trouble::{self, Excuse, Source, Trouble, UNBOUND},
};

/// `ReplicaSets` that are asked which revision they are, in one look.
const REPLICA_SETS: usize = 8;

/// Objects about which events are asked for, in one look. Events are not cached by the API server.
const EVENTS: usize = 3;

/// Claims of one pod that are looked at.
const CLAIMS: usize = 3;

/// A kubelet that still has the trouble says so again before that.
const FRESH: SignedDuration = SignedDuration::from_secs(150);

/// How far the clocks of the API server and of a controller may be apart.
const SKEW: SignedDuration = SignedDuration::from_secs(2);

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

/// A question about a workload, and what the workload and its pods told.
struct Asked<'a> {
    reference: &'a ObjectRef,
    question: Question<'a>,
    told: Option<Trouble>,
}

/// Finds out what keeps each of `workloads` from becoming ready. Events are asked for only where
/// there are `answers` to remember, which is for what is late.
pub(crate) async fn explain(
    client: &Client,
    workloads: &[Workload<'_>],
    answers: Option<&mut Answers>,
) -> Troubles {
    let pods = pods::read(client, workloads).await;
    let revisions = revisions(client, workloads, &pods).await;
    let mut troubles = Troubles::new();
    let mut questions = Vec::new();
    let mut counts = BTreeMap::new();
    for workload in workloads {
        let of = pods.get(workload.reference);
        let members = members(*workload, of, &revisions);
        let count = members.iter().filter(|member| member.stage != Stage::Good).count();
        counts.insert(workload.reference, count);
        let told = told(*workload, of, &members);
        let reference = workload.reference;
        match question(*workload, of.is_some(), &members, told.as_ref()) {
            Some(question) => questions.push(Asked { reference, question, told }),
            None => troubles.extend(told.map(|told| (reference.clone(), told))),
        }
    }
    let mut nobody = Answers::default();
    let left = if answers.is_some() { EVENTS } else { 0 };
    let answers = answers.unwrap_or(&mut nobody);
    answers.turns(&mut questions, |asked| (asked.reference, asked.question.can_decide()));
    for (index, Asked { reference, question, told }) in questions.into_iter().enumerate() {
        let trouble = if index < left {
            let trouble = question.answer(client, told).await;
            answers.keep(reference, question.about(), trouble.as_ref());
            trouble
        } else {
            answers.recall(reference, question.about(), told)
        };
        troubles.extend(trouble.map(|trouble| (reference.clone(), trouble)));
    }
    for (reference, trouble) in &mut troubles {
        if let Some(count @ 2..) = counts.get(reference) {
            trouble.text = format!("{} (and {} more)", trouble.text, count - 1);
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

/// What a workload and its pods tell, without anybody being asked.
fn told(workload: Workload<'_>, pods: Option<&Pods>, members: &[Member<'_>]) -> Option<Trouble> {
    let told = controller(workload).into_iter().chain(members.iter().filter_map(Member::told));
    let trouble = told.min_by_key(Trouble::rank)?;
    // Pods of its own that go make room.
    let is_room_made =
        trouble.is_from(Source::Scheduling) && pods.is_some_and(|pods| pods.are_going);
    let excuse = if is_room_made { Excuse::Holds } else { trouble.excuse };
    Some(Trouble { excuse, ..trouble })
}

/// What a workload itself says about why it has no pods.
fn controller(workload: Workload<'_>) -> Option<Trouble> {
    let condition = conditions::holding(workload.object, "ReplicaFailure")?;
    let reason = condition["reason"].as_str()?;
    let words = condition["message"].as_str().unwrap_or_default();
    Trouble::new(Source::Controller, reason, "", words)
}

/// The pods of `workload` that are of its current revision.
fn members<'a>(
    workload: Workload<'_>,
    pods: Option<&'a Pods>,
    revisions: &Revisions,
) -> Vec<Member<'a>> {
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
    let pods = pods.into_iter().flat_map(|pods| &pods.own).filter(is_current);
    pods.map(|pod| Member { pod, stage: pods::stage(workload, pod) }).collect()
}

/// Decides what has to be asked to understand `workload`, given what was told already.
fn question<'a>(
    workload: Workload<'a>,
    are_pods_known: bool,
    members: &[Member<'a>],
    told: Option<&Trouble>,
) -> Option<Question<'a>> {
    let first = |is_wanted: fn(&Stage) -> bool| {
        members.iter().find(|member| is_wanted(&member.stage)).map(|member| member.pod)
    };
    match told {
        Some(trouble) if trouble.excuse == Excuse::Holds => None,
        Some(trouble) if trouble.is_from(Source::Scheduling) => {
            first(|stage| matches!(stage, Stage::Unscheduled(_))).map(Question::Unscheduled)
        }
        Some(trouble) if trouble.is_from(Source::Pod) => {
            // One that does not start is more likely never to be ready than one that runs.
            first(|stage| *stage == Stage::Starting)
                .or_else(|| first(|stage| matches!(stage, Stage::Unready(_))))
                .map(Question::Silent)
        }
        Some(_) => None,
        None if !are_pods_known => None,
        None if members.is_empty() => Some(Question::NoPods(workload)),
        None => first(|stage| *stage == Stage::Starting).map(Question::Silent),
    }
}

impl<'a> Question<'a> {
    fn object(self) -> &'a Value {
        match self {
            Self::NoPods(workload) => workload.object,
            Self::Silent(pod) | Self::Unscheduled(pod) => pod,
        }
    }

    /// Uid of what is asked about.
    fn about(self) -> &'a str {
        self.object()["metadata"]["uid"].as_str().unwrap_or_default()
    }

    /// Whether the answer may be trouble that is ever believed.
    fn can_decide(self) -> bool {
        !matches!(self, Self::Silent(pod) if pods::has_started(pod))
    }

    /// Asks, and returns the trouble that is known then.
    async fn answer(self, client: &Client, told: Option<Trouble>) -> Option<Trouble> {
        if let Self::Unscheduled(pod) = self {
            return Some(unscheduled(client, pod, told?).await);
        }
        let events = events(client, self.object()).await.unwrap_or_default();
        let trouble = match self {
            Self::NoPods(workload) => refused(&events, workload.object),
            Self::Silent(pod) | Self::Unscheduled(pod) => held_up(&events, pod, Timestamp::now()),
        };
        let Some(trouble) = trouble else { return told };
        // A pod that does not start is not the one that has written something.
        let log = told.and_then(|told| told.log).filter(|_| !self.can_decide());
        Some(Trouble { log, ..trouble })
    }
}

/// Why `workload` makes no pods. A `StatefulSet` keeps its uid, and events live for an hour: those
/// of before our last write are about what was then.
fn refused(events: &[Value], workload: &Value) -> Option<Trouble> {
    let written = workload["metadata"]["managedFields"].as_array().into_iter().flatten();
    let written = written.filter(|entry| entry["manager"] == FIELD_MANAGER);
    let written = written.filter_map(|entry| entry["time"].as_str()?.parse::<Timestamp>().ok());
    let start = written.max().map(|time| time - SKEW);
    let is_late = |event: &&Value| kube_event::time(event) >= start;
    told_by(events.iter().filter(is_late), Source::Controller, "")
}

/// Why a pod that has a node does not start, or is not ready.
fn held_up(events: &[Value], pod: &Value, now: Timestamp) -> Option<Trouble> {
    let who = format!("pod {}", name(pod));
    if pods::has_started(pod) {
        let probes = events.iter().filter(|event| kube_event::reason(event) == "Unhealthy");
        return told_by(probes, Source::Pod, &who);
    }
    let trouble = told_by(events, Source::Pod, &who)?;
    let is_told = |event: &Value| trouble::is_of(Source::Pod, kube_event::reason(event));
    let newest =
        kube_event::newest(events, |event| is_told(event).then(|| kube_event::time(event)));
    let is_fresh = newest.flatten().is_some_and(|time| now.duration_since(time) < FRESH);
    let excuse = if is_fresh { Excuse::None } else { Excuse::Holds };
    Some(Trouble { excuse, ..trouble })
}

/// What keeps the scheduler from finding a node: perhaps a claim, or that a node is yet to come.
async fn unscheduled(client: &Client, pod: &Value, told: Trouble) -> Trouble {
    for claim in claims(pod).into_iter().take(CLAIMS) {
        let path = format!("/api/v1/namespaces/{}/persistentvolumeclaims/{claim}", namespace(pod));
        let found: Option<Value> = client.get(&path, Form::Whole).await.unwrap_or_default();
        if let Some(found) = found.filter(|found| found["status"]["phase"] != "Bound") {
            let events = events(client, &found).await.unwrap_or_default();
            if let Some(trouble) = unbound(&events, &found) {
                return trouble;
            }
        }
    }
    // Without events nobody knows whether a node is coming.
    let is_excused = events(client, pod).await.is_none_or(|events| {
        events.iter().any(|event| trouble::is_node_coming(kube_event::reason(event)))
    });
    let excuse = if is_excused { Excuse::Holds } else { told.excuse };
    Trouble { excuse, ..told }
}

/// Why a claim has no volume, unless it is that its pod has no node.
fn unbound(events: &[Value], claim: &Value) -> Option<Trouble> {
    let who = format!("PersistentVolumeClaim {}", name(claim));
    let tell = |event| {
        let reason = kube_event::reason(event);
        let trouble = || Trouble::new(Source::Claim, reason, &who, kube_event::words(event));
        if trouble::waits_for_pod(reason) { Some(None) } else { trouble().map(Some) }
    };
    let silent = || Trouble::new(Source::Claim, UNBOUND, &who, "has no volume");
    kube_event::newest(events, tell).unwrap_or_else(silent)
}

/// What the newest of `events` that means trouble tells about `who`, if nothing since then tells
/// that it is over.
fn told_by<'a>(
    events: impl IntoIterator<Item = &'a Value>,
    source: Source,
    who: &str,
) -> Option<Trouble> {
    kube_event::newest(events, |event| {
        let reason = kube_event::reason(event);
        let trouble = || Trouble::new(source, reason, who, kube_event::words(event));
        if trouble::is_past(reason) { Some(None) } else { trouble().map(Some) }
    })
    .flatten()
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
        let pods = pods.get(workload.reference).into_iter().flat_map(|pods| &pods.own);
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
        let pods = Pods { own: pods, are_going: false };
        let names = |revisions: &Revisions| {
            let members = members(workload, Some(&pods), revisions);
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
            let found = match question(workload, true, &members, told.as_ref()) {
                None => "nothing",
                Some(Question::NoPods(_)) => "no pods",
                Some(Question::Silent(_)) => "silent",
                Some(Question::Unscheduled(_)) => "unscheduled",
            };
            assert_eq!(found, expected, "{case}");
        }
        assert!(question(workload, false, &[], None).is_none(), "pods that nobody could read");
        let pods = ["Running", "Pending"].map(|it| pod(it, "web", &json!({ "phase": it })));
        let member = |pod| Member { pod, stage: pods::stage(workload, pod) };
        let members: Vec<Member<'_>> = pods.iter().map(member).collect();
        let told = told(workload, None, &members);
        let asked = question(workload, true, &members, told.as_ref()).unwrap();
        assert_eq!(name(asked.object()), "Pending", "one that runs beside one that does not start");
    }

    fn event(time: &str, reason: &str) -> Value {
        json!({ "lastTimestamp": format!("2026-01-01T{time}Z"), "reason": reason })
    }

    fn reasons(text: &str) -> String {
        format!("pod web-1: {text}")
    }

    #[test]
    fn a_pod_is_held_up_by_what_was_told_last_and_a_short_time_ago() {
        let starting = json!({});
        let started = json!({ "initContainerStatuses": [{ "state": { "terminated": {} } }] });
        for (case, status, events, expected) in [
            (
                "a volume that cannot be mounted",
                &starting,
                vec![event("00:00:01", "Scheduled"), event("00:01:00", "FailedMount")],
                Some(("FailedMount", Excuse::None)),
            ),
            (
                "one that could in the end, and an image that takes long",
                &starting,
                vec![event("00:00:01", "FailedMount"), event("00:00:02", "Pulling")],
                None,
            ),
            (
                "one that nobody has spoken of for long",
                &starting,
                vec![event("00:00:01", "FailedMount")],
                Some(("FailedMount", Excuse::Holds)),
            ),
            (
                "one that a container has by now",
                &started,
                vec![event("00:02:30", "FailedMount")],
                None,
            ),
            (
                "a probe that fails",
                &started,
                vec![event("00:02:30", "Unhealthy"), event("00:02:31", "FailedMount")],
                Some(("Unhealthy", Excuse::None)),
            ),
        ] {
            let pod = pod("web-1", "web", status);
            let now = "2026-01-01T00:03:00Z".parse().unwrap();
            let found = held_up(&events, &pod, now).map(|it| (it.text, it.excuse));
            let expected = expected.map(|(reason, excuse)| (reasons(reason), excuse));
            assert_eq!(found, expected, "{case}");
        }
    }

    #[test]
    fn pods_that_were_refused_before_our_last_write_do_not_count() {
        let entry = |manager: &str, time: &str| json!({ "manager": manager, "time": format!("2026-01-01T{time}Z") });
        let set = json!({ "metadata": { "managedFields": [
            entry("a4co", "01:00:00"), entry("kube-controller-manager", "02:00:00")] } });
        for (case, events, expected) in [
            ("of an earlier attempt", vec![event("00:59:00", "FailedCreate")], false),
            ("of this one", vec![event("01:00:00", "FailedCreate")], true),
            (
                "before one was made",
                vec![event("01:00:00", "FailedCreate"), event("01:00:09", "SuccessfulCreate")],
                false,
            ),
        ] {
            assert_eq!(refused(&events, &set).is_some(), expected, "{case}");
        }
    }

    #[test]
    fn a_claim_that_waits_for_its_pod_holds_nobody_up() {
        let claim = json!({ "metadata": { "name": "data" } });
        let with = |reasons: &[&str]| {
            let events = reasons.iter().enumerate();
            let events = events.map(|(index, it)| event(&format!("00:00:0{index}"), it)).collect();
            let events: Vec<Value> = events;
            unbound(&events, &claim).map(|trouble| trouble.text)
        };
        let who = "PersistentVolumeClaim data";
        for (case, reasons, expected) in [
            ("nothing is told", &[][..], Some("has no volume")),
            ("it waits for its pod", &["WaitForFirstConsumer"], None),
            (
                "it cannot be provisioned",
                &["WaitForFirstConsumer", "ProvisioningFailed"],
                Some("ProvisioningFailed"),
            ),
            ("it could not be", &["ProvisioningFailed", "WaitForPodScheduled"], None),
        ] {
            assert_eq!(with(reasons), expected.map(|text| format!("{who}: {text}")), "{case}");
        }
    }

    #[test]
    fn pods_that_go_excuse_that_there_is_no_room() {
        let (reference, object) = (reference(), json!({}));
        let workload = Workload { reference: &reference, object: &object };
        let pod = pod(
            "web-1",
            "web",
            &json!({ "phase": "Pending", "conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable" }] }),
        );
        for (are_going, expected) in [(false, Excuse::None), (true, Excuse::Holds)] {
            let pods = Pods { own: vec![pod.clone()], are_going };
            let members = members(workload, Some(&pods), &Revisions::new());
            let told = told(workload, Some(&pods), &members).unwrap();
            assert_eq!(told.excuse, expected);
            let question = question(workload, true, &members, Some(&told));
            assert_eq!(question.is_none(), are_going, "nobody has to be asked");
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
