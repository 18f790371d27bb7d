//! Redis masters and replicas: what is rendered, what is refused, and the real server with the very
//! files and scripts.

mod brokers;
mod kit;

use std::path::Path;

use brokers::{ODD_PASSWORDS, Pod, Rendered, compile_with, demand, free_ports, wait_until};
use kit::{changed, lines};
use serde_json::{Value, json};

const IMAGES: [&str; 2] =
    ["docker.io/library/redis:7.4.1-alpine", "docker.io/oliver006/redis_exporter:v1.73.0"];

const CACHE: &str = r#"
[secret_store]
backend = "existing"

[secrets]
cache = { keys = ["REDIS_PASSWORD"] }

[redis.cache]
image = "docker.io/library/redis:7.4.1-alpine"
requests = { cpu = "100m", memory = "256Mi" }
limits = { cpu = "1", memory = "512Mi" }
replicas = 3
storage = { size = "10Gi" }
password = { secret = "cache", key = "REDIS_PASSWORD" }
exporter = { image = "docker.io/oliver006/redis_exporter:v1.73.0" }

[redis.cache.provides.env]
REDIS_HOST = "{host}"
REDIS_PORT = "{port}"
REDIS_READ_HOST = "{read_host}"
REDIS_NAME = "{name}"
"#;

/// Returns the small environment with [`CACHE`], which `web` needs, and with `changes` made.
fn environment(changes: &[(&str, &str)]) -> String {
    let needs = ("needs = [\"cart\"]", "needs = [\"cart\", \"cache\"]");
    changed(&[&[needs, ("", CACHE)], changes].concat())
}

fn rendered(changes: &[(&str, &str)]) -> Rendered {
    Rendered::of(&compile_with(&environment(changes), &IMAGES).expect("sound"))
}

fn ports(rendered: &Rendered, service: &str) -> Vec<u64> {
    let ports = rendered.object("Service", service)["spec"]["ports"].as_array().cloned();
    ports.unwrap_or_default().iter().filter_map(|port| port["port"].as_u64()).collect()
}

/// Returns who may call the Redis of a component.
fn callers(rendered: &Rendered, component: &str) -> Vec<String> {
    let policy = rendered.object("NetworkPolicy", component);
    let rules = policy["spec"]["ingress"].as_array().cloned().unwrap_or_default();
    let mut rules = rules.into_iter().filter(|rule| rule["ports"][0]["port"] == 6379);
    let peers = rules.next().map(|rule| rule["from"].as_array().cloned().unwrap_or_default());
    let name = |peer: &Value| {
        peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"].as_str().map(str::to_owned)
    };
    peers.unwrap_or_default().iter().filter_map(name).collect()
}

#[test]
fn a_master_and_its_replicas_are_two_stateful_sets() {
    let rendered = rendered(&[]);
    for (set, replicas, pods_service, clients_service) in [
        ("cache", 1, "cache-pods", "cache"),
        ("cache-replica", 3, "cache-replica-pods", "cache-replicas"),
    ] {
        let object = rendered.object("StatefulSet", set);
        assert_eq!(object["metadata"]["labels"]["app.kubernetes.io/component"], "cache");
        assert_eq!(object["metadata"]["labels"]["app.kubernetes.io/instance"], "cache");
        assert_eq!(object["spec"]["replicas"], replicas, "{set}");
        assert_eq!(object["spec"]["serviceName"], pods_service);
        let claim = &object["spec"]["volumeClaimTemplates"][0];
        assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "10Gi");
        assert_eq!(ports(&rendered, clients_service), [6379]);
        assert_eq!(ports(&rendered, pods_service), [6379, 9121]);
        let selector = &rendered.object("Service", clients_service)["spec"]["selector"];
        assert_eq!(selector["app.kubernetes.io/name"], set);
    }
    assert_eq!(rendered.names("PodDisruptionBudget"), ["cart", "web", "cache-replica"][2..]);
    let budget = &rendered.object("PodDisruptionBudget", "cache-replica")["spec"];
    assert_eq!(budget["minAvailable"], 2, "one replica at a time, and the master at any");
}

