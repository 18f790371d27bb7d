//! `doctor`: finds what is wrong with a cluster, all at once, and changes nothing.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod kit;

use std::{collections::BTreeMap, net::TcpListener};

use a4co_bundle::{Release, SecretRequirement};
use a4co_testenv::unique_namespace;
use kit::{
    GOOD_IMAGE, Ran, Site, path,
    proxy::{Proxy, Request, write_kubeconfig},
};
use serde_json::{Value, json};

impl Site {
    fn doctor(&self) -> Ran {
        self.run(&["doctor", "--namespace", &self.namespace, "--output", "json"])
    }

    fn patch(&self, object: &[&str], patch: &Value) {
        let patch = ["--type=merge", "-p", &patch.to_string()].map(str::to_owned);
        let args = object.iter().map(|part| (*part).to_owned()).chain(patch);
        let args: Vec<String> = args.collect();
        let args: Vec<&str> =
            ["patch"].into_iter().chain(args.iter().map(String::as_str)).collect();
        self.kubectl(&args);
    }

    /// Deletes what is stored of this kind.
    fn lose(&self, content: &str) {
        let label = format!("a4co.dev/content={content}");
        self.kubectl(&["delete", "secrets", "-l", &label]);
    }
}

/// The level of each check that is not good.
fn ills(ran: &Ran) -> BTreeMap<String, String> {
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["command"], "doctor");
    let findings = document["findings"].as_array().unwrap();
    assert!(findings.iter().all(|finding| finding["text"].is_string()), "{document}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let ills = findings.iter().filter(|finding| finding["level"] != "ok");
    ills.map(|ill| (text(&ill["check"]), text(&ill["level"]))).collect()
}

#[track_caller]
fn expect_ills(ran: &Ran, expected: &[(&str, &str)]) {
    let pair = |(check, level): &(&str, &str)| ((*check).to_owned(), (*level).to_owned());
    assert_eq!(ills(ran), expected.iter().map(pair).collect(), "{}", ran.stdout);
}

fn release(site: &Site) -> Release {
    site.release(vec![site.config_map("a", "one"), site.deployment("web", GOOD_IMAGE, Some(1))])
}

#[test]
fn a_cluster_that_is_well_gets_no_complaint_and_no_write() {
    let site = Site::new("well");
    let release = release(&site);
    let none = site.doctor().expect(0);
    assert!(none.stdout.contains("there is no release in"), "{}", none.stdout);
    site.apply(&release).expect(0);
    let proxy = Proxy::start(&site, |_| None);
    let bundle = site.bundle(&release);
    for args in [&["doctor", "-n", &site.namespace][..], &["doctor", path(&bundle)]] {
        let ran = site.run_with(&proxy.kubeconfig, args).expect(0);
        assert!(ran.stdout.lines().all(|line| !line.starts_with("error")), "{}", ran.stdout);
        for part in ["Kubernetes v1.", "nothing is under way", "is stored and whole"] {
            assert!(ran.stdout.contains(part), "{}", ran.stdout);
        }
    }
    let writes: Vec<_> = proxy.requests().into_iter().filter(Request::is_write).collect();
    assert!(writes.is_empty(), "{writes:?}");
    expect_ills(&site.doctor().expect(0), &[]);
    let ran = site.run(&["doctor", path(&bundle), "-n", &site.namespace]).expect(2);
    ran.expect_told(&["cannot be used with"]);
}

