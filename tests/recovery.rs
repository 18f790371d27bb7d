//! What was left in the middle or was taken away is finished, undone or put back by the next
//! command, which says so.

mod kit;

use std::path::PathBuf;

use a4co_bundle::Release;
use kit::{
    BAD_IMAGE, GOOD_IMAGE, Ran, Site, path,
    proxy::{Fault, Proxy, Request},
    running::until,
};
use serde_json::json;

/// A release with a text, and with a Deployment that is restarted by that.
fn release(site: &Site, text: &str, image: &str) -> Release {
    site.release(vec![site.config_map("a", text), site.deployment("web", image, Some(1))])
}

/// A place whose second release was killed while it waited.
fn killed_while_changing(name: &str) -> (Site, Release) {
    let site = Site::new(name);
    let old = release(&site, "old", GOOD_IMAGE);
    site.apply(&old).expect(0);
    let new = release(&site, "new", BAD_IMAGE);
    site.kill_while_applying(&new, || site.image("web") == BAD_IMAGE);
    assert_eq!(site.head()["state"], "applying");
    (site, old)
}

fn run_here(site: &Site, command: &str) -> Ran {
    site.run(&[command, "--namespace", &site.namespace])
}

#[test]
fn recover_and_rollback_undo_what_a_killed_command_began() {
    for command in ["recover", "rollback"] {
        let (site, old) = killed_while_changing(command);
        run_here(&site, command).expect(0);
        site.expect_release(Some(&old));
        if command == "recover" {
            let ran = run_here(&site, command).expect(0);
            let shown = ran.stdout + &ran.stderr;
            assert!(shown.contains("nothing"), "{shown}");
            site.expect_release(Some(&old));
        }
    }
}

/// The bundle of a release with a text, whose workload fails at once.
fn failing(site: &Site, text: &str) -> PathBuf {
    let (wave, mut web) = site.deployment("web", BAD_IMAGE, Some(1));
    web["spec"]["progressDeadlineSeconds"] = json!(1);
    site.bundle(&site.release(vec![site.config_map("a", text), (wave, web)]))
}

#[test]
fn a_way_back_waits_for_nothing_that_is_not_restored_yet() {
    let site = Site::new("met");
    let old = release(&site, "old", GOOD_IMAGE);
    site.apply(&old).expect(0);
    let bundle = failing(&site, "new");
    let (mut goes_back, mut met) = (false, 0);
    // As when a controller has just written the status.
    let proxy = Proxy::start(&site, move |request: &Request| {
        goes_back |= request.body.contains("rolling-back");
        let is_restored = goes_back && request.is_write() && request.is_about("deployments/web");
        met += usize::from(is_restored);
        (is_restored && met <= 2).then_some(Fault::Unavailable)
    });
    let ran = site.run_with(&proxy.kubeconfig, &["apply", path(&bundle)]).expect(3);
    assert!(!ran.stderr.contains("not well"), "{}", ran.stderr);
    let story = ran.stderr.split("going back").nth(1).unwrap_or_default();
    assert!(!story.contains("1 old pod has yet to go; pod"), "{story}");
    site.expect_release(Some(&old));
}

#[test]
fn a_way_back_that_is_refused_stops_until_a_person_has_mended_it() {
    let site = Site::new("stuck");
    let old = release(&site, "old", GOOD_IMAGE);
    site.apply(&old).expect(0);
    let bundle = failing(&site, "new");
    let mut goes_back = false;
    let proxy = Proxy::start(&site, move |request: &Request| {
        goes_back |= request.body.contains("rolling-back");
        let is_restored = goes_back && request.is_write() && request.is_about("configmaps/a");
        is_restored.then_some(Fault::Forbidden)
    });
    let ran = site.run_with(&proxy.kubeconfig, &["apply", path(&bundle)]).expect(4);
    ran.expect_told(&["restore", "objects of both releases", "`a4co-apply recover`"]);
    for command in ["recover", "rollback"] {
        assert_eq!(site.head()["state"], "stuck", "before {command}");
        assert_eq!(site.text("a"), "new", "before {command}");
        let args = [command, "--namespace", &site.namespace];
        site.run_with(&proxy.kubeconfig, &args).expect(4).expect_told(&["restore"]);
    }
    run_here(&site, "recover").expect(0);
    site.expect_release(Some(&old));
}

#[test]
fn recover_leaves_nothing_of_a_first_release_that_was_killed_but_its_namespace() {
    let site = Site::new("recover-first");
    let new = release(&site, "new", BAD_IMAGE);
    site.kill_while_applying(&new, || site.image("web") == BAD_IMAGE);
    run_here(&site, "recover").expect(0);
    site.expect_release(None);
    site.apply(&release(&site, "next", GOOD_IMAGE)).expect(0);
}

