//! What watches: its objects, what is refused, and that the real programs take their files.

#![expect(clippy::panic, reason = "a test that cannot go on fails")]

mod kit;

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    io::{Read, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use a4co_compiler::Compiled;
use fs_err as fs;
use kit::{SHOP, compile_files, lines};
use serde_json::Value;

/// Everything that watches, around the two services of the shop.
const WATCH: &str = r##"
metrics = { path = "/metrics" }

[defaults.metrics]
path = "/metrics"

[endpoints.https]
port = 443
internet = true

[endpoints.mail]
port = 587
internet = true

[endpoints.certificates]
port = 9402
host = "cert-manager.cert-manager"
namespace = "cert-manager"
metrics = "/metrics"

[secret_store]
backend = "existing"

[secrets.alerts]
keys = ["SLACK_URL", "HOOK_URL", "SMTP_PASSWORD", "PAGER_KEY"]

[secrets.grafana]
keys = ["ADMIN_USER", "ADMIN_PASSWORD"]

[monitoring]
interval = "15s"

[monitoring.alerts.QueueLong]
expr = 'shop_queue_length{job="web"} > 100'
severity = "warning"
summary = "{{ $labels.job }} has a long queue"

[prometheus]
image = "docker.io/prom/prometheus:v3.5.0"
requests = { cpu = "100m", memory = "256Mi" }
limits = { cpu = "500m", memory = "512Mi" }
storage = { size = "10Gi", class = "fast" }
retention_days = 30
needs = ["certificates"]

[alertmanager]
image = "docker.io/prom/alertmanager:v0.28.1"
requests = { cpu = "10m", memory = "32Mi" }
limits = { cpu = "100m", memory = "64Mi" }
storage = { size = "1Gi" }
replicas = 2
needs = ["https", "mail"]

[alertmanager.receivers.team]
slack = { url = { secret = "alerts", key = "SLACK_URL" }, channel = "#shop" }

[alertmanager.receivers.desk]
severities = ["critical"]

[alertmanager.receivers.desk.email]
to = "desk@shop.example"
from = "alerts@shop.example"
smarthost = "smtp.shop.example:587"
username = "alerts"
password = { secret = "alerts", key = "SMTP_PASSWORD" }

[alertmanager.receivers.duty]
severities = ["critical"]
pagerduty = { routing_key = { secret = "alerts", key = "PAGER_KEY" } }

[alertmanager.receivers.watch]
severities = ["none"]
webhook = { url = { secret = "alerts", key = "HOOK_URL" } }

[grafana]
image = "docker.io/grafana/grafana:12.1.1"
requests = { cpu = "50m", memory = "128Mi" }
limits = { cpu = "500m", memory = "256Mi" }
user = { secret = "grafana", key = "ADMIN_USER" }
password = { secret = "grafana", key = "ADMIN_PASSWORD" }

[jaeger]
image = "docker.io/jaegertracing/jaeger:2.19.0"
requests = { cpu = "50m", memory = "128Mi" }
limits = { cpu = "500m", memory = "512Mi" }
max_traces = 1000

[jaeger.provides.env]
OTEL_EXPORTER_OTLP_ENDPOINT = "http://{host}:{port}"
"##;

/// What an operator's Prometheus is told in place of the release's own, which goes.
const OPERATOR: (&str, &str) = (
    "[monitoring]\n",
    "[network.prometheus]\nnamespace = \"monitoring\"\n\n[monitoring]\nscraped_by = \"operator\"\nlabels = { team = \"shop\" }\nprometheus_url = \"http://prometheus.monitoring:9090\"\n",
);

const PROMETHEUS: [(&str, &str); 2] =
    [("docker.io/prom/prometheus", "v3.5.0"), ("docker.io/prom/alertmanager", "v0.28.1")];

const OTHERS: [(&str, &str); 3] = [
    ("ghcr.io/shop/web", "1"),
    ("docker.io/grafana/grafana", "12.1.1"),
    ("docker.io/jaegertracing/jaeger", "2.19.0"),
];

fn shop(changes: &[(&str, &str)]) -> String {
    let shop = SHOP.replace("needs = [\"cart\"]", "needs = [\"cart\", \"jaeger\"]");
    changes.iter().fold(shop + WATCH, |text, (from, to)| {
        assert!(text.contains(from), "`{from}` is not in the environment");
        text.replacen(from, to, 1)
    })
}

fn lock(images: &[(&str, &str)]) -> String {
    images.iter().fold("version = 1\n".to_owned(), |mut text, (name, tag)| {
        let digest = format!("sha256:{:064x}", name.len());
        write!(text, "[[image]]\nname = {name:?}\ntag = {tag:?}\ndigest = {digest:?}\n")
            .expect("a String takes everything");
        text
    })
}

fn compile(changes: &[(&str, &str)]) -> Compiled {
    let is_release = !changes.contains(&OPERATOR);
    let images = if is_release { [&OTHERS[..], &PROMETHEUS].concat() } else { OTHERS.to_vec() };
    let shop = shop(changes);
    let environment = if is_release { shop } else { cut(&shop, "[prometheus]", "[grafana]") };
    let lock = lock(&images);
    let files = [("envs/live.toml", environment.as_str()), ("lockfiles/live.lock", lock.as_str())];
    let compiled = compile_files(&files).unwrap_or_else(|findings| panic!("{findings}"));
    compiled.into_iter().next().expect("one environment")
}

fn objects(compiled: &Compiled) -> Vec<Value> {
    compiled.release.objects().iter().map(a4co_bundle::Object::manifest).collect()
}

fn object(objects: &[Value], kind: &str, name: &str) -> Value {
    let is_it = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
    let found = objects.iter().find(is_it);
    found.unwrap_or_else(|| panic!("no {kind} {name}")).clone()
}

fn names<'a>(objects: &'a [Value], kind: &str) -> BTreeSet<&'a str> {
    let of_kind = objects.iter().filter(|object| object["kind"] == kind);
    of_kind.filter_map(|object| object["metadata"]["name"].as_str()).collect()
}

