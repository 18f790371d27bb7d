//! Who can reach whom, in every environment: what the rendered policies mean, by an evaluator that
//! knows nothing of the compiler, against what the TOML files declare, read without the compiler.
//! Every pair of pods, every port, both directions; and the world outside.

mod network;

use std::{collections::BTreeSet, net::Ipv4Addr, path::Path};

use a4co_compiler::{Source, compile};
use network::{End, Labels, Place, Policies};
use serde_json::Value;
use toml::{Table, Value as Toml};

/// A connection by the names of its ends, and the port.
type Connection = (String, String, u16);

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn objects(environment: &str) -> (Vec<Value>, String) {
    let compiled = compile(&Source::read(root()).expect("readable")).expect("sound");
    let compiled = compiled.into_iter().find(|one| one.environment == environment).expect("there");
    let objects = compiled.release.objects().iter().map(a4co_bundle::Object::manifest);
    (objects.collect(), compiled.release.config().namespace.clone())
}

fn labels(value: &Value) -> Labels {
    let labels = value.as_object().into_iter().flatten();
    labels.map(|(key, value)| (key.clone(), value.as_str().expect("text").to_owned())).collect()
}

/// Every kind of pod that the objects start, with the ports of its containers.
fn pods(objects: &[Value], namespace: &str) -> Vec<(End, BTreeSet<u16>)> {
    let mut pods = Vec::new();
    for object in objects {
        let template = match object["kind"].as_str() {
            Some("Deployment" | "StatefulSet" | "DaemonSet" | "Job") => &object["spec"]["template"],
            Some("CronJob") => &object["spec"]["jobTemplate"]["spec"]["template"],
            _ => continue,
        };
        let containers = template["spec"]["containers"].as_array().expect("containers");
        let ports = containers.iter().flat_map(|one| one["ports"].as_array().into_iter().flatten());
        let ports = ports.map(|port| port["containerPort"].as_u64().expect("a port"));
        let ports = ports.map(|port| u16::try_from(port).expect("a port")).collect();
        let place = Place::Pod {
            namespace: namespace.to_owned(),
            labels: labels(&template["metadata"]["labels"]),
        };
        let name = object["metadata"]["name"].as_str().expect("a name").to_owned();
        pods.push((End { name, place }, ports));
    }
    pods
}

/// Everybody else, good and bad.
fn outsiders(namespace: &str) -> Vec<End> {
    let pod = |name: &str, namespace: &str, labels: &[(&str, &str)]| End {
        name: name.to_owned(),
        place: Place::Pod {
            namespace: namespace.to_owned(),
            labels: labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        },
    };
    let address = |name: &str, address: [u8; 4]| End {
        name: name.to_owned(),
        place: Place::Address(Ipv4Addr::from(address)),
    };
    vec![
        pod("ingress controller", "ingress-nginx", &[("app.kubernetes.io/name", "ingress-nginx")]),
        pod("other pod of ingress-nginx", "ingress-nginx", &[]),
        pod("cert-manager", "cert-manager", &[("app.kubernetes.io/name", "cert-manager")]),
        pod("resolver", "kube-system", &[("k8s-app", "kube-dns")]),
        pod("stranger", "elsewhere", &[("app.kubernetes.io/name", "auth-service")]),
        pod("stranger among us", namespace, &[("app", "stranger")]),
        address("internet", [93, 184, 216, 34]),
        address("node", [10, 0, 0, 4]),
        address("metadata server", [169, 254, 169, 254]),
    ]
}

/// Lays `over` on `base`, as the reference says layers are.
fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Toml::Table(old)), Toml::Table(new)) => merge(old, new),
            (_, value) => drop(base.insert(key, value)),
        }
    }
}

fn declared(environment: &str) -> Table {
    let read = |name: &str| -> Table {
        let path = root().join(format!("envs/{name}.toml"));
        toml::from_str(&fs_err::read_to_string(path).expect("readable")).expect("TOML")
    };
    let mut table = read("platform");
    let over = read(environment);
    for path in texts(&over, "unset") {
        let mut keys: Vec<_> = path.split('.').collect();
        let last = keys.pop().expect("a key");
        let tables = keys.iter().fold(&mut table, |table, key| {
            table.get_mut(*key).and_then(Toml::as_table_mut).expect("a table")
        });
        tables.remove(last).expect("something to unset");
    }
    merge(&mut table, over);
    table
}

