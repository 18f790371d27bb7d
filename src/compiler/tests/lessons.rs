//! What went wrong with the platform's earlier manifests must not come back, in any environment.

use std::{collections::BTreeSet, path::Path};

use a4co_compiler::{Compiled, Source, compile};
use serde_json::Value;

fn environments() -> Vec<Compiled> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    compile(&Source::read(root).expect("readable")).expect("the environments are sound")
}

fn objects(compiled: &Compiled) -> Vec<Value> {
    compiled.release.objects().iter().map(a4co_bundle::Object::manifest).collect()
}

fn of_kind<'a>(objects: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    objects.iter().filter(move |object| object["kind"] == kind)
}

/// Every workload with the template of its pods.
fn workloads(objects: &[Value]) -> Vec<(&Value, &Value)> {
    let template = |object: &'_ Value| match object["kind"].as_str() {
        Some("Deployment" | "StatefulSet") => Some("/spec/template"),
        Some("CronJob") => Some("/spec/jobTemplate/spec/template"),
        _ => None,
    };
    let with_template = |object| Some((object, Value::pointer(object, template(object)?)?));
    objects.iter().filter_map(with_template).collect()
}

fn containers(template: &Value) -> &[Value] {
    template["spec"]["containers"].as_array().expect("containers")
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().expect("a name")
}

fn texts(values: &Value, pointer: &str) -> BTreeSet<String> {
    let items = values.as_array().into_iter().flatten();
    items.filter_map(|item| Some(item.pointer(pointer)?.as_str()?.to_owned())).collect()
}

fn selects(selector: &Value, labels: &Value) -> bool {
    selector.as_object().is_some_and(|selector| {
        !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
    })
}

#[test]
fn no_field_is_null() {
    fn check(value: &Value, path: &str) {
        match value {
            Value::Null => unreachable!("null at {path}"),
            Value::Array(items) => items.iter().for_each(|item| check(item, path)),
            Value::Object(fields) => {
                fields.iter().for_each(|(key, field)| check(field, &format!("{path}.{key}")));
            }
            _ => {}
        }
    }
    for compiled in environments() {
        for object in objects(&compiled) {
            check(&object, name(&object));
        }
    }
}

#[test]
fn every_image_is_pinned_by_digest() {
    for compiled in environments() {
        for (_, template) in workloads(&objects(&compiled)) {
            for container in containers(template) {
                let image = container["image"].as_str().expect("an image");
                let digest = image.split_once("@sha256:").map_or(0, |(_, digest)| digest.len());
                assert_eq!(digest, 64, "{image}");
            }
        }
    }
}

#[test]
fn an_autoscaled_workload_has_no_replicas_and_any_other_has() {
    for compiled in environments() {
        let objects = objects(&compiled);
        for deployment in of_kind(&objects, "Deployment") {
            let mut autoscalers = of_kind(&objects, "HorizontalPodAutoscaler");
            let is_scaled = autoscalers
                .any(|scaler| scaler["spec"]["scaleTargetRef"]["name"] == name(deployment));
            assert_eq!(
                deployment["spec"].get("replicas").is_none(),
                is_scaled,
                "{}",
                name(deployment)
            );
        }
    }
}

#[test]
fn autoscalers_need_nothing_but_the_metrics_server() {
    for compiled in environments() {
        for scaler in of_kind(&objects(&compiled), "HorizontalPodAutoscaler") {
            assert_eq!(texts(&scaler["spec"]["metrics"], "/type"), ["Resource".to_owned()].into());
        }
    }
}

#[test]
fn ports_of_a_service_are_unique() {
    for compiled in environments() {
        for service in of_kind(&objects(&compiled), "Service") {
            let ports = service["spec"]["ports"].as_array().expect("ports");
            let unique: BTreeSet<_> = ports.iter().map(|port| port["port"].to_string()).collect();
            assert_eq!(unique.len(), ports.len(), "{}", name(service));
            assert_eq!(texts(&service["spec"]["ports"], "/name").len(), ports.len());
        }
    }
}

#[test]
fn every_selector_of_ours_selects_something() {
    for compiled in environments() {
        let objects = objects(&compiled);
        let pods: Vec<_> =
            workloads(&objects).iter().map(|(_, pod)| &pod["metadata"]["labels"]).collect();
        let services: Vec<_> =
            of_kind(&objects, "Service").map(|s| &s["metadata"]["labels"]).collect();
        for (kind, pointer, labels) in [
            ("Service", "/spec/selector", &pods),
            ("Deployment", "/spec/selector/matchLabels", &pods),
            ("PodDisruptionBudget", "/spec/selector/matchLabels", &pods),
            ("ServiceMonitor", "/spec/selector/matchLabels", &services),
        ] {
            for object in of_kind(&objects, kind) {
                let selector = object.pointer(pointer).expect(kind);
                let selected = labels.iter().filter(|labels| selects(selector, labels)).count();
                assert_eq!(selected, 1, "{kind} {}", name(object));
            }
        }
    }
}

