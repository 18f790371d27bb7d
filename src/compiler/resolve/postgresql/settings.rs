//! The files that configure a server: `postgresql.conf`, `pg_hba.conf` and `pg_ident.conf`.

use std::collections::BTreeMap;

use crate::{environment::postgresql::Postgresql, quantity::Memory};

/// Who may connect, from where, and how they prove it. The first line that fits decides.
pub(super) const HBA: &str = "\
# TYPE  DATABASE     USER        ADDRESS  METHOD
local   all          postgres             peer map=pod
local   all          exporter             peer map=pod
local   all          all                  reject
host    all          exporter    all      reject
host    replication  replicator  all      scram-sha-256
host    replication  all         all      reject
host    all          replicator  all      reject
host    all          all         all      scram-sha-256
";

/// Whom the processes of a pod, all of one user, may connect as without a password.
pub(super) const IDENT: &str = "\
# MAPNAME  SYSTEM-USERNAME  PG-USERNAME
pod        postgres         postgres
pod        postgres         exporter
";

/// Settings that are not free, each with the reason.
const OWNED: [(&str, &str); 38] = [
    ("config_file", FILES),
    ("data_checksums", "it is fixed when data are made"),
    ("data_directory", FILES),
    ("external_pid_file", FILES),
    ("fsync", LOSS),
    ("full_page_writes", LOSS),
    ("hba_file", FILES),
    ("hot_standby", REPLICATION),
    ("ident_file", FILES),
    ("include", FILES),
    ("include_dir", FILES),
    ("include_if_exists", FILES),
    ("listen_addresses", NETWORK),
    ("log_destination", LOG),
    ("log_directory", LOG),
    ("log_filename", LOG),
    ("logging_collector", LOG),
    ("max_replication_slots", REPLICATION),
    ("max_wal_senders", REPLICATION),
    ("password_encryption", "passwords are kept and checked by SCRAM only"),
    ("port", NETWORK),
    ("primary_conninfo", REPLICATION),
    ("primary_slot_name", REPLICATION),
    ("promote_trigger_file", REPLICATION),
    ("recovery_target", REPLICATION),
    ("recovery_target_action", REPLICATION),
    ("recovery_target_inclusive", REPLICATION),
    ("recovery_target_lsn", REPLICATION),
    ("recovery_target_name", REPLICATION),
    ("recovery_target_time", REPLICATION),
    ("recovery_target_timeline", REPLICATION),
    ("recovery_target_xid", REPLICATION),
    ("restore_command", REPLICATION),
    ("ssl", TLS),
    ("ssl_cert_file", TLS),
    ("ssl_key_file", TLS),
    ("unix_socket_directories", NETWORK),
    ("unix_socket_permissions", NETWORK),
];

const FILES: &str = "the compiler says where files are";
const LOG: &str = "servers log to the pod's own log; their file system is read-only";
const LOSS: &str = "without it a crash loses data";
const NETWORK: &str = "the compiler says where servers are reached";
const REPLICATION: &str = "the compiler sets up replication";
const TLS: &str = "there is no certificate for the server";

/// Returns why `setting` is not free, if it is not.
pub(super) fn owned(setting: &str) -> Option<&'static str> {
    OWNED.iter().find(|(name, _)| *name == setting).map(|(_, reason)| *reason)
}

/// Most connections that a server takes if nothing else is said, as in PostgreSQL itself.
pub(super) const MAX_CONNECTIONS: u32 = 100;

/// Returns `postgresql.conf`: the settings that depend on what a server has, and over them those
/// that are declared.
pub(super) fn config(declared: &Postgresql) -> String {
    let mut settings = defaults(declared.program.requests.memory, declared.storage.size);
    let own = declared.settings.iter();
    settings.extend(own.map(|(name, value)| (name.to_string(), value.clone())));
    let lines = settings.iter().map(|(name, value)| format!("{name} = {}", quoted(value)));
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// Nothing here depends on the number of replicas: to add one must not restart the primary.
fn defaults(memory: Memory, storage: Memory) -> BTreeMap<String, String> {
    let (memory, storage) = (memory.mebibytes(), storage.mebibytes());
    let megabytes = |amount: u64| format!("{amount}MB");
    // As much as PostgreSQL wants between two checkpoints, but little of a small volume.
    let wal = (storage / 10).clamp(48, 4096);
    let settings = [
        // What is reserved is there for sure: a quarter for its own cache, and three quarters for
        // that and the system's together.
        ("shared_buffers", megabytes((memory / 4).max(16))),
        ("effective_cache_size", megabytes((memory / 4 * 3).max(16))),
        ("maintenance_work_mem", megabytes((memory / 16).clamp(8, 1024))),
        // A node may have some, and a container no right to them: the server would be killed.
        ("huge_pages", "off".to_owned()),
        ("max_connections", MAX_CONNECTIONS.to_string()),
        ("max_wal_size", megabytes(wal)),
        ("min_wal_size", megabytes((wal / 4).max(32))),
        ("wal_level", "replica".to_owned()),
        // Two for each of as many replicas as there can be, and some for other programs.
        ("max_wal_senders", "30".to_owned()),
        ("max_replication_slots", "30".to_owned()),
        // What the primary keeps for a replica that is away; see replica.sh.
        ("max_slot_wal_keep_size", megabytes((storage / 4).max(64))),
        ("password_encryption", "scram-sha-256".to_owned()),
        ("unix_socket_permissions", "0700".to_owned()),
        // Connections of clients whose node is gone end within two minutes.
        ("tcp_keepalives_idle", "60".to_owned()),
        ("tcp_keepalives_interval", "10".to_owned()),
        ("tcp_keepalives_count", "6".to_owned()),
        ("log_destination", "stderr".to_owned()),
        ("log_line_prefix", "%m [%p] %q%u@%d ".to_owned()),
        ("log_timezone", "UTC".to_owned()),
        ("timezone", "UTC".to_owned()),
    ];
    settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Writes a value so that the server reads the very same.
fn quoted(value: &str) -> String {
    let mut quoted = String::from("'");
    for character in value.chars() {
        match character {
            '\'' => quoted.push_str("''"),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            other => quoted.push(other),
        }
    }
    quoted + "'"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_quoted_so_that_no_character_has_a_meaning() {
        for (value, expected) in [
            ("64MB", "'64MB'"),
            ("", "''"),
            ("it's", "'it''s'"),
            ("C:\\x", "'C:\\\\x'"),
            ("a\nport = 1", "'a\\nport = 1'"),
            ("# no comment", "'# no comment'"),
        ] {
            assert_eq!(quoted(value), expected, "{value}");
        }
    }

    #[test]
    fn settings_grow_with_memory_and_storage_within_bounds() {
        for (memory, storage, expected) in [
            (256, 5 * 1024, ["64MB", "192MB", "512MB", "1280MB"]),
            (2048, 50 * 1024, ["512MB", "1536MB", "4096MB", "12800MB"]),
            (64, 512, ["16MB", "48MB", "51MB", "128MB"]),
        ] {
            let [memory, storage] = [memory, storage].map(Memory::from_mebibytes);
            let settings = defaults(memory, storage);
            let names = [
                "shared_buffers",
                "effective_cache_size",
                "max_wal_size",
                "max_slot_wal_keep_size",
            ];
            assert_eq!(names.map(|name| settings[name].as_str()), expected);
        }
    }

    #[test]
    fn settings_that_are_not_free_are_sorted_and_the_rest_is_free() {
        assert!(OWNED.is_sorted());
        assert_eq!(owned("port"), Some(NETWORK));
        assert_eq!(owned("work_mem"), None);
    }
}
