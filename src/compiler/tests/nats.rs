//! NATS clusters: what is rendered, what is refused, and the real server with the very files.

mod brokers;
mod kit;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    time::{Duration, Instant},
};

use brokers::{
    ODD_PASSWORDS, Pod, Process, Rendered, compile_with, demand, free_ports, wait_for, wait_until,
};
use kit::{changed, lines};
use serde_json::{Value, json};

const IMAGES: [&str; 2] =
    ["docker.io/library/nats:2.11.0-alpine", "docker.io/natsio/prometheus-nats-exporter:0.20.1"];

const QUEUE: &str = r#"
[secret_store]
backend = "existing"

[secrets]
broker = { keys = ["NATS_USER", "NATS_PASSWORD"] }

[nats.queue]
image = "docker.io/library/nats:2.11.0-alpine"
requests = { cpu = "100m", memory = "256Mi" }
limits = { cpu = "1", memory = "512Mi" }
replicas = 3
storage = { size = "10Gi" }
user = { secret = "broker", key = "NATS_USER" }
password = { secret = "broker", key = "NATS_PASSWORD" }
exporter = { image = "docker.io/natsio/prometheus-nats-exporter:0.20.1" }

[nats.queue.provides]
env = { NATS_URL = "nats://{host}:{port}", NATS_CLUSTER = "{cluster}", NATS_NAME = "{name}" }
secrets = ["broker"]
"#;

/// Returns the small environment with [`QUEUE`], which `web` needs, and with `changes` made.
fn environment(changes: &[(&str, &str)]) -> String {
    let needs = ("needs = [\"cart\"]", "needs = [\"cart\", \"queue\"]");
    changed(&[&[needs, ("", QUEUE)], changes].concat())
}

fn rendered(changes: &[(&str, &str)]) -> Rendered {
    Rendered::of(&compile_with(&environment(changes), &IMAGES).expect("sound"))
}

#[test]
fn a_cluster_is_a_stateful_set_with_its_services() {
    let rendered = rendered(&[]);
    let set = &rendered.object("StatefulSet", "queue")["spec"];
    assert_eq!(set["replicas"], 3);
    assert_eq!(set["serviceName"], "queue-pods");
    assert_eq!(set["podManagementPolicy"], "Parallel");
    let claim = &set["volumeClaimTemplates"][0];
    assert_eq!(claim["metadata"]["name"], "data");
    assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "10Gi");
    let ports = |service: &str| -> Vec<(String, u64)> {
        let ports = rendered.object("Service", service)["spec"]["ports"].clone();
        let ports = ports.as_array().cloned().unwrap_or_default();
        let port = |port: &Value| Some((port["name"].as_str()?.to_owned(), port["port"].as_u64()?));
        ports.iter().filter_map(port).collect()
    };
    assert_eq!(ports("queue"), [("nats".to_owned(), 4222)]);
    let all = [("nats", 4222), ("cluster", 6222), ("monitor", 8222), ("metrics", 7777)];
    assert_eq!(ports("queue-pods"), all.map(|(name, port)| (name.to_owned(), port)));
    assert_eq!(rendered.object("Service", "queue-pods")["spec"]["clusterIP"], "None");
    let labels = &rendered.object("Service", "queue")["metadata"]["labels"];
    assert_eq!(labels["app.kubernetes.io/component"], "messaging");
    assert_eq!(labels["app.kubernetes.io/instance"], "queue");
    let budget = &rendered.object("PodDisruptionBudget", "queue")["spec"];
    assert_eq!(budget["minAvailable"], 2, "a drain leaves the quorum");
}

