//! The configuration file of Redis. The password is in a file of its own, which the start script
//! writes.

use crate::environment::redis::{Persistence, Redis};

/// Returns `redis.conf` of the master, or of a replica of `master`.
pub(super) fn config(redis: &Redis, master: Option<&str>) -> String {
    let mut lines = vec![
        // Every address, of IPv6 only if there is any.
        "bind * -::*".to_owned(),
        "port 6379".to_owned(),
        "dir /data".to_owned(),
        "include /run/redis/password.conf".to_owned(),
        format!("maxmemory {}", max_memory(redis)),
        format!("maxmemory-policy {}", redis.max_memory_policy.as_str()),
        format!("appendonly {}", if redis.persistence == Persistence::Aof { "yes" } else { "no" }),
        format!("save {}", snapshots(redis.persistence)),
    ];
    if let Some(master) = master {
        lines.push(format!("replicaof {master} 6379"));
        lines.push("replica-read-only yes".to_owned());
    }
    let empty = |value: &String| if value.is_empty() { "\"\"".to_owned() } else { value.clone() };
    lines.extend(redis.settings.iter().map(|(name, value)| format!("{name} {}", empty(value))));
    lines.join("\n") + "\n"
}

/// Returns the memory for data, in bytes.
pub(super) fn max_memory(redis: &Redis) -> u64 {
    redis.program.limits.memory.bytes().saturating_mul(redis.max_memory_percent.into()) / 100
}

fn snapshots(persistence: Persistence) -> &'static str {
    match persistence {
        Persistence::Rdb => "3600 1 300 100 60 10000",
        Persistence::Aof | Persistence::None => "\"\"",
    }
}