/// Returns the files that the component called `name` has in `volume`.
fn files(objects: &[Value], name: &str, volume: &str) -> Vec<(String, String)> {
    let prefix = format!("{name}-{volume}-");
    let map = objects.iter().find(|object| {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        object["kind"] == "ConfigMap" && name.starts_with(&prefix)
    });
    let data = map.unwrap_or_else(|| panic!("no files {prefix}"))["data"].clone();
    let data = data.as_object().expect("data").clone();
    let text = |text: Value| text.as_str().expect("a text").to_owned();
    data.into_iter().map(|(name, value)| (name, text(value))).collect()
}

fn container(objects: &[Value], kind: &str, name: &str) -> Value {
    object(objects, kind, name)["spec"]["template"]["spec"]["containers"][0].clone()
}

/// Returns who may call whom on which port, as the policies of the called say it: `caller > called
/// port protocol`, but for the services of the shop.
fn incoming(objects: &[Value], name: &str) -> BTreeSet<String> {
    let policy = object(objects, "NetworkPolicy", name);
    let mut allowed = BTreeSet::new();
    for rule in policy["spec"]["ingress"].as_array().into_iter().flatten() {
        for from in rule["from"].as_array().expect("peers") {
            let labels = &from["podSelector"]["matchLabels"];
            let caller = labels["app.kubernetes.io/name"].as_str();
            let caller = caller.map_or_else(|| from.to_string(), str::to_owned);
            for port in rule["ports"].as_array().expect("ports") {
                let protocol = port["protocol"].as_str().expect("a protocol");
                allowed.insert(format!("{caller} {} {protocol}", port["port"]));
            }
        }
    }
    allowed
}

#[test]
fn the_release_has_its_own_prometheus_or_the_operators() {
    let own = objects(&compile(&[]));
    let theirs = objects(&compile(&[OPERATOR]));
    assert_eq!(names(&own, "StatefulSet"), ["alertmanager", "prometheus"].into());
    assert_eq!(names(&theirs, "StatefulSet"), [].into());
    assert_eq!(names(&own, "ServiceMonitor"), [].into());
    assert_eq!(names(&theirs, "ServiceMonitor"), ["cart", "grafana", "jaeger", "web"].into());
    assert_eq!(names(&own, "PrometheusRule"), [].into());
    let rule = object(&theirs, "PrometheusRule", "shop");
    assert_eq!(rule["metadata"]["labels"]["team"], "shop");
    assert!(rule["spec"]["groups"].as_array().expect("groups").len() > 3);
    let own_images = compile(&[]).release.config().images.len();
    assert_eq!(compile(&[OPERATOR]).release.config().images.len(), own_images - 2);
}

