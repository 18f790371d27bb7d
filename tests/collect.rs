//! Garbage is collected, and nothing that the head or the history needs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod kit;

use std::collections::BTreeSet;

use kit::{
    BAD_IMAGE, Site,
    proxy::{Fault, Proxy, Request, nth},
};
use serde_json::Value;

impl Garbage<'_> {
    /// Names of the stored contents of the app.
    fn contents(&self) -> BTreeSet<String> {
        let selector = format!("a4co.dev/app={},a4co.dev/content", self.app);
        let listed = self.site.kubectl(&["get", "secrets", "-l", &selector, "-o", "name"]);
        listed.lines().map(|line| line.strip_prefix("secret/").unwrap().to_owned()).collect()
    }

    /// The contents that the head and the history name, by what their names begin with.
    fn needed(&self) -> BTreeSet<String> {
        let head = self.site.head();
        let prefix = |kind: &str, digest: &Value| {
            let digest = digest.as_str().unwrap().strip_prefix("sha256:").unwrap();
            format!("a4co.{}.{kind}-{}-", self.app, &digest[..16])
        };
        let lines = head["history"].as_str().unwrap().lines();
        let bundles = lines.map(|line| {
            let entry: Value = serde_json::from_str(line).unwrap();
            prefix("release", &entry["bundle"])
        });
        bundles.chain([prefix("inventory", &head["inventory"])]).collect()
    }

    fn expect_only_needed(&self) {
        let needed = self.needed();
        let beginning = |name: &String| name[..=name.rfind('-').unwrap()].to_owned();
        let found: BTreeSet<_> = self.contents().iter().map(beginning).collect();
        assert_eq!(found, needed);
    }

    /// Stores a copy of a content under another name, as a command that was killed would leave it.
    fn leave(&self, kind: &str, app: &str) -> String {
        let content = self.contents().into_iter().find(|name| name.contains("inventory")).unwrap();
        let mut copy = self.site.get("secret", &content);
        let name = format!("a4co.{app}.{kind}-0123456789abcdef-0");
        let metadata = copy["metadata"].as_object_mut().unwrap();
        metadata.retain(|field, _| field == "labels" || field == "annotations");
        metadata.insert("name".to_owned(), name.clone().into());
        copy["metadata"]["labels"]["a4co.dev/content"] = kind.into();
        copy["metadata"]["labels"]["a4co.dev/app"] = app.into();
        let args = ["create", "-n", &self.site.namespace, "-f", "-"];
        self.site.cluster.kubectl_with_input(&args, &copy.to_string()).expect_success();
        name
    }
}

/// What a release leaves behind.
struct Garbage<'a> {
    site: &'a Site,
    app: &'static str,
}

#[test]
fn old_releases_are_forgotten_and_every_one_that_is_kept_can_be_gone_back_to() {
    let site = Site::new("forgotten");
    let garbage = Garbage { site: &site, app: kit::APP };
    let release = |text: &str| site.release(vec![site.config_map("settings", text)]);
    let releases = ["a", "b", "c", "d"].map(release);
    for release in &releases {
        site.apply(release).expect(0);
    }
    let failing = vec![site.config_map("x", "x"), site.deployment("bad", BAD_IMAGE, Some(1))];
    site.apply_within(&site.release(failing), "2s").expect(3);
    garbage.expect_only_needed();
    assert_eq!(garbage.needed().len(), 6, "five bundles and an inventory");

    let left = ["release", "inventory", "undo"].map(|kind| garbage.leave(kind, garbage.app));
    let neighbours = garbage.leave("undo", "another");
    let gc = |keep: &str| {
        let ran = site.run(&["gc", "-n", &site.namespace, "--keep", keep, "-o", "json"]).expect(0);
        serde_json::from_str::<Value>(&ran.stdout).unwrap()
    };
    let before = site.get("configmap", "settings");
    let collected = gc("10");
    assert_eq!(collected["forgotten"], 0);
    assert_eq!(collected["secrets"], left.len());
    assert!(left.iter().all(|name| site.get("secret", name).is_null()));
    assert!(!site.get("secret", &neighbours).is_null(), "of another app");
    garbage.expect_only_needed();
    assert_eq!(garbage.needed().len(), 6);

    let collected = gc("2");
    assert_eq!(collected["forgotten"], 2);
    assert_eq!(collected["secrets"], 2);
    assert_eq!(collected["kept"], 3, "two releases, and the one that failed since");
    garbage.expect_only_needed();
    assert_eq!(site.get("configmap", "settings"), before, "no object is touched");
    site.rollback(&releases[0].id().short()).expect(1).expect_told(&[
        "no release in the history begins with",
        &releases[2].id().short(),
        &releases[3].id().short(),
    ]);
    for release in [&releases[2], &releases[3], &releases[2]] {
        site.rollback(&release.id().short()).expect(0);
        site.expect_release(Some(release));
    }
    garbage.expect_only_needed();

    assert_eq!(gc("1")["forgotten"], 5, "all but the last line");
    site.expect_release(Some(&releases[2]));
    garbage.expect_only_needed();
    let ran = site.run(&["rollback", "-n", &site.namespace]).expect(1);
    ran.expect_told(&["no earlier release"]);
    site.apply(&releases[2]).expect(0);
}

#[test]
fn what_an_interrupted_command_left_is_settled_first() {
    let site = Site::new("settled");
    let garbage = Garbage { site: &site, app: kit::APP };
    let old = site.release(vec![site.config_map("settings", "old")]);
    site.apply(&old).expect(0);
    let new = vec![site.config_map("settings", "new"), site.deployment("bad", BAD_IMAGE, Some(1))];
    site.kill_while_applying(&site.release(new), || site.text("settings") == "new");
    assert!(garbage.contents().iter().any(|name| name.contains(".undo-")), "it is in the middle");
    let ran = site.run(&["gc", "-n", &site.namespace]).expect(0);
    ran.expect_told(&["an earlier command stopped while applying"]);
    site.expect_release(Some(&old));
    garbage.expect_only_needed();
    let text = site.run(&["gc", "-n", &site.namespace]).expect(0).stdout;
    assert_eq!(text, "deleted 0 Secrets of stored content; the history forgot 0 lines and has 2\n");
}

