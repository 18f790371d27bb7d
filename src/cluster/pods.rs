//! The pods of workloads: which they are, and what each says about why it is not ready.

use std::collections::{BTreeMap, BTreeSet};

use a4co_bundle::ObjectRef;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use crate::{
    client::{Client, Form},
    conditions, container,
    error::ApiError,
    fetch::CONCURRENCY,
    list::{self, List},
    log::LogSource,
    trouble::{Excuse, JOB_POD, NOT_READY, Source, Trouble},
};

/// Workloads whose pods are asked for in one request: their labels stand in the URL.
const WORKLOADS: usize = 40;

/// Pods that are looked at, at most, of the workloads of one request.
const PODS: usize = 500;

/// A workload as it was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload<'a> {
    pub(crate) reference: &'a ObjectRef,
    pub(crate) object: &'a Value,
}

/// The pods of one workload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pods {
    pub(crate) own: Vec<Value>,
    /// Whether some that are not among them are being deleted, which makes room.
    pub(crate) are_going: bool,
}

/// The pods of some workloads. Of one that is not here nobody knows them.
pub(crate) type PodsOf = BTreeMap<ObjectRef, Pods>;

/// Labels that the pods of a workload have, by key.
type Selector<'a> = Vec<(&'a str, &'a str)>;

/// Workloads that one request can ask for: all have the same label keys in one namespace.
struct Group<'a> {
    namespace: &'a str,
    keys: Vec<&'a str>,
    members: Vec<(Workload<'a>, Selector<'a>)>,
}