#[test]
fn a_pod_is_a_server_and_its_exporter() {
    let rendered = rendered(&[]);
    let pod = rendered.pod("queue");
    assert_eq!(pod["securityContext"]["runAsUser"], 1000);
    assert_eq!(pod["priorityClassName"], "shop-live-data");
    assert_eq!(pod["terminationGracePeriodSeconds"], 60, "more than the lame duck takes");
    let names: Vec<_> = pod["containers"].as_array().expect("containers").iter().collect();
    assert_eq!([&names[0]["name"], &names[1]["name"]], ["nats", "exporter"]);
    let server = names[0];
    assert_eq!(server["startupProbe"]["httpGet"]["path"], "/healthz");
    for probe in ["livenessProbe", "readinessProbe"] {
        assert_eq!(server[probe]["httpGet"]["path"], "/healthz?js-enabled-only=true");
        assert_eq!(server[probe]["httpGet"]["port"], "monitor");
    }
    let stop = ["nats-server", "--signal", "ldm=/run/nats/nats.pid"];
    assert_eq!(server["lifecycle"]["preStop"]["exec"]["command"], json!(stop));
    let variable = |name: &str| {
        let variables = server["env"].as_array().expect("variables");
        variables.iter().find(|variable| variable["name"] == name).cloned().expect("the variable")
    };
    let peers = "queue-0.queue-pods:6222 queue-1.queue-pods:6222 queue-2.queue-pods:6222";
    assert_eq!(variable("NATS_PEERS")["value"], peers);
    assert_eq!(variable("GOMEMLIMIT")["value"], "483183819", "nine tenths of 512Mi");
    let reference = json!({ "name": "shop-broker", "key": "NATS_PASSWORD", "optional": false });
    assert_eq!(variable("NATS_PASSWORD")["valueFrom"]["secretKeyRef"], reference);
    let exporter = names[1];
    assert_eq!(exporter["args"][7], "http://localhost:8222");
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        assert_eq!(exporter[probe]["tcpSocket"]["port"], "metrics", "{probe}");
    }
}

#[test]
fn the_configuration_says_what_the_environment_says() {
    let memory = ("replicas = 3", "memory_store = \"128Mi\"\nmax_payload = \"2Mi\"");
    let rendered = rendered(&[memory, ("exporter", "cluster = \"{name}-x\"\nexporter")]);
    let config = &rendered.files("queue", "config")["nats.conf"];
    for line in [
        "  max_file_store: 9663676416",
        "  max_memory_store: 134217728",
        "max_payload: 2097152",
        "  name: \"queue-x\"",
        "lame_duck_duration: \"30s\"",
    ] {
        assert!(config.lines().any(|one| one == line), "{line}\n{config}");
    }
    assert_eq!(rendered.object("StatefulSet", "queue")["spec"]["replicas"], 3, "the default");
}

#[test]
fn a_single_server_has_no_cluster_and_can_be_drained() {
    let rendered = rendered(&[("replicas = 3", "replicas = 1")]);
    let config = &rendered.files("queue", "config")["nats.conf"];
    assert!(!config.contains("cluster"), "{config}");
    assert!(!rendered.pod("queue").to_string().contains("6222"));
    assert_eq!(rendered.names("PodDisruptionBudget"), [""; 0]);
    let policy = rendered.object("NetworkPolicy", "queue").to_string();
    assert!(!policy.contains("6222"), "{policy}");
}

#[test]
fn without_an_exporter_there_is_none() {
    let exporter = "exporter = { image = \"docker.io/natsio/prometheus-nats-exporter:0.20.1\" }\n";
    let environment = environment(&[(exporter, "")]);
    let rendered = Rendered::of(&compile_with(&environment, &IMAGES[..1]).expect("sound"));
    let containers = rendered.pod("queue")["containers"].as_array().expect("containers");
    assert_eq!(containers.len(), 1);
    assert!(!rendered.object("Service", "queue-pods").to_string().contains("7777"));
}

#[test]
fn servers_reach_each_other_and_clients_only_where_they_connect() {
    let rendered = rendered(&[]);
    let callers = |port: u64| {
        let rules = rendered.object("NetworkPolicy", "queue")["spec"]["ingress"].clone();
        let rules = rules.as_array().cloned().unwrap_or_default();
        let rule = rules.into_iter().find(|rule| rule["ports"][0]["port"] == port);
        let name = |peer: &Value| {
            peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"].as_str().map(str::to_owned)
        };
        let peers = rule.map(|rule| rule["from"].as_array().cloned().unwrap_or_default());
        peers.unwrap_or_default().iter().filter_map(name).collect::<Vec<_>>()
    };
    assert_eq!(callers(4222), ["web"]);
    assert_eq!(callers(6222), ["queue"]);
    assert_eq!(callers(8222), [""; 0]);
    let egress = rendered.object("NetworkPolicy", "queue")["spec"]["egress"].to_string();
    assert!(egress.contains("6222"), "{egress}");
}

