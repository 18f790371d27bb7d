//! What is refused, where, and what the help says.

use crate::{fixture::compile, kit::lines};

/// Name of the case, changes to the environment, findings as lines without the file.
type Case = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

fn check(cases: &[Case]) {
    for (case, changes, expected) in cases {
        let expected: Vec<_> =
            expected.iter().map(|line| format!("envs/live.toml:{line}")).collect();
        assert_eq!(lines(compile(changes)), expected, "{case}");
    }
}

#[test]
fn a_database_must_be_possible() {
    check(&[
        ("nothing wrong", &[], &[]),
        (
            "more replicas than a primary feeds",
            &[("replicas = 2", "replicas = 11")],
            &["37:12: `postgresql.db.replicas` must be 0 to 10, not 11"],
        ),
        (
            "a key that is too long",
            &[
                ("[postgresql.db]", "[postgresql.a23456789012345678901234567890123456789012345]"),
                ("\"db\"]", "]"),
                ("[postgresql.db.settings]\nlog_statement = \"all\"\n", ""),
                (
                    "[postgresql.db.exporter]\nimage = \"quay.io/prometheuscommunity/postgres-exporter:v0.17.1\"\n",
                    "",
                ),
                (
                    "[postgresql.db.pooler]",
                    "[postgresql.a23456789012345678901234567890123456789012345.pooler]",
                ),
                (
                    "[postgresql.db.backup]",
                    "[postgresql.a23456789012345678901234567890123456789012345.backup]",
                ),
            ],
            &[
                "33:13: the name `a23456789012345678901234567890123456789012345-replica` is too long for a StatefulSet, which has at most 52 characters",
            ],
        ),
        (
            "a backup whose key is too long",
            &[
                ("replicas = 2", "replicas = 0"),
                ("[postgresql.db]", "[postgresql.b234567890123456789012345678901234567890123456]"),
                ("\"db\"]", "]"),
                ("[postgresql.db.settings]\nlog_statement = \"all\"\n", ""),
                (
                    "[postgresql.db.exporter]\nimage = \"quay.io/prometheuscommunity/postgres-exporter:v0.17.1\"\n",
                    "",
                ),
                (
                    "[postgresql.db.pooler]",
                    "[postgresql.b234567890123456789012345678901234567890123456.pooler]",
                ),
                (
                    "[postgresql.db.backup]",
                    "[postgresql.b234567890123456789012345678901234567890123456.backup]",
                ),
            ],
            &[
                "33:13: the name `b234567890123456789012345678901234567890123456-backup` is too long for a CronJob, which has at most 52 characters",
            ],
        ),
        (
            "a name that another thing has",
            &[("", "[services.db-pooler]\nport = 1\n")],
            &["35:13: `services.db-pooler` and `postgresql.db` have the same name, `db-pooler`"],
        ),
        (
            "a key that another thing has",
            &[("", "[endpoints.db]\nport = 1\ninternet = true\n")],
            &["36:13: `endpoints.db` and `postgresql.db` have the same key, `db`"],
        ),
        (
            "a database that needs quotes",
            &[("{app}_{environment}", "{app}-{environment}")],
            &[
                "39:12: the database comes out as `shop-live`, which cannot be its name (help: use a-z, 0-9 and `_`, no digit first, at most 63 characters, and none of `all`, `pgbouncer`, `postgres`, `replication`, `template0`, `template1`)",
            ],
        ),
        (
            "a database that has a meaning",
            &[("{app}_{environment}", "postgres")],
            &[
                "39:12: the database comes out as `postgres`, which cannot be its name (help: use a-z, 0-9 and `_`, no digit first, at most 63 characters, and none of `all`, `pgbouncer`, `postgres`, `replication`, `template0`, `template1`)",
            ],
        ),
        (
            "a placeholder that does not exist",
            &[("{app}_{environment}", "{ap}")],
            &["39:12: placeholder `{ap}` has no value here (help: did you mean `app`?)"],
        ),
    ]);
}

#[test]
fn its_servers_must_be_able_to_run() {
    check(&[
        (
            "too little memory, and more than the limit",
            &[("\"256Mi\"", "\"32Mi\""), ("limits = { cpu = \"1\"", "limits = { cpu = \"50m\"")],
            &[
                "35:20: requests 100m of CPU, which is more than the limit of 50m",
                "35:37: requests 32Mi of memory, but a server needs at least 64Mi",
            ],
        ),
        (
            "too little storage",
            &[("\"5Gi\"", "\"100Mi\"")],
            &["38:20: `storage.size` is 100Mi, but a server needs at least 512Mi"],
        ),
        (
            "a storage class that is none",
            &[("\"fast\"", "\"Fast!\"")],
            &[
                "38:35: `postgresql.db.storage.class`: `Fast!` is not a DNS label: a-z, 0-9 and `-` inside, at most 63 characters",
            ],
        ),
        (
            "an extension that is no name",
            &[("\"pgcrypto\"", "\"pg;crypto\"")],
            &[
                "44:28: `postgresql.db.extensions[1]`: `pg;crypto` is not a name of an extension: a-z, 0-9, `_` and `-`, no digit first, at most 63 characters",
            ],
        ),
        (
            "an extension twice",
            &[("\"pgcrypto\"", "\"uuid-ossp\"")],
            &["44:28: `uuid-ossp` stands here twice"],
        ),
        (
            "a time to stop in which nothing stops",
            &[("replicas = 2", "replicas = 2\ntermination_grace_period_seconds = 1")],
            &["38:36: `postgresql.db.termination_grace_period_seconds` must be 10 to 3600, not 1"],
        ),
        (
            "a key that does not exist",
            &[("replicas = 2", "replicsa = 2")],
            &["37:1: unknown key `replicsa` in [postgresql.db] (help: did you mean `replicas`?)"],
        ),
    ]);
}