fn entries<'a>(table: &'a Table, key: &str) -> impl Iterator<Item = (&'a str, &'a Table)> {
    let entries = table.get(key).and_then(Toml::as_table).into_iter().flatten();
    entries.filter_map(|(name, value)| Some((name.as_str(), value.as_table()?)))
}

fn texts<'a>(table: &'a Table, key: &str) -> Vec<&'a str> {
    let items = table.get(key).and_then(Toml::as_array).into_iter().flatten();
    items.filter_map(Toml::as_str).collect()
}

fn number(table: &Table, key: &str) -> i64 {
    table.get(key).and_then(Toml::as_integer).unwrap_or_default()
}

fn port(table: &Table, key: &str) -> u16 {
    u16::try_from(number(table, key)).expect("a port")
}

fn entry<'a>(table: &'a Table, kind: &str, name: &str) -> Option<&'a Table> {
    entries(table, kind).find(|(key, _)| *key == name).map(|(_, entry)| entry)
}

/// Where a need leads: names of ends, and ports.
fn targets(table: &Table, need: &str) -> Vec<(String, u16)> {
    let replica =
        |entry: &Table| (number(entry, "replicas") > 0).then(|| format!("{need}-replica"));
    if let Some(service) = entry(table, "services", need) {
        vec![(format!("{need}-service"), port(service, "port"))]
    } else if let Some(postgresql) = entry(table, "postgresql", need) {
        let pooler = postgresql.contains_key("pooler").then(|| format!("{need}-pooler"));
        let first = pooler.unwrap_or_else(|| need.to_owned());
        [first].into_iter().chain(replica(postgresql)).map(|name| (name, 5432)).collect()
    } else if let Some(redis) = entry(table, "redis", need) {
        [need.to_owned()].into_iter().chain(replica(redis)).map(|name| (name, 6379)).collect()
    } else if entry(table, "nats", need).is_some() {
        vec![(need.to_owned(), 4222)]
    } else if need == "jaeger" {
        [4317, 4318].map(|port| ("jaeger".to_owned(), port)).into()
    } else if let Some(endpoint) = entry(table, "endpoints", need) {
        let is_internet = endpoint.get("internet") == Some(&Toml::Boolean(true));
        let name = if is_internet { "internet" } else { need };
        vec![(name.to_owned(), port(endpoint, "port"))]
    } else {
        unreachable!("nothing is called {need}")
    }
}

/// Everybody asks for names, by TCP and by UDP; in some clusters at an address of the node.
fn resolve_names(pods: &[(End, BTreeSet<u16>)], add: &mut impl FnMut(&str, &str, u16)) {
    for (pod, _) in pods {
        add(&pod.name, "resolver", 53);
        add(&pod.name, "metadata server", 53);
    }
}

/// What is declared besides by UDP.
fn expected_datagrams(table: &Table, pods: &[(End, BTreeSet<u16>)]) -> BTreeSet<Connection> {
    let mut all = BTreeSet::new();
    let mut add = |from: &str, to: &str, port: u16| {
        all.insert((from.to_owned(), to.to_owned(), port));
    };
    resolve_names(pods, &mut add);
    if number(table["alertmanager"].as_table().expect("a table"), "replicas") > 1 {
        add("alertmanager", "alertmanager", 9094);
    }
    all
}