#[test]
fn what_needs_it_gets_what_it_provides() {
    let rendered = rendered(&[]);
    let pod = &rendered.object("Deployment", "web")["spec"]["template"]["spec"];
    let variables = pod["containers"][0]["env"].to_string();
    for part in [
        r#"{"name":"NATS_URL","value":"nats://queue:4222"}"#,
        r#"{"name":"NATS_CLUSTER","value":"shop-queue"}"#,
        r#"{"name":"NATS_NAME","value":"queue"}"#,
        r#""name":"NATS_PASSWORD""#,
    ] {
        assert!(variables.contains(part), "{part} in {variables}");
    }
}

#[test]
fn what_nats_could_not_run_with_is_refused() {
    let long = format!("nats.{}", "q".repeat(53));
    for (case, changes, expected) in [
        (
            "an even number of servers",
            vec![("replicas = 3", "replicas = 2")],
            vec![
                "34:12: a cluster of 2 survives the loss of no more servers than one of 1 (help: use 1, 3 or 5)",
            ],
        ),
        (
            "more servers than are of use",
            vec![("replicas = 3", "replicas = 7")],
            vec!["34:12: `nats.queue.replicas` must be 1 to 5, not 7"],
        ),
        (
            "storage for less than a stream",
            vec![("10Gi", "128Mi")],
            vec!["35:20: storage of 128Mi is too small for JetStream, which needs 256Mi"],
        ),
        (
            "streams in memory for which there is none",
            vec![("replicas = 3", "memory_store = \"257Mi\"")],
            vec![
                "34:16: `memory_store` is 257Mi, which is more than half of the memory limit of 512Mi",
            ],
        ),
        (
            "messages that no server takes",
            vec![("replicas = 3", "max_payload = \"65Mi\"")],
            vec!["34:15: `max_payload` is 65Mi, but NATS takes 1Ki to 64Mi"],
        ),
        (
            "a cluster whose name is none",
            vec![("replicas = 3", "cluster = \"my cluster\"")],
            vec![
                "34:11: the name of the cluster comes out as `my cluster`, which is not a word (help: use letters, digits, `-` and `_`)",
            ],
        ),
        (
            "a placeholder that no cluster's name has",
            vec![("replicas = 3", "cluster = \"{host}\"")],
            vec![
                "34:11: placeholder `{host}` has no value here (help: known here: `app`, `environment`, `name`, `namespace`, `version`)",
            ],
        ),
        (
            "requests above limits, of the server and of its exporter",
            vec![
                ("256Mi", "1Gi"),
                (
                    "nats-exporter:0.20.1\"",
                    "nats-exporter:0.20.1\", requests = { cpu = \"1\", memory = \"1Mi\" }",
                ),
            ],
            vec![
                "32:37: requests 1Gi of memory, which is more than the limit of 512Mi",
                "38:93: requests 1 of CPU, which is more than the limit of 200m",
            ],
        ),
        (
            "a secret that does not exist",
            vec![("user = { secret = \"broker\"", "user = { secret = \"borker\"")],
            vec!["36:19: there is no secret `borker` (help: did you mean `broker`?)"],
        ),
        (
            "a key that the secret does not have",
            vec![("key = \"NATS_PASSWORD\"", "key = \"PASSWORD\"")],
            vec!["37:39: there is no key `PASSWORD` (help: did you mean `NATS_PASSWORD`?)"],
        ),
        (
            "a name that a service has",
            vec![("", "[services.queue-pods]\nport = 1\n")],
            vec!["30:7: `services.queue-pods` and `nats.queue` have the same name, `queue-pods`"],
        ),
        (
            "a name that is too long",
            vec![("nats.queue", long.as_str()), ("nats.queue", long.as_str()), (", \"queue\"", "")],
            vec![
                "30:7: the name `qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq` is too long for a StatefulSet, which has at most 52 characters",
            ],
        ),
        (
            "a placeholder that does not exist",
            vec![("{host}", "{hots}")],
            vec!["41:1: placeholder `{hots}` has no value here (help: did you mean `host`?)"],
        ),
    ] {
        let found = lines(compile_with(&environment(&changes), &IMAGES));
        let expected: Vec<_> =
            expected.iter().map(|line| format!("envs/live.toml:{line}")).collect();
        assert_eq!(found, expected, "{case}");
    }
}

