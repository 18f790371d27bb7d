//! Components of every kind, for tests.

use std::{collections::BTreeMap, path::Path, process::Command};

use serde_json::Value;

use crate::{
    component::{
        Check, Claim, Component, Container, Controller, CronJob, Metrics, Pod, Probe, Resolution,
        Role, Service, ServicePort, pods_name,
    },
    environment::{
        capacity::{Autoscaling, Replicas, Resources, Scaling},
        monitoring::Monitoring,
    },
    quantity::{Cpu, Memory},
};

fn resources() -> Resources {
    Resources {
        cpu: Cpu::try_from("500m".to_owned()).expect("CPU"),
        memory: Memory::try_from("128Mi".to_owned()).expect("memory"),
    }
}

/// Makes a component with the metrics on a port of its only container.
pub(super) fn component(name: &str, role: Role, min: u32, storage: Option<&str>) -> Component {
    let probe = Probe {
        check: Check::Tcp { port: "metrics".to_owned() },
        period_seconds: 10,
        timeout_seconds: 3,
        failure_threshold: 3,
    };
    let container = Container {
        name: name.to_owned(),
        image: "registry.example/x@sha256:00".to_owned(),
        command: Vec::new(),
        args: Vec::new(),
        ports: vec![("metrics".to_owned(), 9000)],
        variables: BTreeMap::new(),
        has_settings: false,
        requests: resources(),
        limits: resources(),
        liveness: probe.clone(),
        readiness: probe,
        startup: None,
        pre_stop: None,
        mounts: Vec::new(),
    };
    let claim = |size: &str| Claim {
        volume: "data".to_owned(),
        size: Memory::try_from(size.to_owned()).expect("a size"),
        class: None,
    };
    Component {
        name: name.to_owned(),
        role,
        instance: None,
        controller: Controller::StatefulSet {
            service: pods_name(name),
            claims: storage.map(claim).into_iter().collect(),
        },
        replicas: Replicas { min, max: None },
        autoscaling: None,
        min_available: 0,
        pod: Pod {
            user: 1000,
            containers: vec![container],
            volumes: Vec::new(),
            spread: Vec::new(),
            tolerations: Vec::new(),
            priority: None,
            grace_seconds: 30,
        },
        services: vec![Service {
            name: pods_name(name),
            ports: vec![ServicePort { name: "metrics".to_owned(), port: 9000, app_protocol: None }],
            resolution: Resolution::EveryPod,
        }],
        metrics: Some(Metrics {
            port_name: "metrics".to_owned(),
            port: 9000,
            path: "/metrics".to_owned(),
        }),
        route: None,
        files: BTreeMap::new(),
    }
}

pub(super) fn everything() -> Vec<Component> {
    let scaling = Scaling { stabilization_seconds: 0, percent: 100, pods: 4, period_seconds: 30 };
    let (scale_up, scale_down) = (scaling.clone(), scaling);
    let mut web = component("web", Role::Service, 2, None);
    web.replicas.max = Some(3);
    web.autoscaling = Some(Autoscaling { cpu: 70, memory: 80, scale_up, scale_down });
    let mut silent = component("silent", Role::Service, 1, None);
    silent.metrics = None;
    let mut backup = component("db-backup", Role::Database, 0, None);
    backup.metrics = None;
    backup.instance = Some("db".to_owned());
    backup.controller = Controller::CronJob(CronJob {
        schedule: "15 * * * *".to_owned(),
        longest_gap_seconds: 60 * 60,
        deadline_seconds: 10 * 60,
        claims: Vec::new(),
    });
    vec![
        web,
        component("cart", Role::Service, 2, None),
        silent,
        component("db", Role::Database, 1, Some("10Gi")),
        component("db-replica", Role::Database, 2, Some("10Gi")),
        backup,
        component("bus", Role::Messaging, 3, Some("10Gi")),
        component("cache", Role::Cache, 1, Some("1Gi")),
        component("jaeger", Role::Tracing, 1, None),
        component("alertmanager", Role::Monitoring, 1, Some("1Gi")),
        component("prometheus", Role::Monitoring, 1, Some("10Gi")),
    ]
}

pub(super) fn monitoring(more: &Value) -> Monitoring {
    serde_json::from_value(more.clone()).expect("what an environment may say")
}

/// Runs `promtool`, which must be content.
pub(super) fn promtool(arguments: &[&str], folder: &Path) {
    let output = Command::new("promtool").args(arguments).current_dir(folder).output();
    let output = output.expect("`promtool` runs; Debian has it in the package `prometheus`");
    let (out, err) = (output.stdout, output.stderr);
    let said = String::from_utf8_lossy(&out).into_owned() + &String::from_utf8_lossy(&err);
    assert!(output.status.success(), "promtool {arguments:?}: {said}");
    assert!(!said.contains("duplicate"), "{said}");
}
