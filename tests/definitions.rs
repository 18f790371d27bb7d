//! Definitions of custom resources come, gain versions and lose them, together with what they
//! define.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod kit;

use a4co_bundle::Release;
use kit::{BAD_IMAGE, Site, path};
use serde_json::{Value, json};

/// More than are read one by one.
const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// A place with a definition of its own.
struct Widgets(Site);

impl Widgets {
    fn group(&self) -> String {
        format!("{}.example.com", self.0.namespace)
    }

    /// The definition, which serves `served`, and widgets by name and version.
    fn objects(&self, served: &[&str], widgets: &[(&str, &str)]) -> Vec<(u8, Value)> {
        let widgets = widgets.iter().map(|(name, version)| self.widget(name, version));
        std::iter::once(self.definition(served)).chain(widgets).collect()
    }

    fn release(&self, served: &[&str], widgets: &[(&str, &str)]) -> Release {
        self.0.release(self.objects(served, widgets))
    }

    fn definition(&self, served: &[&str]) -> (u8, Value) {
        let any = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
        let stored = served.first().unwrap();
        // A version in which objects were stored once may not go, only cease to be served.
        let all = if served.contains(&"v2") { &["v1", "v2"][..] } else { &["v1"] };
        let versions: Vec<_> = all
            .iter()
            .map(|version| {
                json!({ "name": version, "served": served.contains(version),
                    "storage": version == stored, "schema": { "openAPIV3Schema": any } })
            })
            .collect();
        let manifest = json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("widgets.{}", self.group()), "labels": self.0.labels() },
            "spec": {
                "group": self.group(),
                "scope": "Namespaced",
                "names": { "plural": "widgets", "singular": "widget", "kind": "Widget",
                    "listKind": "WidgetList" },
                "versions": versions,
            },
        });
        (1, manifest)
    }

    fn widget(&self, name: &str, version: &str) -> (u8, Value) {
        let manifest = json!({
            "apiVersion": format!("{}/{version}", self.group()),
            "kind": "Widget",
            "metadata": self.0.metadata(name),
            "spec": { "of": version },
        });
        (6, manifest)
    }

    fn names(&self) -> Vec<String> {
        self.0.members(&format!("widgets.{}", self.group()))
    }

    fn version_of(&self, name: &str) -> Value {
        self.0.get(&format!("widgets.{}", self.group()), name)["spec"]["of"].clone()
    }
}

impl Drop for Widgets {
    fn drop(&mut self) {
        let definition = format!("widgets.{}", self.group());
        let _ = self.0.cluster.kubectl(&["delete", "crd", &definition, "--wait=false"]);
    }
}

#[test]
fn custom_resources_are_installed_moved_and_pruned_together_with_their_definition() {
    let widgets = Widgets(Site::new("widgets"));
    let first = widgets.release(&["v1"], &NAMES.map(|name| (name, "v1")));
    widgets.0.apply(&first).expect(0);
    assert_eq!(widgets.names(), NAMES);

    let moved = ["a", "b", "c", "d", "e"].map(|name| (name, "v2"));
    let second = widgets.release(&["v1", "v2"], &[&moved[..], &[("f", "v1")]].concat());
    let bundle = widgets.0.bundle(&second);
    let refused = widgets.0.run(&["apply", path(&bundle)]).expect(1);
    refused.expect_told(&["cannot be taken back", "the new version v2", "--accept-one-way"]);
    widgets.0.run(&["apply", path(&bundle), "--accept-one-way"]).expect(0);
    assert_eq!(widgets.names(), NAMES);
    assert_eq!([widgets.version_of("a"), widgets.version_of("f")], ["v2", "v1"]);

    let third = widgets.release(&["v2"], &moved);
    widgets.0.run(&["apply", path(&widgets.0.bundle(&third)), "--accept-one-way"]).expect(0);
    assert_eq!(widgets.names(), ["a", "b", "c", "d", "e"], "what only v1 had is pruned by v2");
    widgets.0.expect_release(Some(&third));
}

#[test]
fn a_failed_move_to_a_new_version_is_undone() {
    let widgets = Widgets(Site::new("widgets-back"));
    let site = &widgets.0;
    let old = widgets.release(&["v1"], &NAMES.map(|name| (name, "v1")));
    site.apply(&old).expect(0);
    let mut objects = widgets.objects(&["v1", "v2"], &NAMES.map(|name| (name, "v2")));
    objects.push(site.deployment("web", BAD_IMAGE, Some(1)));
    let bundle = site.bundle(&site.release(objects));
    site.run(&["apply", path(&bundle), "--accept-one-way", "--timeout", "2s"]).expect(3);
    site.expect_release(Some(&old));
    assert_eq!(NAMES.map(|name| widgets.version_of(name)), ["v1"; 6]);
}