#[test]
fn the_name_of_a_service_begins_with_a_letter() {
    let (from, to) = ("nats.queue", "nats.9queue");
    let changes = [("", "[services.1st]\nport = 1\n"), (from, to), (from, to), (", \"queue\"", "")];
    let expected = [(30, 7, "9queue"), (43, 11, "1st")].map(|(line, column, name)| {
        format!(
            "envs/live.toml:{line}:{column}: the name comes out as `{name}`, and that of a Service \
             does not begin with a digit (help: begin it with a letter)"
        )
    });
    assert_eq!(lines(compile_with(&environment(&changes), &IMAGES)), expected);
}

/// The ports of a server.
struct Ports {
    clients: u16,
    cluster: u16,
    monitor: u16,
}

/// Servers of one cluster, on loopback.
struct Cluster<'a> {
    pods: Vec<Pod<'a>>,
    ports: Vec<Ports>,
}

const USER: &str = "a user";

impl<'a> Cluster<'a> {
    fn new(rendered: &'a Rendered, count: usize, folder: &Path, password: &str) -> Self {
        let free: [u16; 9] = free_ports(&["4222", "6222", "8222"]);
        let ports = free.chunks(3).take(count);
        let ports = ports.map(|one| Ports { clients: one[0], cluster: one[1], monitor: one[2] });
        let ports: Vec<_> = ports.collect();
        let peers = ports.iter().enumerate().map(|(number, ports)| {
            let address = format!("127.0.0.1:{}", ports.cluster);
            (format!("queue-{number}.queue-pods:6222"), address)
        });
        let peers: Vec<_> = peers.collect();
        let pod = |(number, ports): (usize, &Ports)| {
            let listen = |key: &str, port: u16| format!("{key}: \"127.0.0.1:{port}\"");
            let mut changes = vec![
                ("http_port: 8222".to_owned(), listen("http", ports.monitor)),
                ("port: 4222".to_owned(), listen("listen", ports.clients)),
                ("port: 6222".to_owned(), listen("listen", ports.cluster)),
            ];
            changes.extend(peers.clone());
            let secrets = [("NATS_USER", USER), ("NATS_PASSWORD", password)];
            Pod::new(rendered, ("queue", number), folder, &changes, &secrets)
        };
        Self { pods: ports.iter().enumerate().map(pod).collect(), ports }
    }

    /// Asks what a probe asks; returns the status.
    fn probe(&self, number: usize, name: &str) -> Option<u16> {
        let container = "/spec/template/spec/containers/0";
        let set = self.pods[number].rendered().object("StatefulSet", "queue");
        let path = set.pointer(&format!("{container}/{name}/httpGet/path"))?.as_str()?;
        get(self.ports[number].monitor, path).map(|(status, _)| status)
    }

    fn monitor(&self, number: usize, path: &str) -> Option<Value> {
        let (_, body) = get(self.ports[number].monitor, path)?;
        serde_json::from_str(&body).ok()
    }

    /// Waits until the servers `numbers` agree on a leader of JetStream, and returns its number.
    fn leader(&self, numbers: &[usize]) -> usize {
        wait_for("the servers agree on a leader", || {
            let leader = |number: &usize| {
                let told = self.monitor(*number, "/jsz")?["meta_cluster"]["leader"].clone();
                told.as_str().map(str::to_owned)
            };
            let leaders: Option<Vec<_>> = numbers.iter().map(leader).collect();
            let leaders = leaders?;
            let number = leaders[0].strip_prefix("queue-")?.parse().ok()?;
            let agree = leaders.iter().all(|leader| *leader == leaders[0]);
            (agree && numbers.contains(&number)).then_some(number)
        })
    }
}