#[test]
fn a_pod_is_a_server_and_its_exporter() {
    let rendered = rendered(&[]);
    for (set, ready) in [
        ("cache", vec!["role:master", "loading:0"]),
        ("cache-replica", vec!["role:slave", "loading:0", "master_link_status:up"]),
    ] {
        let pod = rendered.pod(set);
        assert_eq!(pod["securityContext"]["runAsUser"], 999);
        assert_eq!(pod["priorityClassName"], "shop-live-data");
        assert_eq!(pod["terminationGracePeriodSeconds"], 60);
        let server = &pod["containers"][0];
        let ready = [vec!["sh", "/scripts/ready.sh"], ready].concat();
        assert_eq!(server["readinessProbe"]["exec"]["command"], json!(ready));
        for probe in ["startupProbe", "livenessProbe"] {
            let alive = json!(["sh", "/scripts/alive.sh"]);
            assert_eq!(server[probe]["exec"]["command"], alive, "{probe}");
        }
        let reference = json!({ "name": "shop-cache", "key": "REDIS_PASSWORD", "optional": false });
        let password = json!([
            { "name": "REDISCLI_AUTH", "valueFrom": { "secretKeyRef": reference } },
        ]);
        assert_eq!(server["env"], password);
        let exporter = &pod["containers"][1];
        assert_eq!(exporter["name"], "exporter");
        assert_eq!(exporter["readinessProbe"]["httpGet"]["path"], "/health");
        let run = json!({ "name": "run", "emptyDir": { "medium": "Memory", "sizeLimit": "1Mi" } });
        assert!(pod["volumes"].as_array().expect("volumes").contains(&run), "{}", pod["volumes"]);
    }
}

#[test]
fn the_configuration_says_what_the_environment_says() {
    let common = "bind * -::*\nport 6379\ndir /data\ninclude /run/redis/password.conf\n";
    let replica = "replicaof cache 6379\nreplica-read-only yes\n";
    let settings = "\n[redis.cache.settings]\ntimeout = \"300\"\nnotify-keyspace-events = \"\"\n";
    for (case, changes, set, expected) in [
        (
            "a master by default",
            vec![],
            "cache",
            "maxmemory 402653184\nmaxmemory-policy noeviction\nappendonly yes\nsave \"\"\n"
                .to_owned(),
        ),
        (
            "a replica by default",
            vec![],
            "cache-replica",
            "maxmemory 402653184\nmaxmemory-policy noeviction\nappendonly yes\nsave \"\"\n"
                .to_owned()
                + replica,
        ),
        (
            "a master with snapshots",
            vec![(
                "replicas = 3",
                "persistence = \"rdb\"\nmax_memory_percent = 50\nmax_memory_policy = \"allkeys-lru\"",
            )],
            "cache",
            "maxmemory 268435456\nmaxmemory-policy allkeys-lru\nappendonly no\n\
                save 3600 1 300 100 60 10000\n"
                .to_owned(),
        ),
        (
            "a master with settings and nothing that lasts",
            vec![("replicas = 3", "persistence = \"none\""), ("", settings)],
            "cache",
            "maxmemory 402653184\nmaxmemory-policy noeviction\nappendonly no\nsave \"\"\n\
                notify-keyspace-events \"\"\ntimeout 300\n"
                .to_owned(),
        ),
    ] {
        let rendered = rendered(&changes);
        let config = &rendered.files(set, "config")["redis.conf"];
        assert_eq!(*config, common.to_owned() + &expected, "{case}");
    }
}

#[test]
fn what_needs_not_last_has_no_claim() {
    let storage = ("storage = { size = \"10Gi\" }\n", "");
    let rendered = rendered(&[("replicas = 3", "persistence = \"none\""), storage]);
    let set = &rendered.object("StatefulSet", "cache")["spec"];
    assert!(set.get("volumeClaimTemplates").is_none(), "{set}");
    let data = json!({ "name": "data", "emptyDir": { "sizeLimit": "512Mi" } });
    let volumes = rendered.pod("cache")["volumes"].as_array().expect("volumes");
    assert!(volumes.contains(&data), "{volumes:?}");
    for kind in ["StatefulSet", "PodDisruptionBudget"] {
        assert!(rendered.find(kind, "cache-replica").is_none(), "there are no replicas");
    }
}

