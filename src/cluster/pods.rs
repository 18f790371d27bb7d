//! What the pods of a workload say about why it is not ready.

use serde_json::Value;

use crate::{
    client::{Client, Form},
    list::List,
    text,
};

/// Returns the first complaint of a pod of `workload`, in the cluster's own words.
///
/// It only explains; whatever goes wrong on the way is no reason to fail.
pub(crate) async fn blame(client: &Client, workload: &Value) -> Option<String> {
    let namespace = workload["metadata"]["namespace"].as_str()?;
    let labels = workload["spec"]["selector"]["matchLabels"].as_object()?;
    let selector: Vec<String> = labels
        .iter()
        .filter_map(|(key, value)| Some(format!("{}%3D{}", escape(key), value.as_str()?)))
        .collect();
    let selector = selector.join("%2C");
    let path = format!("/api/v1/namespaces/{namespace}/pods?limit=50&labelSelector={selector}");
    let pods: Option<List<Value>> = client.get(&path, Form::Whole).await.ok()?;
    pods?.items.iter().find_map(complaint)
}

fn escape(key: &str) -> String {
    key.replace('/', "%2F")
}

fn complaint(pod: &Value) -> Option<String> {
    let name = pod["metadata"]["name"].as_str()?;
    let status = &pod["status"];
    let containers = ["initContainerStatuses", "containerStatuses"]
        .into_iter()
        .filter_map(|field| status[field].as_array())
        .flatten();
    for container in containers {
        let waiting = &container["state"]["waiting"];
        if let Some(reason) = waiting["reason"].as_str().filter(|reason| is_trouble(reason)) {
            let message = waiting["message"].as_str().unwrap_or_default();
            return Some(join(&format!("pod {name}: {reason}"), message));
        }
    }
    let conditions = status["conditions"].as_array()?;
    let unscheduled = conditions
        .iter()
        .find(|condition| condition["type"] == "PodScheduled" && condition["status"] == "False")?;
    let reason = unscheduled["reason"].as_str().unwrap_or("not scheduled");
    let message = unscheduled["message"].as_str().unwrap_or_default();
    Some(join(&format!("pod {name}: {reason}"), message))
}

/// Waiting reasons that every pod passes through are no complaint.
fn is_trouble(reason: &str) -> bool {
    !matches!(reason, "ContainerCreating" | "PodInitializing")
}

fn join(start: &str, message: &str) -> String {
    let text = if message.is_empty() { start.to_owned() } else { format!("{start}: {message}") };
    text::clean(&text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_complains_in_the_clusters_own_words() {
        for (case, status, expected) in [
            (
                "an image that cannot be pulled",
                json!({ "containerStatuses": [{ "state": { "waiting": {
                    "reason": "ImagePullBackOff", "message": "back-off pulling" } } }] }),
                Some("pod web-1: ImagePullBackOff: back-off pulling"),
            ),
            (
                "no room",
                json!({ "conditions": [{ "type": "PodScheduled", "status": "False",
                    "reason": "Unschedulable", "message": "0/3 nodes" }] }),
                Some("pod web-1: Unschedulable: 0/3 nodes"),
            ),
            (
                "nothing but starting",
                json!({ "containerStatuses": [{ "state": { "waiting": {
                    "reason": "ContainerCreating" } } }], "conditions": [] }),
                None,
            ),
        ] {
            let pod = json!({ "metadata": { "name": "web-1" }, "status": status });
            assert_eq!(complaint(&pod).as_deref(), expected, "{case}");
        }
    }
}
