//! Where pairs are measured, and how live objects are compared.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use a4co_bundle::{Readiness, ReadinessRule, Release, applyset_id, field_changes};
use serde_json::{Value, json};

use crate::{
    kit::{
        APP, Ran, Site,
        api::{Api, merge},
        path,
    },
    pair::Pair,
};

/// Annotations that a controller or the transaction writes, and that count what was done.
const COUNTERS: [&str; 3] = [
    // How many revisions of the pod template there were (deployment controller).
    "deployment.kubernetes.io/revision",
    // How many times the pod template changed (API server).
    "deprecated.daemonset.template.generation",
    // Which transaction wrote the object last (a4co-apply).
    "a4co.dev/epoch",
];

/// A site whose objects without a namespace are removed at the end.
pub(crate) struct Stage {
    pub(crate) site: Site,
    pub(crate) api: Api,
    pub(crate) made: Vec<Value>,
}

impl Stage {
    pub(crate) fn new(prefix: &str) -> Self {
        let site = Site::new(prefix);
        let api = Api::connect(&site);
        Self { site, api, made: Vec::new() }
    }

    pub(crate) fn release(&mut self, objects: impl IntoIterator<Item = (u8, Value)>) -> Release {
        let objects: Vec<_> = objects.into_iter().collect();
        let is_ours = |manifest: &&Value| manifest["metadata"]["namespace"].is_null();
        self.made.extend(objects.iter().map(|(_, manifest)| manifest).filter(is_ours).cloned());
        let mut config = self.site.config();
        // Nobody gives a load balancer an address here.
        let rule = |kind: &str| ReadinessRule {
            group: String::new(),
            kind: kind.to_owned(),
            ready: Readiness::None,
        };
        config.readiness = vec![rule("Service")];
        self.site.release_of(config, objects)
    }

    pub(crate) fn run(&self, args: &[&str], code: i32) -> Ran {
        let options = ["--timeout", "120s"];
        self.site.run(&[args, &options].concat()).expect(code)
    }

    pub(crate) fn apply(&self, release: &Release) {
        self.run(&["apply", path(&self.site.bundle(release))], 0);
    }

    pub(crate) fn roll_back(&self, release: &Release) {
        let (id, namespace) = (release.id().short(), &self.site.namespace);
        // What the API server has allocated to the newer release is given up.
        self.run(&["rollback", &id, "--namespace", namespace, "--accept-one-way"], 0);
    }

    /// The live object of a manifest, without what differs from moment to moment.
    pub(crate) fn look(&mut self, manifest: &Value) -> Value {
        settled(self.api.get(manifest))
    }

    /// The same, once the controllers have done what they do after an object appears.
    pub(crate) fn look_when_quiet(&mut self, manifest: &Value) -> Value {
        let start = Instant::now();
        loop {
            let live = self.api.get(manifest);
            let is_claim = manifest["kind"] == "PersistentVolumeClaim";
            if !is_claim || live["status"]["phase"] == "Bound" {
                return settled(live);
            }
            assert!(start.elapsed() < Duration::from_secs(30), "not bound: {live}");
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Compares live objects with what they were. Controllers may need a moment, so what differs is
    /// looked at again.
    pub(crate) fn differences(
        &mut self,
        pairs: &[Pair],
        before: &BTreeMap<&str, Value>,
    ) -> Vec<String> {
        let start = Instant::now();
        loop {
            let mut found = Vec::new();
            for pair in pairs {
                let now = self.look(&pair.before);
                found.extend(differing(pair.case, &before[pair.case], &now));
            }
            if found.is_empty() || start.elapsed() > Duration::from_secs(5) {
                return found;
            }
            thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for manifest in std::mem::take(&mut self.made) {
            self.api.delete(&manifest);
        }
    }
}

/// Removes what may differ after a rollback, and no more.
pub(crate) fn settled(mut live: Value) -> Value {
    let nothing = json!({
        "metadata": { "generation": null, "resourceVersion": null },
        "status": null,
    });
    merge(&mut live, nothing);
    if let Some(annotations) = live["metadata"]["annotations"].as_object_mut() {
        annotations.retain(|name, _| !COUNTERS.contains(&name.as_str()));
        if annotations.is_empty() {
            merge(&mut live, json!({ "metadata": { "annotations": null } }));
        }
    }
    if let Some(managers) = live["metadata"]["managedFields"].as_array_mut() {
        // What the status is made of is as volatile as the status.
        managers.retain(|manager| manager["subresource"] != "status");
        for manager in managers.iter_mut() {
            merge(manager, json!({ "time": null }));
        }
        managers.sort_by_key(ToString::to_string);
    }
    live
}

/// Makes an object comparable with its like elsewhere.
pub(crate) fn anonymous(live: &Value, manifest: &Value, site: &Site) -> Value {
    let mut live = live.clone();
    let uid = live["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
    let time = json!({ "metadata": { "uid": null, "creationTimestamp": null } });
    merge(&mut live, time);
    // What the API server allocates where the manifest does not say.
    for field in ["clusterIP", "clusterIPs", "healthCheckNodePort", "volumeName"] {
        if manifest["spec"][field].is_null() && !live["spec"][field].is_null() {
            live["spec"][field] = json!("(allocated)");
        }
    }
    for port in live["spec"]["ports"].as_array_mut().into_iter().flatten() {
        // Whether there is one does not depend on chance.
        if !port["nodePort"].is_null() {
            port["nodePort"] = json!("(allocated)");
        }
    }
    let set = applyset_id(APP, &site.namespace);
    let text = live.to_string().replace(&uid, "(uid)").replace(&set, "(set)");
    let text = text.replace(&site.namespace, "(place)");
    serde_json::from_str(&text).unwrap_or(live)
}

pub(crate) fn differing(case: &str, before: &Value, now: &Value) -> Vec<String> {
    let changes = field_changes(before, now);
    changes.iter().map(|change| format!("{case}: {change}")).collect()
}
