//! A release is deleted: all that it owns and its state, but nothing that people keep things in.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod kit;

use std::{
    io::Write as _,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use a4co_bundle::Release;
use kit::{
    GOOD_IMAGE, Ran, Site,
    proxy::{Fault, Proxy, nth},
};
use serde_json::{Value, json};

fn claim(site: &Site) -> (u8, Value) {
    let manifest = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": site.metadata("disk"),
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "standard",
            "resources": { "requests": { "storage": "1Gi" } },
        },
    });
    (2, manifest)
}

fn small(site: &Site) -> Release {
    site.release(vec![site.config_map("a", "one"), site.config_map("b", "one")])
}

/// Names of everything in the namespace that a release could have left there.
fn state(site: &Site) -> Vec<String> {
    let kinds = "configmaps,secrets,leases,deployments,services";
    let listed = site.kubectl(&["get", kinds, "-o", "name"]);
    let is_clusters = |line: &&str| line.contains("kube-root-ca.crt");
    listed.lines().filter(|line| !is_clusters(line)).map(str::to_owned).collect()
}

fn delete(site: &Site, more: &[&str]) -> Ran {
    let namespace = &site.namespace;
    site.run(&[&["delete", "-n", namespace, "--app", kit::APP, "--timeout", "30s"], more].concat())
}

#[test]
fn everything_goes_but_what_people_keep_things_in_and_what_is_not_ours() {
    let site = Site::new("all");
    let mut config = site.config();
    config.keep = vec![a4co_bundle::GroupKind { group: String::new(), kind: "Service".to_owned() }];
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": site.metadata("kept"),
        "spec": { "ports": [{ "port": 80 }] },
    });
    let objects = vec![
        site.config_map("settings", "one"),
        claim(&site),
        (3, service),
        site.deployment("web", GOOD_IMAGE, Some(1)),
    ];
    let release = site.release_of(config, objects);
    site.apply(&release).expect(0);
    site.kubectl(&["create", "configmap", "theirs"]);

    let ran = delete(&site, &["--yes"]).expect(0);
    let namespace = &site.namespace;
    ran.expect_told(&[
        &format!("release {} of {namespace}/shop is to be deleted", release.id().short()),
        &format!("  Deployment/{namespace}/web"),
        "kept, for deleting them would delete what people keep in them:",
        &format!("  PersistentVolumeClaim/{namespace}/disk"),
        &format!("  Namespace/{namespace}"),
    ]);
    for (kind, name) in [("configmap", "settings"), ("deployment", "web")] {
        assert!(site.get(kind, name).is_null(), "{kind}/{name}");
    }
    assert_eq!(state(&site), ["configmap/theirs", "service/kept"], "and the state is gone");
    assert!(!site.get("persistentvolumeclaim", "disk").is_null());
    delete(&site, &["--yes"]).expect(1).expect_told(&["there is no release"]);

    // What was kept still is the release's.
    site.apply(&release).expect(0);
    let ran = delete(&site, &["--yes", "-o", "json"]).expect(0);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["release"], release.id().to_string());
    assert_eq!(document["deleted"].as_array().unwrap().len(), 2);
    assert_eq!(document["kept"].as_array().unwrap().len(), 3);
}

#[test]
fn nothing_is_deleted_before_a_person_has_said_so() {
    let site = Site::new("asked");
    let release = small(&site);
    site.apply(&release).expect(0);
    let ran = delete(&site, &[]).expect(1);
    ran.expect_told(&["ConfigMap/", "nobody is there to say yes", "--yes", "not touched"]);
    site.expect_release(Some(&release));
    for (case, answer, code) in [("no", "n\n", 1), ("nothing", "\n", 1), ("the name", "shop\n", 0)]
    {
        let (ended, said) = on_a_terminal(&site, answer);
        assert!(said.contains("enter the name of the app, `shop`"), "{case}: {said}");
        assert_eq!(ended, code, "{case}: {said}");
        if code == 1 {
            site.expect_release(Some(&release));
        }
    }
    assert_eq!(state(&site), [] as [&str; 0]);
}