#[test]
fn pods_have_their_own_account_and_no_token() {
    for compiled in environments() {
        let objects = objects(&compiled);
        let accounts: BTreeSet<_> = of_kind(&objects, "ServiceAccount").map(name).collect();
        for account in of_kind(&objects, "ServiceAccount") {
            assert_eq!(account["automountServiceAccountToken"], false);
        }
        for (_, template) in workloads(&objects) {
            let pod = &template["spec"];
            assert!(accounts.contains(pod["serviceAccountName"].as_str().expect("an account")));
            assert_eq!(pod["automountServiceAccountToken"], false);
        }
    }
}

#[test]
fn containers_are_probed_limited_and_confined() {
    for compiled in environments() {
        let objects = objects(&compiled);
        let all = workloads(&objects);
        for (workload, container) in all
            .iter()
            .flat_map(|(workload, pod)| containers(pod).iter().map(move |c| (workload, c)))
        {
            let is_probed = ["livenessProbe", "readinessProbe"].iter().all(|probe| {
                let ways = ["httpGet", "tcpSocket", "exec"];
                ways.iter().any(|way| container[probe][way].is_object())
            });
            assert!(is_probed, "{}", name(workload));
            for part in ["/resources/requests/cpu", "/resources/limits/memory"] {
                assert!(container.pointer(part).is_some(), "{part}");
            }
            assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
            assert_eq!(container["securityContext"]["capabilities"]["drop"][0], "ALL");
        }
    }
}

#[test]
fn whatever_a_pod_refers_to_is_there() {
    for compiled in environments() {
        let objects = objects(&compiled);
        let config_maps: BTreeSet<_> = of_kind(&objects, "ConfigMap").map(name).collect();
        let keys_of = |secret: &str, key: &str| {
            of_kind(&objects, "ExternalSecret").any(|external| {
                let target = &external["spec"]["target"];
                target["name"] == secret && target["template"]["data"].get(key).is_some()
            })
        };
        for container in workloads(&objects).iter().flat_map(|(_, pod)| containers(pod)) {
            for map in texts(&container["envFrom"], "/configMapRef/name") {
                assert!(config_maps.contains(map.as_str()), "{map}");
            }
            for variable in container["env"].as_array().into_iter().flatten() {
                let reference = &variable["valueFrom"]["secretKeyRef"];
                if let (Some(secret), Some(key)) =
                    (reference["name"].as_str(), reference["key"].as_str())
                {
                    assert!(keys_of(secret, key), "{secret}: {key}");
                }
            }
        }
    }
}

#[test]
fn https_leads_to_the_internet_and_not_into_the_cluster() {
    for compiled in environments() {
        let objects = objects(&compiled);
        let policies: Vec<_> = of_kind(&objects, "NetworkPolicy")
            .filter(|policy| policy.to_string().contains("0.0.0.0/0"))
            .collect();
        let names: Vec<_> = policies.iter().map(|policy| name(policy)).collect();
        assert_eq!(names, ["alertmanager", "auth-service", "payment-service"]);
        for policy in policies {
            for range in ["10.0.0.0/8", "169.254.0.0/16"] {
                assert!(policy.to_string().contains(range), "{range}");
            }
        }
    }
}

#[test]
fn every_service_gets_the_variables_that_the_platform_promises() {
    let promised = "NODE_ENV PORT LOG_LEVEL SERVICE_NAME LOG_FORMAT DATABASE_HOST DATABASE_PORT \
        DATABASE_NAME DATABASE_SSL REDIS_HOST REDIS_PORT REDIS_DB METRICS_ENABLED TRACING_ENABLED \
        JAEGER_ENDPOINT OTEL_EXPORTER_OTLP_ENDPOINT KUBERNETES_NAMESPACE KUBERNETES_POD_NAME \
        KUBERNETES_NODE_NAME FEATURE_FLAG_CACHE_ENABLED FEATURE_FLAG_RATE_LIMITING \
        FEATURE_FLAG_CIRCUIT_BREAKER JWT_SECRET JWT_EXPIRATION DATABASE_URL";
    for compiled in environments() {
        let objects = objects(&compiled);
        let is_settings = |map: &&Value| name(map).starts_with("a4co-settings-");
        let settings = of_kind(&objects, "ConfigMap").find(is_settings).expect("settings");
        let shared = settings["data"].as_object().expect("data").keys().cloned();
        let shared: BTreeSet<_> = shared.collect();
        let is_service = |deployment: &&Value| {
            deployment["metadata"]["labels"]["app.kubernetes.io/component"] == "service"
        };
        for deployment in of_kind(&objects, "Deployment").filter(is_service) {
            let own =
                texts(&deployment["spec"]["template"]["spec"]["containers"][0]["env"], "/name");
            for variable in promised.split_whitespace() {
                let is_there = own.contains(variable) || shared.contains(variable);
                assert!(is_there, "{variable} of {}", name(deployment));
            }
        }
    }
}
