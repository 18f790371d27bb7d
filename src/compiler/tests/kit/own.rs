//! Objects that a team brings itself, beside the small environment.

use a4co_compiler::{Compiled, Findings};

use super::{LOCK, SHOP, compile_files, lines};

/// What brings [`WORKER`].
pub(crate) const ENTRY: &str = "\n[[manifests]]\npath = \"manifests/worker.yaml\"\n";

/// A worker that breaks no rule.
pub(crate) const WORKER: &str = r"apiVersion: apps/v1
kind: Deployment
metadata:
  name: worker
spec:
  replicas: 2
  selector:
    matchLabels: { app: worker }
  template:
    metadata:
      labels: { app: worker }
    spec:
      serviceAccountName: worker
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        runAsUser: 1000
        seccompProfile: { type: RuntimeDefault }
      containers:
      - name: main
        image: ghcr.io/shop/web:1
        args: [work]
        ports:
        - { name: http, containerPort: 8080 }
        resources:
          requests: { cpu: 10m, memory: 16Mi }
          limits: { cpu: 100m, memory: 64Mi }
        securityContext:
          allowPrivilegeEscalation: false
          readOnlyRootFilesystem: true
          capabilities: { drop: [ALL] }
        livenessProbe:
          httpGet: { path: /, port: http }
        readinessProbe:
          httpGet: { path: /, port: http }
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: worker
---
apiVersion: v1
kind: Service
metadata:
  name: worker
spec:
  selector: { app: worker }
  ports:
  - { name: http, port: 80, targetPort: http }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: worker
spec:
  podSelector:
    matchLabels: { app: worker }
  policyTypes: [Ingress, Egress]
  ingress: []
  egress: []
";

/// Compiles [`SHOP`] with `more` TOML and `yaml` as `manifests/worker.yaml`.
pub(crate) fn compile_own(more: &str, yaml: &str) -> Result<Compiled, Findings> {
    let environment = [SHOP, more].concat();
    compile_locked(&environment, yaml, LOCK)
}

/// Compiles `environment` with `yaml` as `manifests/worker.yaml` and a lockfile.
pub(crate) fn compile_locked(
    environment: &str,
    yaml: &str,
    lock: &str,
) -> Result<Compiled, Findings> {
    let files = [
        ("envs/live.toml", environment),
        ("lockfiles/live.lock", lock),
        ("manifests/worker.yaml", yaml),
    ];
    compile_files(&files).map(|mut compiled| compiled.pop().expect("one environment"))
}

/// Returns [`WORKER`] with `changes` made: an empty text to replace means to append.
pub(crate) fn worker(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(WORKER.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "`{from}` is not in the worker");
        if from.is_empty() { text + to } else { text.replacen(from, to, 1) }
    })
}

/// An autoscaler of the worker.
pub(crate) const AUTOSCALER: &str = "---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: worker }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: worker }
  minReplicas: 2
  maxReplicas: 4
  metrics:
  - type: Resource
    resource: { name: cpu, target: { type: Utilization, averageUtilization: 70 } }
";

/// Name of the case, what the team adds to the environment, changes to the worker, findings.
pub(crate) type Case =
    (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

/// Checks what is found in the changed worker of each case.
pub(crate) fn check(cases: &[Case]) {
    for (case, more, changes, expected) in cases {
        let found = lines(compile_own(&[ENTRY, more].concat(), &worker(changes)));
        let expected: Vec<_> =
            expected.iter().map(|line| format!("manifests/worker.yaml:{line}")).collect();
        assert_eq!(found, expected, "{case}");
    }
}