/// Reads the pods of `workloads`, in as many requests as they have namespaces and sets of label
/// keys.
///
/// It only explains; what goes wrong on the way is no reason to fail.
pub(crate) async fn read(client: &Client, workloads: &[Workload<'_>]) -> PodsOf {
    let answers = stream::iter(groups(workloads)).map(async |group| {
        let path = format!("{}?limit={PODS}&{}", group.collection(), group.query());
        let found: Option<List<Value>> = client.list(&path, Form::Whole).await.ok()?;
        let found = found?;
        let mut pods_of = group.share_out(&found.items);
        if found.next().is_some() {
            // Those that were not found may be on the next page.
            pods_of.retain(|_, pods| !pods.own.is_empty());
        }
        Some(pods_of)
    });
    let answers: Vec<Option<PodsOf>> = answers.buffered(CONCURRENCY).collect().await;
    single(workloads).chain(answers.into_iter().flatten().flatten()).collect()
}

/// Like [`read`], but all of them, or why they cannot be had.
pub(crate) async fn read_all(
    client: &Client,
    workloads: &[Workload<'_>],
) -> Result<PodsOf, ApiError> {
    let answers = stream::iter(groups(workloads)).map(async |group| {
        let (collection, query) = (group.collection(), group.query());
        let pods: Vec<Value> = list::read_all(client, &collection, &query, Form::Whole).await?;
        Ok::<_, ApiError>(group.share_out(&pods))
    });
    let answers: Vec<PodsOf> = answers.buffered(CONCURRENCY).try_collect().await?;
    Ok(single(workloads).chain(answers.into_iter().flatten()).collect())
}

/// Pods that are workloads of their own.
fn single(workloads: &[Workload<'_>]) -> impl Iterator<Item = (ObjectRef, Pods)> {
    let single = workloads.iter().filter(|workload| workload.is_pod());
    single.map(|Workload { reference, object }| {
        let pods = Pods { own: vec![(*object).clone()], are_going: false };
        ((*reference).clone(), pods)
    })
}

impl<'a> Workload<'a> {
    fn namespace(self) -> Option<&'a str> {
        self.object["metadata"]["namespace"].as_str()
    }

    pub(crate) fn is_job(self) -> bool {
        self.reference.group() == "batch"
    }

    fn is_pod(self) -> bool {
        self.reference.group().is_empty() && self.reference.kind == "Pod"
    }

    /// Labels that its pods have. Others may have them, too.
    fn selector(self) -> Option<Selector<'a>> {
        let spec = &self.object["spec"];
        // That of a ReplicationController, and of no other kind, is the labels themselves. One of
        // expressions alone selects what the template makes.
        let is_old = self.reference.kind == "ReplicationController";
        let selector = if is_old { &spec["selector"] } else { &spec["selector"]["matchLabels"] };
        let labels = [selector, &spec["template"]["metadata"]["labels"]];
        let mut labels = labels.into_iter().filter_map(Value::as_object);
        let labels = labels.find(|labels| !labels.is_empty())?;
        labels.iter().map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect()
    }

    /// Takes those of `pods` that are its own.
    fn choose(self, pods: &[Value]) -> Pods {
        let own = pods.iter().filter(|pod| self.owns(pod));
        let is_going = |pod: &&Value| !pod["metadata"]["deletionTimestamp"].is_null();
        let (going, own): (Vec<&Value>, Vec<&Value>) = own.partition(is_going);
        Pods { own: own.into_iter().cloned().collect(), are_going: !going.is_empty() }
    }

    /// Whether it controls `pod`. A Deployment does so by a `ReplicaSet`, which it names after
    /// itself and the label by which it tells its pods apart.
    fn owns(self, pod: &Value) -> bool {
        let (metadata, uid) = (&pod["metadata"], &self.object["metadata"]["uid"]);
        let Some(controller) = controller(pod) else { return false };
        let is_of_set = || {
            let hash = metadata["labels"]["pod-template-hash"].as_str().unwrap_or_default();
            self.reference.kind == "Deployment"
                && controller["kind"] == "ReplicaSet"
                && controller["name"] == format!("{}-{hash}", self.reference.name)
        };
        metadata["namespace"].as_str() == self.namespace()
            && ((uid.is_string() && controller["uid"] == *uid) || is_of_set())
    }

    /// Tells whether `pod` is of the revision that the workload is on its way to, as far as that
    /// can be told from the two; what pods of an old one say is no reason to give up the new one.
    pub(crate) fn revision(self, pod: &Value) -> Revision {
        let status = &self.object["status"];
        let labels = &pod["metadata"]["labels"];
        let is_same = |wanted: &Value, has: &Value| match (wanted.as_str(), has.as_str()) {
            (Some(wanted), Some(has)) if wanted != has => Revision::Old,
            _ => Revision::Current,
        };
        match self.reference.kind.as_str() {
            "Deployment" if status["replicas"] == status["updatedReplicas"] => Revision::Current,
            "Deployment" => replica_set(pod).map_or(Revision::Current, Revision::OfReplicaSet),
            "StatefulSet" => {
                is_same(&status["updateRevision"], &labels["controller-revision-hash"])
            }
            "DaemonSet" => is_same(
                &self.object["metadata"]["annotations"]["deprecated.daemonset.template.generation"],
                &labels["pod-template-generation"],
            ),
            _ => Revision::Current,
        }
    }
}

/// Which revision of its workload a pod is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Revision {
    /// The one that the workload is on its way to.
    Current,
    /// An old one.
    Old,
    /// That of the `ReplicaSet` with this name.
    OfReplicaSet(String),
}

fn controller(pod: &Value) -> Option<&Value> {
    let owners = pod["metadata"]["ownerReferences"].as_array()?;
    owners.iter().find(|owner| owner["controller"] == true)
}

fn replica_set(pod: &Value) -> Option<String> {
    let owner = controller(pod).filter(|owner| owner["kind"] == "ReplicaSet")?;
    owner["name"].as_str().map(str::to_owned)
}

fn groups<'a>(workloads: &[Workload<'a>]) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for workload in workloads.iter().filter(|workload| !workload.is_pod()) {
        if let Some((namespace, selector)) = workload.namespace().zip(workload.selector()) {
            let keys: Vec<&str> = selector.iter().map(|(key, _)| *key).collect();
            groups.entry((namespace, keys)).or_default().push((*workload, selector));
        }
    }
    let cut = |((namespace, keys), members): ((&'a str, Vec<&'a str>), Vec<_>)| {
        let parts = members.chunks(WORKLOADS);
        let group = |part: &[_]| Group { namespace, keys: keys.clone(), members: part.to_vec() };
        parts.map(group).collect::<Vec<_>>()
    };
    groups.into_iter().flat_map(cut).collect()
}