#[test]
fn clients_reach_master_and_replicas_and_replicas_the_master() {
    let with = rendered(&[]);
    assert_eq!(callers(&with, "cache"), ["cache-replica", "web"]);
    assert_eq!(callers(&with, "cache-replica"), ["web"]);
    let without = rendered(&[("replicas = 3", "replicas = 0")]);
    assert_eq!(callers(&without, "cache"), ["web"]);
    assert!(without.find("NetworkPolicy", "cache-replica").is_none());
}

#[test]
fn what_needs_it_gets_what_it_provides() {
    for (replicas, read_host) in [("replicas = 3", "cache-replicas"), ("replicas = 0", "cache")] {
        let rendered = rendered(&[("replicas = 3", replicas)]);
        let pod = &rendered.object("Deployment", "web")["spec"]["template"]["spec"];
        let variables = pod["containers"][0]["env"].as_array().expect("variables");
        for (name, value) in [
            ("REDIS_HOST", "cache"),
            ("REDIS_PORT", "6379"),
            ("REDIS_READ_HOST", read_host),
            ("REDIS_NAME", "cache"),
        ] {
            assert!(variables.contains(&json!({ "name": name, "value": value })), "{name}");
        }
    }
}

#[test]
fn what_redis_could_not_run_with_is_refused() {
    let settings = |setting: &str| format!("\n[redis.cache.settings]\n{setting}\n");
    let owned =
        settings("maxmemory = \"1gb\"\nrequirepass = \"x\"\nreplicaof = \"a 1\"\ndir = \"/\"");
    let lines_of_it = settings("timeout = \"300\\nrequirepass x\"\nTimeout = \"1\"");
    for (case, changes, expected) in [
        (
            "data without a place",
            vec![("storage = { size = \"10Gi\" }\n", "")],
            vec![
                "30:8: `persistence = \"aof\"` needs `storage` (help: say what each pod gets, or set `persistence = \"none\"`)",
            ],
        ),
        (
            "storage that an append-only file fills",
            vec![("10Gi", "1Gi")],
            vec![
                "35:20: storage of 1Gi is too small for 384Mi of data, which needs 1152Mi (help: the data is there several times while a file is written anew)",
            ],
        ),
        (
            "storage that two snapshots fill",
            vec![("10Gi", "767Mi"), ("replicas = 3", "persistence = \"rdb\"")],
            vec![
                "35:20: storage of 767Mi is too small for 384Mi of data, which needs 768Mi (help: the data is there several times while a file is written anew)",
            ],
        ),
        (
            "replicas of a master that forgets",
            vec![("replicas = 3", "persistence = \"none\"\nreplicas = 1")],
            vec![
                "35:12: `replicas` are emptied by a master that restarts with `persistence = \"none\"` (help: use `aof` or `rdb`, or no replicas)",
            ],
        ),
        (
            "settings that other keys stand for",
            vec![("", owned.as_str())],
            vec![
                "46:13: `maxmemory` is not a setting: `max_memory_percent` says it (help: remove it here)",
                "47:15: `requirepass` is not a setting: `password` says it (help: remove it here)",
                "48:13: `replicaof` is not a setting: `replicas` says it (help: remove it here)",
                "49:7: `dir` is not a setting: the release says it (help: remove it here)",
            ],
        ),
        (
            "a setting that is more than one, and one that is none",
            vec![("", lines_of_it.as_str())],
            vec![
                "46:11: the value of `timeout` is more than one line",
                "47:11: `Timeout` cannot name a directive of Redis (help: use a-z, 0-9 and `-`)",
            ],
        ),
        (
            "no memory for anything but data",
            vec![("replicas = 3", "max_memory_percent = 95")],
            vec!["34:22: `redis.cache.max_memory_percent` must be 10 to 90, not 95"],
        ),
        (
            "a policy that Redis does not have",
            vec![("replicas = 3", "max_memory_policy = \"allkeys-lur\"")],
            vec![
                "34:21: `redis.cache.max_memory_policy` cannot be `allkeys-lur` (help: did you mean `allkeys-lru`?)",
            ],
        ),
        (
            "requests above limits, of the server and of its exporter",
            vec![
                ("256Mi", "1Gi"),
                ("v1.73.0\" }", "v1.73.0\", limits = { cpu = \"10m\", memory = \"64Mi\" } }"),
            ],
            vec![
                "32:37: requests 1Gi of memory, which is more than the limit of 512Mi",
                "37:1: requests 25m of CPU, which is more than the limit of 10m",
            ],
        ),
        (
            "a password that does not exist",
            vec![("password = { secret = \"cache\"", "password = { secret = \"cash\"")],
            vec!["36:23: there is no secret `cash` (help: did you mean `cache`?)"],
        ),
        (
            "a name that its replicas have",
            vec![("", "[services.cache-replica]\nport = 1\n")],
            vec![
                "30:8: `services.cache-replica` and `redis.cache` have the same name, `cache-replica`",
            ],
        ),
    ] {
        let found = lines(compile_with(&environment(&changes), &IMAGES));
        let expected: Vec<_> =
            expected.iter().map(|line| format!("envs/live.toml:{line}")).collect();
        assert_eq!(found, expected, "{case}");
    }
}

