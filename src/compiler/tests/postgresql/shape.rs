//! How a database is rendered.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::fixture::{compile, find, objects};

/// Changes that leave nothing but a primary.
const ALONE: [(&str, &str); 4] = [
    ("replicas = 2", "replicas = 0"),
    (
        "\n[postgresql.db.pooler]\nimage = \"docker.io/edoburu/pgbouncer:v1.24.1-p1\"\nrequests = { cpu = \"50m\", memory = \"32Mi\" }\nlimits = { cpu = \"500m\", memory = \"64Mi\" }\n",
        "",
    ),
    (
        "\n[postgresql.db.backup]\nschedule = \"15 2 * * *\"\nkeep = 2\nstorage = { size = \"10Gi\" }\n",
        "",
    ),
    (
        "\n[postgresql.db.exporter]\nimage = \"quay.io/prometheuscommunity/postgres-exporter:v0.17.1\"\n",
        "",
    ),
];

/// Returns kind and name of everything that belongs to the database; a name by content without it.
fn members(objects: &[Value]) -> Vec<String> {
    let labels =
        |object: &Value| object["metadata"]["labels"]["app.kubernetes.io/instance"] == "db";
    let members = objects.iter().filter(|object| labels(object)).map(|object| {
        let name = object["metadata"]["name"].as_str().expect("a name");
        let kind = object["kind"].as_str().expect("a kind");
        let name = if kind == "ConfigMap" { &name[..name.len() - 11] } else { name };
        format!("{kind}/{name}")
    });
    members.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Returns the components that the pods of `name` may call, without resolving names.
fn calls(objects: &[Value], name: &str) -> Vec<String> {
    let policy = find(objects, "NetworkPolicy", name);
    let rules = policy["spec"]["egress"].as_array().expect("rules").iter();
    let called = rules.filter_map(|rule| {
        let peer = rule["to"][0].pointer("/podSelector/matchLabels/app.kubernetes.io~1name")?;
        Some(format!("{}:{}", peer.as_str()?, rule["ports"][0]["port"]))
    });
    called.collect()
}

fn variable<'a>(objects: &'a [Value], kind: &str, name: &str, variable: &str) -> &'a Value {
    let workload = find(objects, kind, name);
    let variables = workload["spec"]["template"]["spec"]["containers"][0]["env"].as_array();
    let mut variables = variables.expect("variables").iter();
    variables.find(|found| found["name"] == variable).expect(variable)
}

#[test]
fn each_part_is_there_if_it_is_declared() {
    assert_eq!(
        members(&objects(&[])),
        [
            "ConfigMap/db-backup-scripts",
            "ConfigMap/db-config",
            "ConfigMap/db-pooler-config",
            "ConfigMap/db-pooler-scripts",
            "ConfigMap/db-replica-config",
            "ConfigMap/db-replica-scripts",
            "ConfigMap/db-scripts",
            "CronJob/db-backup",
            "Deployment/db-pooler",
            "NetworkPolicy/db",
            "NetworkPolicy/db-backup",
            "NetworkPolicy/db-pooler",
            "NetworkPolicy/db-replica",
            "PersistentVolumeClaim/db-backup-dumps",
            "PodDisruptionBudget/db-pooler",
            "PodDisruptionBudget/db-replica",
            "Service/db",
            "Service/db-pods",
            "Service/db-pooler",
            "Service/db-replica-pods",
            "Service/db-replicas",
            "ServiceAccount/db",
            "ServiceAccount/db-backup",
            "ServiceAccount/db-pooler",
            "ServiceAccount/db-replica",
            "StatefulSet/db",
            "StatefulSet/db-replica",
        ]
    );
    assert_eq!(
        members(&objects(&ALONE)),
        [
            "ConfigMap/db-config",
            "ConfigMap/db-scripts",
            "NetworkPolicy/db",
            "Service/db",
            "Service/db-pods",
            "ServiceAccount/db",
            "StatefulSet/db",
        ]
    );
}

