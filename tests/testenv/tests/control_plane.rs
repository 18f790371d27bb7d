//! What tests may rely on. All share one control plane.

use a4co_testenv::{ControlPlane, unique_namespace};

/// A namespace of one test, removed at its end.
struct Namespace {
    cluster: &'static ControlPlane,
    name: String,
}

impl Namespace {
    fn new(prefix: &str) -> Self {
        let (cluster, name) = (ControlPlane::shared(), unique_namespace(prefix));
        cluster.kubectl(&["create", "namespace", &name]).expect_success();
        Self { cluster, name }
    }

    fn apply(&self, manifest: &str) {
        let args = ["apply", "--server-side", "--namespace", &self.name, "-f", "-"];
        self.cluster.kubectl_with_input(&args, manifest).expect_success();
    }

    #[track_caller]
    fn wait(&self, condition: &str, object: &str) {
        let args = ["wait", condition, object, "--timeout=20s", "--namespace", &self.name];
        self.cluster.kubectl(&args).expect_success();
    }

    fn read(&self, object: &str, path: &str) -> String {
        let output = format!("--output=jsonpath={path}");
        self.cluster.kubectl(&["get", object, &output, "--namespace", &self.name]).expect_success()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.cluster.kubectl(&["delete", "namespace", &self.name, "--wait=false"]);
    }
}

fn deployment(name: &str, image: &str) -> String {
    format!(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {{ name: {name} }}
spec:
  selector: {{ matchLabels: {{ app: {name} }} }}
  template:
    metadata: {{ labels: {{ app: {name} }} }}
    spec:
      containers: [{{ name: main, image: \"{image}\" }}]
"
    )
}

#[test]
fn the_api_server_is_of_the_version_that_was_built() {
    let version = ControlPlane::shared().kubectl(&["get", "--raw=/version"]).expect_success();
    assert!(version.contains(r#""gitVersion": "v1.36.3""#), "{version}");
}

#[test]
fn six_ready_nodes_lie_in_three_zones() {
    let path = r"--output=jsonpath={.items[*].metadata.labels.topology\.kubernetes\.io/zone}";
    let zones = ControlPlane::shared().kubectl(&["get", "nodes", path]).expect_success();
    let mut zones: Vec<_> = zones.split(' ').collect();
    zones.sort_unstable();
    assert_eq!(zones, ["zone-a", "zone-a", "zone-b", "zone-b", "zone-c", "zone-c"]);
}

#[test]
fn a_deployment_rolls_out() {
    let namespace = Namespace::new("rolls-out");
    namespace.apply(&deployment("web", "registry.example/web:1"));
    namespace.wait("--for=condition=Available", "deployment/web");
}

#[test]
fn a_never_ready_image_cannot_be_pulled() {
    let namespace = Namespace::new("never-ready");
    namespace.apply(&deployment("web", "registry.example/never-ready:1"));
    namespace.wait("--for=jsonpath={.status.replicas}=1", "deployment/web");
    let pod = namespace.read("pod", "{.items[0].metadata.name}");
    let reason = "--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}";
    namespace.wait(&format!("{reason}=ImagePullBackOff"), &format!("pod/{pod}"));
    assert_eq!(namespace.read("deployment/web", "{.status.readyReplicas}"), "");
}

#[test]
fn a_job_completes() {
    let namespace = Namespace::new("job");
    namespace.apply(
        "
apiVersion: batch/v1
kind: Job
metadata: { name: migrate }
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{ name: main, image: registry.example/migrate:1 }]
",
    );
    namespace.wait("--for=condition=Complete", "job/migrate");
}

#[test]
fn a_claim_gets_a_volume_that_goes_with_it() {
    let namespace = Namespace::new("claim");
    namespace.apply(
        "
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data }
spec:
  accessModes: [ReadWriteOnce]
  resources: { requests: { storage: 1Gi } }
",
    );
    namespace.wait("--for=jsonpath={.status.phase}=Bound", "pvc/data");
    let volume = namespace.read("pvc/data", "{.spec.volumeName}");
    let delete = ["delete", "pvc/data", "--timeout=20s", "--namespace", &namespace.name];
    namespace.cluster.kubectl(&delete).expect_success();
    namespace.wait("--for=delete", &format!("pv/{volume}"));
}

#[test]
fn an_external_secret_becomes_ready() {
    let namespace = Namespace::new("external-secret");
    namespace.apply(
        "
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: { name: database }
spec:
  secretStoreRef: { kind: ClusterSecretStore, name: vault }
  target: { name: database }
  data: [{ secretKey: password, remoteRef: { key: database } }]
",
    );
    namespace.wait("--for=condition=Ready", "externalsecret/database");
}

#[test]
fn a_certificate_becomes_ready_again_after_every_change() {
    let namespace = Namespace::new("certificate");
    for (generation, host) in [("1", "a.example"), ("2", "b.example")] {
        namespace.apply(&format!(
            "
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {{ name: web }}
spec: {{ secretName: web, issuerRef: {{ name: ca }}, dnsNames: [{host}] }}
"
        ));
        let observed = "--for=jsonpath={.status.conditions[0].observedGeneration}";
        namespace.wait(&format!("{observed}={generation}"), "certificate/web");
        namespace.wait("--for=condition=Ready", "certificate/web");
    }
}

#[test]
fn an_unknown_field_of_a_service_monitor_is_refused() {
    let cluster = ControlPlane::shared();
    let args = ["apply", "--server-side", "--validate=strict", "--dry-run=server", "-f", "-"];
    let output = cluster.kubectl_with_input(
        &args,
        "
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: { name: web, namespace: default }
spec: { selector: {}, endpoints: [{ port: metrics, intervall: 30s }] }
",
    );
    assert!(!output.success());
    assert!(output.stderr.contains("intervall"), "{}", output.stderr);
}

#[test]
fn another_user_has_the_rights_of_its_groups_only() {
    let cluster = ControlPlane::shared();
    let kubeconfig = cluster.kubeconfig_as("ann", &["readers", "ops/berlin"]).expect("a user");
    let ann = ControlPlane::connect(&kubeconfig);
    let who = ann.kubectl(&["auth", "whoami", "--output=jsonpath={.status.userInfo}"]);
    let who = who.expect_success();
    for part in [r#""username":"ann""#, r#""readers""#, r#""ops/berlin""#] {
        assert!(who.contains(part), "{who}");
    }
    let output = ann.kubectl(&["get", "secrets", "--namespace=default"]);
    assert!(output.stderr.contains(r#"User "ann" cannot list resource "secrets""#), "{output:?}");
}