#[test]
fn what_a_release_keeps_in_the_cluster_is_checked() {
    let site = Site::new("ill");
    site.apply(&release(&site)).expect(0);
    let head = ["configmap", "a4co.shop"];
    let state = |state: &str| site.patch(&head, &json!({ "data": { "state": state } }));
    let lease = |holder: &str| {
        let time = "2026-01-01T00:00:00.000000Z";
        let spec = json!({ "holderIdentity": holder, "renewTime": time });
        site.patch(&["lease", "a4co.shop"], &json!({ "spec": spec }));
    };
    lease("ann@desk/1");
    expect_ills(&site.doctor().expect(0), &[("lease", "warning")]);
    lease("");
    state("applying");
    expect_ills(&site.doctor().expect(0), &[("transaction", "warning")]);
    let undo = |undo: Value| site.patch(&head, &json!({ "data": { "undo": undo } }));
    undo(json!(format!("sha256:{}", "0".repeat(64))));
    let ran = site.doctor().expect(1);
    expect_ills(&ran, &[("transaction", "warning"), ("recovery", "error")]);
    assert!(ran.stdout.contains("the undo log, which `a4co-apply recover` needs"));
    undo(Value::Null);
    state("stuck");
    expect_ills(&site.doctor().expect(1), &[("transaction", "error")]);
    state("idle");
    let left = json!([{ "kind": "ConfigMap", "apiVersion": "v1", "name": "old" }]).to_string();
    site.patch(&head, &json!({ "data": { "leftover": left } }));
    expect_ills(&site.doctor().expect(0), &[("leftover", "warning")]);
    site.patch(&head, &json!({ "data": { "leftover": null } }));
    expect_ills(&site.doctor().expect(0), &[]);

    site.lose("inventory");
    expect_ills(&site.doctor().expect(0), &[("inventory", "warning")]);
    let status = site.run(&["status", "-n", &site.namespace]).expect(0).stdout;
    assert!(status.contains("0 of 3 as released and ready"), "{status}");
    assert!(status.contains("web unknown: nobody knows whether it is as released"), "{status}");
    site.lose("release");
    let ills = [("inventory", "warning"), ("store", "error"), ("history", "warning")];
    let ran = site.doctor().expect(1);
    expect_ills(&ran, &ills);
    assert!(ran.stdout.contains("apply the bundle of the committed release again"));
    state("somewhere");
    let ran = site.doctor().expect(1);
    expect_ills(&ran, &[("head", "error")]);
    assert!(ran.stdout.contains("`state` of ConfigMap"), "{}", ran.stdout);
}

#[test]
fn all_that_a_site_lacks_for_a_bundle_is_told_at_once() {
    let site = Site::new("lacks");
    let widget = json!({
        "apiVersion": "example.com/v1", "kind": "Widget", "metadata": site.metadata("w"), "spec": {},
    });
    let elsewhere = unique_namespace("elsewhere");
    let (wave, mut map) = site.config_map("far", "away");
    map["metadata"]["namespace"] = json!(elsewhere);
    let mut config = site.config();
    config.requirements.ingress_classes = vec!["none".to_owned()];
    config.requirements.storage_classes = vec!["none".to_owned()];
    config.requirements.secrets =
        vec![SecretRequirement { name: "wanted".to_owned(), keys: vec!["key".to_owned()] }];
    let bundle = site.bundle(&site.release_of(config, vec![(6, widget), (wave, map)]));
    let args = ["doctor", path(&bundle), "--output", "json"];
    let ran = site.run(&args).expect(1);
    expect_ills(&ran, &[("apis", "error"), ("namespace", "error"), ("site", "error")]);
    for part in
        ["Widget (example.com/v1)", &elsewhere, "storage class", "ingress class", "/wanted with"]
    {
        assert!(ran.stdout.contains(part), "`{part}` is not in {}", ran.stdout);
    }
    let nobody = site.cluster.kubeconfig_as("nobody", &[]).unwrap();
    let ran = site.run_with(&nobody, &args).expect(1);
    let levels = ills(&ran);
    assert_eq!(levels.get("namespace").map(String::as_str), Some("warning"), "{}", ran.stdout);
    assert!(levels.contains_key("bundle"), "{}", ran.stdout);
}

#[test]
fn permissions_that_are_missing_are_listed() {
    let site = Site::new("rights");
    let release = site.release(vec![site.config_map("a", "one")]);
    site.apply(&release).expect(0);
    let reader = format!("{}-reader", site.namespace);
    let (verbs, kinds) = ("--verb=get,list", "--resource=*.*");
    site.cluster.kubectl(&["create", "clusterrole", &reader, verbs, kinds]).expect_success();
    let (role, user) = (format!("--clusterrole={reader}"), format!("--user={reader}"));
    let bind = ["create", "clusterrolebinding", &reader, &role, &user];
    site.cluster.kubectl(&bind).expect_success();
    let kubeconfig = site.cluster.kubeconfig_as(&reader, &[]).unwrap();
    let bundle = site.bundle(&release);
    let args = ["doctor", path(&bundle), "--output", "json"];
    let ran = site.run_with(&kubeconfig, &args);
    for kind in ["clusterrolebinding", "clusterrole"] {
        site.cluster.kubectl(&["delete", kind, &reader]).expect_success();
    }
    let ran = ran.expect(1);
    expect_ills(&ran, &[("permissions", "error")]);
    assert!(ran.stdout.contains("update configmaps in namespace"), "{}", ran.stdout);
}

#[test]
fn an_api_server_that_is_not_there_is_a_finding() {
    let site = Site::new("away");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let kubeconfig = site.path("away.kubeconfig");
    write_kubeconfig(&kubeconfig, port);
    let ran = site.run_with(&kubeconfig, &["doctor", "--output", "json"]).expect(1);
    expect_ills(&ran, &[("connection", "error")]);
    assert!(ran.stdout.contains("check that the API server runs"), "{}", ran.stdout);
}