#[test]
fn clients_reach_what_they_are_told_of_and_nothing_else() {
    let direct = ("DB_READ", "DB_DIRECT = \"{primary_host}\", DB_READ");
    for (case, changes, hosts, may_call) in [
        (
            "everything",
            vec![],
            ["db-pooler:5432/shop_live", "db-replicas"],
            vec!["cart:8081", "db-pooler:5432", "db-replica:5432"],
        ),
        (
            "and the primary itself",
            vec![direct],
            ["db-pooler:5432/shop_live", "db-replicas"],
            vec!["cart:8081", "db:5432", "db-pooler:5432", "db-replica:5432"],
        ),
        (
            "a pooler and no replica",
            vec![("replicas = 2", "replicas = 0")],
            ["db-pooler:5432/shop_live", "db-pooler"],
            vec!["cart:8081", "db-pooler:5432"],
        ),
        ("a primary", ALONE.to_vec(), ["db:5432/shop_live", "db"], vec!["cart:8081", "db:5432"]),
    ] {
        let objects = objects(&changes);
        let value = |name: &str| variable(&objects, "Deployment", "web", name)["value"].clone();
        assert_eq!([value("DB_HOST"), value("DB_READ")], hosts, "{case}");
        assert_eq!(calls(&objects, "web"), may_call, "{case}");
    }
    let objects = objects(&[]);
    for (name, called) in [
        ("db", vec![]),
        ("db-replica", vec!["db:5432"]),
        ("db-pooler", vec!["db:5432"]),
        ("db-backup", vec!["db:5432"]),
        ("cart", vec![]),
    ] {
        assert_eq!(calls(&objects, name), called, "{name}");
    }
}

#[test]
fn secrets_are_references_and_only_where_they_are_needed() {
    let objects = objects(&[]);
    let secrets = |kind: &str, name: &str| -> Vec<String> {
        let workload = find(&objects, kind, name);
        let pods = workload.pointer("/spec/jobTemplate/spec/template/spec");
        let pods = pods.or(workload.pointer("/spec/template/spec")).expect("pods");
        let containers = pods["containers"].as_array().expect("containers").iter();
        let variables = containers.flat_map(|one| one["env"].as_array().expect("variables"));
        let reference = |found: &Value| {
            let reference = found.pointer("/valueFrom/secretKeyRef")?;
            let (name, key) = (reference["name"].as_str()?, reference["key"].as_str()?);
            Some(format!("{}={name}/{key}", found["name"].as_str()?))
        };
        variables.filter_map(reference).collect()
    };
    for (kind, name, expected) in [
        (
            "StatefulSet",
            "db",
            vec![
                "ADMIN_PASSWORD=shop-admin/ADMIN",
                "DATABASE_PASSWORD=shop-database/DB_PASSWORD",
                "DATABASE_USER=shop-database/DB_USER",
                "REPLICATION_PASSWORD=shop-admin/REPLICATION",
            ],
        ),
        ("StatefulSet", "db-replica", vec!["REPLICATION_PASSWORD=shop-admin/REPLICATION"]),
        (
            "Deployment",
            "db-pooler",
            vec![
                "DATABASE_PASSWORD=shop-database/DB_PASSWORD",
                "DATABASE_USER=shop-database/DB_USER",
            ],
        ),
        ("CronJob", "db-backup", vec!["PGPASSWORD=shop-admin/ADMIN"]),
    ] {
        assert_eq!(secrets(kind, name), expected, "{name}");
    }
}

