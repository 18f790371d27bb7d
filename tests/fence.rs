//! The fence: the API server itself refuses what an overtaken command creates late, and nothing
//! else.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod kit;

use std::{sync::Once, time::Duration};

use a4co_bundle::PART_OF_LABEL;
use a4co_testenv::Output;
use kit::{
    GOOD_IMAGE, OTHER_IMAGE, Site, path,
    proxy::{Fault, Proxy, Request, nth},
    running::until,
};
use serde_json::{Value, json};

const EPOCH: &str = "a4co.dev/epoch";

/// A place in a cluster that always has some fence. Once none is left, the API server does not read
/// heads again (kubernetes#130887), and the fences that come after deny nothing.
fn fenced_site(prefix: &str) -> Site {
    static KEEPER: Once = Once::new();
    KEEPER.call_once(|| {
        let keeper = Site::new("keeper");
        let bundle = keeper.bundle(&keeper.release(vec![keeper.config_map("a", "one")]));
        keeper.run(&["doctor", "--install-fence", path(&bundle)]).expect(0);
    });
    Site::new(prefix)
}

/// A creation that the API server is asked about.
struct Creation {
    object: Value,
    manager: &'static str,
    /// kubectl's way to do it.
    verb: &'static [&'static str],
}

const APPLY: &[&str] = &["apply", "--server-side"];
const POST: &[&str] = &["create"];

impl Site {
    fn doctor(&self, option: &str) -> kit::Ran {
        self.run(&["doctor", option, "--namespace", &self.namespace])
    }

    /// Sets the epoch of the head.
    fn set_epoch(&self, epoch: &str) {
        let patch = json!({ "data": { "epoch": epoch } }).to_string();
        self.kubectl(&["patch", "configmap", "a4co.shop", "--type=merge", "-p", &patch]);
    }

    fn binding(&self) -> String {
        format!("a4co-fence.{}.shop", self.namespace)
    }

    fn has_binding(&self) -> bool {
        let kind = "validatingadmissionpolicybinding";
        self.cluster.kubectl(&["get", kind, &self.binding()]).success()
    }

    /// Lets everything of the release pass that the fence would deny, by one more field.
    fn open_the_fence(&self) {
        let binding = self.binding();
        let selector = json!({ "matchLabels": { "is": "none" } });
        let patch = json!({ "spec": { "matchResources": { "namespaceSelector": selector } } });
        let kind = "validatingadmissionpolicybinding";
        let patch = ["patch", kind, &binding, "--type=merge", "-p", &patch.to_string()];
        self.cluster.kubectl(&patch).expect_success();
    }

    /// A `ConfigMap` as the command of this epoch creates it.
    fn created_in(&self, epoch: &str) -> Creation {
        let (_, mut object) = self.config_map("late", "text");
        object["metadata"]["annotations"] = json!({ EPOCH: epoch });
        Creation { object, manager: "a4co", verb: APPLY }
    }

    /// Asks the API server what it would say.
    fn try_out(&self, Creation { object, manager, verb }: &Creation) -> Output {
        let manager = format!("--field-manager={manager}");
        let args = [*verb, &[manager.as_str(), "--dry-run=server", "-f", "-"]].concat();
        self.cluster.kubectl_with_input(&args, &object.to_string())
    }

    fn is_denied(&self, creation: &Creation) -> bool {
        let output = self.try_out(creation);
        let is_denied = output.stderr.contains("a4co-fence");
        assert_eq!(output.success(), !is_denied, "{}", output.stderr);
        is_denied
    }
}

impl Creation {
    fn with(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.object);
        self
    }
}

fn of_kind(api_version: &str, kind: &str, spec: &Value) -> impl FnOnce(&mut Value) {
    let (kind, spec) = (json!({ "apiVersion": api_version, "kind": kind }), spec.clone());
    move |object| {
        object["apiVersion"] = kind["apiVersion"].clone();
        object["kind"] = kind["kind"].clone();
        let object = object.as_object_mut().unwrap();
        object.remove("data");
        object.extend(spec.as_object().unwrap().clone());
    }
}