impl Group<'_> {
    fn collection(&self) -> String {
        format!("/api/v1/namespaces/{}/pods", self.namespace)
    }

    fn query(&self) -> String {
        let terms = self.keys.iter().enumerate().map(|(index, key)| {
            let mut values = BTreeSet::new();
            values.extend(self.members.iter().map(|(_, selector)| selector[index].1));
            let values: Vec<&str> = values.into_iter().collect();
            format!("{}%20in%20%28{}%29", key.replace('/', "%2F"), values.join("%2C"))
        });
        let terms: Vec<String> = terms.collect();
        format!("labelSelector={}", terms.join("%2C"))
    }

    /// Gives each workload those of `pods` that are its own.
    fn share_out(&self, pods: &[Value]) -> PodsOf {
        let members = self.members.iter();
        members.map(|(it, _)| (it.reference.clone(), it.choose(pods))).collect()
    }
}

/// Where a pod that is not ready has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It is ready, or has done its work.
    Good,
    /// It says what its trouble is.
    Told(Trouble),
    /// It has no node. The trouble is what the scheduler says.
    Unscheduled(Trouble),
    /// It has a node, but no container has started, and it does not say why.
    Starting,
    /// Its containers run, but are not ready. The trouble says just that.
    Unready(Trouble),
}

/// Tells where `pod` of `workload` has come to.
pub(crate) fn stage(workload: Workload<'_>, pod: &Value) -> Stage {
    let who = format!("pod {}", pod["metadata"]["name"].as_str().unwrap_or_default());
    let status = &pod["status"];
    match status["phase"].as_str() {
        Some("Succeeded") => return Stage::Good,
        // One that was thrown out: its workload makes another.
        Some("Failed") if !workload.is_job() && !workload.is_pod() => return Stage::Good,
        _ => {}
    }
    if conditions::holding(pod, "Ready").is_some() {
        return Stage::Good;
    }
    if let Some(told) = container::trouble(pod, &who, workload.is_job()) {
        return Stage::Told(told);
    }
    if status["phase"] == "Failed" {
        let words = conditions::words(status, "");
        return Trouble::new(Source::Ended, JOB_POD, &who, &words).map_or(Stage::Good, Stage::Told);
    }
    let scheduled = conditions::find(pod, "PodScheduled");
    if let Some(condition) = scheduled.filter(|condition| condition["status"] == "False") {
        let reason = condition["reason"].as_str().unwrap_or_default();
        let words = condition["message"].as_str().unwrap_or_default();
        // The scheduler has chosen a node, and makes room there.
        let is_nominated = status["nominatedNodeName"].as_str().is_some_and(|it| !it.is_empty());
        let excuse = if is_nominated { Excuse::Holds } else { Excuse::None };
        return Trouble::new(Source::Scheduling, reason, &who, words)
            .map_or(Stage::Starting, |trouble| Stage::Unscheduled(Trouble { excuse, ..trouble }));
    }
    if status["phase"] == "Running"
        && let Some(trouble) = Trouble::new(Source::Pod, NOT_READY, &who, "runs, but is not ready")
    {
        return Stage::Unready(Trouble { log: unready_container(pod), ..trouble });
    }
    Stage::Starting
}

/// Whether a container of `pod` has ever started: then it has had its volumes and its network.
pub(crate) fn has_started(pod: &Value) -> bool {
    let statuses = ["initContainerStatuses", "containerStatuses"];
    let mut statuses =
        statuses.into_iter().filter_map(|field| pod["status"][field].as_array()).flatten();
    statuses.any(|status| {
        let (state, last) = (&status["state"], &status["lastState"]);
        [&state["running"], &state["terminated"], &last["terminated"]]
            .into_iter()
            .any(Value::is_object)
    })
}