#[test]
fn a_server_has_what_it_needs_to_run_confined() {
    let objects = objects(&[]);
    let server = find(&objects, "StatefulSet", "db");
    let pods = &server["spec"]["template"]["spec"];
    for (pointer, expected) in [
        ("/spec/replicas", json!(1)),
        ("/spec/serviceName", json!("db-pods")),
        ("/spec/podManagementPolicy", json!("Parallel")),
        ("/spec/volumeClaimTemplates/0/spec/storageClassName", json!("fast")),
        ("/spec/volumeClaimTemplates/0/spec/resources/requests/storage", json!("5Gi")),
        ("/spec/template/spec/securityContext/runAsUser", json!(999)),
        ("/spec/template/spec/terminationGracePeriodSeconds", json!(60)),
        ("/spec/template/spec/priorityClassName", json!("shop-live-data")),
        ("/spec/template/spec/containers/0/command", json!(["/bin/sh", "/scripts/start.sh"])),
        ("/spec/template/spec/containers/1/name", json!("exporter")),
        ("/spec/template/spec/containers/1/ports/0/containerPort", json!(9187)),
    ] {
        assert_eq!(server.pointer(pointer), Some(&expected), "{pointer}");
    }
    let writable = pods["containers"][0]["volumeMounts"].as_array().expect("mounts").iter();
    let writable = writable.filter(|mount| mount["readOnly"] != true);
    let writable: Vec<_> = writable.filter_map(|mount| mount["mountPath"].as_str()).collect();
    assert_eq!(writable, ["/tmp", "/run/postgresql", "/dev/shm", "/var/lib/postgresql/data"]);
    let budget = |name: &str| &find(&objects, "PodDisruptionBudget", name)["spec"]["minAvailable"];
    assert_eq!([budget("db-replica"), budget("db-pooler")], [&json!(1), &json!(1)]);
    let ports = |name: &str| -> Vec<_> {
        let ports = find(&objects, "Service", name)["spec"]["ports"].as_array().expect("ports");
        ports.iter().filter_map(|port| port["port"].as_u64()).collect()
    };
    for (name, expected) in [
        ("db", vec![5432]),
        ("db-pods", vec![5432, 9187]),
        ("db-replicas", vec![5432]),
        ("db-replica-pods", vec![5432, 9187]),
        ("db-pooler", vec![5432]),
    ] {
        assert_eq!(ports(name), expected, "{name}");
    }
}

#[test]
fn a_backup_is_a_job_that_ends_and_a_volume_that_stays() {
    let objects = objects(&[]);
    let job = find(&objects, "CronJob", "db-backup");
    let pods = "/spec/jobTemplate/spec/template/spec";
    for (pointer, expected) in [
        ("/spec/schedule".to_owned(), json!("15 2 * * *")),
        ("/spec/timeZone".to_owned(), json!("Etc/UTC")),
        ("/spec/concurrencyPolicy".to_owned(), json!("Forbid")),
        ("/spec/jobTemplate/spec/activeDeadlineSeconds".to_owned(), json!(14400)),
        (format!("{pods}/restartPolicy"), json!("Never")),
        (format!("{pods}/automountServiceAccountToken"), json!(false)),
        (format!("{pods}/containers/0/securityContext/readOnlyRootFilesystem"), json!(true)),
        (format!("{pods}/volumes/2/persistentVolumeClaim/claimName"), json!("db-backup-dumps")),
    ] {
        assert_eq!(job.pointer(&pointer), Some(&expected), "{pointer}");
    }
    let claim = find(&objects, "PersistentVolumeClaim", "db-backup-dumps");
    assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "10Gi");
    assert_eq!(claim["spec"].get("storageClassName"), None, "the cluster's default");
    let totals = compile(&[]).expect("sound").totals;
    assert_eq!((totals.least.pods, totals.most.pods), (9, 10), "a backup is there at times");
}

#[test]
fn settings_are_written_over_what_memory_and_storage_give() {
    let own = "shared_buffers = \"1GB\"\n\"auto_explain.log_format\" = \"it's\"";
    let objects = objects(&[("log_statement = \"all\"", own)]);
    let maps = objects.iter().filter(|object| object["kind"] == "ConfigMap");
    let mut texts = maps.filter_map(|map| map["data"]["postgresql.conf"].as_str());
    let text = texts.next().expect("a configuration");
    for line in [
        "shared_buffers = '1GB'",
        "auto_explain.log_format = 'it''s'",
        "effective_cache_size = '192MB'",
        "max_slot_wal_keep_size = '1280MB'",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn one_replica_more_leaves_the_primary_alone() {
    let [two, three] = [compile(&[]), compile(&[("replicas = 2", "replicas = 3")])];
    let [two, three] = [two, three].map(|compiled| {
        let compiled = compiled.expect("sound");
        let objects = compiled.release.objects().iter();
        objects.map(|object| (object.reference().clone(), object.digest())).collect::<BTreeSet<_>>()
    });
    let changed: BTreeSet<_> = two
        .symmetric_difference(&three)
        .map(|(object, _)| format!("{}/{}", object.kind, object.name))
        .collect();
    let expected = ["PodDisruptionBudget/db-replica", "StatefulSet/db-replica"];
    assert_eq!(changed.into_iter().collect::<Vec<_>>(), expected);
}