#[test]
fn a_refusal_after_a_recovery_does_not_claim_that_nothing_was_touched() {
    let (site, old) = killed_while_changing("refused-late");
    let (wave, mut web) = site.deployment("web", GOOD_IMAGE, Some(1));
    web["spec"]["selector"]["matchLabels"]["more"] = json!("x");
    web["spec"]["template"]["metadata"]["labels"]["more"] = json!("x");
    let refused = site.release(vec![(wave, web)]);
    let ran = site.apply(&refused).expect(1);
    site.expect_release(Some(&old));
    assert!(!ran.stderr.contains("not touched"), "{}", ran.stderr);
}

#[test]
fn a_stored_release_that_somebody_deleted_is_put_back_by_its_bundle() {
    let site = Site::new("lost-release");
    let [one, two] = ["one", "two"].map(|text| site.release(vec![site.config_map("a", text)]));
    site.apply(&one).expect(0);
    let delete = || site.kubectl(&["delete", "secret", "-l", "a4co.dev/content=release"]);
    delete();
    let ran = run_here(&site, "status");
    let shown = ran.stdout + &ran.stderr;
    assert!(shown.contains("apply"), "{shown}");
    site.apply(&one).expect(0);
    site.expect_release(Some(&one));
    run_here(&site, "status").expect(0);
    site.apply(&two).expect(0);

    delete();
    let ran = site.rollback(&one.id().short()).expect(1);
    ran.expect_told(&["hint:"]);
    site.apply(&two).expect(0);
    site.apply(&one).expect(0);
    site.rollback(&two.id().short()).expect(0);
    site.expect_release(Some(&two));
}

#[test]
fn half_a_head_is_an_error_that_names_the_field() {
    let site = Site::new("half-head");
    let old = site.release(vec![site.config_map("a", "one"), site.config_map("b", "one")]);
    site.apply(&old).expect(0);
    let broken = r#"[{"op":"remove","path":"/data/committedBundle"}]"#;
    site.kubectl(&["patch", "configmap", "a4co.shop", "--type=json", "-p", broken]);
    run_here(&site, "status").expect(1).expect_told(&["committedBundle"]);
    let new = site.release(vec![site.config_map("a", "two")]);
    site.apply(&new).expect(1).expect_told(&["committedBundle"]);
    assert_eq!([site.text("a"), site.text("b")], ["one", "one"]);
}

/// A policy that forbids to delete one object; it goes when it is dropped.
struct Protection<'a>(&'a Site);

impl<'a> Protection<'a> {
    fn of(site: &'a Site, config_map: &str) -> Self {
        let name = &site.namespace;
        let api_version = "admissionregistration.k8s.io/v1";
        let policy = json!({
            "apiVersion": api_version,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": { "name": name },
            "spec": {
                "matchConstraints": { "resourceRules": [{ "apiGroups": [""], "apiVersions": ["v1"],
                    "operations": ["DELETE"], "resources": ["configmaps"] }] },
                "validations": [{ "expression": format!("request.name != {config_map:?}") }],
            },
        });
        let binding = json!({
            "apiVersion": api_version,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": { "name": name },
            "spec": {
                "policyName": name,
                "validationActions": ["Deny"],
                "matchResources": { "namespaceSelector": {
                    "matchLabels": { "kubernetes.io/metadata.name": name } } },
            },
        });
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": [policy, binding] });
        let create = ["create", "-f", "-"];
        site.cluster.kubectl_with_input(&create, &list.to_string()).expect_success();
        let protection = Self(site);
        until("the protection", || !protection.lets_delete(config_map));
        protection
    }

    fn lets_delete(&self, config_map: &str) -> bool {
        let namespace = &self.0.namespace;
        let delete = ["delete", "configmap", config_map, "-n", namespace, "--dry-run=server"];
        self.0.cluster.kubectl(&delete).success()
    }

    /// Ends the protection, and waits until it has.
    fn end(self, config_map: &str) {
        self.delete();
        until("the end of the protection", || self.lets_delete(config_map));
    }

    fn delete(&self) {
        let kind = "validatingadmissionpolicybinding,validatingadmissionpolicy";
        let _ = self.0.cluster.kubectl(&["delete", kind, &self.0.namespace, "--ignore-not-found"]);
    }
}

impl Drop for Protection<'_> {
    fn drop(&mut self) {
        self.delete();
    }
}

#[test]
fn what_may_not_be_pruned_is_a_warning_until_it_may() {
    let site = Site::new("protected");
    let old = site.release(vec![site.config_map("a", "one"), site.config_map("kept", "one")]);
    let [two, three] = ["two", "three"].map(|text| site.release(vec![site.config_map("a", text)]));
    site.apply(&old).expect(0);
    let protection = Protection::of(&site, "kept");
    for release in [&two, &two, &three] {
        let ran = site.apply(release).expect(0);
        ran.expect_told(&["warning", &format!("ConfigMap/{}/kept", site.namespace)]);
        assert_eq!(site.committed(), Some(release.id()));
        assert_eq!(site.head()["state"], "idle");
        run_here(&site, "status").expect(0);
    }
    assert_eq!(site.members("configmap"), ["a", "kept"]);
    protection.end("kept");
    site.apply(&three).expect(0);
    site.expect_release(Some(&three));
}
