//! The configuration file of NATS. What differs between the servers of a cluster, and what is
//! secret, are variables that the start script sets.

use crate::environment::nats::Nats;

/// Returns `nats.conf`.
pub(super) fn config(nats: &Nats, cluster: &str) -> String {
    let parts = [Some(server(nats)), Some(jetstream(nats)), routes(nats, cluster)];
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// A server that is about to stop hands its leaderships and its clients over to the others. Less
/// than 30 seconds for the clients NATS does not take.
fn server(nats: &Nats) -> String {
    let max_payload = nats.max_payload.map(|size| format!("max_payload: {}\n", size.bytes()));
    let max_payload = max_payload.unwrap_or_default();
    format!(
        r#"server_name: $SERVER_NAME
port: 4222
http_port: 8222
pid_file: "/run/nats/nats.pid"
{max_payload}lame_duck_grace_period: "10s"
lame_duck_duration: "30s"

authorization {{
  user: $LOGIN_USER
  password: $LOGIN_PASSWORD
}}
"#
    )
}

/// What is not counted as messages, and what a file system keeps for itself, needs room too.
fn jetstream(nats: &Nats) -> String {
    let file_store = nats.storage.size.bytes() / 10 * 9;
    let memory_store = nats.memory_store.bytes();
    format!(
        r#"jetstream {{
  store_dir: "/data"
  max_file_store: {file_store}
  max_memory_store: {memory_store}
}}
"#
    )
}

/// A single server has no cluster: JetStream would wait for others. Clients are not told addresses
/// of pods; they come back through the Service.
fn routes(nats: &Nats, cluster: &str) -> Option<String> {
    let routes = format!(
        r#"cluster {{
  name: "{cluster}"
  port: 6222
  no_advertise: true
  routes: $ROUTES
  authorization {{
    user: $LOGIN_USER
    password: $LOGIN_PASSWORD
  }}
}}
"#
    );
    (nats.replicas > 1).then_some(routes)
}