/// A master and a replica on loopback.
fn pods<'a>(rendered: &'a Rendered, folder: &Path, password: &str) -> [Pod<'a>; 2] {
    let ports: [u16; 2] = free_ports(&["6379"]);
    let pod = |set: &'a str, port: u16| {
        let changes = [
            ("bind * -::*".to_owned(), "bind 127.0.0.1".to_owned()),
            ("replicaof cache 6379".to_owned(), format!("replicaof 127.0.0.1 {}", ports[0])),
            ("6379".to_owned(), port.to_string()),
        ];
        Pod::new(rendered, (set, 0), folder, &changes, &[("REDIS_PASSWORD", password)])
    };
    [pod("cache", ports[0]), pod("cache-replica", ports[1])]
}

/// Runs a command in the Redis of `pod`, with its password.
fn redis(pod: &Pod, command: &[&str]) -> String {
    let port = pod.file("etc/redis/redis.conf");
    let port = port.lines().find_map(|line| line.strip_prefix("port ")).expect("a port");
    pod.output_of("redis-cli", &[&["-h", "127.0.0.1", "-p", port], command].concat())
}

fn demand_redis() {
    demand("redis-server", "redis-server");
    demand("redis-cli", "redis-tools");
}

#[test]
fn what_is_written_to_the_master_is_on_the_replica_and_outlives_both() {
    demand_redis();
    let rendered = rendered(&[]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [master, replica] = pods(&rendered, folder.path(), "pass'\"\\ #1");

    let follower = replica.start();
    wait_until("the replica is alive", || replica.passes("startupProbe"));
    assert!(!replica.passes("readinessProbe"), "it has no master yet");
    let mut leader = master.start();
    wait_until("the master is alive", || master.passes("livenessProbe"));
    wait_until("the master is ready", || master.passes("readinessProbe"));
    wait_until("the replica is ready", || replica.passes("readinessProbe"));

    assert_eq!(redis(&master, &["set", "greeting", "hello"]), "OK");
    wait_until("it is on the replica", || redis(&replica, &["get", "greeting"]) == "hello");
    let refused = redis(&replica, &["set", "greeting", "bye"]);
    assert!(refused.starts_with("READONLY"), "{refused}");
    assert_eq!(redis(&master, &["config", "get", "maxmemory"]), "maxmemory\n402653184");

    leader.signal("TERM");
    assert!(leader.wait().success(), "{}", leader.log());
    wait_until("the replica knows", || !replica.passes("readinessProbe"));
    assert!(replica.passes("livenessProbe"), "a restart would not help");
    assert!(!master.passes("livenessProbe"), "nobody answers");

    let again = master.start();
    wait_until("the master is ready again", || master.passes("readinessProbe"));
    assert_eq!(redis(&master, &["get", "greeting"]), "hello");
    wait_until("the replica is ready again", || replica.passes("readinessProbe"));

    again.kill();
    let last = master.start();
    wait_until("the master is back from a crash", || master.passes("readinessProbe"));
    assert_eq!(redis(&master, &["get", "greeting"]), "hello");
    drop((last, follower));
}

#[test]
fn the_probes_tell_a_master_and_a_replica_apart() {
    demand_redis();
    let rendered = rendered(&[]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [master, replica] = pods(&rendered, folder.path(), "secret");
    let _servers = [master.start(), replica.start()];
    wait_until("the master is ready", || master.passes("readinessProbe"));
    wait_until("the replica is ready", || replica.passes("readinessProbe"));
    let port = replica.file("etc/redis/redis.conf");
    let port = port.lines().find_map(|line| line.strip_prefix("replicaof ")).expect("a master");
    let port = port.rsplit(' ').next().expect("a port").to_owned();
    assert_eq!(redis(&master, &["replicaof", "127.0.0.1", &port]), "OK");
    assert!(!master.passes("readinessProbe"), "it is no master");
    assert_eq!(redis(&master, &["replicaof", "no", "one"]), "OK");
    assert_eq!(redis(&replica, &["replicaof", "no", "one"]), "OK");
    assert!(master.passes("readinessProbe"), "it is a master again");
    assert!(!replica.passes("readinessProbe"), "it is no replica");
    assert!(replica.passes("livenessProbe"));
}

#[test]
fn a_snapshot_at_the_end_keeps_what_was_there() {
    demand_redis();
    let rendered = rendered(&[("replicas = 3", "persistence = \"rdb\"")]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ports: [u16; 1] = free_ports(&["6379"]);
    let changes = [
        ("bind * -::*".to_owned(), "bind 127.0.0.1".to_owned()),
        ("6379".to_owned(), ports[0].to_string()),
    ];
    let secrets = [("REDIS_PASSWORD", "secret")];
    let master = Pod::new(&rendered, ("cache", 0), folder.path(), &changes, &secrets);
    let mut server = master.start();
    wait_until("the master is ready", || master.passes("readinessProbe"));
    assert_eq!(redis(&master, &["set", "greeting", "hello"]), "OK");
    server.signal("TERM");
    assert!(server.wait().success(), "{}", server.log());
    let _again = master.start();
    wait_until("the master is ready again", || master.passes("readinessProbe"));
    assert_eq!(redis(&master, &["get", "greeting"]), "hello");
}

#[test]
fn any_password_is_the_password() {
    demand_redis();
    let rendered = rendered(&[]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let passwords = ODD_PASSWORDS.into_iter().chain(["ends with a line\n"]).enumerate();
    let started = passwords.map(|(number, password)| {
        let [master, replica] = pods(&rendered, &folder.path().join(number.to_string()), password);
        let servers = [master.start(), replica.start()];
        (password, master, replica, servers)
    });
    for (password, master, replica, _servers) in started.collect::<Vec<_>>() {
        wait_until("the replica is ready", || replica.passes("readinessProbe"));
        assert_eq!(redis(&master, &["auth", password]), "OK", "{password}");
        for wrong in [format!("{password} "), "wrong".to_owned()] {
            let refused = redis(&master, &["auth", &wrong]);
            assert!(refused.starts_with("WRONGPASS"), "{password}: {refused}");
        }
        let config = master.file("etc/redis/redis.conf");
        assert!(!config.contains(password), "{password}");
    }
}

#[test]
fn nobody_gets_in_without_the_password() {
    demand_redis();
    let rendered = rendered(&[]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [master, _] = pods(&rendered, folder.path(), "secret");
    let _server = master.start();
    wait_until("the master is ready", || master.passes("readinessProbe"));
    let config = master.file("etc/redis/redis.conf");
    let port = config.lines().find_map(|line| line.strip_prefix("port ")).expect("a port");
    let stranger = std::process::Command::new("redis-cli")
        .args(["-h", "127.0.0.1", "-p", port, "get", "greeting"])
        .env_remove("REDISCLI_AUTH")
        .output()
        .expect("`redis-cli` runs");
    let answer = String::from_utf8_lossy(&stranger.stdout).into_owned();
    assert!(answer.starts_with("NOAUTH"), "{answer}");
}

#[test]
fn a_server_without_a_password_does_not_start() {
    demand_redis();
    let rendered = rendered(&[]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [master, _] = pods(&rendered, folder.path(), "");
    let mut server = master.start();
    assert!(!server.wait().success());
    assert!(server.log().contains("REDISCLI_AUTH: is empty"), "{}", server.log());
}
