//! What is not ready is waited for, explained in the cluster's own words, and given up early when
//! it cannot recover.
//!
//! Nodes here run no containers, so the tests write what a kubelet would say about a pod.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod kit;

use std::{collections::BTreeSet, thread, time::Duration};

use a4co_bundle::{Readiness, ReadinessRule, Release};
use kit::{
    BAD_IMAGE, GOOD_IMAGE, Ran, Site,
    proxy::{Fault, Proxy, Request},
    running::until,
};
use serde_json::{Value, json};

/// Longer than any trouble has to stand before it is believed, so that time is never what ends it.
const LONG: &str = "10m";

impl Site {
    /// A deployment whose pods the test plays the kubelet of.
    fn played(&self, name: &str) -> (u8, Value) {
        self.deployment(name, BAD_IMAGE, Some(1))
    }

    /// Waits for the pod of a played workload, and returns its name.
    fn pod(&self, selector: &str) -> String {
        let reason = "{.items[*].status.containerStatuses[*].state.waiting.reason}";
        let get = |path: &str| self.kubectl(&["get", "pods", "-l", selector, "-o", path]);
        until("the pod", || !get(&format!("jsonpath={reason}")).is_empty());
        get("jsonpath={.items[0].metadata.name}")
    }

    /// Says what a kubelet would about `pod`.
    fn say(&self, pod: &str, status: &Value) {
        let patch = json!({ "status": status }).to_string();
        self.kubectl(&["patch", "pod", pod, "--subresource=status", "--type=merge", "-p", &patch]);
    }

    /// Applies `release` while `play` plays the cluster, and expects that it is undone.
    fn expect_undone(&self, release: &Release, timeout: &str, play: impl FnOnce()) -> Ran {
        let running = self.start(self.cluster.kubeconfig(), release, timeout);
        play();
        let ran = running.end().expect(3);
        ran.expect_told(&["going back to the old release"]);
        ran
    }
}

fn waiting(reason: &str, restarts: u32, last: &Value) -> Value {
    json!({ "containerStatuses": [{
        "name": "web", "image": "x", "imageID": "", "ready": false, "restartCount": restarts,
        "state": { "waiting": { "reason": reason, "message": "said by the kubelet" } },
        "lastState": last,
    }] })
}

/// Waits until the command has heard what was said: crashes of before its first look do not count.
fn after_a_look() {
    thread::sleep(Duration::from_secs(7));
}

fn stateful_set(site: &Site, name: &str) -> (u8, Value) {
    let (wave, mut set) = site.played(name);
    set["kind"] = json!("StatefulSet");
    (wave, set)
}

/// A release with one workload that is played, and another that has no trouble at all.
fn with_bystander(site: &Site, workload: (u8, Value)) -> Release {
    site.release(vec![workload, site.deployment("well", GOOD_IMAGE, Some(1))])
}

fn an_image_that_cannot_be_pulled() {
    let site = Site::new("pull");
    let ran = site.expect_undone(&with_bystander(&site, site.played("web")), LONG, || {});
    ran.expect_told(&[
        "1/2 ready after ",
        "waiting for Deployment/",
        "/web: 0 of 1 pods are available; pod web-",
        ": ImagePullBackOff: Back-off pulling image",
        "/web failed: ",
        "hint: check that the registry has the image",
    ]);
}

fn an_image_with_an_invalid_name() {
    let site = Site::new("name");
    let ran = site.expect_undone(&with_bystander(&site, site.played("web")), LONG, || {
        site.say(&site.pod("app=web"), &waiting("InvalidImageName", 0, &json!({})));
    });
    ran.expect_told(&["InvalidImageName: said by the kubelet", "hint: correct the name"]);
}

fn a_missing_key_of_a_secret() {
    let site = Site::new("config");
    let ran = site.expect_undone(&with_bystander(&site, site.played("web")), LONG, || {
        site.say(&site.pod("app=web"), &waiting("CreateContainerConfigError", 0, &json!({})));
    });
    ran.expect_told(&["CreateContainerConfigError: said by the kubelet", "hint: create what"]);
}

