//! What is refused leaves the cluster as it was, and says what to do.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod kit;

use std::{
    io::Read as _,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use ed25519_dalek::SigningKey;
use kit::{Ran, Site, path, proxy::write_kubeconfig};
use serde_json::{Value, json};

/// A server that counts connections, and a kubeconfig that names it.
struct RecordingServer {
    connections: Arc<AtomicUsize>,
    kubeconfig: std::path::PathBuf,
}

impl RecordingServer {
    fn start(site: &Site) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = connections.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                counter.fetch_add(1, Ordering::SeqCst);
                let _ = stream.map(|mut stream| stream.read(&mut [0; 64]));
            }
        });
        let kubeconfig = site.path("recording.kubeconfig");
        write_kubeconfig(&kubeconfig, port);
        Self { connections, kubeconfig }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn bundle_of_two(site: &Site) -> a4co_bundle::Release {
    site.release(vec![site.config_map("a", "one"), site.config_map("b", "one")])
}

#[test]
fn a_bundle_that_is_not_trusted_is_refused_before_any_request() {
    let site = Site::new("untrusted");
    let server = RecordingServer::start(&site);
    let release = bundle_of_two(&site);
    let good = fs_err::read(site.bundle(&release)).unwrap();
    let unsigned = fs_err::read(site.bundle_signed_by(&release, &[])).unwrap();
    let stranger = SigningKey::from_bytes(&[9; 32]);
    let strange = fs_err::read(site.bundle_signed_by(&release, &[&stranger])).unwrap();
    let mut cases = vec![
        ("unsigned".to_owned(), unsigned, "is not signed"),
        ("signed by a stranger".to_owned(), strange, "is not trusted for this"),
        ("cut".to_owned(), good[..good.len() / 2].to_vec(), "cut"),
        ("empty".to_owned(), Vec::new(), "cut"),
        ("something else".to_owned(), b"hello, world, I am a text".to_vec(), "byte 0"),
    ];
    for index in (0..good.len()).step_by(good.len() / 40) {
        let mut flipped = good.clone();
        flipped[index] ^= 1 << (index % 8);
        cases.push((format!("a bit of byte {index} flipped"), flipped, "`"));
    }
    for (case, bytes, fragment) in cases {
        let file = site.path("damaged.tar.gz");
        fs_err::write(&file, bytes).unwrap();
        let ran = site.run_with(&server.kubeconfig, &["apply", path(&file)]);
        assert_eq!(ran.code, 1, "{case}: {}", ran.stderr);
        let names_a_place = ["byte ", "`a4co/", "`blobs/", "`index.json`"].iter();
        let is_placed = names_a_place.into_iter().any(|place| ran.stderr.contains(place));
        assert!(is_placed || case.contains("signed"), "{case}: {}", ran.stderr);
        for fragment in
            [fragment, "damaged.tar.gz` is refused", "the cluster was not touched", "hint:"]
        {
            assert!(
                ran.stderr.contains(fragment),
                "{case}: `{fragment}` is not in\n{}",
                ran.stderr
            );
        }
    }
    assert_eq!(server.connections(), 0);
    site.run_with(&server.kubeconfig, &["apply", path(&site.bundle(&release))]);
    assert!(server.connections() > 0, "the server does record");
}

#[test]
fn no_trust_anchor_is_a_refusal_with_a_remedy() {
    let site = Site::new("anchor");
    let bundle = site.bundle(&bundle_of_two(&site));
    let mut command = site.command(site.cluster.kubeconfig(), &["verify", path(&bundle)]);
    let ran: Ran = command.env_remove("A4CO_TRUST").output().unwrap().into();
    ran.expect(1).expect_told(&["no trust anchor", "--trust FILE"]);
}

#[test]
fn a_namespace_that_somebody_is_deleting_is_refused() {
    let site = Site::new("deleting");
    site.cluster.kubectl(&["create", "namespace", &site.namespace]).expect_success();
    site.kubectl(&["create", "configmap", "holds-it-up"]);
    let finalizer = r#"{"metadata":{"finalizers":["example.com/hold"]}}"#;
    site.kubectl(&["patch", "configmap", "holds-it-up", "--type=merge", "-p", finalizer]);
    site.cluster
        .kubectl(&["delete", "namespace", &site.namespace, "--wait=false"])
        .expect_success();
    let ran = site.apply(&bundle_of_two(&site)).expect(1);
    ran.expect_told(&["is being deleted", "not touched", "hint:"]);
    site.kubectl(&[
        "patch",
        "configmap",
        "holds-it-up",
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":null}}"#,
    ]);
}

#[test]
fn a_missing_definition_is_refused_with_the_kinds_named() {
    let site = Site::new("missing-crd");
    let widget = json!({
        "apiVersion": "example.com/v1", "kind": "Widget", "metadata": site.metadata("w"), "spec": {},
    });
    let ran = site.apply(&site.release(vec![(6, widget), site.config_map("a", "one")])).expect(1);
    ran.expect_told(&[
        "does not serve",
        "Widget (example.com/v1)",
        "install what brings",
        "not touched",
    ]);
    let namespace = site.cluster.kubectl(&["get", "namespace", &site.namespace]);
    assert!(!namespace.success(), "not even the namespace was made");
}