/// Runs the command on a terminal on which somebody types `answer`.
fn on_a_terminal(site: &Site, answer: &str) -> (i32, String) {
    let program = env!("CARGO_BIN_EXE_a4co-apply");
    let line = format!("{program} delete -n {} --timeout 30s", site.namespace);
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env("KUBECONFIG", site.cluster.kubeconfig())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs `delete`, and kills it when it has sent `writes` writes and begins another. Returns whether
/// it was killed.
fn kill_after(site: &Site, writes: usize) -> bool {
    let is_time = Arc::new(AtomicBool::new(false));
    let (told, mut sent) = (is_time.clone(), 0);
    let proxy = Proxy::start(site, move |request| {
        sent += usize::from(request.is_write());
        told.fetch_or(sent > writes, Ordering::SeqCst);
        (sent > writes).then_some(Fault::Reset)
    });
    let args = ["delete", "-n", &site.namespace, "--yes"];
    let mut command = site.command(&proxy.kubeconfig, &args);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut has_ended = false;
    while !is_time.load(Ordering::SeqCst) && !has_ended {
        has_ended = child.try_wait().unwrap().is_some();
        thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    child.wait().unwrap();
    proxy.wait_until_idle();
    site.free_lease();
    !has_ended
}

#[test]
fn a_deletion_that_is_killed_anywhere_is_not_begun_or_goes_on_with_the_next_command() {
    let site = Site::new("killed");
    let release = small(&site);
    let recover: &[&str] = &["recover", "-n", &site.namespace];
    let again: &[&str] = &["delete", "-n", &site.namespace, "--yes"];
    for next in [recover, again] {
        let mut begun = 0;
        for writes in 0.. {
            site.apply(&release).expect(0);
            let was_killed = kill_after(&site, writes);
            let head = site.head();
            let is_begun = !head.is_null() && head["committed"].is_null();
            begun += usize::from(is_begun);
            let case = format!("{} after {writes} writes", next[0]);
            if was_killed && !is_begun && !head.is_null() && next[0] == "recover" {
                site.run(next).expect(0);
                site.expect_release(Some(&release));
                continue;
            }
            // Where nothing is left, there is nothing to do either.
            let code = i32::from(head.is_null());
            let ran = site.run(next);
            assert_eq!(ran.code, code, "{case}: {}", ran.stderr);
            // A deletion that another command finishes leaves the lease of that command.
            let mut left = state(&site);
            left.retain(|name| !name.starts_with("lease"));
            assert_eq!(left, [] as [&str; 0], "{case}");
            if !was_killed || head.is_null() {
                break;
            }
        }
        assert!(begun > 3, "{begun}");
    }
}

#[test]
fn another_release_can_come_in_the_middle_of_a_deletion() {
    let site = Site::new("middle");
    let (old, new) = (small(&site), site.release(vec![site.config_map("b", "two")]));
    site.apply(&old).expect(0);
    let is_in_the_middle = |writes| {
        assert!(kill_after(&site, writes), "it has to be killed in the middle");
        site.get("configmap", "a").is_null() || site.get("configmap", "b").is_null()
    };
    assert!((2..6).any(is_in_the_middle));
    let ran = site.apply(&new).expect(0);
    ran.expect_told(&["an earlier command stopped while committed"]);
    site.expect_release(Some(&new));
}

#[test]
fn a_refused_deletion_keeps_the_state_until_it_succeeds() {
    let site = Site::new("refused");
    let release = small(&site);
    site.apply(&release).expect(0);
    let is_it = |request: &kit::proxy::Request| {
        request.method == "DELETE" && request.is_about("configmaps/a")
    };
    let proxy = Proxy::start(&site, nth(0, Fault::Forbidden, is_it));
    let args = ["delete", "-n", &site.namespace, "--yes"];
    let ran = site.run_with(&proxy.kubeconfig, &args).expect(4);
    ran.expect_told(&["deleting this was refused", "ConfigMap/", "its state stays", "tries again"]);
    assert_eq!(site.text("a"), "one");
    assert!(site.get("configmap", "b").is_null());
    assert_eq!(site.head()["state"], "idle");
    assert!(site.head()["committed"].is_null());
    let history = site.run(&["status", "-n", &site.namespace]).expect(0).stdout;
    assert!(history.contains("release      none"), "{history}");
    site.run(&args).expect(0);
    assert_eq!(state(&site), [] as [&str; 0]);
}

#[test]
fn a_deletion_without_the_right_to_it_is_refused() {
    let site = Site::new("rights");
    let release = small(&site);
    site.apply(&release).expect(0);
    let namespace = &site.namespace;
    let viewer = format!("viewer-{namespace}");
    let user = format!("--user={viewer}");
    site.kubectl(&["create", "rolebinding", "view", "--clusterrole=view", &user]);
    let (verbs, resources) = ("--verb=get,create,update", "--resource=configmaps,secrets,leases");
    site.kubectl(&["create", "role", "state", verbs, resources]);
    site.kubectl(&["create", "rolebinding", "state", "--role=state", &user]);
    let kubeconfig = site.cluster.kubeconfig_as(&viewer, &[]).unwrap();
    let ran = site.run_with(&kubeconfig, &["delete", "-n", namespace, "--yes"]).expect(1);
    ran.expect_told(&[
        "you may not do what this needs",
        &format!("delete configmaps in namespace {namespace}"),
        "not touched",
    ]);
    site.expect_release(Some(&release));
}

#[test]
fn a_command_that_stopped_before_is_settled_first() {
    let site = Site::new("settled");
    let old = small(&site);
    site.apply(&old).expect(0);
    let new = site.release(vec![
        site.config_map("a", "two"),
        site.config_map("new", "two"),
        site.deployment("web", kit::BAD_IMAGE, Some(1)),
    ]);
    site.kill_while_applying(&new, || site.text("new") == "two");
    let ran = delete(&site, &["--yes"]).expect(0);
    ran.expect_told(&["an earlier command stopped while applying"]);
    assert_eq!(state(&site), [] as [&str; 0]);
}

/// Two objects, of which the one in the later wave does not go before somebody lets it.
fn held(site: &Site) -> Vec<(u8, Value)> {
    let (_, operator) = site.config_map("operator", "one");
    let (_, mut resource) = site.config_map("resource", "one");
    resource["metadata"]["finalizers"] = json!(["example.com/held"]);
    vec![(1, operator), (3, resource)]
}

fn let_go(site: &Site) {
    let patch = r#"{"metadata":{"finalizers":null}}"#;
    site.kubectl(&["patch", "configmap", "resource", "--type=merge", "-p", patch]);
}

#[test]
fn a_wave_is_deleted_when_the_one_after_it_is_gone() {
    let site = Site::new("held");
    site.apply(&site.release(held(&site))).expect(0);
    let args = ["delete", "-n", &site.namespace, "--yes", "--timeout", "1s"];
    let ran = site.run(&args).expect(4);
    ran.expect_told(&["still there 1 s after they were deleted", "ConfigMap/"]);
    assert!(!site.get("configmap", "operator").is_null(), "it may be needed");
    let_go(&site);
    site.run(&["recover", "-n", &site.namespace]).expect(0);
    let mut left = state(&site);
    left.retain(|name| !name.starts_with("lease"));
    assert_eq!(left, [] as [&str; 0]);
}

#[test]
fn a_prune_waits_between_waves_and_leaves_the_rest_to_later_commands() {
    let site = Site::new("pruned");
    site.apply(&site.release(held(&site))).expect(0);
    let new = site.release(vec![site.config_map("settings", "one")]);
    for (case, timeout) in [("at first", "1s"), ("again", "1s")] {
        let ran = site.apply_within(&new, timeout).expect(0);
        ran.expect_told(&["could not be deleted", "before what depends on it is gone"]);
        site.get("configmap", "operator").as_object().expect(case);
        assert_eq!(site.head()["state"], "idle", "{case}");
    }
    let_go(&site);
    site.apply(&new).expect(0);
    site.expect_release(Some(&new));
    assert!(site.get("configmap", "operator").is_null());
}

#[test]
fn what_a_person_agreed_to_is_what_is_deleted() {
    let site = Site::new("agreed");
    let (old, new) = (small(&site), site.release(vec![site.config_map("c", "one")]));
    site.apply(&old).expect(0);
    let bundle = site.bundle(&new);
    let apply = ["apply", kit::path(&bundle), "--timeout", "30s"];
    let mut command = Some(site.command(site.cluster.kubeconfig(), &apply));
    // Another command is faster: it has ended before this one has the lease.
    let proxy = Proxy::start(&site, move |request| {
        if request.is_about("leases/a4co.shop")
            && let Some(mut command) = command.take()
        {
            assert!(command.output().unwrap().status.success());
        }
        None
    });
    let args = ["delete", "-n", &site.namespace, "--yes"];
    let ran = site.run_with(&proxy.kubeconfig, &args).expect(1);
    ran.expect_told(&["is not what was shown", "run the command again", "not touched"]);
    site.expect_release(Some(&new));
    site.run_with(&proxy.kubeconfig, &args).expect(0);
    assert_eq!(state(&site), [] as [&str; 0]);
}

#[test]
fn claims_that_go_with_a_stateful_set_are_named() {
    let site = Site::new("claims");
    let labels = json!({ "app": "db" });
    let set = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": site.metadata("db"),
        "spec": {
            "replicas": 0,
            "selector": { "matchLabels": labels },
            "serviceName": "db",
            "persistentVolumeClaimRetentionPolicy": { "whenDeleted": "Delete" },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [{ "name": "db", "image": GOOD_IMAGE }] },
            },
        },
    });
    site.apply(&site.release(vec![(5, set)])).expect(0);
    let ran = delete(&site, &[]).expect(1);
    ran.expect_told(&["the claims of these go with them", "StatefulSet/"]);
}

#[test]
fn a_command_that_finishes_a_deletion_says_so() {
    let site = Site::new("finished");
    let release = small(&site);
    site.apply(&release).expect(0);
    let is_begun = |writes| {
        assert!(kill_after(&site, writes), "it has to be killed in the middle");
        site.head()["committed"].is_null()
    };
    assert!((2..6).any(is_begun));
    let ran = site.run(&["gc", "-n", &site.namespace, "-o", "json"]).expect(0);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["recovered"], "deleted");
    assert!(site.head().is_null());
}