#[test]
fn settings_that_the_compiler_owns_are_not_free() {
    check(&[
        (
            "where it listens",
            &[("log_statement = \"all\"", "listen_addresses = \"\"")],
            &[
                "49:20: `listen_addresses` cannot be set: the compiler says where servers are reached (help: remove it)",
            ],
        ),
        (
            "durability",
            &[("log_statement = \"all\"", "fsync = \"off\"")],
            &["49:9: `fsync` cannot be set: without it a crash loses data (help: remove it)"],
        ),
        (
            "a name that is none",
            &[("log_statement = \"all\"", "\"port = 1\\nx\" = \"off\"")],
            &[
                "49:1: `postgresql.db.settings`: `port = 1 x` is not a name of a setting: a-z, 0-9 and `_`, with one dot inside if an extension has it",
            ],
        ),
        (
            "a log without which nobody follows",
            &[("log_statement = \"all\"", "wal_level = \"minimal\"")],
            &["49:13: `wal_level` cannot be `minimal`: replicas need `replica` or `logical`"],
        ),
        (
            "connections that are no number",
            &[("log_statement = \"all\"", "max_connections = \"many\"")],
            &["49:19: `max_connections` cannot be `many`: it must be a number from 20 to 10000"],
        ),
        (
            "a value that is no text",
            &[("log_statement = \"all\"", "max_connections = 200")],
            &["49:19: `postgresql.db.settings.max_connections` must be a string, not an integer"],
        ),
    ]);
}

#[test]
fn passwords_are_apart() {
    check(&[
        (
            "a secret that does not exist",
            &[("secret = \"admin\", key = \"ADMIN\"", "secret = \"amdin\", key = \"ADMIN\"")],
            &["42:29: there is no secret `amdin` (help: did you mean `admin`?)"],
        ),
        (
            "a key that does not exist",
            &[("key = \"DB_USER\" }", "key = \"DB_NAME\" }")],
            &["40:37: there is no key `DB_NAME` (help: known here: `DB_PASSWORD`, `DB_USER`)"],
        ),
        (
            "one password for two roles",
            &[("key = \"REPLICATION\" }", "key = \"ADMIN\" }")],
            &[
                "43:1: `admin_password` and `replication_password` are the same value of the same secret (help: give each a key of its own in `[secrets]`)",
            ],
        ),
        (
            "a password that everybody would get",
            &[("[\"database\"]", "[\"database\", \"admin\"]")],
            &[
                "42:29: every service that needs `db` would get its `admin_password`: it is in secret `admin` (help: put it into a secret that `provides` does not name)",
                "43:35: every service that needs `db` would get its `replication_password`: it is in secret `admin` (help: put it into a secret that `provides` does not name)",
            ],
        ),
    ]);
}

#[test]
fn poolers_and_backups_must_be_possible() {
    check(&[
        (
            "more connections than there are",
            &[("limits = { cpu = \"500m\"", "pool_size = 46\nlimits = { cpu = \"500m\"")],
            &[
                "57:13: 2 poolers may open 92 connections, but 90 of `max_connections` are free for them (help: raise `settings.max_connections`, or lower `pool_size`)",
            ],
        ),
        (
            "as many connections as there are",
            &[
                ("limits = { cpu = \"500m\"", "pool_size = 95\nlimits = { cpu = \"500m\""),
                ("log_statement = \"all\"", "max_connections = \"200\""),
            ],
            &[],
        ),
        (
            "fewer clients than connections",
            &[("limits = { cpu = \"500m\"", "max_clients = 10\nlimits = { cpu = \"500m\"")],
            &["57:15: `max_clients` is 10, less than `pool_size`, which is 20"],
        ),
        (
            "a mode that does not exist",
            &[("limits = { cpu = \"500m\"", "pool_mode = \"sesion\"\nlimits = { cpu = \"500m\"")],
            &[
                "57:13: `postgresql.db.pooler.pool_mode` cannot be `sesion` (help: did you mean `session`?)",
            ],
        ),
        (
            "a pooler that asks for more than it may have",
            &[("memory = \"32Mi\"", "memory = \"1Gi\"")],
            &["56:36: requests 1Gi of memory, which is more than the limit of 64Mi"],
        ),
        (
            "a schedule that is none",
            &[("15 2 * * *", "15 25 * * *")],
            &[
                "60:12: `postgresql.db.backup.schedule`: `15 25 * * *` is not a schedule such as `15 2 * * *`: minute, hour, day, month and day of the week in numbers",
            ],
        ),
        (
            "nothing to keep",
            &[("keep = 2", "keep = 0")],
            &["61:8: `postgresql.db.backup.keep` must be 1 to 1000, not 0"],
        ),
        (
            "a backup that asks for more than it may have",
            &[("keep = 2", "keep = 2\nrequests = { cpu = \"2\", memory = \"1Mi\" }")],
            &["62:20: requests 2 of CPU, which is more than the limit of 1"],
        ),
        (
            "an exporter that asks for more than it may have",
            &[(
                "[postgresql.db.exporter]",
                "[postgresql.db.exporter]\nrequests = { cpu = \"2\", memory = \"1Mi\" }",
            )],
            &["52:20: requests 2 of CPU, which is more than the limit of 200m"],
        ),
        (
            "a placeholder that does not exist",
            &[("\"{read_host}\"", "\"{red_host}\"")],
            &[
                "46:10: placeholder `{red_host}` has no value here (help: did you mean `read_host`?)",
            ],
        ),
    ]);
}