fn a_crash_loop() {
    let site = Site::new("crash");
    let lines = Fault::Answer("starting\nno \u{1b}[2Jdatabase\n");
    let proxy = Proxy::start(&site, move |request| request.is_about("log").then_some(lines));
    let release = with_bystander(&site, site.played("web"));
    let running = site.start(&proxy.kubeconfig, &release, LONG);
    let last = json!({ "terminated": { "exitCode": 137, "reason": "OOMKilled" } });
    let pod = site.pod("app=web");
    site.say(&pod, &waiting("CrashLoopBackOff", 3, &last));
    after_a_look();
    site.say(&pod, &waiting("CrashLoopBackOff", 4, &last));
    let ran = running.end().expect(3);
    ran.expect_told(&[
        "OOMKilled: container web ended 5 times, last with exit code 137 (SIGKILL)",
        "| starting",
        "| no \u{fffd}[2Jdatabase",
        "hint: it needs more memory",
    ]);
    let asked = proxy.requests().into_iter().find(|request| request.is_about("log")).unwrap();
    for part in ["container=web", "tailLines=10", "previous=true", "limitBytes="] {
        assert!(asked.query.contains(part), "{}", asked.query);
    }
}

fn a_crash_whose_last_lines_do_not_come() {
    let site = Site::new("stall");
    let stall = Fault::Stall;
    let proxy = Proxy::start(&site, move |request| request.is_about("log").then_some(stall));
    let running = site.start(&proxy.kubeconfig, &with_bystander(&site, site.played("web")), LONG);
    let pod = site.pod("app=web");
    let last = json!({ "terminated": { "exitCode": 1 } });
    for restarts in [3, 4] {
        site.say(&pod, &waiting("CrashLoopBackOff", restarts, &last));
        after_a_look();
    }
    running
        .end()
        .expect(3)
        .expect_told(&["container web ended 5 times, last with exit code 1 (for"]);
}

/// A pod of a Job that has the labels of a Deployment does not fail it.
fn a_pod_that_is_somebody_elses() {
    let site = Site::new("else");
    let mut job = job(&site, "migrate");
    job["spec"]["template"]["metadata"] = json!({ "labels": { "app": "web" } });
    site.cluster.kubectl(&["create", "namespace", &site.namespace]).expect_success();
    job["metadata"]["labels"] = json!({});
    site.cluster.kubectl_with_input(&["create", "-f", "-"], &job.to_string()).expect_success();
    let crashed = site.pod("app=web");
    site.say(&crashed, &waiting("InvalidImageName", 0, &json!({})));
    let ran = site.expect_undone(&site.release(vec![site.played("web")]), LONG, || {});
    ran.expect_told(&["waiting for Deployment/", ": ImagePullBackOff: Back-off pulling image"]);
    assert!(!ran.stderr.contains("InvalidImageName"), "{}", ran.stderr);
}

fn an_init_container_that_crashes() {
    let site = Site::new("init");
    let (wave, mut web) = site.played("web");
    web["spec"]["template"]["spec"]["initContainers"] =
        json!([{ "name": "wait", "image": GOOD_IMAGE }]);
    let ran = site.expect_undone(&site.release(vec![(wave, web)]), LONG, || {
        let pod = site.pod("app=web");
        for ends in [2, 3] {
            let mut status = waiting("PodInitializing", 0, &json!({}));
            status["initContainerStatuses"] = json!([{
                "name": "wait", "image": "x", "imageID": "", "ready": false, "restartCount": ends,
                "state": { "running": {} },
                "lastState": { "terminated": { "exitCode": 1, "message": "no database" } },
            }]);
            site.say(&pod, &status);
            after_a_look();
        }
    });
    ran.expect_told(&[
        "init container wait ended 3 times, last with exit code 1: no database",
        "hint: its last lines",
    ]);
}

fn a_quota_that_is_used_up() {
    let site = Site::new("quota");
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": site.metadata("none"),
        "spec": { "hard": { "pods": "0" } },
    });
    for workload in [site.played("web"), stateful_set(&site, "db")] {
        let kind = workload.1["kind"].as_str().unwrap().to_owned();
        let release = site.release(vec![(1, quota.clone()), workload]);
        let ran = site.expect_undone(&release, LONG, || {});
        let start = format!("{kind}/{}/", site.namespace);
        ran.expect_told(&[&start, "FailedCreate: ", "exceeded quota: none", "raise the quota"]);
    }
}