/// Asks for a path by HTTP; returns status and body.
fn get(port: u16, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// A client of NATS: <https://docs.nats.io/reference/reference-protocols/nats-protocol>.
struct Client {
    stream: BufReader<TcpStream>,
    inboxes: u32,
}

impl Client {
    /// Connects and logs in; fails with what the server says.
    fn connect(port: u16, user: &str, password: &str) -> Result<Self, String> {
        let stream = TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())?;
        let timeout = Some(Duration::from_secs(10));
        stream.set_read_timeout(timeout).expect("a timeout");
        let mut client = Self { stream: BufReader::new(stream), inboxes: 0 };
        client.line()?;
        let login = json!({
            "verbose": false, "pedantic": false, "protocol": 1, "lang": "test", "version": "1",
            "user": user, "pass": password,
        });
        client.send(&format!("CONNECT {login}\r\nPING\r\n"));
        match client.line()?.as_str() {
            "PONG" => Ok(client),
            line => Err(line.to_owned()),
        }
    }

    fn send(&mut self, text: &str) {
        self.stream.get_mut().write_all(text.as_bytes()).expect("the server reads");
    }

    /// Returns the next line that is not a ping.
    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).map_err(|error| error.to_string())?;
        match line.trim_end() {
            "PING" => {
                self.send("PONG\r\n");
                self.line()
            }
            line if line.starts_with("INFO") && self.inboxes > 0 => self.line(),
            line => Ok(line.to_owned()),
        }
    }

    /// Sends `payload` to `subject`, and returns the answer; there is none while there is no leader.
    fn request(&mut self, subject: &str, payload: &str) -> Option<Value> {
        self.inboxes += 1;
        let number = self.inboxes;
        let length = payload.len();
        self.send(&format!(
            "SUB inbox.{number} {number}\r\nPUB {subject} inbox.{number} {length}\r\n{payload}\r\n"
        ));
        let message = self.line().ok()?;
        let length = message.rsplit_once(' ').and_then(|(head, length)| {
            head.starts_with("MSG inbox.").then(|| length.parse::<usize>().ok())?
        });
        let mut body = vec![0; length.expect(&message) + 2];
        self.stream.read_exact(&mut body).expect("a whole message");
        Some(serde_json::from_slice(&body).expect("an answer of JetStream is JSON"))
    }
}

/// Stores a message in the stream; returns its number there, if it was taken.
fn store(cluster: &Cluster, number: usize, password: &str) -> Option<u64> {
    let mut client = Client::connect(cluster.ports[number].clients, USER, password).ok()?;
    let timeout = Some(Duration::from_secs(2));
    client.stream.get_ref().set_read_timeout(timeout).expect("a timeout");
    client.request("orders.new", "one more")?["seq"].as_u64()
}

#[test]
fn three_servers_form_a_cluster_that_survives_the_loss_of_one() {
    demand("nats-server", "nats-server");
    let rendered = rendered(&[]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let password = "pass'\"\\ #1";
    let cluster = Cluster::new(&rendered, 3, folder.path(), password);
    let mut servers: Vec<_> = cluster.pods.iter().map(|pod| Some(pod.start())).collect();

    let leader = cluster.leader(&[0, 1, 2]);
    for number in 0..3 {
        for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
            wait_until(probe, || cluster.probe(number, probe) == Some(200));
        }
        let told = cluster.monitor(number, "/varz").expect("an answer");
        assert_eq!(told["server_name"], format!("queue-{number}"));
        assert_eq!(told["cluster"]["name"], "shop-queue");
        assert_eq!(told["jetstream"]["config"]["max_storage"], 9_663_676_416_u64);
        let memory = &told["jetstream"]["config"]["max_memory"];
        assert!(memory.is_null() || *memory == 0, "{memory}");
    }
    for (user, wrong) in [(USER, "wrong"), (USER, ""), ("nobody", password)] {
        let refused = Client::connect(cluster.ports[0].clients, user, wrong).err();
        assert_eq!(refused.as_deref(), Some("-ERR 'Authorization Violation'"));
    }

    let mut client = Client::connect(cluster.ports[0].clients, USER, password).expect("a login");
    let stream = json!({
        "name": "ORDERS", "subjects": ["orders.>"], "storage": "file", "num_replicas": 3,
        "retention": "limits", "discard": "old",
    });
    let created = client.request("$JS.API.STREAM.CREATE.ORDERS", &stream.to_string());
    let created = created.expect("an answer");
    assert_eq!(created["config"]["num_replicas"], 3, "{created}");
    for number in 1..=20 {
        let stored = client.request("orders.new", "a message").expect("an answer");
        assert_eq!(stored["seq"], number);
    }

    servers[leader].take().expect("it runs").kill();
    let others: Vec<_> = (0..3).filter(|number| *number != leader).collect();
    let next = cluster.leader(&others);
    assert_ne!(next, leader);
    let stored = wait_for("a message is stored", || store(&cluster, next, password));
    assert!(stored > 20, "all messages are still there, not {stored}");

    servers[leader] = Some(cluster.pods[leader].start());
    wait_until("the lost one has caught up", || cluster.probe(leader, "startupProbe") == Some(200));
    let again = wait_for("a message is stored", || store(&cluster, leader, password));
    assert!(again > stored, "{again}");
}

