//! Directives of `redis.conf` that an environment adds.

use super::RedisProblem;

/// Directives that other keys stand for, by who says them. A second value would win in silence.
const OWNED: [(&str, &[&str]); 7] = [
    ("`max_memory_percent`", &["maxmemory"]),
    ("`max_memory_policy`", &["maxmemory-policy"]),
    ("`persistence`", &["appendonly", "save"]),
    ("`password`", &["requirepass", "masterauth", "masteruser", "primaryauth", "primaryuser"]),
    ("`replicas`", &["replicaof", "slaveof", "replica-read-only", "slave-read-only"]),
    // Who may do what: probes, replicas and the exporter log in as the default user.
    ("the release", &["aclfile", "user", "rename-command", "protected-mode"]),
    // What runs where: the pod, its ports and its folders.
    (
        "the release",
        &[
            "appenddirname",
            "appendfilename",
            "bind",
            "cluster-enabled",
            "daemonize",
            "dbfilename",
            "dir",
            "include",
            "logfile",
            "pidfile",
            "port",
            "supervised",
            "syslog-enabled",
            "tls-port",
            "unixsocket",
        ],
    ),
];

/// Checks the directive `name` with `value`.
pub(super) fn check(name: &str, value: &str) -> Result<(), RedisProblem> {
    let name = name.to_owned();
    if name.is_empty() || !name.bytes().all(is_of_directive) {
        return Err(RedisProblem::NotADirective { name });
    }
    if let Some((owner, _)) = OWNED.iter().find(|(_, names)| names.contains(&name.as_str())) {
        return Err(RedisProblem::OwnedSetting { name, owner });
    }
    if value.chars().any(char::is_control) {
        return Err(RedisProblem::SeveralLines { name });
    }
    Ok(())
}

fn is_of_directive(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte)
}