#[test]
fn prometheus_finds_every_pod_by_dns_and_is_let_in() {
    let objects = objects(&compile(&[]));
    let config = &files(&objects, "prometheus", "config")[0];
    assert_eq!(config.0, "prometheus.yml");
    let expected = "\
global:
  scrape_interval: 15s
  scrape_timeout: 10s
  evaluation_interval: 15s
  external_labels:
    app: shop
    environment: live
rule_files:
- rules.yml
alerting:
  alertmanagers:
  - dns_sd_configs:
    - names:
      - alertmanager-pods
      type: A
      port: 9093
      refresh_interval: 15s
scrape_configs:
- job_name: cart
  metrics_path: /metrics
  dns_sd_configs:
  - names:
    - cart-pods
    type: A
    port: 8081
    refresh_interval: 15s
  relabel_configs:
  - target_label: namespace
    replacement: shop-live
  - target_label: component
    replacement: cart
  - target_label: role
    replacement: service
";
    assert!(config.1.starts_with(expected), "{}", config.1);
    assert!(config.1.ends_with(
        "\
- job_name: certificates
  honor_labels: true
  metrics_path: /metrics
  static_configs:
  - targets:
    - cert-manager.cert-manager:9402
"
    ));
    for (name, port) in [
        ("cart", 8081),
        ("web", 8080),
        ("jaeger", 8888),
        ("grafana", 3000),
        ("alertmanager", 9093),
        ("prometheus", 9090),
    ] {
        assert!(config.1.contains(&format!("- job_name: {name}\n")), "{name}");
        let service = object(&objects, "Service", &format!("{name}-pods"));
        assert_eq!(service["spec"]["clusterIP"], "None", "{name}");
        let mut ports = service["spec"]["ports"].as_array().expect("ports").iter();
        assert!(ports.any(|one| one["port"] == port), "{name}");
        let from = format!("prometheus {port} TCP");
        assert!(incoming(&objects, name).contains(&from), "{name}");
    }
}

#[test]
fn those_who_watch_may_talk_to_each_other_and_to_nobody_else() {
    let own = objects(&compile(&[]));
    for (name, callers) in [
        ("prometheus", vec!["grafana 9090 TCP", "prometheus 9090 TCP"]),
        ("grafana", vec!["prometheus 3000 TCP"]),
        (
            "alertmanager",
            vec!["alertmanager 9094 TCP", "alertmanager 9094 UDP", "prometheus 9093 TCP"],
        ),
        (
            "jaeger",
            vec!["grafana 16686 TCP", "prometheus 8888 TCP", "web 4317 TCP", "web 4318 TCP"],
        ),
    ] {
        let callers: BTreeSet<_> = callers.into_iter().map(str::to_owned).collect();
        assert_eq!(incoming(&own, name), callers, "{name}");
    }
    let policy = object(&own, "NetworkPolicy", "prometheus").to_string();
    assert!(policy.contains("9402") && policy.contains("cert-manager"), "{policy}");
    let theirs = objects(&compile(&[OPERATOR]));
    let operator = "{\"namespaceSelector\":{\"matchLabels\":{\"kubernetes.io/metadata.name\":\"monitoring\"}}}";
    assert_eq!(incoming(&theirs, "grafana"), [format!("{operator} 3000 TCP")].into());
    let policy = object(&theirs, "NetworkPolicy", "grafana");
    let egress = policy["spec"]["egress"].as_array().expect("rules");
    assert!(egress.iter().any(|rule| {
        format!("{}", rule["to"][0]) == operator && rule["ports"][0]["port"] == 9090
    }));
}

#[test]
fn prometheus_forgets_before_its_volume_is_full() {
    let objects = objects(&compile(&[]));
    let container = container(&objects, "StatefulSet", "prometheus");
    let args = container["args"].to_string();
    for part in ["retention.time=30d", "retention.size=8053063650B"] {
        assert!(args.contains(part), "{part} in {args}");
    }
    assert!(!args.contains("enable-lifecycle"));
    assert_eq!(container["startupProbe"]["httpGet"]["path"], "/-/ready");
    let set = object(&objects, "StatefulSet", "prometheus");
    let claim = &set["spec"]["volumeClaimTemplates"][0]["spec"];
    assert_eq!(claim["resources"]["requests"]["storage"], "10Gi");
    assert_eq!(claim["storageClassName"], "fast");
    assert_eq!(set["spec"]["template"]["spec"]["securityContext"]["runAsUser"], 65534);
}

