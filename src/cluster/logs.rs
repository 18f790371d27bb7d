//! The logs of a release: which pods it has, the ones with trouble first, and what they wrote.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    pin::Pin,
};

use a4co_bundle::{Object, ObjectRef};
use futures::{
    StreamExt as _,
    stream::{self, Stream},
};
use serde_json::Value;

use crate::{
    client::{Client, Form},
    error::ApiError,
    fetch::{Found, fetch},
    list,
    log::{LogRange, LogSource},
    place::Place,
    pods::{self, Stage, Workload},
    refusal::Refusal,
    resource::Resources,
    site_release::SiteRelease,
    survey::load,
};

/// Kinds that have pods, by group.
const WORKLOADS: [(&str, &str); 8] = [
    ("", "Pod"),
    ("", "ReplicationController"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("batch", "CronJob"),
    ("batch", "Job"),
];

/// One pod of a release, and what of its logs there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodLogs {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub pod: String,
    /// What its trouble is, if it has some.
    pub trouble: Option<String>,
    /// Logs of its containers: of all that have started, but for init containers that have done
    /// their work.
    pub sources: Vec<LogSource>,
}

/// Lists the pods of the release of `place`, or of the one `workload` of it, those with trouble
/// first. While a release is on its way in, its pods count too.
///
/// `workload` is the name of one, with its kind before it where that is needed: `web`,
/// `deployment/web`. With `previous`, the logs are those of the runs before the present ones.
///
/// # Errors
/// Refuses when there is no release, or no such workload.
pub async fn pod_logs(
    client: &Client,
    place: &Place,
    workload: Option<&str>,
    previous: bool,
) -> Result<Vec<PodLogs>, Refusal> {
    let objects = read(client, place).await?;
    let names: Vec<_> = objects.keys().cloned().collect();
    let chosen = choose(&names, workload)?;
    let chosen = objects.iter().filter(|(reference, _)| chosen.contains(reference));
    let mut workloads: Vec<Workload<'_>> =
        chosen.map(|(reference, object)| Workload { reference, object }).collect();
    let jobs = jobs(client, &workloads).await?;
    let job_names: Vec<ObjectRef> = jobs.iter().map(reference).collect();
    workloads.extend(
        jobs.iter().zip(&job_names).map(|(object, reference)| Workload { reference, object }),
    );
    let pods = pods::read_all(client, &workloads).await?;
    let mut logs = BTreeMap::new();
    for workload in &workloads {
        for pod in pods.get(workload.reference).into_iter().flat_map(|pods| &pods.own) {
            let found = pod_logs_of(*workload, pod, previous);
            logs.insert((found.0, found.1.namespace.clone(), found.1.pod.clone()), found.1);
        }
    }
    Ok(logs.into_values().collect())
}

/// Reads the logs of `sources` and hands over every line, or why there is none; until `hear` says
/// that it has heard enough. Logs that are followed come all together, others one after the other.
pub async fn read_logs(
    client: &Client,
    sources: &[LogSource],
    range: LogRange,
    mut hear: impl FnMut(&LogSource, Result<&str, &ApiError>) -> ControlFlow<()>,
) {
    let logs = sources.iter().map(|source| lines(client, source, range));
    let mut lines: Pin<Box<dyn Stream<Item = Line<'_>> + '_>> = if range.follow {
        Box::pin(stream::select_all(logs.map(Box::pin)))
    } else {
        Box::pin(stream::iter(logs).flatten())
    };
    while let Some((source, line)) = lines.next().await {
        if hear(source, line.as_ref().map(String::as_str)).is_break() {
            return;
        }
    }
}

/// A line of a log, or why the log cannot be had.
type Line<'a> = (&'a LogSource, Result<String, ApiError>);

fn lines<'a>(
    client: &'a Client,
    source: &'a LogSource,
    range: LogRange,
) -> impl Stream<Item = Line<'a>> {
    stream::once(async move {
        match source.open(client, range).await {
            Ok(lines) => stream::unfold(lines, async |mut lines| {
                lines.next().await.map(|line| (line, lines))
            })
            .left_stream(),
            Err(error) => stream::iter([Err(error)]).right_stream(),
        }
    })
    .flatten()
    .map(move |line| (source, line))
}

/// Reads the workloads of what is committed, and of what is on its way in.
async fn read(client: &Client, place: &Place) -> Result<Found<Value>, Refusal> {
    let head = place.head_object(client).await?;
    if !head.exists() {
        return Err(Refusal::NoRelease { place: place.to_string() });
    }
    let mut releases: Vec<SiteRelease> = Vec::new();
    for stored in [head.head.to, head.head.committed].into_iter().flatten() {
        if releases.iter().all(|release| release.edition() != stored.edition()) {
            releases.push(load(client, place, stored).await?);
        }
    }
    let objects = || releases.iter().flat_map(SiteRelease::objects);
    let is_workload = |object: &&Object| {
        let reference = object.reference();
        WORKLOADS.contains(&(reference.group(), reference.kind.as_str()))
    };
    let resources = Resources::discover(client, objects().filter(is_workload)).await?;
    let references = objects().filter(is_workload).map(Object::reference);
    Ok(fetch(client, &resources, references, Form::Whole).await?)
}

/// Chooses those of `workloads` that `wanted` names.
fn choose(workloads: &[ObjectRef], wanted: Option<&str>) -> Result<Vec<ObjectRef>, Refusal> {
    let Some(wanted) = wanted else { return Ok(workloads.to_vec()) };
    let (kind, name) = match wanted.split_once('/') {
        Some((kind, name)) => (Some(kind), name),
        None => (None, wanted),
    };
    let is_wanted = |object: &&ObjectRef| {
        object.name == name && kind.is_none_or(|kind| object.kind.eq_ignore_ascii_case(kind))
    };
    let chosen: Vec<_> = workloads.iter().filter(is_wanted).cloned().collect();
    if chosen.is_empty() {
        let name = |object: &ObjectRef| format!("{}/{}", object.kind.to_lowercase(), object.name);
        let known = workloads.iter().map(name).collect();
        return Err(Refusal::NoWorkload { name: crate::text::clean(wanted), known });
    }
    Ok(chosen)
}