fn a_pod_that_no_node_takes() {
    let site = Site::new("room");
    let (wave, mut web) = site.deployment("web", GOOD_IMAGE, Some(3));
    web["spec"]["template"]["spec"]["nodeSelector"] = json!({ "disk": "none" });
    let ran = site.expect_undone(&site.release(vec![(wave, web)]), LONG, || {});
    ran.expect_told(&[
        ": Unschedulable: 0/6 nodes are available",
        "(and 2 more)",
        "hint: no node takes the pod",
    ]);
}

fn a_claim_that_gets_no_volume() {
    let site = Site::new("claim");
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": site.metadata("data"),
        "spec": { "accessModes": ["ReadWriteOnce"], "storageClassName": "none",
            "resources": { "requests": { "storage": "1Gi" } } },
    });
    let (wave, mut web) = site.deployment("web", GOOD_IMAGE, Some(1));
    web["spec"]["template"]["spec"]["volumes"] =
        json!([{ "name": "data", "persistentVolumeClaim": { "claimName": "data" } }]);
    let release = site.release(vec![(2, claim), (wave, web)]);
    let ran = site.expect_undone(&release, LONG, || {});
    ran.expect_told(&[
        "PersistentVolumeClaim data: ProvisioningFailed: ",
        "\"none\" not found",
        "hint: create the storage class",
    ]);
}

fn job(site: &Site, name: &str) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": site.metadata(name),
        "spec": { "backoffLimit": 0, "template": { "spec": { "restartPolicy": "Never",
            "containers": [{ "name": "migrate", "image": BAD_IMAGE }] } } },
    })
}

fn a_job_that_fails() {
    let site = Site::new("job");
    let job = job(&site, "migrate");
    let ran = site.expect_undone(&site.release(vec![(4, job)]), LONG, || {
        let status = json!({ "phase": "Failed", "containerStatuses": [{
            "name": "migrate", "image": "x", "imageID": "", "ready": false, "restartCount": 0,
            "state": { "terminated": { "exitCode": 3, "reason": "Error",
                "message": "table exists" } },
        }] });
        site.say(&site.pod("batch.kubernetes.io/job-name=migrate"), &status);
    });
    ran.expect_told(&[
        "Job/",
        "container migrate ended once, last with exit code 3: table exists",
        "hint: its last lines",
    ]);
}

fn a_custom_resource_that_says_that_it_is_stuck() {
    let site = Site::new("stalled");
    let request = json!({
        "apiVersion": "cert-manager.io/v1", "kind": "CertificateRequest",
        "metadata": site.metadata("ca"),
        "spec": { "issuerRef": { "name": "none" }, "request": "YQ==" },
    });
    let mut config = site.config();
    let ready = Readiness::Condition("Ready".to_owned());
    config.readiness = vec![ReadinessRule {
        group: "cert-manager.io".into(),
        kind: "CertificateRequest".into(),
        ready,
    }];
    let release = site.release_of(config, vec![(6, request)]);
    let ran = site.expect_undone(&release, LONG, || {
        until("the request", || !site.get("certificaterequest", "ca").is_null());
        let condition = json!([{ "type": "Stalled", "status": "True", "reason": "NoAccount",
            "message": "the account is closed" }]);
        let patch = json!({ "status": { "conditions": condition } }).to_string();
        let name = ["patch", "certificaterequest", "ca"];
        let how = ["--subresource=status", "--type=merge", "-p", &patch];
        site.kubectl(&[&name[..], &how[..]].concat());
    });
    ran.expect_told(&["CertificateRequest/", "/ca failed: the account is closed"]);
}