#[test]
fn certificates_are_watched_if_anyone_may_tell_of_them() {
    let edge = "[network.ingress_controller]\nnamespace = \"ingress\"\n\n[edge]\nhost = \"shop.example\"\nclass = \"nginx\"\ntls = { source = \"cert-manager\", issuer = \"ca\" }\n\n[issuers.ca]\nself_signed = {}\n\n[endpoints.https]\n";
    let with_edge = ("[endpoints.https]\n", edge);
    let has_alert = |changes: &[(&str, &str)]| {
        let objects = objects(&compile(changes));
        let text = if changes.contains(&OPERATOR) {
            object(&objects, "PrometheusRule", "shop").to_string()
        } else {
            files(&objects, "prometheus", "config").remove(1).1
        };
        assert!(text.contains("Watchdog"));
        text.contains("CertificateNearExpiry")
    };
    let nobody = ("needs = [\"certificates\"]\n", "");
    assert!(!has_alert(&[]), "there is no certificate");
    assert!(has_alert(&[with_edge]));
    assert!(!has_alert(&[with_edge, nobody]), "nothing that tells of it is scraped");
    assert!(has_alert(&[with_edge, OPERATOR]), "what else an operator's scrapes is not known");
}

#[test]
fn several_alertmanagers_know_each_other_and_one_can_always_go() {
    let several = objects(&compile(&[]));
    let args = container(&several, "StatefulSet", "alertmanager")["args"].to_string();
    for part in [
        "--cluster.peer=alertmanager-0.alertmanager-pods:9094",
        "--cluster.peer=alertmanager-1.alertmanager-pods:9094",
        "--cluster.advertise-address=$(POD_IP):9094",
    ] {
        assert!(args.contains(part), "{part} in {args}");
    }
    let budget = object(&several, "PodDisruptionBudget", "alertmanager");
    assert_eq!(budget["spec"]["minAvailable"], 1);
    let one = objects(&compile(&[("replicas = 2\nneeds", "needs")]));
    let args = container(&one, "StatefulSet", "alertmanager")["args"].to_string();
    assert!(args.contains("--cluster.listen-address=\""), "{args}");
    assert!(!names(&one, "PodDisruptionBudget").contains("alertmanager"));
}

#[test]
fn no_secret_value_is_anywhere_but_in_mounted_secrets() {
    let compiled = compile(&[]);
    let objects = objects(&compiled);
    let config = &files(&objects, "alertmanager", "config")[0].1;
    let file = "/etc/alertmanager-secrets/shop-alerts/SLACK_URL";
    assert!(config.contains(&format!("api_url_file: {file}\n")), "{config}");
    let set = object(&objects, "StatefulSet", "alertmanager");
    let pod = &set["spec"]["template"]["spec"];
    let mounts = pod["containers"][0]["volumeMounts"].as_array().expect("mounts");
    let secret = mounts.iter().find(|mount| mount["name"] == "secret-shop-alerts");
    let secret = secret.expect("the Secret is mounted");
    assert_eq!(secret["mountPath"], "/etc/alertmanager-secrets/shop-alerts");
    assert_eq!(secret["readOnly"], true);
    let needed = &compiled.release.config().requirements.secrets;
    assert!(needed.iter().any(|secret| secret.name == "shop-alerts" && secret.keys.len() == 4));
}

#[test]
fn grafana_has_its_sources_and_a_dashboard_that_knows_every_service() {
    let objects = objects(&compile(&[]));
    let sources = &files(&objects, "grafana", "sources")[0].1;
    for part in ["url: http://prometheus:9090", "timeInterval: 15s", "url: http://jaeger:16686"] {
        assert!(sources.contains(part), "{part} in {sources}");
    }
    let dashboards = files(&objects, "grafana", "dashboards");
    let titles: Vec<_> = dashboards.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(titles, ["services.json"], "there is no datastore");
    let dashboard: Value = serde_json::from_str(&dashboards[0].1).expect("JSON");
    assert_eq!(dashboard["templating"]["list"][0]["query"], "cart,web");
    let panels = dashboard["panels"].as_array().expect("panels");
    assert_eq!(panels.len(), 10);
    for panel in panels {
        let expr = panel["targets"][0]["expr"].as_str().expect("an expression");
        assert!(expr.contains("namespace=\"shop-live\",job=~\"$component\""), "{expr}");
    }
    let container = container(&objects, "Deployment", "grafana");
    let variables = container["env"].as_array().expect("variables");
    let value = |name: &str| {
        let variable = variables.iter().find(|variable| variable["name"] == name);
        variable.unwrap_or_else(|| panic!("{name}")).clone()
    };
    assert_eq!(value("GF_AUTH_ANONYMOUS_ENABLED")["value"], "false");
    let password = &value("GF_SECURITY_ADMIN_PASSWORD")["valueFrom"]["secretKeyRef"];
    assert_eq!(password["key"], "ADMIN_PASSWORD");
}

