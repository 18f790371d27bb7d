//! A small environment with a database.

use a4co_compiler::{Compiled, Findings};
use serde_json::Value;

use crate::kit::{LOCK, changed, compile_files};

/// What the small environment gets besides its services.
pub(crate) const DATABASE: &str = r#"
[secret_store]
backend = "existing"

[secrets.database]
keys = ["DB_USER", "DB_PASSWORD"]

[secrets.admin]
keys = ["ADMIN", "REPLICATION"]

[postgresql.db]
image = "docker.io/library/postgres:17.6-bookworm"
requests = { cpu = "100m", memory = "256Mi" }
limits = { cpu = "1", memory = "1Gi" }
replicas = 2
storage = { size = "5Gi", class = "fast" }
database = "{app}_{environment}"
user = { secret = "database", key = "DB_USER" }
password = { secret = "database", key = "DB_PASSWORD" }
admin_password = { secret = "admin", key = "ADMIN" }
replication_password = { secret = "admin", key = "REPLICATION" }
extensions = ["uuid-ossp", "pgcrypto"]
provides.secrets = ["database"]
provides.env = { DB_HOST = "{host}:{port}/{database}", DB_READ = "{read_host}" }

[postgresql.db.settings]
log_statement = "all"

[postgresql.db.exporter]
image = "quay.io/prometheuscommunity/postgres-exporter:v0.17.1"

[postgresql.db.pooler]
image = "docker.io/edoburu/pgbouncer:v1.24.1-p1"
requests = { cpu = "50m", memory = "32Mi" }
limits = { cpu = "500m", memory = "64Mi" }

[postgresql.db.backup]
schedule = "15 2 * * *"
keep = 2
storage = { size = "10Gi" }
"#;

/// Compiles the environment with `changes` made; an image that nobody names any more has no pin.
pub(crate) fn compile(changes: &[(&str, &str)]) -> Result<Compiled, Findings> {
    let mut text = changed(&[("", DATABASE), ("needs = [\"cart\"]", "needs = [\"cart\", \"db\"]")]);
    for (from, to) in changes {
        assert!(text.contains(from), "`{from}` is not in the environment");
        text = text.replacen(from, to, 1);
    }
    let mut lock = vec![LOCK.to_owned()];
    for (name, tag) in [
        ("docker.io/edoburu/pgbouncer", "v1.24.1-p1"),
        ("docker.io/library/postgres", "17.6-bookworm"),
        ("quay.io/prometheuscommunity/postgres-exporter", "v0.17.1"),
    ] {
        if text.contains(name) {
            let digest = "0".repeat(64);
            lock.push(format!(
                "\n[[image]]\nname = \"{name}\"\ntag = \"{tag}\"\ndigest = \"sha256:{digest}\"\n"
            ));
        }
    }
    let lock = lock.concat();
    let files = [("envs/live.toml", text.as_str()), ("lockfiles/live.lock", lock.as_str())];
    compile_files(&files).map(|mut compiled| compiled.pop().expect("one environment"))
}

/// Returns every object of the environment with `changes` made.
pub(crate) fn objects(changes: &[(&str, &str)]) -> Vec<Value> {
    let compiled = compile(changes).expect("sound");
    compiled.release.objects().iter().map(a4co_bundle::Object::manifest).collect()
}

/// Returns the object of a kind that has a name.
pub(crate) fn find<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let is_it = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
    let found = objects.iter().find(is_it);
    assert!(found.is_some(), "there is no {kind} {name}");
    found.expect("found")
}
