//! Compares what the cluster has with releases.

use std::collections::BTreeMap;

use a4co_bundle::{PART_OF_LABEL, Release, applyset_id};
use serde_json::Value;

use super::{APP, Ran, Site, path};

/// Kinds whose objects are compared.
const KINDS: &str = "configmap,secret,deployment,job";

impl Site {
    /// Applies `release`, giving up on what is not ready after `timeout`.
    pub fn apply_within(&self, release: &Release, timeout: &str) -> Ran {
        self.run(&["apply", path(&self.bundle(release)), "--timeout", timeout])
    }

    pub fn text(&self, config_map: &str) -> String {
        self.get("configmap", config_map)["data"]["text"].as_str().unwrap_or("absent").to_owned()
    }

    pub fn image(&self, deployment: &str) -> String {
        let object = self.get("deployment", deployment);
        let image = &object["spec"]["template"]["spec"]["containers"][0]["image"];
        image.as_str().unwrap_or("absent").to_owned()
    }

    /// Checks that the cluster has this release, all of it and nothing else, and that nothing is
    /// under way.
    #[track_caller]
    pub fn expect_release(&self, release: Option<&Release>) {
        assert_eq!(self.difference(release), [] as [&str; 0]);
    }

    /// What the cluster has otherwise than `release`.
    pub fn difference(&self, release: Option<&Release>) -> Vec<String> {
        let mut found = Vec::new();
        let head = self.head();
        if head["state"] != "idle" && !(head.is_null() && release.is_none()) {
            found.push(format!("the state is {}", head["state"]));
        }
        let committed = head["committed"].as_str().map(str::to_owned);
        if committed != release.map(|release| release.id().to_string()) {
            found.push(format!("release {committed:?} is committed"));
        }
        let mut live = self.live();
        for object in release.iter().flat_map(|release| release.objects()) {
            let (name, manifest) = (object.reference().to_string(), object.manifest());
            match live.remove(&name) {
                Some(live) if has(&live, &manifest) => {}
                Some(live) => found.push(format!("{name} is {live}")),
                None if KINDS.contains(&object.reference().kind.to_lowercase()) => {
                    found.push(format!("{name} is absent"));
                }
                None => {}
            }
        }
        found.extend(live.into_keys().map(|name| format!("{name} is there")));
        found
    }

    /// The members of the release's set by name.
    fn live(&self) -> BTreeMap<String, Value> {
        let selector = format!("{PART_OF_LABEL}={}", applyset_id(APP, &self.namespace));
        let list = self.kubectl(&["get", KINDS, "-l", &selector, "-o", "json"]);
        let list: Value = serde_json::from_str(&list).unwrap();
        let named = |object: &Value| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let (kind, name) = (text(&object["kind"]), text(&object["metadata"]["name"]));
            (format!("{kind}/{}/{name}", self.namespace), object.clone())
        };
        list["items"].as_array().unwrap().iter().map(named).collect()
    }
}

/// Whether `live` has every field of `manifest`.
fn has(live: &Value, manifest: &Value) -> bool {
    match (live, manifest) {
        (Value::Object(live), Value::Object(manifest)) => {
            manifest.iter().all(|(key, value)| live.get(key).is_some_and(|live| has(live, value)))
        }
        (Value::Array(live), Value::Array(manifest)) => {
            live.len() == manifest.len() && live.iter().zip(manifest).all(|(live, m)| has(live, m))
        }
        _ => live == manifest,
    }
}