#[test]
fn jaeger_gives_what_it_provides_to_those_that_need_it() {
    let objects = objects(&compile(&[]));
    let has = |name: &str| {
        let container = container(&objects, "Deployment", name);
        container.to_string().contains("\"value\":\"http://jaeger:4318\"")
    };
    assert!(has("web") && !has("cart"));
    let config = &files(&objects, "jaeger", "config")[0].1;
    let config: Value = serde_yaml::from_str(config).expect("YAML");
    let backend = &config["extensions"]["jaeger_storage"]["backends"]["traces"];
    assert_eq!(backend["memory"]["max_traces"], 1000);
    let container = container(&objects, "Deployment", "jaeger");
    assert_eq!(container["readinessProbe"]["httpGet"]["port"], "health");
    assert_eq!(container["env"][0]["value"], "429496720");
}

#[test]
fn without_receivers_the_notes_say_that_nobody_is_told() {
    let text = without("[alertmanager.receivers.team]", "[grafana]");
    let lock = lock(&[&OTHERS[..], &PROMETHEUS].concat());
    let files = [("envs/live.toml", text.as_str()), ("lockfiles/live.lock", lock.as_str())];
    let compiled = compile_files(&files).expect("sound");
    let notes = &compiled[0].release.config().notes;
    assert_eq!(*notes, ["Alerts reach nobody: `[alertmanager]` has no receivers"]);
    assert_eq!(compile(&[]).release.config().notes, [""; 0]);
}

/// Replaces the place in a finding's line by the line of the file that it points at.
fn at_source(line: &str, files: &[(&str, &str)]) -> String {
    let mut parts = line.splitn(4, ':');
    let (path, number) = (parts.next().expect("a path"), parts.next().expect("a line"));
    let message = parts.last().expect("a message").trim();
    let (_, text) = files.iter().find(|(one, _)| *one == path).expect("a file");
    let number: usize = number.parse().expect("a number");
    format!("{} -> {message}", text.lines().nth(number - 1).expect("a line"))
}

/// Returns the environment without everything from `section` to before `next`.
fn without(section: &str, next: &str) -> String {
    cut(&shop(&[]), section, next)
}

fn cut(text: &str, section: &str, next: &str) -> String {
    let (before, rest) = text.split_once(section).expect(section);
    let (_, after) = rest.split_once(next).expect(next);
    format!("{before}{next}{after}")
}

/// Checks what is found in environments, each finding as the line that it points at, and its text.
fn check(cases: Vec<(&str, String, &[&str])>) {
    for (case, text, expected) in cases {
        let mut images = [&OTHERS[..], &PROMETHEUS].concat();
        images.retain(|(name, _)| text.contains(name));
        let lock = lock(&images);
        let files = [("envs/live.toml", text.as_str()), ("lockfiles/live.lock", lock.as_str())];
        let found = lines(compile_files(&files));
        let found: Vec<_> = found.iter().map(|line| at_source(line, &files)).collect();
        assert_eq!(found, expected, "{case}");
    }
}

#[test]
fn receivers_must_be_told_in_one_way_and_be_reachable() {
    let slack = "slack = { url = { secret = \"alerts\", key = \"SLACK_URL\" }, channel = \"#x\" }";
    check(vec![
        (
            "a receiver that is told in two ways",
            shop(&[("severities = [\"none\"]", slack)]),
            &[
                "[alertmanager.receivers.watch] -> receiver `watch` must have exactly one of `slack`, `webhook`, `email` and `pagerduty`",
            ],
        ),
        (
            "a receiver of nothing",
            shop(&[("severities = [\"none\"]", "severities = []")]),
            &["[alertmanager.receivers.watch] -> a receiver needs at least one of `severities`"],
        ),
        (
            "nobody who must act at once",
            shop(&[
                ("[\"critical\"]", "[\"info\"]"),
                ("[\"critical\"]", "[\"info\"]"),
                ("slack =", "severities = [\"warning\"]\nslack ="),
            ]),
            &[
                "[alertmanager.receivers.team] -> `receivers` needs one with the severity `critical`",
            ],
        ),
        (
            "a password without a name",
            shop(&[("username = \"alerts\"\n", "")]),
            &["[alertmanager.receivers.desk.email] -> `password` needs a `username`"],
        ),
        (
            "receivers that cannot be reached",
            shop(&[("needs = [\"https\", \"mail\"]", "needs = []")]),
            &["[alertmanager.receivers.team] -> `receivers` needs `needs`, to be let out to them"],
        ),
        (
            "a mail server that cannot be reached",
            shop(&[("needs = [\"https\", \"mail\"]", "needs = [\"https\"]")]),
            &[
                "smarthost = \"smtp.shop.example:587\" -> no need of `[alertmanager]` leads to port 587, on which receiver `desk` is told (help: add an endpoint with `port = 587` to `alertmanager.needs`)",
            ],
        ),
        (
            "Slack and PagerDuty that cannot be reached",
            shop(&[("needs = [\"https\", \"mail\"]", "needs = [\"mail\"]")]),
            &[
                "slack = { url = { secret = \"alerts\", key = \"SLACK_URL\" }, channel = \"#shop\" } -> no need of `[alertmanager]` leads to port 443, on which receiver `team` is told (help: add an endpoint with `port = 443` to `alertmanager.needs`)",
                "pagerduty = { routing_key = { secret = \"alerts\", key = \"PAGER_KEY\" } } -> no need of `[alertmanager]` leads to port 443, on which receiver `duty` is told (help: add an endpoint with `port = 443` to `alertmanager.needs`)",
            ],
        ),
        (
            "a need that does not exist",
            shop(&[("\"https\", \"mail\"]", "\"htps\", \"mail\"]")]),
            &[
                "needs = [\"htps\", \"mail\"] -> there is no service or endpoint `htps` (help: did you mean `https`?)",
            ],
        ),
        (
            "a secret that is not there",
            shop(&[("\"alerts\", key = \"PAGER_KEY\"", "\"alarms\", key = \"PAGER_KEY\"")]),
            &[
                "pagerduty = { routing_key = { secret = \"alarms\", key = \"PAGER_KEY\" } } -> there is no secret `alarms` (help: did you mean `alerts`?)",
            ],
        ),
        (
            "a key that is not there",
            shop(&[("key = \"ADMIN_USER\" }", "key = \"ADMIN_USR\" }")]),
            &[
                "user = { secret = \"grafana\", key = \"ADMIN_USR\" } -> there is no key `ADMIN_USR` (help: did you mean `ADMIN_USER`?)",
            ],
        ),
    ]);
}

