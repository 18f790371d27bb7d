//! The faults of the Helm chart that these environments replace, each written into a copy of
//! `envs/`: every one is refused, by a message that names it.

mod kit;

use a4co_compiler::{Source, compile};
use kit::{lines, own_files};

/// A fault, what makes it, and what the message says. A file is changed by a text that is replaced
/// in it, or that is added to it if there is nothing to replace.
struct Fault {
    name: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
    message: &'static str,
}

const PRODUCTION: &str = "envs/production.toml";
const PLATFORM: &str = "envs/platform.toml";

/// Brings a manifest of the team's own.
const OWN: &str = "[[manifests]]\npath = \"manifests/own.yaml\"\n";

/// The faults of values, which the environment's own keys can say.
const VALUES: [Fault; 5] = [
    Fault {
        name: "a quoting error, after which nothing renders",
        file: PLATFORM,
        from: "\"--port={port}\"",
        to: "\"--port={port\"",
        message: "`defaults.command[1]`: `--port={port` is not a text with `{placeholders}`",
    },
    Fault {
        name: "an image by a tag that floats",
        file: PLATFORM,
        from: "ghcr.io/stefanprodan/podinfo:6.15.0",
        to: "ghcr.io/neiland85/a4co-auth-service:latest",
        message: "image `ghcr.io/neiland85/a4co-auth-service:latest` has no pin",
    },
    Fault {
        name: "an image without a tag",
        file: PLATFORM,
        from: "ghcr.io/stefanprodan/podinfo:6.15.0",
        to: "ghcr.io/neiland85/a4co-auth-service",
        message: "`defaults.image`: `ghcr.io/neiland85/a4co-auth-service` is not an image with",
    },
    Fault {
        name: "an annotation that ingress-nginx does not know",
        file: PRODUCTION,
        from: "",
        to: "[edge.annotations]\n\"nginx.ingress.kubernetes.io/rate-limit\" = \"100\"\n",
        message: "ingress-nginx knows no annotation `rate-limit`",
    },
    Fault {
        name: "egress by HTTPS that leads to pods only, for a service that calls the internet",
        file: PLATFORM,
        from: "port = 443\ninternet = true",
        to: "port = 443\ninternet = true\npods = { app = \"proxy\" }",
        message: "endpoint `https` must have exactly one of `pods`, `addresses` and `internet`",
    },
];

/// The faults of objects, as patches of rendered ones.
const PATCHES: [Fault; 4] = [
    Fault {
        name: "two ports of a Service with one number",
        file: PRODUCTION,
        from: "",
        to: "[[patches]]\ntarget = { kind = \"Service\", name = \"order-service\" }\nset.\"/spec/ports/-\" = { name = \"metrics\", port = 3004, targetPort = \"http\", protocol = \"TCP\" }\n",
        message: "`Service/order-service` has two ports 3004 of TCP",
    },
    Fault {
        name: "replicas that fight the autoscaler",
        file: PRODUCTION,
        from: "",
        to: "[[patches]]\ntarget = { kind = \"Deployment\", name = \"order-service\" }\nmerge.spec.replicas = 3\n",
        message: "`Deployment/order-service` fixes `replicas`",
    },
    Fault {
        name: "a metric that needs an adapter which nothing installs",
        file: PRODUCTION,
        from: "",
        to: "[[patches]]\ntarget = { kind = \"HorizontalPodAutoscaler\", name = \"order-service\" }\nset.\"/spec/metrics/-\" = { type = \"Pods\", pods = { metric = { name = \"http_requests_per_second\" }, target = { type = \"AverageValue\", averageValue = \"100\" } } }\n",
        message: "`HorizontalPodAutoscaler/order-service` scales by a metric of type `Pods`",
    },
    Fault {
        name: "a token of the service account in every pod",
        file: PRODUCTION,
        from: "",
        to: "[[patches]]\ntarget = { kind = \"Deployment\", name = \"order-service\" }\nmerge.spec.template.spec.automountServiceAccountToken = true\n",
        message: "`Deployment/order-service` mounts a token",
    },
];

/// The faults of objects that a team brings itself: a name, the YAML, and what the message says.
const MANIFESTS: [(&str, &str, &str); 3] = [
    (
        "an API version that current operators do not serve",
        "apiVersion: external-secrets.io/v1beta1\nkind: ExternalSecret\nmetadata: { name: jwt }\nspec: { secretStoreRef: { kind: SecretStore, name: a4co-secrets }, target: { name: jwt } }\n",
        "`ExternalSecret/jwt` is of `external-secrets.io/v1beta1`",
    ),
    (
        "a policy for HTTPS that lets out to pods and not to the internet",
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: https }\nspec:\n  podSelector: { matchLabels: { app.kubernetes.io/name: auth-service } }\n  policyTypes: [Egress]\n  egress:\n  - to: [{ namespaceSelector: {} }]\n    ports: [{ port: 443 }]\n",
        "`NetworkPolicy/https` lets HTTPS out to pods only",
    ),
    (
        "a datastore that default deny cuts off",
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: { name: mysql }\nspec:\n  serviceName: mysql\n  selector: { matchLabels: { app: mysql } }\n  template:\n    metadata: { labels: { app: mysql } }\n    spec: { containers: [] }\n",
        "`StatefulSet/mysql` may call nobody",
    ),
];

fn findings(change: impl Fn(&str, String) -> String, more: Option<(&str, &str)>) -> Vec<String> {
    let mut files = own_files(change);
    files.extend(more.map(|(path, text)| (path.to_owned(), text.to_owned())));
    lines(compile(&Source::new(files)))
}

fn expect(name: &str, found: &[String], message: &str) {
    let named: Vec<_> = found.iter().filter(|line| line.contains(message)).collect();
    assert!(!named.is_empty(), "{name}: no message has `{message}`: {found:#?}");
}

#[test]
fn a_copy_without_a_fault_is_sound() {
    assert_eq!(findings(|_, text| text, None), Vec::<String>::new());
}

#[test]
fn every_fault_of_the_chart_that_an_environment_can_say_is_refused() {
    for fault in VALUES.iter().chain(&PATCHES) {
        let change = |path: &str, text: String| {
            if path != fault.file {
                return text;
            }
            assert!(text.contains(fault.from), "{}", fault.name);
            match fault.from {
                "" => text + "\n" + fault.to,
                from => text.replace(from, fault.to),
            }
        };
        expect(fault.name, &findings(change, None), fault.message);
    }
}

#[test]
fn every_fault_of_the_chart_that_a_manifest_can_have_is_refused() {
    for (name, yaml, message) in MANIFESTS {
        let change = |path: &str, text: String| {
            if path == PRODUCTION { text + "\n" + OWN } else { text }
        };
        expect(name, &findings(change, Some(("manifests/own.yaml", yaml))), message);
    }
}
