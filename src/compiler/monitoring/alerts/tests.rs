//! Every alert fires when it should, and is silent when not, as Prometheus' own `promtool` tells.

use std::collections::BTreeSet;

use fs_err as fs;
use serde_json::json;

use super::{
    super::{
        fixture::{component, everything, monitoring, promtool},
        rule::RuleFile,
    },
    *,
};
use crate::{
    component::{Component, Role},
    environment::{
        capacity::Resources,
        monitoring::{Monitoring, Scraper},
    },
    yaml::to_document,
};

fn groups_of(components: &[Component], monitoring: &Monitoring, scraper: Scraper) -> Vec<Group> {
    let watched =
        Watched { namespace: "shop", monitoring, scraper, components, has_certificate: true };
    groups(&watched)
}

fn alert_names(groups: &[Group]) -> BTreeSet<String> {
    let rules = groups.iter().flat_map(|group| &group.rules);
    rules.filter_map(|rule| rule.alert_name().map(str::to_owned)).collect()
}

/// What happens, and how many alerts of one name fire then.
struct Case {
    name: &'static str,
    alert: &'static str,
    /// Series, as the metric's name with its labels, and their samples, one each 30 seconds.
    series: Vec<(String, &'static str)>,
    /// When to look.
    minutes: u32,
    firing: u32,
}

fn case(
    name: &'static str,
    alert: &'static str,
    series: &[(&str, &str, &'static str)],
    minutes: u32,
    firing: u32,
) -> Case {
    let series = series.iter().map(|(metric, labels, samples)| {
        (format!("{metric}{{namespace=\"shop\",{labels}}}"), *samples)
    });
    Case { name, alert, series: series.collect(), minutes, firing }
}

/// Labels of a pod of a job, with more labels in front.
macro_rules! pod {
    ($job:literal) => {
        pod!("", $job)
    };
    ($more:literal, $job:literal) => {
        concat!($more, "job=\"", $job, "\",instance=\"10.0.0.1:9000\"")
    };
}

const REQUESTS: &str = "http_requests_total";
const OK: &str = pod!("status=\"200\",", "web");
const FAILED: &str = pod!("status=\"503\",", "web");
const BUCKET: &str = "http_request_duration_seconds_bucket";

/// All is well with these components.
const UP: &str = "1x200";

fn service_cases() -> Vec<Case> {
    let errors = |name, alert, ok, failed, minutes, firing| {
        case(name, alert, &[(REQUESTS, OK, ok), (REQUESTS, FAILED, failed)], minutes, firing)
    };
    let latency = |name, half, firing| {
        let series = [
            (BUCKET, pod!("le=\"0.25\",", "web"), half),
            (BUCKET, pod!("le=\"1\",", "web"), "0+100x200"),
            (BUCKET, pod!("le=\"+Inf\",", "web"), "0+100x200"),
        ];
        case(name, "LatencyHigh", &series, 30, firing)
    };
    let fast = "AvailabilityBudgetBurnsFast";
    let slow = "AvailabilityBudgetBurnsSlowly";
    vec![
        errors("2 % of requests fail", fast, "0+98x200", "0+2x200", 30, 1),
        errors("0.5 % of requests fail", fast, "0+995x200", "0+5x200", 30, 0),
        errors("0.5 % of requests fail for an hour", slow, "0+995x200", "0+5x200", 60, 1),
        errors("0.05 % of requests fail", slow, "0+9995x200", "0+5x200", 60, 0),
        errors("10 % of requests fail", "ErrorRateHigh", "0+90x200", "0+10x200", 30, 1),
        errors("2 % of requests fail", "ErrorRateHigh", "0+98x200", "0+2x200", 30, 0),
        latency("half of the requests take long", "0+50x200", 1),
        latency("one in a hundred requests takes long", "0+99x200", 0),
    ]
}

fn process_cases() -> Vec<Case> {
    let one = |name, alert, metric, samples, minutes, firing| {
        case(name, alert, &[(metric, pod!("web"), samples)], minutes, firing)
    };
    let start = "process_start_time_seconds";
    let (cpu, memory) = ("process_cpu_seconds_total", "process_resident_memory_bytes");
    let pods = |name, third, firing| {
        let series = [
            ("up", "job=\"web\",instance=\"a\"", UP),
            ("up", "job=\"web\",instance=\"b\"", UP),
            ("up", "job=\"web\",instance=\"c\"", third),
        ];
        case(name, "AutoscalerAtMaximum", &series, 20, firing)
    };
    vec![
        one("three restarts", "ContainerRestarts", start, "1x3 2x3 3x3 4x20", 10, 1),
        one("a single restart", "ContainerRestarts", start, "1x10 2x20", 10, 0),
        one("95 % of the CPU limit", "CpuSaturated", cpu, "0+14.25x100", 30, 1),
        one("40 % of the CPU limit", "CpuSaturated", cpu, "0+6x100", 30, 0),
        one("97 % of the memory limit", "MemorySaturated", memory, "130000000x100", 30, 1),
        one("half of the memory limit", "MemorySaturated", memory, "67000000x100", 30, 0),
        pods("as many pods as there may be", UP, 1),
        pods("fewer pods", "_x100", 0),
    ]
}

/// Datastores tell of their own processes, and not of that of the exporter beside them.
fn own_process_cases() -> Vec<Case> {
    let one = |name, alert, metric, labels, samples, firing| {
        case(name, alert, &[(metric, labels, samples)], 30, firing)
    };
    let restarts = |name, metric, labels, samples, firing| {
        case(name, "ContainerRestarts", &[(metric, labels, samples)], 10, firing)
    };
    let three = "1x3 2x3 3x3 4x20";
    let (bus, cache, jaeger) = (pod!("server_id=\"bus-0\",", "bus"), pod!("cache"), pod!("jaeger"));
    let redis_cpu = |name, user, firing| {
        let series = [
            ("redis_cpu_user_seconds_total", cache, user),
            ("redis_cpu_sys_seconds_total", cache, "0+4x100"),
        ];
        case(name, "CpuSaturated", &series, 30, firing)
    };
    let exporter = "process_start_time_seconds";
    let (cpu, memory) = ("CpuSaturated", "MemorySaturated");
    let (full, half) = ("130000000x100", "67000000x100");
    let uptime = "otelcol_process_uptime_seconds_total";
    let used = "otelcol_process_cpu_seconds_total";
    vec![
        restarts("an exporter restarts", exporter, pod!("db"), three, 0),
        restarts("PostgreSQL", "pg_postmaster_start_time_seconds", pod!("db"), three, 1),
        restarts("NATS", "gnatsd_varz_start", bus, three, 1),
        restarts("Redis", "redis_uptime_in_seconds", cache, "30 60 10 40 10 40 10 40+30x20", 1),
        restarts("Redis is up", "redis_uptime_in_seconds", cache, "30+30x40", 0),
        restarts(
            "the start of Redis is reckoned anew",
            "redis_start_time_seconds",
            cache,
            "5 6 5 6 5 6 5 6 5x20",
            0,
        ),
        restarts("Jaeger", uptime, jaeger, "30 60 10 40 10 40 10 40+30x20", 1),
        restarts("a Jaeger without units", "otelcol_process_uptime", jaeger, "9 5 4 3x30", 1),
        one("NATS at 95 % of half a core", cpu, "gnatsd_varz_cpu", bus, "47.5x100", 1),
        one("NATS at 40 % of half a core", cpu, "gnatsd_varz_cpu", bus, "20x100", 0),
        redis_cpu("Redis at 95 % of half a core", "0+10.25x100", 1),
        redis_cpu("Redis at 40 % of half a core", "0+2x100", 0),
        one("Jaeger at 95 % of half a core", cpu, used, jaeger, "0+14.25x100", 1),
        one("NATS at 97 %", memory, "gnatsd_varz_mem", bus, full, 1),
        one("NATS at half", memory, "gnatsd_varz_mem", bus, half, 0),
        one("Redis at 97 %", memory, "redis_memory_used_rss_bytes", cache, full, 1),
        one("Redis at half", memory, "redis_memory_used_rss_bytes", cache, half, 0),
        one("Jaeger at 97 %", memory, "otelcol_process_memory_rss_bytes", jaeger, full, 1),
    ]
}

fn down_cases() -> Vec<Case> {
    let up = |name, alert, series: &[(&str, &'static str)], firing| {
        let labels: Vec<_> =
            series.iter().map(|(job, _)| format!("job=\"{job}\",instance=\"a\"")).collect();
        let series = series.iter().zip(&labels);
        let series: Vec<_> =
            series.map(|((_, samples), labels)| ("up", labels.as_str(), *samples)).collect();
        case(name, alert, &series, 10, firing)
    };
    let watchers = [("jaeger", UP), ("alertmanager", UP), ("prometheus", UP)];
    vec![
        case("whatever happens", "Watchdog", &[], 1, 1),
        up("a pod that cannot be scraped", "TargetDown", &[("web", "0x40")], 1),
        up("a pod that was away for a moment", "TargetDown", &[("web", "1x5 0x3 1x40")], 0),
        up("no pod of a service answers", "ServiceDown", &[("web", "0x40"), ("cart", UP)], 1),
        up("a service without pods", "ServiceDown", &[("web", UP)], 1),
        up("services that answer", "ServiceDown", &[("web", UP), ("cart", UP)], 0),
        up("Jaeger is not there", "MonitoringDown", &watchers[1..], 1),
        up("all that watch answer", "MonitoringDown", &watchers, 0),
    ]
}

fn storage_cases() -> Vec<Case> {
    let database = |name, alert, samples, firing| {
        let series = [
            ("pg_database_size_bytes", pod!("datname=\"a\",", "db"), samples),
            ("pg_database_size_bytes", pod!("datname=\"b\",", "db"), "100000000x100"),
            ("pg_wal_size_bytes", pod!("db"), "200000000x100"),
        ];
        case(name, alert, &series, 30, firing)
    };
    let stored = "gnatsd_varz_jetstream_stats_storage";
    let most = "gnatsd_varz_jetstream_config_max_storage";
    let kubelet = |name, used, firing| {
        let labels = "persistentvolumeclaim=\"data-db-0\",job=\"kubelet\"";
        let series = [
            ("kubelet_volume_stats_used_bytes", labels, used),
            ("kubelet_volume_stats_capacity_bytes", labels, "100x100"),
        ];
        case(name, "PersistentVolumeFilling", &series, 30, firing)
    };
    vec![
        database("a database of 86 %, with its log", "VolumeFilling", "9000000000x100", 1),
        database("a database of half its volume", "VolumeFilling", "5000000000x100", 0),
        database("a database of 98 %", "VolumeNearlyFull", "10300000000x100", 1),
        database("a database of 86 %", "VolumeNearlyFull", "9000000000x100", 0),
        case(
            "JetStream at nine tenths of its own limit",
            "VolumeFilling",
            &[(stored, pod!("bus"), "9x100"), (most, pod!("bus"), "10x100")],
            30,
            1,
        ),
        case(
            "a log of Redis as large as nine tenths of its volume",
            "VolumeFilling",
            &[("redis_aof_current_size_bytes", pod!("cache"), "966367642x100")],
            30,
            1,
        ),
        case(
            "Prometheus at its retention size",
            "VolumeFilling",
            &[("prometheus_tsdb_storage_blocks_bytes", pod!("prometheus"), "8053063680x100")],
            30,
            0,
        ),
        kubelet("a claim of nine tenths", "90x100", 1),
        kubelet("a claim of a half", "50x100", 0),
    ]
}

const ALL_UP: [(&str, &str, &str); 4] = [
    ("up", pod!("db"), UP),
    ("up", pod!("db-replica"), UP),
    ("up", pod!("bus"), UP),
    ("up", pod!("cache"), UP),
];

/// What happens while all datastores are up.
fn with(
    name: &'static str,
    alert: &'static str,
    more: &[(&'static str, &'static str, &'static str)],
    firing: u32,
) -> Case {
    case(name, alert, &[&ALL_UP, more].concat(), 10, firing)
}

fn replica_cases() -> Vec<Case> {
    let replica = pod!("db-replica");
    let lag = "PostgresqlReplicationLag";
    let follows = |name, second, firing| {
        let slot = "pg_replication_slot_slot_is_active";
        let series = [
            ("pg_up", pod!("db"), UP),
            (slot, pod!("slot_name=\"db_replica_0\",", "db"), "1x40"),
            (slot, pod!("slot_name=\"db_replica_1\",", "db"), second),
        ];
        with(name, "PostgresqlReplicaAway", &series, firing)
    };
    vec![
        with("a minute", lag, &[("pg_replication_lag_seconds", replica, "60x40")], 1),
        with("a second", lag, &[("pg_replication_lag_seconds", replica, "1x40")], 0),
        follows("one of two", "0x40", 1),
        follows("both", "1x40", 0),
        with("none, and none ever did", "PostgresqlReplicaAway", &[("pg_up", pod!("db"), UP)], 1),
    ]
}

/// The backups of the fixture are hourly and may take ten minutes.
fn backup_cases() -> Vec<Case> {
    let alert = "PostgresqlBackupMissing";
    let mark = |name, minute, firing| {
        let labels = pod!("rolname=\"last_backup\",", "db");
        case(name, alert, &[("pg_roles_connection_limit", labels, minute)], 90, firing)
    };
    let other = pod!("rolname=\"app\",", "db");
    let none = |name, up, firing| {
        let series = [("pg_up", pod!("db"), up), ("pg_roles_connection_limit", other, "-1x200")];
        case(name, alert, &series, 90, firing)
    };
    vec![
        mark("the last one is 90 minutes old", "0x200", 1),
        mark("the last one is an hour old", "30x200", 0),
        none("there was never one", "1x200", 1),
        none("there was never one, but the database is new", "_x100 1x100", 0),
    ]
}

fn datastore_cases() -> Vec<Case> {
    let slave = pod!("slave_ip=\"10.0.0.9\",", "cache");
    let policy = |name, labels, used, firing| {
        let series = [
            ("redis_memory_used_bytes", pod!("cache"), used),
            ("redis_memory_max_bytes", pod!("cache"), "100x40"),
            ("redis_instance_info", labels, "1x40"),
        ];
        with(name, "RedisMemorySaturated", &series, firing)
    };
    let keeps = pod!("maxmemory_policy=\"noeviction\",", "cache");
    let evicts = pod!("maxmemory_policy=\"allkeys-lru\",", "cache");
    let connections = |name, used, firing| {
        let series = [
            ("pg_stat_activity_count", pod!("state=\"active\",", "db"), "10x40"),
            ("pg_stat_activity_count", pod!("state=\"idle\",", "db"), used),
            ("pg_settings_max_connections", pod!("server=\"x\",", "db"), "100x40"),
        ];
        with(name, "PostgresqlConnectionsSaturated", &series, firing)
    };
    let server = "jetstream_server_max_storage";
    vec![
        with("it takes no connections", "PostgresqlDown", &[("pg_up", pod!("db"), "0x40")], 1),
        with("it takes connections", "PostgresqlDown", &[("pg_up", pod!("db"), UP)], 0),
        case("its pods are not there", "PostgresqlDown", &ALL_UP[1..], 10, 1),
        connections("all but five connections", "85x40", 1),
        connections("half of the connections", "40x40", 0),
        with("the exporter has nothing to tell", "NatsDown", &[], 1),
        with(
            "the server answers",
            "NatsDown",
            &[("gnatsd_varz_connections", pod!("bus"), "0x40")],
            0,
        ),
        with(
            "connections are closed all the time",
            "NatsSlowConsumers",
            &[("gnatsd_varz_slow_consumers", pod!("bus"), "0+1x40")],
            1,
        ),
        with(
            "connections were closed once",
            "NatsSlowConsumers",
            &[("gnatsd_varz_slow_consumers", pod!("bus"), "5x40")],
            0,
        ),
        with("none", "NatsWithoutLeader", &[(server, pod!("meta_leader=\"\",", "bus"), UP)], 1),
        with("one", "NatsWithoutLeader", &[(server, pod!("meta_leader=\"b\",", "bus"), UP)], 0),
        with("no answer", "RedisDown", &[("redis_up", pod!("cache"), "0x40")], 1),
        with("an answer", "RedisDown", &[("redis_up", pod!("cache"), UP)], 0),
        policy("full, and nothing makes room", keeps, "95x40", 1),
        policy("half full", keeps, "50x40", 0),
        policy("full, and old keys make room", evicts, "95x40", 0),
        with(
            "a lost master",
            "RedisReplicationBroken",
            &[("redis_master_link_up", pod!("cache"), "0x40")],
            1,
        ),
        with(
            "a master",
            "RedisReplicationBroken",
            &[("redis_master_link_up", pod!("cache"), UP)],
            0,
        ),
        with(
            "a minute",
            "RedisReplicationLag",
            &[("redis_connected_slave_lag_seconds", slave, "60x40")],
            1,
        ),
        with(
            "a second",
            "RedisReplicationLag",
            &[("redis_connected_slave_lag_seconds", slave, "1x40")],
            0,
        ),
    ]
}

fn other_cases() -> Vec<Case> {
    let (end, alert) =
        ("certmanager_certificate_expiration_timestamp_seconds", "CertificateNearExpiry");
    let own = "name=\"shop-tls\",job=\"cert-manager\"";
    let mut theirs = case("ten days, told under another label", alert, &[], 90, 1);
    let labels = "{namespace=\"cert-manager\",exported_namespace=\"shop\",name=\"shop-tls\"}";
    theirs.series = vec![(format!("{end}{labels}"), "864000x200")];
    let mut foreign = case("ten days, of another namespace", alert, &[], 90, 0);
    foreign.series = vec![(format!("{end}{{namespace=\"other\",name=\"x\"}}"), "864000x200")];
    let fails = "prometheus_rule_evaluation_failures_total";
    let found = "prometheus_notifications_alertmanagers_discovered";
    let failed = "alertmanager_notifications_failed_total";
    let group = pod!("rule_group=\"own\",", "prometheus");
    let way = pod!("integration=\"slack\",", "alertmanager");
    vec![
        case("ten days", alert, &[(end, own, "864000x200")], 90, 1),
        case("sixty days", alert, &[(end, own, "5184000x200")], 90, 0),
        theirs,
        foreign,
        case("a rule that fails", "RulesFail", &[(fails, group, "0+1x40")], 10, 1),
        case("no rule that fails", "RulesFail", &[(fails, group, "0x40")], 10, 0),
        case("none is found", "AlertsNotSent", &[(found, pod!("prometheus"), "0x60")], 20, 1),
        case("one is found", "AlertsNotSent", &[(found, pod!("prometheus"), UP)], 20, 0),
        case("it fails", "AlertsNotDelivered", &[(failed, way, "0+1x60")], 20, 1),
        case("it works", "AlertsNotDelivered", &[(failed, way, "0x60")], 20, 0),
    ]
}

fn cases() -> Vec<Case> {
    [
        service_cases(),
        process_cases(),
        own_process_cases(),
        down_cases(),
        storage_cases(),
        datastore_cases(),
        replica_cases(),
        backup_cases(),
        other_cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn every_alert_fires_when_it_should_and_is_silent_when_not() {
    let components = everything();
    // The lowest that a volume's may be, at which Prometheus itself is still silent.
    let monitoring = monitoring(&json!({ "thresholds": { "volume_percent": 80 } }));
    let mut seen = BTreeSet::new();
    for scraper in [Scraper::Release, Scraper::Operator] {
        let groups = groups_of(&components, &monitoring, scraper);
        let names = alert_names(&groups);
        // What both have, they have in the same words.
        let is_new = |case: &Case| names.contains(case.alert) && !seen.contains(case.alert);
        let tests = cases().into_iter().filter(is_new).map(|case| {
            let expr = format!(
                "count(ALERTS{{alertname=\"{}\",alertstate=\"firing\",namespace=\"shop\"}}) or vector(0)",
                case.alert
            );
            let series = case.series.iter();
            let series: Vec<_> =
                series.map(|(series, values)| json!({ "series": series, "values": values })).collect();
            json!({
                "name": format!("{}: {}", case.alert, case.name),
                "interval": "30s",
                "input_series": series,
                "promql_expr_test": [{
                    "expr": expr,
                    "eval_time": format!("{}m", case.minutes),
                    "exp_samples": [{ "labels": "{}", "value": case.firing }],
                }],
            })
        });
        let tests = json!({
            "rule_files": ["rules.yml"],
            "evaluation_interval": "1m",
            "tests": tests.collect::<Vec<_>>(),
        });
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect(name);
        write("rules.yml", &to_document(&RuleFile { groups: &groups }));
        write("tests.yml", &tests.to_string());
        promtool(&["check", "rules", "rules.yml"], folder.path());
        promtool(&["test", "rules", "tests.yml"], folder.path());
        seen.extend(names);
    }
    assert_eq!(seen, NAMES.map(str::to_owned).into(), "the list of names is that of the rules");
    let with = |is_firing: bool| -> BTreeSet<String> {
        let cases = cases().into_iter().filter(|case| (case.firing > 0) == is_firing);
        cases.map(|case| case.alert.to_owned()).collect()
    };
    assert_eq!(with(true), seen, "every alert has a case in which it fires");
    seen.remove("Watchdog");
    assert_eq!(with(false), seen, "every alert but one has a case in which it is silent");
}

#[test]
fn a_rule_is_there_only_if_what_it_is_about_runs() {
    let plain = monitoring(&json!({}));
    let only = |role| vec![component("x", role, 1, None)];
    let kinds = ["Postgresql", "Nats", "Redis", "Service", "Availability"];
    for (case, components, expected) in [
        ("services", only(Role::Service), vec!["Service", "Availability"]),
        ("a database", only(Role::Database), vec!["Postgresql"]),
        ("messaging", only(Role::Messaging), vec!["Nats"]),
        ("a cache", only(Role::Cache), vec!["Redis"]),
        ("nothing", Vec::new(), Vec::new()),
    ] {
        let names = alert_names(&groups_of(&components, &plain, Scraper::Operator));
        for kind in kinds {
            let is_there = names.iter().any(|name| name.starts_with(kind));
            assert_eq!(is_there, expected.contains(&kind), "{case}: {kind}");
        }
    }
}

#[test]
fn the_limits_of_a_datastore_are_its_own_and_not_its_exporters() {
    let limits = |size: &str| Resources {
        cpu: size.to_owned().try_into().expect("CPU"),
        memory: format!("{size}Gi").try_into().expect("memory"),
    };
    let mut database = component("db", Role::Database, 1, None);
    let mut server = component("server", Role::Database, 1, None).pod.containers.remove(0);
    server.ports.clear();
    server.limits = limits("2");
    database.pod.containers.insert(0, server);
    let groups = groups_of(&[database], &monitoring(&json!({})), Scraper::Release);
    let declared = json!(groups.iter().find(|group| group.name == "declared"));
    let exprs = declared["rules"].as_array().expect("rules").iter().map(|rule| &rule["expr"]);
    assert_eq!(exprs.collect::<Vec<_>>(), ["vector(2)", "vector(2147483648)"]);
}

#[test]
fn an_environment_leaves_alerts_out_replaces_them_and_adds_its_own() {
    let own = json!({ "expr": "vector(2)", "severity": "critical", "summary": "own" });
    let monitoring = monitoring(&json!({
        "without": ["Watchdog"],
        "alerts": { "TargetDown": own, "QueueLong": own },
    }));
    let groups = groups_of(&everything(), &monitoring, Scraper::Operator);
    let names = alert_names(&groups);
    assert!(!names.contains("Watchdog"));
    assert!(names.contains("QueueLong"));
    let rules = groups.iter().flat_map(|group| &group.rules);
    let replaced: Vec<_> = rules.filter(|rule| rule.alert_name() == Some("TargetDown")).collect();
    let expected = json!({
        "alert": "TargetDown",
        "expr": "vector(2)",
        "for": "5m",
        "labels": { "namespace": "shop", "severity": "critical" },
        "annotations": { "description": "own", "summary": "own" },
    });
    assert_eq!(json!(replaced), json!([expected]));
}