#[test]
fn what_is_scraped_must_be_possible() {
    check(vec![
        (
            "scraping too rarely",
            shop(&[("interval = \"15s\"", "interval = \"5m\"")]),
            &[
                "interval = \"5m\" -> scrapes every 5m, but must at least every 60 s (help: alert rules look back five minutes, and need a few samples there)",
            ],
        ),
        (
            "a built-in alert that does not exist",
            shop(&[("[monitoring]\n", "[monitoring]\nwithout = [\"ServceDown\"]\n")]),
            &[
                "without = [\"ServceDown\"] -> there is no built-in alert `ServceDown` (help: did you mean `ServiceDown`?)",
            ],
        ),
        (
            "a need that tells no metrics",
            shop(&[("needs = [\"certificates\"]", "needs = [\"https\", \"cart\"]")]),
            &[
                "needs = [\"https\", \"cart\"] -> Prometheus cannot scrape `https` (help: name endpoints with `metrics`; what the release runs is scraped anyway)",
                "needs = [\"https\", \"cart\"] -> Prometheus cannot scrape `cart` (help: name endpoints with `metrics`; what the release runs is scraped anyway)",
            ],
        ),
        (
            "metrics of an endpoint without a host",
            shop(&[("host = \"cert-manager.cert-manager\"\n", "")]),
            &["metrics = \"/metrics\" -> `metrics` needs a `host`, to be found"],
        ),
        (
            "a name that a service has",
            shop(&[("[services.cart]\n", "[services.cart]\nname = \"grafana\"\n")]),
            &["[grafana] -> `services.cart` and `grafana` have the same name, `grafana`"],
        ),
        (
            "a name that a Service for scraping would have",
            shop(&[("[services.cart]\n", "[services.cart]\nname = \"web-pods\"\n")]),
            &[
                "[services.web] -> `services.cart` and `services.web` have the same name, `web-pods`",
            ],
        ),
        (
            "a job that a component is",
            shop(&[("[services.cart]\n", "[services.cart]\nname = \"certificates\"\n")]),
            &[
                "needs = [\"certificates\"] -> `services.cart` and `endpoints.certificates` have the same job, `certificates`",
            ],
        ),
        (
            "an alert that Prometheus itself would never end",
            shop(&[("[monitoring]\n", "[monitoring]\nthresholds = { volume_percent = 79 }\n")]),
            &[
                "thresholds = { volume_percent = 79 } -> `monitoring.thresholds.volume_percent` must be 80 to 94, not 79",
            ],
        ),
        (
            "a key that Jaeger has",
            shop(&[(
                "[endpoints.https]",
                "[endpoints.jaeger]\nport = 1\ninternet = true\n\n[endpoints.https]",
            )]),
            &["[jaeger] -> `endpoints.jaeger` and `jaeger` have the same key, `jaeger`"],
        ),
        (
            "a placeholder that Jaeger does not have",
            shop(&[("http://{host}:{port}", "http://{name}:{port}")]),
            &[
                "[jaeger.provides.env] -> placeholder `{name}` has no value here (help: did you mean `namespace`?)",
            ],
        ),
        (
            "a request above its limit",
            shop(&[("requests = { cpu = \"10m\"", "requests = { cpu = \"2\"")]),
            &[
                "requests = { cpu = \"2\", memory = \"32Mi\" } -> requests 2 of CPU, which is more than the limit of 100m",
            ],
        ),
    ]);
}