#[test]
fn late_creations_are_denied_and_nothing_else_is() {
    let site = fenced_site("fence");
    let release = site.release(vec![site.config_map("a", "one")]);
    site.apply(&release).expect(0);
    site.set_epoch("5");
    site.doctor("--install-fence").expect(0);
    // The API server loads a policy within some milliseconds.
    until("the fence", || site.is_denied(&site.created_in("4")));

    let denied = site.try_out(&site.created_in("4")).stderr;
    for part in ["overtaken", "it is of epoch 4", "the release is at epoch 5"] {
        assert!(denied.contains(part), "{denied}");
    }
    let stale = || site.created_in("4");
    let by = |manager, verb| Creation { manager, verb, ..stale() };
    let cluster_wide = |object: &mut Value| {
        of_kind("rbac.authorization.k8s.io/v1", "ClusterRole", &json!({ "rules": [] }))(object);
        object["metadata"].as_object_mut().unwrap().remove("namespace");
    };
    let spec = json!({ "spec": { "selfSigned": {} } });
    let custom = of_kind("cert-manager.io/v1", "Issuer", &spec);
    let without = |field: &'static str, key: &'static str| {
        stale().with(move |object| {
            object["metadata"][field].as_object_mut().unwrap().remove(key);
        })
    };
    let of_other_set = stale().with(|object| {
        object["metadata"]["labels"] = json!({ PART_OF_LABEL: "applyset-other-v1" });
    });
    let update = stale().with(|object| object["metadata"]["name"] = json!("a"));
    for (case, creation, expected) in [
        ("a late creation by server-side apply", stale(), true),
        ("a late creation by POST", by("a4co", POST), true),
        ("a late creation of something for the whole cluster", stale().with(cluster_wide), true),
        ("a late creation of a custom resource", stale().with(custom), true),
        ("a creation of the command at work", site.created_in("5"), false),
        ("a creation of the next command", site.created_in("6"), false),
        ("a number that is larger, but not as text", site.created_in("10"), false),
        ("something that is no epoch", site.created_in("four"), false),
        ("an epoch that no number can hold", site.created_in(&"4".repeat(30)), false),
        ("an object without an epoch", without("annotations", EPOCH), false),
        ("an object that is of no release", without("labels", PART_OF_LABEL), false),
        ("an object of another release", of_other_set, false),
        ("somebody else, who restores a backup", by("velero", APPLY), false),
        ("somebody else, who creates a copy", by("kubectl-create", POST), false),
        ("an update, which its version guards", update, false),
    ] {
        assert_eq!(site.is_denied(&creation), expected, "{case}");
    }

    site.set_epoch("many");
    until("a head without an epoch to fence nobody", || !site.is_denied(&stale()));
    site.set_epoch("5");
    until("the fence to close again", || site.is_denied(&stale()));
    site.kubectl(&["delete", "configmap", "a4co.shop"]);
    until("no head to fence nobody", || !site.is_denied(&stale()));
    remove_fence(&site, &release);
}

/// Removes the fence of a place that has no head any more.
fn remove_fence(site: &Site, release: &a4co_bundle::Release) {
    let bundle = site.bundle(release);
    let ran = site.run(&["doctor", "--remove-fence", path(&bundle)]).expect(0);
    assert!(ran.stdout.contains("is removed"), "{}", ran.stdout);
    assert!(!site.has_binding());
    let ran = site.run(&["doctor", "--remove-fence", path(&bundle)]).expect(0);
    assert!(ran.stdout.contains("has no fence"), "{}", ran.stdout);
}