#[test]
fn what_cannot_recover_is_given_up_before_its_time_and_explained() {
    // Each of them waits most of its time, so they wait together.
    let cases = [
        ("pull", an_image_that_cannot_be_pulled as fn()),
        ("name", an_image_with_an_invalid_name),
        ("config", a_missing_key_of_a_secret),
        ("crash", a_crash_loop),
        ("stall", a_crash_whose_last_lines_do_not_come),
        ("else", a_pod_that_is_somebody_elses),
        ("init", an_init_container_that_crashes),
        ("quota", a_quota_that_is_used_up),
        ("room", a_pod_that_no_node_takes),
        ("claim", a_claim_that_gets_no_volume),
        ("job", a_job_that_fails),
        ("stalled", a_custom_resource_that_says_that_it_is_stuck),
    ];
    let threads = cases.map(|(name, case)| (name, thread::spawn(case)));
    let failed: Vec<_> =
        threads.into_iter().filter_map(|(name, it)| it.join().err().map(|_| name)).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn a_job_that_is_gone_when_it_is_looked_for_is_ready_if_it_succeeded() {
    for (phase, code) in [("Succeeded", 0), ("Failed", 3)] {
        let site = Site::new("gone");
        let mut job = job(&site, "migrate");
        job["spec"]["ttlSecondsAfterFinished"] = json!(0);
        let release = site.release(vec![(4, job)]);
        let is_job = |request: &Request| request.is_about("jobs/migrate");
        let mut is_written = false;
        // Nobody looks at the Job before it is gone.
        let proxy = Proxy::start(&site, move |request| {
            is_written |= request.is_write() && is_job(request);
            let is_look = is_written && request.method == "GET" && is_job(request);
            is_look.then_some(Fault::Delay(Duration::from_secs(8)))
        });
        let running = site.start(&proxy.kubeconfig, &release, "40s");
        let status = json!({ "phase": phase });
        site.say(&site.pod("batch.kubernetes.io/job-name=migrate"), &status);
        let ran = running.end().expect(code);
        if code == 0 {
            assert_eq!(site.head()["committed"], release.id().to_string());
        } else {
            ran.expect_told(&["migrate failed: Job has reached the specified backoff limit"]);
        }
    }
}

#[test]
fn trouble_that_passes_does_not_fail_the_release() {
    let site = Site::new("passes");
    let (wave, mut web) = site.deployment("web", GOOD_IMAGE, Some(1));
    web["spec"]["template"]["spec"]["nodeSelector"] = json!({ (&site.namespace): "here" });
    let release = site.release(vec![(wave, web)]);
    let proxy = Proxy::start(&site, |_| None);
    let running = site.start(&proxy.kubeconfig, &release, LONG);
    proxy.wait_for(|request| request.path.ends_with("/events"));
    let label = |value: &str| {
        let label = format!("{}{value}", site.namespace);
        site.cluster.kubectl(&["label", "node", "node-1", &label]).expect_success();
    };
    label("=here");
    let ran = running.end();
    label("-");
    ran.expect(0).expect_told(&["Unschedulable"]);
    site.expect_release(Some(&release));
}

#[test]
fn waiting_for_many_objects_takes_as_few_requests_as_for_some() {
    let kinds = |count: usize| {
        let site = Site::new("many");
        let workloads = (0..count).map(|index| site.played(&format!("web-{index}"))).collect();
        let release = site.release(workloads);
        let proxy = Proxy::start(&site, |_| None);
        site.start(&proxy.kubeconfig, &release, "12s").end().expect(3);
        let requests = proxy.requests();
        let is_wave =
            |request: &Request| request.method == "PATCH" && request.path.contains("/web-");
        let start = requests.iter().rposition(is_wave).unwrap();
        // When time is over, the head says that the way back begins.
        let is_over =
            |request: &Request| request.method == "PUT" && request.is_about("configmaps/a4co.shop");
        let waiting = requests[start + 1..].iter().take_while(|request| !is_over(request));
        let waiting = waiting.filter(|request| request.method == "GET");
        let waiting: Vec<String> =
            waiting.map(|request| request.path.replace(&site.namespace, "NAMESPACE")).collect();
        let pods = waiting.iter().filter(|path| path.ends_with("/pods")).count();
        assert!((1..=4).contains(&pods), "pods are asked for every 5 s at most: {waiting:?}");
        waiting.into_iter().collect::<BTreeSet<_>>()
    };
    let few = kinds(6);
    assert_eq!(kinds(30), few);
    assert!(few.iter().all(|path| !path.contains("/web-")), "{few:?}");
}
