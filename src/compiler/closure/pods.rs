//! Pods of workloads, and what selects them.

use serde_json::Value;

use crate::member::Member;

/// The pods that one object makes, or is.
#[derive(Clone, Copy)]
pub(crate) struct Pods<'a> {
    /// The object.
    pub(super) member: &'a Member,
    /// Where the template of its pods is.
    path: &'static [&'static str],
    template: &'a Value,
}

/// A container of pods.
pub(crate) struct Container<'a> {
    /// The list in which it is.
    pub(super) list: &'static str,
    /// Its position there.
    pub(super) position: String,
    /// The container.
    pub(crate) value: &'a Value,
}

/// Lists of containers.
const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

impl<'a> Pods<'a> {
    /// Returns the pods of `member`, if it is a workload.
    pub(crate) fn of(member: &'a Member) -> Option<Self> {
        let path: &[&str] = match (member.group(), member.kind()) {
            ("", "Pod") => &[],
            ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
            | ("", "ReplicationController")
            | ("batch", "Job") => &["spec", "template"],
            ("batch", "CronJob") => &["spec", "jobTemplate", "spec", "template"],
            _ => return None,
        };
        let template = path.iter().try_fold(&member.manifest, |value, key| value.get(key))?;
        Some(Self { member, path, template })
    }

    /// Returns whether they run until they are told to stop.
    pub(super) fn run_for_ever(&self) -> bool {
        !matches!(self.member.kind(), "Job" | "CronJob" | "Pod")
    }

    /// Returns their labels, or null.
    pub(super) fn labels(&self) -> &'a Value {
        &self.template["metadata"]["labels"]
    }

    /// Returns their annotations, or null.
    pub(super) fn annotations(&self) -> &'a Value {
        &self.template["metadata"]["annotations"]
    }

    /// Returns what they are to be.
    pub(super) fn spec(&self) -> &'a Value {
        &self.template["spec"]
    }

    /// Returns the path of a value of that.
    pub(super) fn at<'p>(&self, rest: &[&'p str]) -> Vec<&'p str> {
        self.path.iter().copied().chain(["spec"]).chain(rest.iter().copied()).collect()
    }

    /// Returns every container, also those that only prepare.
    pub(super) fn all_containers(&self) -> impl Iterator<Item = Container<'a>> + use<'a> {
        let spec = self.spec();
        LISTS.into_iter().flat_map(move |list| {
            let containers = spec[list].as_array().into_iter().flatten().enumerate();
            containers.map(move |(position, value)| Container {
                list,
                position: position.to_string(),
                value,
            })
        })
    }

    /// Returns the containers that the pods are about.
    pub(crate) fn containers(&self) -> impl Iterator<Item = Container<'a>> + use<'a> {
        self.all_containers().filter(|container| container.list == "containers")
    }

    /// Returns the ports that containers name or number.
    pub(super) fn ports(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        let containers = self.all_containers();
        containers.flat_map(|container| container.value["ports"].as_array().into_iter().flatten())
    }
}

impl<'a> Container<'a> {
    /// Returns the name.
    pub(super) fn name(&self) -> &'a str {
        self.value["name"].as_str().unwrap_or_default()
    }

    /// Returns its command, its arguments, and the values of its variables.
    pub(super) fn texts(&self) -> Vec<&'a str> {
        let lists = ["command", "args"].into_iter().map(|key| &self.value[key]);
        let lists = lists.filter_map(Value::as_array).flatten();
        let variables = self.value["env"].as_array().into_iter().flatten();
        lists.chain(variables.map(|it| &it["value"])).filter_map(Value::as_str).collect()
    }

    /// Returns the path of a value of it, below the pod's spec.
    pub(super) fn at<'p>(&'p self, pods: &Pods<'_>, rest: &[&'p str]) -> Vec<&'p str> {
        let path = [&[self.list, self.position.as_str()], rest].concat();
        pods.at(&path)
    }
}

/// Returns whether a label selector selects what has `labels`; an empty one selects everything.
pub(super) fn selects(selector: &Value, labels: &Value) -> bool {
    let expressions = selector["matchExpressions"].as_array().into_iter().flatten();
    has_all(&selector["matchLabels"], labels)
        && expressions.into_iter().all(|expression| is_met(expression, labels))
}

/// Returns whether `labels` has every pair of `wanted`.
pub(super) fn has_all(wanted: &Value, labels: &Value) -> bool {
    let mut pairs = wanted.as_object().into_iter().flatten();
    pairs.all(|(key, value)| labels.get(key) == Some(value))
}

/// Returns whether a label selector selects everything.
pub(super) fn is_empty(selector: &Value) -> bool {
    let is_empty_list = |value: &Value| value.as_array().is_none_or(Vec::is_empty);
    selector["matchLabels"].as_object().is_none_or(serde_json::Map::is_empty)
        && is_empty_list(&selector["matchExpressions"])
}

fn is_met(expression: &Value, labels: &Value) -> bool {
    let label = expression["key"].as_str().and_then(|key| labels.get(key));
    let is_listed = || {
        expression["values"]
            .as_array()
            .is_some_and(|values| label.is_some_and(|label| values.contains(label)))
    };
    match expression["operator"].as_str() {
        Some("In") => is_listed(),
        Some("NotIn") => !is_listed(),
        Some("Exists") => label.is_some(),
        Some("DoesNotExist") => label.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_select_as_kubernetes_says() {
        let labels = json!({ "app": "web", "tier": "front" });
        for (case, selector, expected) in [
            ("an empty one", json!({}), true),
            ("none", Value::Null, true),
            ("labels that are there", json!({ "matchLabels": { "app": "web" } }), true),
            ("another value", json!({ "matchLabels": { "app": "db" } }), false),
            ("a label too many", json!({ "matchLabels": { "app": "web", "x": "y" } }), false),
            (
                "a value in a list",
                json!({ "matchExpressions": [
                    { "key": "app", "operator": "In", "values": ["db", "web"] }] }),
                true,
            ),
            (
                "a value not in a list",
                json!({ "matchExpressions": [
                    { "key": "app", "operator": "NotIn", "values": ["web"] }] }),
                false,
            ),
            (
                "a label that is there, and one that is not",
                json!({ "matchExpressions": [
                    { "key": "app", "operator": "Exists" },
                    { "key": "x", "operator": "DoesNotExist" }] }),
                true,
            ),
        ] {
            assert_eq!(selects(&selector, &labels), expected, "{case}");
        }
    }
}