#[test]
fn releases_and_controllers_work_behind_the_fence() {
    let site = fenced_site("behind");
    let objects = |text: &str, image: &str| {
        vec![
            site.config_map("a", text),
            site.deployment("web", image, None),
            site.autoscaler("web", 2),
        ]
    };
    let old = site.release(objects("one", GOOD_IMAGE));
    let mut more = objects("two", OTHER_IMAGE);
    more.push(site.config_map("b", "two"));
    let new = site.release(more);
    // It can be there before the first release.
    site.run(&["doctor", "--install-fence", path(&site.bundle(&old))]).expect(0);
    site.apply(&old).expect(0);
    let epoch = &site.get("configmap", "a")["metadata"]["annotations"][EPOCH];
    assert_eq!(*epoch, site.head()["epoch"], "what we create says when");
    for release in [&new, &old] {
        site.apply(release).expect(0);
        site.expect_release(Some(release));
    }
    // The head moved on, so it is closed behind every command that was overtaken.
    until("the fence", || site.is_denied(&site.created_in("0")));
    let epoch = site.head()["epoch"].as_str().unwrap().to_owned();
    assert!(!site.is_denied(&site.created_in(&epoch)));
    let ran = site.run(&["doctor", "-n", &site.namespace]).expect(0);
    assert!(ran.stdout.contains("fence        it is installed"), "{}", ran.stdout);
    site.open_the_fence();
    let ran = site.run(&["doctor", "-n", &site.namespace]).expect(0);
    assert!(ran.stdout.contains("fence        it is not as this version"), "{}", ran.stdout);
    site.doctor("--install-fence").expect(0);
    let ran = site.run(&["doctor", "-n", &site.namespace]).expect(0);
    assert!(ran.stdout.contains("fence        it is installed"), "{}", ran.stdout);
    site.set_epoch("0");
    let ran = site.run(&["doctor", "-n", &site.namespace]);
    assert!(ran.stdout.contains("lets pass what it should deny"), "{}", ran.stdout);
    site.set_epoch(&epoch);
    site.doctor("--remove-fence").expect(0);
    until("the fence to be gone", || !site.is_denied(&site.created_in("0")));
}

#[test]
fn what_a_killed_command_sent_is_denied_when_it_arrives_after_the_recovery() {
    let site = fenced_site("late");
    let old = site.release(vec![site.config_map("a", "one")]);
    let new = site.release(vec![site.config_map("a", "one"), site.config_map("b", "two")]);
    site.apply(&old).expect(0);
    site.doctor("--install-fence").expect(0);
    until("the fence", || site.is_denied(&site.created_in("0")));
    // Far longer than the recovery takes.
    let late = Fault::Delay(Duration::from_secs(20));
    let is_creation = |request: &Request| request.is_about("configmaps/b") && request.is_write();
    let proxy = Proxy::start(&site, nth(0, late, is_creation));
    let running = site.start(&proxy.kubeconfig, &new, "2m");
    proxy.wait_for(is_creation);
    drop(running);
    site.free_lease();
    site.run(&["recover", "--namespace", &site.namespace]).expect(0);
    proxy.wait_until_idle();
    assert!(site.get("configmap", "b").is_null());
    site.expect_release(Some(&old));
    site.doctor("--remove-fence").expect(0);
}

#[test]
fn whoever_may_not_install_it_is_refused_and_nothing_is_changed() {
    let site = fenced_site("unfenced");
    let bundle = site.bundle(&site.release(vec![site.config_map("a", "one")]));
    site.apply(&site.release(vec![site.config_map("a", "one")])).expect(0);
    let install = ["doctor", "--install-fence", path(&bundle)];
    let nobody = site.cluster.kubeconfig_as("nobody", &[]).unwrap();
    let ran = site.run_with(&nobody, &install).expect(1);
    ran.expect_told(&[
        "create validatingadmissionpolicies.admissionregistration.k8s.io in the cluster",
        "get configmaps in the cluster",
        "not touched",
        "hint: ask an administrator",
    ]);

    let half = format!("{}-half", site.namespace);
    let policies = "--resource=validatingadmissionpolicies.admissionregistration.k8s.io";
    let verbs = "--verb=get,list,create,patch,delete";
    site.cluster.kubectl(&["create", "clusterrole", &half, verbs, policies]).expect_success();
    let (role, user) = (format!("--clusterrole={half}"), format!("--user={half}"));
    site.cluster.kubectl(&["create", "clusterrolebinding", &half, &role, &user]).expect_success();
    let halfway = site.cluster.kubeconfig_as(&half, &[]).unwrap();
    let ran = site.run_with(&halfway, &install);
    let remove = ["doctor", "--remove-fence", path(&bundle)];
    let removed = site.run_with(&halfway, &remove);
    for kind in ["clusterrolebinding", "clusterrole"] {
        site.cluster.kubectl(&["delete", kind, &half]).expect_success();
    }
    for ran in [ran, removed] {
        let told = ["validatingadmissionpolicybindings", "not touched", "hint:"];
        ran.expect(1).expect_told(&told);
    }
    assert!(!site.has_binding());
}
