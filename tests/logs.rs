//! `logs`: which pods are asked for their logs, for what of them, and in which order.
//!
//! Nodes here run no containers, so a proxy in front of the API server answers in their place.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod kit;

use kit::{
    BAD_IMAGE, GOOD_IMAGE, Ran, Site,
    proxy::{Fault, Proxy},
};
use serde_json::{Value, json};

const LINES: &str = "\u{1b}[32mfirst\nsecond\r\nlast \u{1b}[2J";

/// A release of two workloads of two pods each; one pod of `web` has crashed.
struct Stage {
    site: Site,
    proxy: Proxy,
    crashed: String,
}

impl Stage {
    fn new(prefix: &str) -> Self {
        let site = Site::new(prefix);
        let release = site.release(vec![
            site.deployment("api", GOOD_IMAGE, Some(2)),
            site.deployment("web", GOOD_IMAGE, Some(2)),
        ]);
        site.apply(&release).expect(0);
        let pods = site.kubectl(&["get", "pods", "-l", "app=web", "-o", "name"]);
        let crashed = pods.lines().next_back().unwrap().trim_start_matches("pod/").to_owned();
        let status = json!({ "status": {
            "conditions": [{ "type": "Ready", "status": "False" }],
            "containerStatuses": [{
                "name": "web", "image": "x", "imageID": "", "ready": false, "restartCount": 1,
                "state": { "waiting": { "reason": "CrashLoopBackOff" } },
                "lastState": { "terminated": { "exitCode": 1 } },
            }],
        } });
        let patch = ["patch", "pod", &crashed, "--subresource=status", "--type=merge", "-p"];
        site.kubectl(&[&patch[..], &[&status.to_string()]].concat());
        let answer = Fault::Answer(LINES);
        let proxy = Proxy::start(&site, move |request| request.is_about("log").then_some(answer));
        Self { site, proxy, crashed }
    }

    fn logs(&self, args: &[&str]) -> Ran {
        let logs = ["logs", "--namespace", &self.site.namespace];
        self.site.run_with(&self.proxy.kubeconfig, &[&logs[..], args].concat())
    }

    /// Pod and query of each log that was asked for since the last time.
    fn asked(&self) -> Vec<(String, String)> {
        let requests = self.proxy.requests();
        let logs = requests.iter().filter(|request| request.is_about("log"));
        let pod = |path: &str| path.split('/').nth_back(1).unwrap().to_owned();
        let asked = logs.map(|request| (pod(&request.path), request.query.clone())).collect();
        let answer = Fault::Answer(LINES);
        self.proxy.restart(move |request| request.is_about("log").then_some(answer));
        asked
    }
}

#[test]
fn each_line_tells_its_pod_and_pods_with_trouble_come_first() {
    let stage = Stage::new("logs");
    let ran = stage.logs(&[]).expect(0);
    let crashed = &stage.crashed;
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 12, "{lines:?}");
    let expected = ["\u{fffd}[32mfirst", "second", "last \u{fffd}[2J"]
        .map(|line| format!("{crashed} web | {line}"));
    assert_eq!(lines[..3], expected);
    let trouble = format!("trouble: pod {crashed}: CrashLoopBackOff: container web ended 2 times");
    ran.expect_told(&[&trouble]);
    let asked = stage.asked();
    assert_eq!(asked[0], (crashed.clone(), "container=web&tailLines=100".to_owned()));
    assert_eq!(asked.len(), 4);
}

#[test]
fn a_part_of_the_logs_is_asked_for_as_wished() {
    let stage = Stage::new("logs-part");
    for (args, count, query) in [
        (&["api"][..], 2, "tailLines=100"),
        (&["deployment/web"], 2, "tailLines=100"),
        (&["web", "--tail", "5"], 2, "tailLines=5"),
        (&["web", "--since", "10m"], 2, "sinceSeconds=600"),
        (&["--follow"], 4, "tailLines=100&follow=true"),
        (&["--previous"], 1, "tailLines=100&previous=true"),
    ] {
        let ran = stage.logs(args).expect(0);
        let asked = stage.asked();
        assert_eq!(asked.len(), count, "{args:?}: {asked:?}");
        assert_eq!(ran.stdout.lines().count(), 3 * count, "{args:?}: {}", ran.stdout);
        for (_, found) in &asked {
            assert_eq!(*found, format!("container=web&{query}"), "{args:?}");
        }
    }
    let ran = stage.logs(&["statefulset/web"]).expect(1);
    ran.expect_told(&["no workload `statefulset/web`", "deployment/api", "deployment/web"]);
    let ran = stage.logs(&["api", "--output", "json"]).expect(0);
    for line in ran.stdout.lines() {
        let document: Value = serde_json::from_str(line).unwrap();
        assert_eq!(document["command"], "logs");
        assert_eq!(document["container"], "web");
        assert!(document["pod"].as_str().unwrap().starts_with("api-"), "{line}");
    }
    assert!(ran.stdout.contains(r#""line":"last \u001b[2J""#), "{}", ran.stdout);
}

#[test]
fn logs_that_cannot_be_read_are_an_error_and_none_are_not() {
    let site = Site::new("logs-none");
    let release = site.release(vec![site.deployment("web", GOOD_IMAGE, Some(1))]);
    site.apply(&release).expect(0);
    // There is no kubelet that the API server could ask.
    let logs = ["logs", "--namespace", &site.namespace];
    site.run(&logs).expect(1).expect_told(&["web-", "no log can be read", "hint:"]);

    let template = json!({ "spec": { "containers": [{ "name": "web", "image": BAD_IMAGE }] } });
    let strategy = json!({ "type": "Recreate", "rollingUpdate": null });
    let patch = json!({ "spec": { "strategy": strategy, "template": template } }).to_string();
    site.kubectl(&["patch", "deployment", "web", "-p", &patch]);
    kit::running::until("a pod that cannot start", || {
        let waiting = "jsonpath={.items[*].status.containerStatuses[*].state}";
        let states = site.kubectl(&["get", "pods", "-o", waiting]);
        states.contains("ImagePullBackOff") && !states.contains("running")
    });
    let ran = site.run(&logs).expect(0);
    ran.expect_told(&["trouble: pod web-", "ImagePullBackOff", "no container has started yet"]);
    assert_eq!(ran.stdout, "");
}
