//! The three environments of `envs/`, compiled and applied: every object is accepted, custom
//! resources by their real definitions, and becomes ready under Pod Security `restricted`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod kit;

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use a4co_bundle::Release;
use a4co_compiler::{Compiled, Source, compile};
use a4co_testenv::unique_namespace;
use kit::{Ran, Site, path};
use serde_json::Value;

/// Compiles one environment into a namespace of this test, with `change` made to its file.
fn compiled(site: &Site, environment: &str, change: impl Fn(&str, String) -> String) -> Compiled {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["envs", "lockfiles"] {
        for entry in fs_err::read_dir(root.join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let mut text = fs_err::read_to_string(root.join(folder).join(&name)).unwrap();
            if name == format!("{environment}.toml") {
                let namespace = format!("namespace = \"a4co-{environment}\"");
                assert!(text.contains(&namespace));
                text = text.replace(&namespace, &format!("namespace = {:?}", site.namespace));
            }
            let path = format!("{folder}/{name}");
            let text = change(&path, text);
            files.push((path, text));
        }
    }
    let all = compile(&Source::new(files)).unwrap();
    all.into_iter().find(|one| one.environment == environment).unwrap()
}

fn expect_all_good(site: &Site, release: &Release) {
    let status = site.run(&["status", "-n", &site.namespace, "-o", "json"]).expect(0);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(status["release"], release.id().to_string());
    let objects = status["objects"].as_array().unwrap();
    assert_eq!(objects.len(), release.objects().len());
    for object in objects {
        assert_eq!(object["condition"], "good", "{object}");
    }
}

/// Every pod that is wanted runs, once autoscalers have looked, which they do every 15 seconds: the
/// API server's Pod Security admission has let it in, and so has the quota.
fn expect_all_running(site: &Site, compiled: &Compiled) {
    let running = || {
        let only = "--field-selector=status.phase=Running";
        site.kubectl(&["get", "pods", only, "-o", "name"]).lines().count()
    };
    let wanted = compiled.totals.least.pods as usize;
    let start = Instant::now();
    while running() < wanted && start.elapsed() < Duration::from_mins(1) {
        thread::sleep(Duration::from_millis(500));
    }
    assert_eq!(running(), wanted);
    let claims = site.kubectl(&["get", "persistentvolumeclaims", "-o", "name"]);
    assert_eq!(claims.lines().count(), compiled.totals.least.claims as usize, "{claims}");
}

/// The namespace lets in no pod that is not confined, whoever makes it.
fn expect_restricted(site: &Site) {
    let image = "docker.io/library/busybox:1.37.0";
    let run = ["run", "stranger", "--image", image, "-n", &site.namespace];
    let refused = site.cluster.kubectl(&run);
    assert!(refused.stderr.contains("violates PodSecurity"), "{}", refused.stderr);
}

fn install_changed(environment: &str, change: impl Fn(&str, String) -> String) -> (Site, Release) {
    let site = Site::new(&unique_namespace(environment));
    let compiled = compiled(&site, environment, change);
    let release = compiled.release.clone();
    site.apply(&release).expect(0);
    expect_all_good(&site, &release);
    expect_all_running(&site, &compiled);
    expect_restricted(&site);
    let again: Ran = site.apply(&release).expect(0);
    assert!(again.stdout.contains("nothing to do"), "{}", again.stdout);
    (site, release)
}

fn install(environment: &str) -> (Site, Release) {
    install_changed(environment, |_, text| text)
}

#[test]
fn dev_is_installed_changed_and_rolled_back_by_hash() {
    let (site, release) = install("dev");
    let changed = compiled(&site, "dev", |_, text| text.replace("\"debug\"", "\"info\"")).release;
    let bundle = site.bundle(&changed);
    let plan = site.run(&["plan", path(&bundle)]).expect(0);
    assert!(plan.stdout.contains("1 to create, 5 to update, 1 to prune"), "{}", plan.stdout);
    site.apply(&changed).expect(0);
    expect_all_good(&site, &changed);
    site.rollback(&release.id().short()).expect(0);
    expect_all_good(&site, &release);
}

#[test]
fn staging_is_installed() {
    install("staging");
}

#[test]
fn production_is_installed() {
    install("production");
}

/// Staging on a cluster that has the Prometheus operator and a gateway.
fn on_another_cluster(path: &str, text: String) -> String {
    if path == "lockfiles/staging.lock" {
        let pins = text.split("\n[[image]]").filter(|pin| !pin.contains("docker.io/prom/"));
        return pins.collect::<Vec<_>>().join("\n[[image]]");
    }
    if path != "envs/staging.toml" {
        return text;
    }
    let without = |text: &str, from: &str, to: &str| {
        let (start, end) = (text.find(from).unwrap(), text.find(to).unwrap());
        format!("{}{}", &text[..start], &text[end..])
    };
    let text = without(&text, "[budget]", "[postgresql.postgres]");
    let text = without(&text, "[edge.rate_limit]", "[edge.cors]");
    let text = without(&text, "[prometheus]", "[grafana]");
    text.replace("firewall = false", "controller = \"gateway-api\"\nclass = \"testenv\"").replace(
        "extends = \"platform\"",
        "extends = \"platform\"\n\
         unset = [\"alertmanager\", \"budget\", \"edge.firewall\", \"edge.max_body\", \
         \"edge.rate_limit\", \"prometheus\"]",
    ) + r#"
[monitoring]
scraped_by = "operator"
prometheus_url = "http://prometheus.monitoring:9090"

[network.prometheus]
namespace = "monitoring"
pods = { "app.kubernetes.io/name" = "prometheus" }
"#
}

#[test]
fn staging_is_installed_beside_an_operator_of_prometheus_and_a_gateway() {
    let (site, _) = install_changed("staging", on_another_cluster);
    let monitors = site.kubectl(&["get", "servicemonitors", "-o", "name"]);
    let names: Vec<_> = monitors.lines().filter_map(|name| name.rsplit('/').next()).collect();
    for name in ["auth-service", "postgres", "postgres-replica", "nats", "redis", "jaeger"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let rules = site.kubectl(&["get", "prometheusrules", "-o", "name"]);
    assert_eq!(rules.lines().count(), 1, "{rules}");
    let own = site.kubectl(&["get", "statefulsets", "-o", "name"]);
    assert!(!own.contains("prometheus"), "scraped by the operator's alone: {own}");
    let routes = site.kubectl(&["get", "httproutes", "-o", "name"]);
    assert_eq!(routes.lines().count(), 6, "five services and the redirect: {routes}");
}