#[test]
fn whoever_watches_must_be_there() {
    let no_source = "[grafana] -> `[grafana]` without a `[prometheus]` needs `monitoring.prometheus_url` and `network.prometheus`, to find the cluster's";
    let no_watcher = "[monitoring] -> `[monitoring]` without a `[prometheus]` needs `network.prometheus`, whose pods are let in to scrape";
    let help = "(help: remove it; what a lower layer has goes by `unset = [\"prometheus\", \"alertmanager\"]`)";
    let replaced = ["prometheus", "alertmanager"].map(|section| {
        format!("[{section}] -> `scraped_by = \"operator\"` contradicts `[{section}]` {help}")
    });
    check(vec![
        (
            "an own Prometheus beside an operator's",
            shop(&[OPERATOR]),
            &replaced.each_ref().map(String::as_str),
        ),
        (
            "an operator's Prometheus that is let in nowhere",
            cut(&shop(&[OPERATOR]), "[prometheus]", "[grafana]")
                .replace("network.prometheus", "network.dns"),
            &[no_watcher, no_source],
        ),
        (
            "an own Prometheus that is not there",
            without("[prometheus]", "[grafana]")
                .replace("[monitoring]\n", "[monitoring]\nscraped_by = \"release\"\n"),
            &[
                no_watcher,
                "scraped_by = \"release\" -> `scraped_by = \"release\"` needs a `[prometheus]`",
                no_source,
            ],
        ),
        (
            "a Prometheus without an Alertmanager",
            without("[alertmanager]", "[grafana]"),
            &["[prometheus] -> `[prometheus]` needs an `[alertmanager]`"],
        ),
        (
            "an Alertmanager without a Prometheus",
            without("[prometheus]", "[alertmanager]"),
            &[no_watcher, "[alertmanager] -> `[alertmanager]` needs a `[prometheus]`", no_source],
        ),
        (
            "Grafana with nobody's Prometheus",
            without("[prometheus]", "[grafana]"),
            &[no_watcher, no_source],
        ),
        (
            "a Prometheus that is not told how to watch",
            without("[monitoring]", "[prometheus]"),
            &[
                "[prometheus] -> `[prometheus]` needs a `[monitoring]`",
                "[grafana] -> `[grafana]` needs a `[monitoring]`",
            ],
        ),
    ]);
}