#[test]
fn missing_permissions_are_refused_and_listed() {
    let site = Site::new("rbac");
    let release = bundle_of_two(&site);
    let bundle = site.bundle(&release);
    let nobody = site.cluster.kubeconfig_as("nobody", &[]).unwrap();
    let ran = site.run_with(&nobody, &["apply", path(&bundle)]).expect(1);
    ran.expect_told(&["forbidden", "not touched", "hint: ask an administrator"]);

    site.cluster.kubectl(&["create", "namespace", &site.namespace]).expect_success();
    site.kubectl(&[
        "create",
        "clusterrolebinding",
        &site.namespace,
        "--clusterrole=view",
        "--user=viewer",
    ]);
    let role = format!("{}-more", site.namespace);
    site.kubectl(&[
        "create",
        "clusterrole",
        &role,
        "--verb=get,list",
        "--resource=namespaces,secrets",
    ]);
    site.kubectl(&[
        "create",
        "clusterrolebinding",
        &role,
        &format!("--clusterrole={role}"),
        "--user=viewer",
    ]);
    let viewer = site.cluster.kubeconfig_as("viewer", &[]).unwrap();
    let ran = site.run_with(&viewer, &["apply", path(&bundle)]).expect(1);
    let place = &site.namespace;
    ran.expect_told(&[
        "you may not do what this needs",
        &format!("create configmaps in namespace {place}"),
        &format!("create leases.coordination.k8s.io in namespace {place}"),
        &format!("patch configmaps in namespace {place}"),
    ]);
    assert_eq!(site.members("configmap"), [] as [&str; 0]);
    for binding in [&site.namespace, &role] {
        site.cluster.kubectl(&["delete", "clusterrolebinding", binding]).expect_success();
    }
    site.cluster.kubectl(&["delete", "clusterrole", &role]).expect_success();
}

#[test]
fn an_object_that_is_not_ours_is_not_taken() {
    let site = Site::new("foreign");
    site.cluster.kubectl(&["create", "namespace", &site.namespace]).expect_success();
    site.kubectl(&["create", "configmap", "a", "--from-literal=text=mine"]);
    let ran = site.apply(&bundle_of_two(&site)).expect(1);
    ran.expect_told(&["stand in the way", "/a exists and was not made by a release"]);
    assert_eq!(site.get("configmap", "a")["data"]["text"], "mine");
    assert!(site.get("configmap", "b").is_null());
}

#[test]
fn an_update_that_the_api_server_would_refuse_is_refused_before_anything_is_written() {
    let site = Site::new("immutable");
    let old = site.release(vec![
        site.config_map("a", "one"),
        site.deployment("web", kit::GOOD_IMAGE, Some(1)),
    ]);
    site.apply(&old).expect(0);
    let change = |change: &dyn Fn(&mut Value)| {
        let (wave, mut web) = site.deployment("web", kit::GOOD_IMAGE, Some(1));
        change(&mut web["spec"]);
        site.release(vec![site.config_map("a", "two"), (wave, web)])
    };
    for (case, release, fragments) in [
        (
            "a field that never changes",
            change(&|spec| {
                spec["selector"]["matchLabels"]["more"] = json!("x");
                spec["template"]["metadata"]["labels"]["more"] = json!("x");
            }),
            &[
                "cannot change where this release changes it",
                "spec.selector.matchLabels.more: \"x\" is new",
                "a4co.dev/on-immutable-change: recreate",
            ][..],
        ),
        (
            "a value that is none",
            change(&|spec| spec["template"]["spec"]["restartPolicy"] = json!("Never")),
            &["the API server would refuse this", "restartPolicy"],
        ),
    ] {
        let bundle = site.bundle(&release);
        for command in ["plan", "apply"] {
            let ran = site.run(&[command, path(&bundle)]);
            assert_eq!(ran.code, 1, "{case}, {command}: {}", ran.stderr);
            ran.expect_told(fragments);
            ran.expect_told(&["Deployment/", "not touched"]);
        }
        site.expect_release(Some(&old));
    }
}

#[test]
fn an_older_version_or_another_environment_is_refused() {
    let site = Site::new("downgrade");
    let release = |version: &str, environment: &str| {
        let mut config = site.config();
        config.version = version.parse().unwrap();
        config.environment = environment.to_owned();
        site.release_of(config, vec![site.config_map("a", version)])
    };
    site.apply(&release("1.1.0", "test")).expect(0);
    site.apply(&release("1.0.9", "test"))
        .expect(1)
        .expect_told(&["version 1.0.9 is older than 1.1.0", "rollback"]);
    site.apply(&release("1.2.0", "other"))
        .expect(1)
        .expect_told(&["is for environment `other`", "is `test`"]);
    assert_eq!(site.get("configmap", "a")["data"]["text"], "1.1.0");
}

#[test]
fn a_second_operator_is_refused_with_the_holder_and_its_age() {
    let site = Site::new("lease");
    let release = bundle_of_two(&site);
    site.apply(&release).expect(0);
    let now = site.kubectl(&[
        "get",
        "lease",
        "a4co.shop",
        "-o",
        "jsonpath={.metadata.creationTimestamp}",
    ]);
    assert!(!now.is_empty());
    site.hold_lease("ann@desk/1", 0);
    let bundle = site.bundle(&site.release(vec![site.config_map("a", "two")]));
    let ran = site.run(&["apply", path(&bundle), "--wait", "0s"]).expect(1);
    ran.expect_told(&["`ann@desk/1` is at work here", "s ago", "not touched", "--wait"]);
}