/// Every connection that the environment declares.
fn expected(table: &Table, pods: &[(End, BTreeSet<u16>)]) -> BTreeSet<Connection> {
    let mut all = BTreeSet::new();
    let mut add = |from: &str, to: &str, port: u16| {
        all.insert((from.to_owned(), to.to_owned(), port));
    };
    resolve_names(pods, &mut add);
    for (key, service) in entries(table, "services") {
        let name = format!("{key}-service");
        for (to, port) in texts(service, "needs").iter().flat_map(|need| targets(table, need)) {
            add(&name, &to, port);
        }
        if service.contains_key("route") {
            add("ingress controller", &name, port(service, "port"));
        }
        add("prometheus", &name, port(service, "port"));
    }
    for (key, postgresql) in entries(table, "postgresql") {
        let replica = format!("{key}-replica");
        if number(postgresql, "replicas") > 0 {
            add(&replica, key, 5432);
            add("prometheus", &replica, 9187);
        }
        if postgresql.contains_key("pooler") {
            add(&format!("{key}-pooler"), key, 5432);
        }
        if postgresql.contains_key("backup") {
            add(&format!("{key}-backup"), key, 5432);
        }
        add("prometheus", key, 9187);
    }
    for (key, redis) in entries(table, "redis") {
        if number(redis, "replicas") > 0 {
            add(&format!("{key}-replica"), key, 6379);
            add("prometheus", &format!("{key}-replica"), 9121);
        }
        add("prometheus", key, 9121);
    }
    for (key, nats) in entries(table, "nats") {
        if number(nats, "replicas") > 1 {
            add(key, key, 6222);
        }
        add("prometheus", key, 7777);
    }
    for (from, to, port) in [
        ("prometheus", "prometheus", 9090),
        ("prometheus", "alertmanager", 9093),
        ("prometheus", "grafana", 3000),
        ("prometheus", "jaeger", 8888),
        ("grafana", "prometheus", 9090),
        ("grafana", "jaeger", 16686),
    ] {
        add(from, to, port);
    }
    let prometheus = table["prometheus"].as_table().expect("a table");
    for (to, port) in texts(prometheus, "needs").iter().flat_map(|need| targets(table, need)) {
        add("prometheus", &to, port);
    }
    let alertmanager = table["alertmanager"].as_table().expect("a table");
    if number(alertmanager, "replicas") > 1 {
        add("alertmanager", "alertmanager", 9094);
    }
    for (to, port) in texts(alertmanager, "needs").iter().flat_map(|need| targets(table, need)) {
        add("alertmanager", &to, port);
    }
    all
}

fn allowed(
    objects: &[Value],
    namespace: &str,
    pods: &[(End, BTreeSet<u16>)],
    protocol: &str,
) -> (BTreeSet<Connection>, usize) {
    let policies = Policies::of(objects, namespace);
    let outside = outsiders(namespace);
    let ends: Vec<_> = pods.iter().map(|(end, _)| end).chain(&outside).collect();
    let mut ports: BTreeSet<u16> = pods.iter().flat_map(|(_, ports)| ports.clone()).collect();
    ports.extend([22, 53, 80, 443, 6443, 8089, 9402, 10250]);
    let mut allowed = BTreeSet::new();
    let mut tried = 0;
    for from in &ends {
        for to in &ends {
            // What others do among each other is not ours to allow.
            if outside.iter().any(|end| end.name == from.name)
                && outside.iter().any(|end| end.name == to.name)
            {
                continue;
            }
            for port in &ports {
                tried += 1;
                if policies.allow(from, to, *port, protocol) {
                    allowed.insert((from.name.clone(), to.name.clone(), *port));
                }
            }
        }
    }
    (allowed, tried)
}

fn check(environment: &str) {
    let (objects, namespace) = objects(environment);
    let pods = pods(&objects, &namespace);
    let table = declared(environment);
    for (protocol, expected) in
        [("TCP", expected(&table, &pods)), ("UDP", expected_datagrams(&table, &pods))]
    {
        let (allowed, tried) = allowed(&objects, &namespace, &pods, protocol);
        let missing: Vec<_> = expected.difference(&allowed).collect();
        let surplus: Vec<_> = allowed.difference(&expected).collect();
        assert!(missing.is_empty(), "{environment}, {protocol}: declared and denied: {missing:#?}");
        assert!(surplus.is_empty(), "{environment}, {protocol}: allowed by nobody: {surplus:#?}");
        assert!(tried > 5_000, "{tried}");
    }
}

#[test]
fn in_dev_exactly_what_is_declared_can_be_reached() {
    check("dev");
}

#[test]
fn in_staging_exactly_what_is_declared_can_be_reached() {
    check("staging");
}

#[test]
fn in_production_exactly_what_is_declared_can_be_reached() {
    check("production");
}
