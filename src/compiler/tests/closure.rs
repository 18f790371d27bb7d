//! Every rule of the closure: what breaks it is refused, with place and remedy; and the same objects
//! with the fault mended pass.

mod kit;

use kit::{
    lines,
    own::{AUTOSCALER, ENTRY, check, compile_own, worker},
};

#[test]
fn a_sound_worker_passes() {
    check(&[
        ("as it is", "", &[], &[]),
        ("with an autoscaler", "", &[("  replicas: 2\n", ""), ("", AUTOSCALER)], &[]),
    ]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn what_is_referred_to_exists() {
    check(&[
        (
            "a Secret that nobody has",
            "",
            &[(
                "        args:",
                "        envFrom: [{ secretRef: { name: worker-key } }]\n        args:",
            )],
            &[
                "22:21: `Deployment/worker` refers to `Secret/worker-key`, which neither the release nor the site has (help: if the site has it, say `site.secrets.worker-key = [\"KEY\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a Secret that the site has",
            "[site.secrets]\nworker-key = [\"TOKEN\"]\n",
            &[(
                "        args:",
                "        envFrom: [{ secretRef: { name: worker-key } }]\n        args:",
            )],
            &[],
        ),
        (
            "a Secret that a program of the team makes",
            "creates.secrets.worker-key = [\"TOKEN\"]\n",
            &[(
                "        args:",
                "        envFrom: [{ secretRef: { name: worker-key } }]\n        args:",
            )],
            &[],
        ),
        (
            "a key that the Secret of the site does not have",
            "[site.secrets]\nworker-key = [\"TOKEN\"]\n",
            &[(
                "        args:",
                "        env: [{ name: X, valueFrom: { secretKeyRef: { name: worker-key, key: TOKENS } } }]\n        args:",
            )],
            &[
                "22:39: `Deployment/worker` refers to key `TOKENS` of `Secret/worker-key`, which has none (help: did you mean `TOKEN`? or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a ConfigMap that is misspelt",
            "",
            &[
                (
                    "        args:",
                    "        envFrom: [{ configMapRef: { name: worker-setings } }]\n        args:",
                ),
                (
                    "",
                    "---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: worker-settings }\ndata: { A: b }\n",
                ),
            ],
            &[
                "22:21: `Deployment/worker` refers to `ConfigMap/worker-setings`, which neither the release nor the site has (help: did you mean `worker-settings`? or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a key of a ConfigMap, in a volume",
            "",
            &[
                (
                    "      containers:",
                    "      volumes: [{ name: x, configMap: { name: worker-settings, items: [{ key: B, path: b }] } }]\n      containers:",
                ),
                (
                    "",
                    "---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: worker-settings }\ndata: { A: b }\n",
                ),
            ],
            &[
                "19:28: `Deployment/worker` refers to key `B` of `ConfigMap/worker-settings`, which has none (help: known here: `A`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a service account that nobody has",
            "",
            &[("serviceAccountName: worker", "serviceAccountName: wroker")],
            &[
                "13:27: `Deployment/worker` refers to `ServiceAccount/wroker`, which neither the release nor the site has (help: did you mean `worker`? or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a claim and a priority that nobody has",
            "",
            &[(
                "      containers:",
                "      priorityClassName: high\n      volumes: [{ name: x, persistentVolumeClaim: { claimName: data } }]\n      containers:",
            )],
            &[
                "19:26: `Deployment/worker` refers to `PriorityClass/high`, which neither the release nor the site has (help: if the site has it, say `site.objects = [\"PriorityClass/high\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
                "20:64: `Deployment/worker` refers to `PersistentVolumeClaim/data`, which neither the release nor the site has (help: if the site has it, say `site.objects = [\"PersistentVolumeClaim/data\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a priority that the site has",
            "[site]\nobjects = [\"PriorityClass/high\"]\n",
            &[("      containers:", "      priorityClassName: high\n      containers:")],
            &[],
        ),
        (
            "a Service of an Ingress, and a port of one that exists",
            "",
            &[(
                "",
                "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: { name: x }\nspec:\n  rules:\n  - http:\n      paths:\n      - { path: /, pathType: Prefix, backend: { service: { name: gone, port: { number: 80 } } } }\n      - { path: /a, pathType: Prefix, backend: { service: { name: worker, port: { name: web } } } }\n  tls: [{ secretName: x-tls }]\n",
            )],
            &[
                "69:66: `Ingress/x` refers to `Service/gone`, which neither the release nor the site has (help: if the site has it, say `site.objects = [\"Service/gone\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
                "70:67: `Ingress/x` refers to port `web` of `Service/worker`, which has none (help: known here: `http`, or say `allow = [\"ports\"]` in its `[[manifests]]`)",
                "71:23: `Ingress/x` refers to `Secret/x-tls`, which neither the release nor the site has (help: if the site has it, say `site.secrets.x-tls = [\"KEY\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a role that nobody has",
            "",
            &[(
                "",
                "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: { name: x }\nroleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: x }\nsubjects: [{ kind: ServiceAccount, name: worker }, { kind: ServiceAccount, name: gone }]\n",
            )],
            &[
                "65:67: `RoleBinding/x` refers to `Role/x`, which neither the release nor the site has (help: if the site has it, say `site.objects = [\"Role/x\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
                "66:82: `RoleBinding/x` refers to `ServiceAccount/gone`, which neither the release nor the site has (help: if the site has it, say `site.objects = [\"ServiceAccount/gone\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a Service of a webhook",
            "",
            &[(
                "",
                "---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: { name: x }\nwebhooks:\n- { name: x.example.com, clientConfig: { service: { name: worker, namespace: shop-live } } }\n",
            )],
            &[
                "66:59: `ValidatingWebhookConfiguration/x` refers to port `443` of `Service/worker`, which has none (help: known here: `80`, or say `allow = [\"ports\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a store that nobody has",
            "",
            &[(
                "",
                "---\napiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: { name: x }\nspec: { secretStoreRef: { name: gone } }\n",
            )],
            &[
                "65:33: `ExternalSecret/x` refers to `SecretStore/gone`, which neither the release nor the site has (help: if the site has it, say `site.objects = [\"SecretStore/gone\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
    ]);
}

#[test]
fn ports_exist() {
    check(&[
        (
            "a port of pods that is misspelt",
            "",
            &[("targetPort: http", "targetPort: htpp")],
            &[
                "49:41: `Service/worker` refers to port `htpp` of its pods, which has none (help: did you mean `http`? or say `allow = [\"ports\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a number that no pod has",
            "",
            &[("targetPort: http", "targetPort: 81")],
            &[
                "49:29: `Service/worker` refers to port `81` of its pods, which has none (help: known here: `8080`, or say `allow = [\"ports\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a port of a probe",
            "",
            &[("{ path: /, port: http }", "{ path: /, port: web }")],
            &[
                "33:37: `Deployment/worker` refers to port `web` of container `main`, which has none (help: known here: `http`, or say `allow = [\"ports\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a port of a monitor",
            "",
            &[
                (
                    "  name: worker\nspec:\n  selector: { app",
                    "  name: worker\n  labels: { a: b }\nspec:\n  selector: { app",
                ),
                (
                    "",
                    "---\napiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: { name: x }\nspec:\n  selector: { matchLabels: { a: b } }\n  endpoints: [{ port: web }]\n",
                ),
            ],
            &[
                "68:23: `ServiceMonitor/x` refers to port `web` of the Services that it selects, which has none (help: known here: `http`, or say `allow = [\"ports\"]` in its `[[manifests]]`)",
            ],
        ),
    ]);
}

#[test]
fn selectors_select_something() {
    check(&[
        (
            "a Service of nothing",
            "",
            &[("  selector: { app: worker }", "  selector: { app: other }")],
            &[
                "47:3: `Service/worker` selects no pods of the release (help: compare it with the labels there, or say `allow = [\"selectors\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a workload of other pods",
            "",
            &[("    matchLabels: { app: worker }", "    matchLabels: { app: other }")],
            &[
                "7:3: `Deployment/worker` does not select its own pods (help: make the labels of the template match the selector)",
            ],
        ),
        (
            "a budget and a monitor of nothing",
            "",
            &[(
                "",
                "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: { name: x }\nspec: { maxUnavailable: 1, selector: { matchLabels: { app: other } } }\n---\napiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: { name: x }\nspec: { selector: { matchLabels: { app: other } }, endpoints: [{ port: http }] }\n",
            )],
            &[
                "65:28: `PodDisruptionBudget/x` selects no pods of the release (help: compare it with the labels there, or say `allow = [\"selectors\"]` in its `[[manifests]]`)",
                "70:9: `ServiceMonitor/x` selects no Services of the release (help: compare it with the labels there, or say `allow = [\"selectors\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a budget of what is made later",
            "allow = [\"selectors\"]\n",
            &[(
                "",
                "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: { name: x }\nspec: { maxUnavailable: 1, selector: { matchLabels: { app: other } } }\n",
            )],
            &[],
        ),
    ]);
}

#[test]
fn autoscalers_can_work() {
    check(&[
        (
            "a fixed number",
            "",
            &[("", AUTOSCALER)],
            &[
                "6:3: `Deployment/worker` fixes `replicas`, which `HorizontalPodAutoscaler/worker` changes: each apply would undo its work (help: remove `replicas`, or say `allow = [\"autoscaling\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "no request, and no limit that would stand for it",
            "allow = [\"resources\"]\n",
            &[
                ("  replicas: 2\n", ""),
                ("requests: { cpu: 10m, memory: 16Mi }", "requests: { memory: 16Mi }"),
                ("limits: { cpu: 100m, memory: 64Mi }", "limits: { memory: 64Mi }"),
                ("", AUTOSCALER),
            ],
            &[
                "69:5: `HorizontalPodAutoscaler/worker` scales by cpu, of which container `main` of `Deployment/worker` requests none (help: add `resources.requests.cpu`, or say `allow = [\"autoscaling\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a target that is misspelt",
            "",
            &[
                ("", AUTOSCALER),
                ("kind: Deployment, name: worker }", "kind: Deployment, name: wroker }"),
            ],
            &[
                "66:66: `HorizontalPodAutoscaler/worker` refers to `Deployment/wroker`, which neither the release nor the site has (help: did you mean `worker`? or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a metric of an adapter",
            "",
            &[
                ("  replicas: 2\n", ""),
                ("", AUTOSCALER),
                (
                    "",
                    "  - type: Pods\n    pods: { metric: { name: requests }, target: { type: AverageValue, averageValue: 10 } }\n",
                ),
            ],
            &[
                "71:11: `HorizontalPodAutoscaler/worker` scales by a metric of type `Pods`, for which the cluster needs an adapter (help: if the site has one, say `site.custom_metrics = true`, or say `allow = [\"autoscaling\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a metric of an adapter that the site has",
            "[site]\ncustom_metrics = true\n",
            &[
                ("  replicas: 2\n", ""),
                ("", AUTOSCALER),
                (
                    "",
                    "  - type: Pods\n    pods: { metric: { name: requests }, target: { type: AverageValue, averageValue: 10 } }\n",
                ),
            ],
            &[],
        ),
        (
            "two of one workload",
            "",
            &[
                ("  replicas: 2\n", ""),
                ("", AUTOSCALER),
                ("", AUTOSCALER),
                (
                    "kind: HorizontalPodAutoscaler\nmetadata: { name: worker }",
                    "kind: HorizontalPodAutoscaler\nmetadata: { name: second }",
                ),
            ],
            &[
                "76:3: `HorizontalPodAutoscaler/worker` scales `Deployment/worker`, as `HorizontalPodAutoscaler/second` does (help: remove one, or say `allow = [\"autoscaling\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a range that ends before it begins",
            "",
            &[("  replicas: 2\n", ""), ("", AUTOSCALER), ("minReplicas: 2", "minReplicas: 9")],
            &[
                "66:3: `HorizontalPodAutoscaler/worker` has `minReplicas` 9, but `maxReplicas` only 4",
            ],
        ),
    ]);
}

#[test]
fn budgets_let_nodes_be_drained() {
    for (case, setting, expected) in [
        ("all but one", "minAvailable: 1", vec![]),
        ("half of two", "minAvailable: 50%", vec![]),
        ("one at a time", "maxUnavailable: 1", vec![]),
        ("all of them", "minAvailable: 2", vec![(3, "minAvailable: 2")]),
        ("all of them as a share", "minAvailable: 100%", vec![(17, "minAvailable: 100%")]),
        ("more than half of two", "minAvailable: 51%", vec![(17, "minAvailable: 51%")]),
        ("none may go", "maxUnavailable: 0", vec![(3, "maxUnavailable: 0")]),
    ] {
        let budget = format!(
            "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {{ name: x }}\nspec:\n  \
             {setting}\n  selector: {{ matchLabels: {{ app: worker }} }}\n"
        );
        let found = lines(compile_own(ENTRY, &(worker(&[]) + &budget)));
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(column, setting)| {
                format!("manifests/worker.yaml:66:{column}: `PodDisruptionBudget/x` never lets one of its 2 pods go by `{setting}`, so no node could be drained (help: say `maxUnavailable: 1`, or say `allow = [\"disruption\"]` in its `[[manifests]]`)")
            })
            .collect();
        assert_eq!(found, expected, "{case}");
    }
}

#[test]
fn ports_of_a_service_differ() {
    const PORT: &str = "  - { name: http, port: 80, targetPort: http }";
    check(&[
        (
            "the same number",
            "",
            &[(
                PORT,
                "  - { name: http, port: 80, targetPort: http }\n  - { name: metrics, port: 80, targetPort: http }",
            )],
            &[
                "50:22: `Service/worker` has two ports 80 of TCP, `http` and `metrics` (help: remove one)",
            ],
        ),
        (
            "the same number of another protocol",
            "",
            &[(
                PORT,
                "  - { name: http, port: 80, targetPort: http }\n  - { name: quic, port: 80, protocol: UDP, targetPort: http }",
            )],
            &[],
        ),
        (
            "the same name",
            "",
            &[(
                PORT,
                "  - { name: http, port: 80, targetPort: http }\n  - { name: http, port: 81, targetPort: http }",
            )],
            &["50:13: `Service/worker` has two ports `http` (help: rename one)"],
        ),
        (
            "no name",
            "",
            &[(
                PORT,
                "  - { name: http, port: 80, targetPort: http }\n  - { port: 81, targetPort: http }",
            )],
            &["50:7: `Service/worker` has several ports, of which 81 has no name (help: name it)"],
        ),
    ]);
}

#[test]
fn a_quota_allows_no_way_in_beside_the_ingress_controller() {
    const QUOTA: &str = "[quota]\n";
    check(&[
        (
            "a load balancer",
            QUOTA,
            &[(
                "  selector: { app: worker }\n  ports",
                "  type: LoadBalancer\n  selector: { app: worker }\n  ports",
            )],
            &[
                "47:9: `Service/worker` is of type `LoadBalancer`, of which the quota of its namespace allows none (help: let an Ingress or a route lead to it, or go without `[quota]`)",
            ],
        ),
        (
            "a port of every node",
            QUOTA,
            &[(
                "  selector: { app: worker }\n  ports",
                "  type: NodePort\n  selector: { app: worker }\n  ports",
            )],
            &[
                "47:9: `Service/worker` is of type `NodePort`, of which the quota of its namespace allows none (help: let an Ingress or a route lead to it, or go without `[quota]`)",
            ],
        ),
        (
            "a load balancer without a quota",
            "",
            &[(
                "  selector: { app: worker }\n  ports",
                "  type: LoadBalancer\n  selector: { app: worker }\n  ports",
            )],
            &[],
        ),
    ]);
}

#[test]
fn containers_run_images_by_digest() {
    check(&[(
        "a text that is said to be no image",
        "not_images = [\"nginx\"]\n",
        &[("image: ghcr.io/shop/web:1", "image: nginx")],
        &[
            "21:16: `Deployment/worker` runs `nginx`, which has no digest (help: write the image with registry and tag)",
        ],
    )]);
}

#[test]
fn containers_are_probed_limited_and_confined() {
    check(&[
        (
            "no liveness",
            "",
            &[("        livenessProbe:\n          httpGet: { path: /, port: http }\n", "")],
            &[
                "20:15: `Deployment/worker` has no `livenessProbe` in container `main` (help: add it, or say `allow = [\"probes\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "no liveness, on purpose",
            "allow = [\"probes\"]\n",
            &[("        livenessProbe:\n          httpGet: { path: /, port: http }\n", "")],
            &[],
        ),
        (
            "no memory limit",
            "",
            &[("limits: { cpu: 100m, memory: 64Mi }", "limits: { cpu: 100m }")],
            &[
                "27:11: `Deployment/worker` has no `resources.limits.memory` in container `main` (help: add it, or say `allow = [\"resources\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a limit stands for a request",
            "",
            &[("          requests: { cpu: 10m, memory: 16Mi }\n", "")],
            &[],
        ),
        (
            "a root file system to write to",
            "",
            &[("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false")],
            &[
                "30:11: `Deployment/worker` can write to the image of container `main` (help: say `readOnlyRootFilesystem: true` in its `securityContext`, and mount an `emptyDir` where it writes, or say `allow = [\"read-only-root\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "escalation",
            "",
            &[("          allowPrivilegeEscalation: false\n", "")],
            &[
                "28:9: `Deployment/worker` is not `restricted`: `securityContext.allowPrivilegeEscalation` of container `main` must be false (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "capabilities",
            "",
            &[("capabilities: { drop: [ALL] }", "capabilities: { drop: [], add: [SYS_ADMIN] }")],
            &[
                "31:27: `Deployment/worker` is not `restricted`: `securityContext.capabilities.drop` of container `main` must be [\"ALL\"] (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
                "31:37: `Deployment/worker` is not `restricted`: `securityContext.capabilities.add` of container `main` must be at most [\"NET_BIND_SERVICE\"] (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "root",
            "",
            &[("        runAsNonRoot: true\n        runAsUser: 1000", "        runAsUser: 0")],
            &[
                "16:9: `Deployment/worker` is not `restricted`: `securityContext.runAsUser` of the pod must be another user than root (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
                "27:9: `Deployment/worker` is not `restricted`: `securityContext.runAsNonRoot` of container `main` must be true (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "no seccomp",
            "",
            &[("        seccompProfile: { type: RuntimeDefault }\n", "")],
            &[
                "27:9: `Deployment/worker` is not `restricted`: `securityContext.seccompProfile.type` of container `main` must be `RuntimeDefault` or `Localhost` (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "the network of the node",
            "",
            &[("      containers:", "      hostNetwork: true\n      containers:")],
            &[
                "19:7: `Deployment/worker` is not `restricted`: `hostNetwork` of the pod must be false (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a folder of the node",
            "",
            &[(
                "      containers:",
                "      volumes: [{ name: x, hostPath: { path: / } }]\n      containers:",
            )],
            &[
                "19:28: `Deployment/worker` is not `restricted`: `volumes.0.hostPath` of the pod must be a volume of the pod's own, or a claim (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a port of the node",
            "",
            &[("containerPort: 8080", "containerPort: 8080, hostPort: 80")],
            &[
                "24:46: `Deployment/worker` is not `restricted`: `ports.0.hostPort` of container `main` must be left out (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
            ],
        ),
    ]);
}

#[test]
fn accounts_are_their_own_and_tokens_are_for_something() {
    let binding = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: { name: x }\nroleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view }\nsubjects: [{ kind: ServiceAccount, name: worker }]\n";
    check(&[
        (
            "the account of everybody",
            "",
            &[("      serviceAccountName: worker\n", "")],
            &[
                "12:5: `Deployment/worker` runs as the service account `default` (help: bring a ServiceAccount, and name it, or say `allow = [\"service-account\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a token for nothing",
            "",
            &[("      automountServiceAccountToken: false\n", "")],
            &[
                "12:5: `Deployment/worker` mounts a token of `ServiceAccount/worker`, which has no rights here (help: say `automountServiceAccountToken: false`, or say `allow = [\"token\"]` in its `[[manifests]]`)",
            ],
        ),
    ]);
    let found = lines(compile_own(
        ENTRY,
        &(worker(&[("      automountServiceAccountToken: false\n", "")]) + binding),
    ));
    assert_eq!(found, [""; 0], "a token for something");
}

#[test]
fn api_versions_are_served() {
    check(&[
        (
            "a version of Kubernetes that is gone",
            "",
            &[(
                "",
                "---\napiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: { name: x }\nspec: { maxUnavailable: 1, selector: { matchLabels: { app: worker } } }\n",
            )],
            &[
                "62:13: `PodDisruptionBudget/x` is of `policy/v1beta1`, which Kubernetes does not serve since 1.25 (help: use `policy/v1`)",
            ],
        ),
        (
            "a version of an operator that is gone",
            "",
            &[(
                "",
                "---\napiVersion: external-secrets.io/v1beta1\nkind: ExternalSecret\nmetadata: { name: x }\nspec: { secretStoreRef: { kind: ClusterSecretStore, name: gone } }\n",
            )],
            &[
                "62:13: `ExternalSecret/x` is of `external-secrets.io/v1beta1`, which External Secrets does not serve since 0.17 (help: use `external-secrets.io/v1`)",
            ],
        ),
        (
            "a version that the definition does not serve",
            "",
            &[(
                "",
                "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: { name: widgets.example.com }\nspec: { group: example.com, scope: Namespaced, names: { kind: Widget, plural: widgets }, versions: [{ name: v1, served: true, storage: true }, { name: v2, served: false, storage: false }] }\n---\napiVersion: example.com/v2\nkind: Widget\nmetadata: { name: x }\n",
            )],
            &[
                "67:13: `Widget/x` is of `example.com/v2`, which its definition in the release does not serve (help: use `example.com/v1`)",
            ],
        ),
    ]);
}

#[test]
fn traffic_is_declared() {
    check(&[
        (
            "no policy",
            "",
            &[(
                "    matchLabels: { app: worker }\n  policyTypes",
                "    matchLabels: {}\n  policyTypes",
            )],
            &[
                "12:5: `Deployment/worker` may call nobody, not even for names: no network policy but the default selects it (help: bring a NetworkPolicy with `egress` for it, which may be empty if it calls nobody, or say `allow = [\"traffic\"]` in its `[[manifests]]`)",
                "12:5: `Deployment/worker` may be called by nobody: no network policy but the default lets anyone in (help: bring a NetworkPolicy with `ingress` for it, or say `allow = [\"traffic\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a policy of one direction",
            "",
            &[("policyTypes: [Ingress, Egress]", "policyTypes: [Ingress]"), ("  egress: []\n", "")],
            &[
                "12:5: `Deployment/worker` may call nobody, not even for names: no network policy but the default selects it (help: bring a NetworkPolicy with `egress` for it, which may be empty if it calls nobody, or say `allow = [\"traffic\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "HTTPS to pods only",
            "",
            &[(
                "  egress: []",
                "  egress:\n  - to: [{ namespaceSelector: {} }]\n    ports: [{ port: 443 }]",
            )],
            &[
                "61:5: `NetworkPolicy/worker` lets HTTPS out to pods only: a selector never means the internet (help: use an `ipBlock`, such as 0.0.0.0/0 except the private ranges, or name the pods, or say `allow = [\"traffic\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "every port of pods that let nobody in",
            "",
            &[(
                "  egress: []",
                "  egress:\n  - to: [{ podSelector: { matchLabels: { app.kubernetes.io/name: web } } }]",
            )],
            &[
                "61:12: `NetworkPolicy/worker` lets its pods call port 8080 of `Deployment/web`, which does not let them in (help: declare the need, or bring a NetworkPolicy with `ingress` for what is called, or say `allow = [\"traffic\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "HTTPS to the internet",
            "",
            &[(
                "  egress: []",
                "  egress:\n  - to: [{ ipBlock: { cidr: 0.0.0.0/0 } }]\n    ports: [{ port: 443 }]",
            )],
            &[],
        ),
        (
            "HTTPS to certain pods",
            "",
            &[(
                "  egress: []",
                "  egress:\n  - to: [{ namespaceSelector: { matchLabels: { a: b } } }]\n    ports: [{ port: 443 }]",
            )],
            &[],
        ),
    ]);
}

#[test]
fn both_ends_allow_a_connection() {
    let to_web = |port: &str| {
        let peer = "[{ podSelector: { matchLabels: { app.kubernetes.io/name: web } } }]";
        format!("  egress:\n  - to: {peer}\n    ports: [{{ port: {port} }}]")
    };
    let let_in = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: web-worker }\nspec: { podSelector: { matchLabels: { app.kubernetes.io/name: web } }, policyTypes: [Ingress], ingress: [{ from: [{ podSelector: { matchLabels: { app: worker } } }], ports: [{ port: 8080 }] }] }\n";
    let endpoint = "[endpoints.worker]\nport = 8080\npods = { app = \"worker\" }\n[services.other]\nport = 1\nneeds = [\"worker\"]\n";
    for (case, more, changes, expected) in [
        (
            "a call of what `needs` does not declare",
            "",
            vec![("  egress: []", to_web("8080"))],
            &[
                "manifests/worker.yaml:61:12: `NetworkPolicy/worker` lets its pods call port 8080 of `Deployment/web`, which does not let them in (help: declare the need, or bring a NetworkPolicy with `ingress` for what is called, or say `allow = [\"traffic\"]` in its `[[manifests]]`)",
            ] as &[&str],
        ),
        (
            "a call that another policy lets in",
            "",
            vec![("  egress: []", to_web("http")), ("", let_in.to_owned())],
            &[],
        ),
        ("a port that is not there", "", vec![("  egress: []", to_web("9999"))], &[]),
        (
            "a need of what the team does not let in",
            endpoint,
            vec![],
            &[
                "envs/live.toml:29:11: `NetworkPolicy/other` lets its pods call port 8080 of `Deployment/worker`, which does not let them in (help: declare the need, or bring a NetworkPolicy with `ingress` for what is called)",
            ],
        ),
        (
            "a need of what the team lets in",
            endpoint,
            vec![(
                "  ingress: []",
                "  ingress: [{ from: [{ podSelector: {} }], ports: [{ port: http }] }]".to_owned(),
            )],
            &[],
        ),
    ] {
        let changes: Vec<_> = changes.iter().map(|(from, to)| (*from, to.as_str())).collect();
        let found = lines(compile_own(&[ENTRY, more].concat(), &worker(&changes)));
        assert_eq!(found, expected, "{case}");
    }
}

/// The faults of a chart that was once in use, each refused by name, all at once.
#[test]
fn the_lessons_of_a_chart_are_found_all_at_once() {
    const CHART: &str = "---
apiVersion: v1
kind: Service
metadata: { name: api }
spec:
  selector: { app: worker }
  ports:
  - { name: http, port: 3001, targetPort: http }
  - { name: metrics, port: 3001, targetPort: http }
---
apiVersion: external-secrets.io/v1beta1
kind: ExternalSecret
metadata: { name: jwt }
spec: { secretStoreRef: { kind: ClusterSecretStore, name: aws }, target: { name: jwt } }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: https }
spec:
  podSelector: { matchLabels: { app: worker } }
  policyTypes: [Egress]
  egress:
  - to: [{ namespaceSelector: {} }]
    ports: [{ port: 443 }]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: api
  annotations:
    nginx.ingress.kubernetes.io/rate-limit: \"100\"
spec: { defaultBackend: { service: { name: api, port: { name: http } } } }
";
    let yaml = worker(&[
        ("      automountServiceAccountToken: false\n", ""),
        ("policyTypes: [Ingress, Egress]", "policyTypes: [Ingress]"),
        ("  egress: []\n", ""),
        ("", AUTOSCALER),
        (
            "",
            "  - type: Pods\n    pods: { metric: { name: requests }, target: { type: AverageValue, averageValue: 10 } }\n",
        ),
        ("", CHART),
    ]);
    let found = lines(compile_own(ENTRY, &yaml));
    let parts = [
        "`Deployment/worker` fixes `replicas`",
        "`Deployment/worker` mounts a token",
        "`HorizontalPodAutoscaler/worker` scales by a metric of type `Pods`",
        "`Service/api` has two ports 3001 of TCP",
        "`ExternalSecret/jwt` is of `external-secrets.io/v1beta1`",
        "`NetworkPolicy/https` lets HTTPS out to pods only",
        "`Ingress/api` has a wrong annotation: ingress-nginx knows no annotation `rate-limit`",
    ];
    assert_eq!(found.len(), parts.len(), "{found:#?}");
    for (line, part) in found.iter().zip(parts) {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[test]
fn annotations_are_ones_that_ingress_nginx_knows() {
    for (case, annotation, expected) in [
        ("one that it knows", "limit-rps: \"100\"", vec![]),
        (
            "one that it does not",
            "rate-limit: \"100\"",
            vec![
                "manifests/worker.yaml:67:46: `Ingress/x` has a wrong annotation: ingress-nginx knows no annotation `rate-limit` (help: did you mean `limit-rps`? or say `allow = [\"annotations\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a value that it cannot read",
            "limit-rps: many",
            vec![
                "manifests/worker.yaml:67:44: `Ingress/x` has a wrong annotation: annotation `limit-rps` takes a whole number, not `many` (help: say `allow = [\"annotations\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a snippet",
            "server-snippet: \"100\"",
            vec![
                "manifests/worker.yaml:67:50: `Ingress/x` has a wrong annotation: annotation `server-snippet` is a snippet, which ingress-nginx ignores (help: it is off since 1.9, because who writes one can read every Secret of the cluster; set it in the controller's own settings, or say `allow = [\"annotations\"]` in its `[[manifests]]`)",
            ],
        ),
    ] {
        let ingress = format!(
            "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: x\n  annotations:\n    nginx.ingress.kubernetes.io/{annotation}\nspec: {{ defaultBackend: {{ service: {{ name: worker, port: {{ number: 80 }} }} }} }}\n"
        );
        let found = lines(compile_own(ENTRY, &(worker(&[]) + &ingress)));
        assert_eq!(found, expected, "{case}");
    }
}

#[test]
fn rendered_objects_are_checked_by_the_same_rules() {
    for (case, patch, expected) in [
        (
            "a patch that takes a probe away",
            "target = { kind = \"Deployment\", name = \"web\" }\nremove = [\"/spec/template/spec/containers/0/livenessProbe\"]\n",
            vec![
                "envs/live.toml:25:40: `Deployment/web` has no `livenessProbe` in container `web` (help: add it)",
            ],
        ),
        (
            "a patch that adds a variable of nowhere",
            "target = { kind = \"Deployment\", name = \"web\" }\n[[patches.set.\"/spec/template/spec/containers/0/env\"]]\nname = \"X\"\nvalueFrom.secretKeyRef = { name = \"gone\", key = \"x\" }\n",
            vec![
                "envs/live.toml:25:40: `Deployment/web` refers to `Secret/gone`, which neither the release nor the site has (help: if the site has it, say `site.secrets.gone = [\"KEY\"]`)",
            ],
        ),
    ] {
        let more = ["\n[[patches]]\n", patch].concat();
        let found = lines(compile_own(&more, ""));
        assert_eq!(found, expected, "{case}");
    }
}