/// Runs a program of Debian's, which must be content.
fn run(program: &str, package: &str, arguments: &[&str], folder: &Path) {
    let output = Command::new(program).args(arguments).current_dir(folder).output();
    let output = output
        .unwrap_or_else(|error| panic!("`{program}` (package `{package}`) does not run: {error}"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn promtool_takes_the_configuration_and_the_rules() {
    let objects = objects(&compile(&[]));
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files(&objects, "prometheus", "config") {
        fs::write(folder.path().join(name), text).expect("written");
    }
    let check = |arguments: &[&str]| run("promtool", "prometheus", arguments, folder.path());
    check(&["check", "config", "--lint-fatal", "prometheus.yml"]);
    check(&["check", "rules", "--lint-fatal", "rules.yml"]);
}

#[test]
fn amtool_takes_the_configuration() {
    let objects = objects(&compile(&[]));
    let folder = tempfile::tempdir().expect("a folder");
    let config = files(&objects, "alertmanager", "config").remove(0).1;
    // Debian's is older than the file for a webhook's URL, which 0.26 brought.
    let config = config
        .replace("url_file: /etc/alertmanager-secrets/shop-alerts/HOOK_URL", "url: http://hook");
    assert!(config.contains("url: http://hook"), "{config}");
    fs::write(folder.path().join("alertmanager.yml"), config).expect("written");
    let check =
        |arguments: &[&str]| run("amtool", "prometheus-alertmanager", arguments, folder.path());
    check(&["check-config", "alertmanager.yml"]);
    for (severity, receivers) in
        [("critical", "desk,duty,team"), ("warning", "team"), ("none", "watch"), ("info", "no_one")]
    {
        let severity = format!("severity={severity}");
        check(&[
            "config",
            "routes",
            "test",
            "--config.file=alertmanager.yml",
            &format!("--verify.receivers={receivers}"),
            &severity,
        ]);
    }
}

/// A program that ends with the test, however that ends.
struct Running(Child);

impl Running {
    fn start(program: &str, package: &str, arguments: &[String]) -> Self {
        let child = Command::new(program).args(arguments).stderr(Stdio::null()).spawn();
        Self(child.unwrap_or_else(|error| {
            panic!("`{program}` (package `{package}`) does not run: {error}")
        }))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// Returns the body of the answer to a request for `path`; nothing if there is no good answer.
fn fetch(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.contains(" 200 ").then(|| body.to_owned())
}

/// Asks until there is something, for a minute at most.
fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    while start.elapsed() < Duration::from_mins(1) {
        if let Some(found) = ask() {
            return found;
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("waited for {what}")
}

/// Returns the arguments of the only container of `name`, with folders in `folder`, and listening
/// on `port`.
fn arguments(objects: &[Value], name: &str, folder: &Path, port: u16) -> Vec<String> {
    let args = container(objects, "StatefulSet", name)["args"].clone();
    let local = |argument: &Value| {
        let argument = argument.as_str().expect("a text");
        argument.replace("=/", &format!("={}/", folder.display()))
    };
    let args = args.as_array().expect("arguments").iter().map(local);
    args.chain([format!("--web.listen-address=127.0.0.1:{port}")]).collect()
}

#[test]
fn an_alert_of_prometheus_comes_out_of_alertmanager() {
    let objects = objects(&compile(&[
        ("interval = \"15s\"", "interval = \"1s\""),
        ("replicas = 2\nneeds", "needs"),
    ]));
    let folder = tempfile::tempdir().expect("a folder");
    let hook = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let hook_port = hook.local_addr().expect("an address").port();
    let (prometheus_port, alertmanager_port) = (free_port(), free_port());
    let discovery = "dns_sd_configs:\n    - names:\n      - alertmanager-pods\n      type: A\n      port: 9093\n      refresh_interval: 15s\n";
    let found = format!("static_configs: [{{ targets: ['127.0.0.1:{alertmanager_port}'] }}]\n");
    let file = "url_file: /etc/alertmanager-secrets/shop-alerts/HOOK_URL";
    let url = format!("url: http://127.0.0.1:{hook_port}");
    for (name, from, to) in
        [("prometheus", discovery, found.as_str()), ("alertmanager", file, url.as_str())]
    {
        let path = folder.path().join("etc").join(name);
        fs::create_dir_all(&path).expect("a folder");
        for (file, text) in files(&objects, name, "config") {
            let text = text.replace(from, to).replace("group_wait: 30s", "group_wait: 1s");
            fs::write(path.join(file), text).expect("written");
        }
    }
    let start = |program: &str, package: &str, name: &str, port: u16, more: &[&str]| {
        let arguments = arguments(&objects, name, folder.path(), port);
        let more = more.iter().map(|argument| (*argument).to_owned());
        Running::start(program, package, &arguments.into_iter().chain(more).collect::<Vec<_>>())
    };
    let package = "prometheus-alertmanager";
    let _alertmanager = start(package, package, "alertmanager", alertmanager_port, &[]);
    // The first alert may come before Alertmanager is found; the next is due only a minute later.
    let more = ["--rules.alert.resend-delay=1s"];
    let _prometheus = start("prometheus", "prometheus", "prometheus", prometheus_port, &more);
    wait_for("Alertmanager", || fetch(alertmanager_port, "/-/ready"));
    wait_for("Prometheus", || fetch(prometheus_port, "/-/ready"));
    let rules = wait_for("every rule to be evaluated", || {
        let rules = fetch(prometheus_port, "/api/v1/rules")?;
        (!rules.contains("\"health\":\"unknown\"")).then_some(rules)
    });
    assert!(!rules.contains("\"health\":\"err\""), "{rules}");
    assert!(rules.contains("QueueLong"), "{rules}");
    hook.set_nonblocking(true).expect("a socket");
    let told = wait_for("the webhook to be called", || {
        let (mut stream, _) = hook.accept().ok()?;
        stream.set_nonblocking(false).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
        let mut request = Vec::new();
        let _ = stream.read_to_end(&mut request);
        Some(String::from_utf8_lossy(&request).into_owned())
    });
    for part in
        ["\"alertname\":\"Watchdog\"", "\"namespace\":\"shop-live\"", "\"environment\":\"live\""]
    {
        assert!(told.contains(part), "{part} in {told}");
    }
}