/// The log of the first container that is not ready.
fn unready_container(pod: &Value) -> Option<LogSource> {
    let mut containers = pod["status"]["containerStatuses"].as_array()?.iter();
    let unready = containers.find(|status| status["ready"] != true)?;
    Some(LogSource::of(pod, unready["name"].as_str()?, false))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reference(kind: &str, name: &str) -> ObjectRef {
        let api_version = if kind == "Job" { "batch/v1" } else { "apps/v1" };
        ObjectRef {
            kind: kind.to_owned(),
            api_version: api_version.to_owned(),
            namespace: Some("shop".to_owned()),
            name: name.to_owned(),
        }
    }

    fn selecting(namespace: &str, labels: &Value) -> Value {
        json!({ "metadata": { "namespace": namespace },
            "spec": { "selector": { "matchLabels": labels } } })
    }

    #[test]
    fn the_pods_of_many_workloads_are_asked_for_at_once() {
        let reference = reference("Deployment", "x");
        let objects = [
            selecting("shop", &json!({ "app": "web" })),
            selecting("shop", &json!({ "app": "api" })),
            selecting("shop", &json!({ "app.kubernetes.io/name": "db", "app": "db" })),
            selecting("other", &json!({ "app": "web" })),
        ];
        let workloads = objects.each_ref().map(|object| Workload { reference: &reference, object });
        let path = |group: &Group<'_>| format!("{}?{}", group.collection(), group.query());
        let paths: Vec<String> = groups(&workloads).iter().map(path).collect();
        let start = "pods?labelSelector=app%20in%20%28";
        assert_eq!(
            paths,
            [
                format!("/api/v1/namespaces/other/{start}web%29"),
                format!("/api/v1/namespaces/shop/{start}api%2Cweb%29"),
                format!(
                    "/api/v1/namespaces/shop/{start}db%29%2Capp.kubernetes.io%2Fname%20in%20%28db%29"
                ),
            ]
        );
        let many = vec![workloads[0]; 100];
        assert_eq!(groups(&many).len(), 3, "in URLs of bounded length");
    }

    #[test]
    fn a_workload_has_the_pods_that_it_controls() {
        let deployment = |name: &str| (reference("Deployment", name), "d");
        let set = || (reference("StatefulSet", "web"), "s");
        let owner = |kind: &str, name: &str, uid: &str| json!({ "kind": kind, "name": name, "uid": uid, "controller": true });
        let replica_set = || owner("ReplicaSet", "web-5dd7", "r");
        for (case, (reference, uid), owner, expected) in [
            ("of its ReplicaSet", deployment("web"), replica_set(), true),
            ("of another's ReplicaSet", deployment("we"), replica_set(), false),
            ("of a Job with the same labels", deployment("web"), owner("Job", "web", "j"), false),
            ("its own", set(), owner("StatefulSet", "web", "s"), true),
            ("of one before it", set(), owner("StatefulSet", "web", "t"), false),
            ("of nobody", set(), Value::Null, false),
        ] {
            let mut object = selecting("shop", &json!({ "app": "web" }));
            object["metadata"]["uid"] = json!(uid);
            let workload = Workload { reference: &reference, object: &object };
            let mut pod = json!({ "metadata": { "namespace": "shop", "ownerReferences": [owner],
                "labels": { "app": "web", "pod-template-hash": "5dd7" } } });
            let count = usize::from(expected);
            assert_eq!(workload.choose(std::slice::from_ref(&pod)).own.len(), count, "{case}");
            pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
            let going = Pods { own: Vec::new(), are_going: expected };
            assert_eq!(workload.choose(&[pod]), going, "{case}, and being deleted");
        }
    }

    #[test]
    fn a_selector_of_expressions_alone_selects_what_the_template_makes() {
        let reference = reference("Deployment", "web");
        let object = json!({ "spec": {
            "selector": { "matchExpressions": [{ "key": "app", "operator": "Exists" }] },
            "template": { "metadata": { "labels": { "app": "web" } } },
        } });
        let workload = Workload { reference: &reference, object: &object };
        assert_eq!(workload.selector(), Some(vec![("app", "web")]));
    }

    #[test]
    fn pods_of_an_old_revision_are_told_from_new_ones() {
        let replica_set = json!([{ "kind": "ReplicaSet", "name": "web-1", "controller": true }]);
        let deployment =
            |updated: u32| json!({ "status": { "replicas": 2, "updatedReplicas": updated } });
        let pod = json!({ "metadata": {
            "ownerReferences": replica_set,
            "labels": { "controller-revision-hash": "a", "pod-template-generation": "1" },
        } });
        let generation = |generation: &str| {
            let annotations = json!({ "deprecated.daemonset.template.generation": generation });
            json!({ "metadata": { "annotations": annotations } })
        };
        let of_set = Revision::OfReplicaSet("web-1".to_owned());
        for (case, kind, object, expected) in [
            ("a Deployment has only new pods", "Deployment", deployment(2), Revision::Current),
            ("a Deployment has old pods too", "Deployment", deployment(1), of_set),
            (
                "a StatefulSet is at the revision",
                "StatefulSet",
                json!({ "status": { "updateRevision": "a" } }),
                Revision::Current,
            ),
            (
                "a StatefulSet is at another one",
                "StatefulSet",
                json!({ "status": { "updateRevision": "b" } }),
                Revision::Old,
            ),
            ("a DaemonSet is at the revision", "DaemonSet", generation("1"), Revision::Current),
            ("a DaemonSet is at another one", "DaemonSet", generation("2"), Revision::Old),
            ("a Job has one for ever", "Job", json!({}), Revision::Current),
        ] {
            let reference = reference(kind, "web");
            let workload = Workload { reference: &reference, object: &object };
            assert_eq!(workload.revision(&pod), expected, "{case}");
        }
    }

    #[test]
    fn a_pod_tells_where_it_has_come_to() {
        let trouble =
            |source, reason, words: &str| Trouble::new(source, reason, "pod web-1", words).unwrap();
        let condition = |kind: &str, status: &str| json!([{ "type": kind, "status": status }]);
        for (case, kind, status, expected) in [
            (
                "ready",
                "Deployment",
                json!({ "conditions": condition("Ready", "True") }),
                Stage::Good,
            ),
            ("done", "Job", json!({ "phase": "Succeeded" }), Stage::Good),
            (
                "thrown out, which makes room for another",
                "Deployment",
                json!({ "phase": "Failed", "reason": "Evicted" }),
                Stage::Good,
            ),
            (
                "thrown out, which a Job counts",
                "Job",
                json!({ "phase": "Failed", "reason": "Evicted" }),
                Stage::Told(trouble(Source::Ended, JOB_POD, "Evicted")),
            ),
            (
                "no room",
                "Deployment",
                json!({ "phase": "Pending", "conditions": [{ "type": "PodScheduled",
                    "status": "False", "reason": "Unschedulable", "message": "0/3 nodes" }] }),
                Stage::Unscheduled(trouble(Source::Scheduling, "Unschedulable", "0/3 nodes")),
            ),
            (
                "room is being made on a node",
                "Deployment",
                json!({ "phase": "Pending", "nominatedNodeName": "node-1", "conditions": [{
                    "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                    "message": "0/3 nodes" }] }),
                Stage::Unscheduled(Trouble {
                    excuse: Excuse::Holds,
                    ..trouble(Source::Scheduling, "Unschedulable", "0/3 nodes")
                }),
            ),
            (
                "just bound to a node",
                "Deployment",
                json!({ "phase": "Pending", "conditions": condition("PodScheduled", "True") }),
                Stage::Starting,
            ),
            (
                "running",
                "Deployment",
                json!({ "phase": "Running", "conditions": condition("Ready", "False") }),
                Stage::Unready(trouble(Source::Pod, NOT_READY, "runs, but is not ready")),
            ),
            (
                "waiting for its image",
                "Deployment",
                json!({ "phase": "Pending", "containerStatuses": [{ "state": { "waiting": {
                    "reason": "ImagePullBackOff", "message": "back-off" } } }] }),
                Stage::Told(trouble(Source::Waiting, "ImagePullBackOff", "back-off")),
            ),
        ] {
            let reference = reference(kind, "web");
            let workload = Workload { reference: &reference, object: &Value::Null };
            let pod = json!({ "metadata": { "name": "web-1" }, "status": status });
            assert_eq!(stage(workload, &pod), expected, "{case}");
        }
    }
}