/// Reads the Jobs that the `CronJobs` among `workloads` have made, in one request a namespace.
async fn jobs(client: &Client, workloads: &[Workload<'_>]) -> Result<Vec<Value>, ApiError> {
    let mut makers = BTreeSet::new();
    let mut namespaces = BTreeSet::new();
    for workload in workloads.iter().filter(|workload| workload.reference.kind == "CronJob") {
        makers.extend(workload.object["metadata"]["uid"].as_str());
        namespaces.extend(workload.reference.namespace.as_deref());
    }
    let is_made = |job: &Value| {
        let owners = job["metadata"]["ownerReferences"].as_array();
        let mut owners = owners.into_iter().flatten().filter_map(|owner| owner["uid"].as_str());
        owners.any(|owner| makers.contains(owner))
    };
    let mut jobs = Vec::new();
    for namespace in namespaces {
        let path = format!("/apis/batch/v1/namespaces/{namespace}/jobs");
        let found: Vec<Value> = list::read_all(client, &path, "", Form::Whole).await?;
        jobs.extend(found.into_iter().filter(is_made));
    }
    Ok(jobs)
}

fn reference(job: &Value) -> ObjectRef {
    let text = |field: &str| job["metadata"][field].as_str().unwrap_or_default().to_owned();
    ObjectRef {
        kind: "Job".to_owned(),
        api_version: "batch/v1".to_owned(),
        namespace: Some(text("namespace")),
        name: text("name"),
    }
}

/// The logs of `pod`, and its place in the order: those with the surest trouble come first.
fn pod_logs_of(workload: Workload<'_>, pod: &Value, previous: bool) -> (usize, PodLogs) {
    let (rank, trouble) = match pods::stage(workload, pod) {
        Stage::Told(trouble) | Stage::Unscheduled(trouble) | Stage::Unready(trouble) => {
            (trouble.rank(), Some(trouble.text))
        }
        Stage::Starting => (usize::MAX - 1, None),
        Stage::Good => (usize::MAX, None),
    };
    let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default().to_owned();
    let containers = started(pod, previous);
    let sources = containers.into_iter().map(|name| LogSource::of(pod, &name, previous)).collect();
    let (namespace, name) = (text("namespace"), text("name"));
    (rank, PodLogs { namespace, pod: name, trouble, sources })
}

/// Names of the containers of `pod` that have written something, or may have; with `previous`, in
/// a run before the present one.
fn started(pod: &Value, previous: bool) -> Vec<String> {
    let statuses = ["initContainerStatuses", "containerStatuses"];
    let statuses = statuses.into_iter().flat_map(|field| {
        let statuses = pod["status"][field].as_array();
        statuses.into_iter().flatten().map(move |status| (field, status))
    });
    let has_written = |(field, status): &(&str, &Value)| {
        let (state, last) = (&status["state"], &status["lastState"]["terminated"]);
        let is_done = *field == "initContainerStatuses" && state["terminated"]["exitCode"] == 0;
        if previous {
            return last.is_object();
        }
        !is_done
            && (state["running"].is_object() || state["terminated"].is_object() || last.is_object())
    };
    let names = statuses.filter(has_written);
    names.filter_map(|(_, status)| status["name"].as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workload(kind: &str, name: &str) -> ObjectRef {
        ObjectRef {
            kind: kind.to_owned(),
            api_version: "apps/v1".to_owned(),
            namespace: Some("shop".to_owned()),
            name: name.to_owned(),
        }
    }

    #[test]
    fn a_workload_is_chosen_by_its_name_and_by_its_kind_where_that_is_needed() {
        let all = [
            workload("Deployment", "web"),
            workload("Deployment", "db"),
            workload("StatefulSet", "db"),
        ];
        for (wanted, expected) in [
            (None, Ok(3)),
            (Some("web"), Ok(1)),
            (Some("db"), Ok(2)),
            (Some("statefulset/db"), Ok(1)),
            (Some("StatefulSet/db"), Ok(1)),
            (Some("daemonset/db"), Err("deployment/web")),
            (Some("we"), Err("statefulset/db")),
        ] {
            match (choose(&all, wanted), expected) {
                (Ok(chosen), Ok(count)) => assert_eq!(chosen.len(), count, "{wanted:?}"),
                (Err(refusal), Err(known)) => {
                    assert!(refusal.to_string().contains(known), "{wanted:?}: {refusal}");
                }
                (found, _) => panic!("{wanted:?} chooses {found:?}"),
            }
        }
    }

    #[test]
    fn only_containers_that_have_started_have_logs() {
        let status = |name: &str, state: Value, last: Value| json!({ "name": name, "state": state, "lastState": last });
        let end = |code: u32| json!({ "terminated": { "exitCode": code } });
        let none = || json!({});
        let pod = json!({ "status": {
            "initContainerStatuses": [
                status("done", end(0), none()),
                status("failed", end(1), none()),
            ],
            "containerStatuses": [
                status("runs", json!({ "running": {} }), none()),
                status("waits", json!({ "waiting": { "reason": "ContainerCreating" } }), none()),
                status("crashes", json!({ "waiting": { "reason": "CrashLoopBackOff" } }), end(1)),
            ],
        } });
        assert_eq!(started(&pod, false), ["failed", "runs", "crashes"]);
        assert_eq!(started(&pod, true), ["crashes"]);
    }
}