#[test]
fn who_may_not_delete_secrets_makes_nothing_forgotten() {
    let site = Site::new("rights");
    for text in ["a", "b"] {
        site.apply(&site.release(vec![site.config_map("settings", text)])).expect(0);
    }
    let before = site.head();
    let namespace = &site.namespace;
    let user = format!("keeper-{namespace}");
    let (verbs, resources) =
        ("--verb=get,list,create,update", "--resource=configmaps,secrets,leases");
    site.kubectl(&["create", "role", "state", verbs, resources]);
    let user_option = format!("--user={user}");
    site.kubectl(&["create", "rolebinding", "state", "--role=state", &user_option]);
    let kubeconfig = site.cluster.kubeconfig_as(&user, &[]).unwrap();
    let ran = site.run_with(&kubeconfig, &["gc", "-n", namespace, "--keep", "1"]).expect(1);
    ran.expect_told(&["you may not do what this needs", "delete secrets in namespace"]);
    assert_eq!(site.head(), before);
}

#[test]
fn what_could_not_be_deleted_is_told_and_not_counted() {
    let site = Site::new("counted");
    let garbage = Garbage { site: &site, app: kit::APP };
    for text in ["a", "b", "c"] {
        site.apply(&site.release(vec![site.config_map("settings", text)])).expect(0);
    }
    let is_deletion = |request: &Request| request.method == "DELETE";
    let proxy = Proxy::start(&site, nth(0, Fault::Forbidden, is_deletion));
    let args = ["gc", "-n", &site.namespace, "--keep", "1", "-o", "json"];
    let ran = site.run_with(&proxy.kubeconfig, &args).expect(1);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["secrets"], 1, "of two");
    assert!(document["unfinished"].as_str().unwrap().contains("403"), "{document}");
    let ran = site.run_with(&proxy.kubeconfig, &args).expect(0);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["secrets"], 1, "the other one");
    garbage.expect_only_needed();
}

#[test]
fn a_refusal_after_a_recovery_does_not_say_that_nothing_was_touched() {
    let site = Site::new("touched");
    let old = site.release(vec![site.config_map("settings", "old")]);
    site.apply(&old).expect(0);
    let new = site.release(vec![
        site.config_map("settings", "new"),
        site.deployment("bad", BAD_IMAGE, Some(1)),
    ]);
    site.kill_while_applying(&new, || site.text("settings") == "new");
    let bundle = site.bundle(&old);
    let ran = site.run(&["apply", kit::path(&bundle), "-o", "json"]).expect(0);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["recovered"], "undone");
    assert_eq!(document["changed"], true);

    site.kill_while_applying(&new, || site.text("settings") == "new");
    let is_stored = |request: &Request| {
        request.method == "POST"
            && request.path.ends_with("/secrets")
            && request.body.contains(".undo-")
    };
    let proxy = Proxy::start(&site, nth(0, Fault::Forbidden, is_stored));
    let other = site.bundle(&site.release(vec![site.config_map("settings", "other")]));
    let ran = site.run_with(&proxy.kubeconfig, &["apply", kit::path(&other)]).expect(1);
    ran.expect_told(&["403", "what an earlier command had left was finished or undone"]);
    site.expect_release(Some(&old));
}

#[test]
fn a_stored_release_that_is_lost_in_the_middle_comes_back_with_its_bundle() {
    let site = Site::new("lost");
    let old = site.release(vec![site.config_map("settings", "old")]);
    site.apply(&old).expect(0);
    let new = site.release(vec![
        site.config_map("settings", "new"),
        site.deployment("bad", BAD_IMAGE, Some(1)),
    ]);
    for (bundle, release) in [("toBundle", &new), ("fromBundle", &old)] {
        site.kill_while_applying(&new, || site.text("settings") == "new");
        let digest = site.head()[bundle].as_str().unwrap().replace("sha256:", "");
        site.kubectl(&["delete", "secret", &format!("a4co.shop.release-{}-0", &digest[..16])]);
        let ran = site.run(&["recover", "-n", &site.namespace]).expect(1);
        ran.expect_told(&["does not exist", "apply the bundle of that release again"]);
        let code = if bundle == "toBundle" { 3 } else { 0 };
        site.apply_within(release, "2s").expect(code);
        site.expect_release(Some(&old));
        assert_eq!(site.head()["state"], "idle", "{bundle}");
    }
}

#[test]
fn what_others_put_on_a_head_stays_and_a_copy_of_it_is_none() {
    let site = Site::new("head");
    site.apply(&site.release(vec![site.config_map("settings", "one")])).expect(0);
    site.kubectl(&["label", "configmap", "a4co.shop", "example.com/backup=daily"]);
    let mut copy = site.get("configmap", "a4co.shop");
    let labels = copy["metadata"]["labels"].clone();
    copy["metadata"] = serde_json::json!({
        "name": "a4co.shop-backup", "namespace": site.namespace, "labels": labels,
    });
    let args = ["create", "-n", &site.namespace, "-f", "-"];
    site.cluster.kubectl_with_input(&args, &copy.to_string()).expect_success();
    site.run(&["gc", "-n", &site.namespace]).expect(0);
    let labels = &site.get("configmap", "a4co.shop")["metadata"]["labels"];
    assert_eq!(labels["example.com/backup"], "daily");
}