#[test]
fn a_server_about_to_stop_hands_over_first() {
    demand("nats-server", "nats-server");
    let rendered = rendered(&[]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cluster = Cluster::new(&rendered, 3, folder.path(), "secret");
    let mut servers: Vec<Process> = cluster.pods.iter().map(Pod::start).collect();
    let leader = cluster.leader(&[0, 1, 2]);
    let mut client = Client::connect(cluster.ports[leader].clients, USER, "secret").expect("in");

    let start = Instant::now();
    let hook = cluster.pods[leader].run("/lifecycle/preStop/exec/command");
    assert!(hook.status.success(), "{hook:?}");
    // The kubelet goes on with this at once.
    servers[leader].signal("TERM");
    let info = client.line().expect("the server tells its clients");
    assert!(info.starts_with("INFO ") && info.contains("\"ldm\":true"), "{info}");
    drop(client);
    let others: Vec<_> = (0..3).filter(|number| *number != leader).collect();
    assert_ne!(cluster.leader(&others), leader);
    let status = servers[leader].wait();
    assert!(status.success(), "{status}");
    let took = start.elapsed().as_secs();
    assert!((9..55).contains(&took), "{took} s: the grace period of clients, less than the pod's");
}

#[test]
fn any_password_is_the_password() {
    demand("nats-server", "nats-server");
    let rendered = rendered(&[("replicas = 3", "replicas = 1")]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (number, password) in ODD_PASSWORDS.into_iter().enumerate() {
        let folder = folder.path().join(number.to_string());
        let cluster = Cluster::new(&rendered, 1, &folder, password);
        let server = cluster.pods[0].start();
        wait_until("the server is ready", || cluster.probe(0, "startupProbe") == Some(200));
        let port = cluster.ports[0].clients;
        assert!(Client::connect(port, USER, password).is_ok(), "{password}\n{}", server.log());
        assert!(Client::connect(port, USER, &format!("{password} ")).is_err(), "{password}");
        let config = cluster.pods[0].file("etc/nats/nats.conf");
        assert!(!config.contains(password), "{password}");
    }
}

#[test]
fn servers_log_in_to_each_other_with_any_password() {
    demand("nats-server", "nats-server");
    let rendered = rendered(&[]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let password = ODD_PASSWORDS.concat();
    let cluster = Cluster::new(&rendered, 3, folder.path(), &password);
    let _servers: Vec<Process> = cluster.pods.iter().map(Pod::start).collect();
    let leader = cluster.leader(&[0, 1, 2]);
    assert!(Client::connect(cluster.ports[leader].clients, USER, &password).is_ok());
}

#[test]
fn a_stranger_cannot_join_the_cluster() {
    demand("nats-server", "nats-server");
    let rendered = rendered(&[]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cluster = Cluster::new(&rendered, 3, folder.path(), "secret");
    let mut stream = None;
    let _server = cluster.pods[0].start();
    let join = "CONNECT {\"verbose\":false,\"pedantic\":false,\"cluster\":\"shop-queue\",\
        \"server_id\":\"stranger\",\"lnoc\":true}\r\nPING\r\n";
    wait_until("the server listens", || {
        stream = TcpStream::connect(("127.0.0.1", cluster.ports[0].cluster)).ok();
        stream.is_some()
    });
    let mut stream = stream.expect("a connection");
    stream.write_all(join.as_bytes()).expect("the server reads");
    let mut answer = String::new();
    let timeout = Some(Duration::from_secs(10));
    stream.set_read_timeout(timeout).expect("a timeout");
    drop(stream.read_to_string(&mut answer));
    assert!(answer.contains("Authorization Violation"), "{answer}");
}

#[test]
fn a_server_without_a_password_does_not_start() {
    demand("nats-server", "nats-server");
    let rendered = rendered(&[("replicas = 3", "replicas = 1")]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cluster = Cluster::new(&rendered, 1, folder.path(), "");
    let mut server = cluster.pods[0].start();
    assert!(!server.wait().success());
    assert!(server.log().contains("NATS_PASSWORD: is empty"), "{}", server.log());
}
