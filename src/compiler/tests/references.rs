//! What objects refer to is in the release, or is declared: every kind of reference.

mod kit;

use kit::own::check;

const READS_KEY: (&str, &str) = (
    "        args:",
    "        env: [{ name: X, valueFrom: { secretKeyRef: { name: ca, key: EXTRA } } }, { name: Z, valueFrom: { secretKeyRef: { name: ca, key: tls.crt } } }]\n        args:",
);

/// An issuer whose authority is a Secret of the site.
const ISSUER: &str = "[issuers.own.ca]\nsecret = \"ca\"\n";

#[test]
fn the_site_adds_keys_to_a_secret_that_is_required() {
    check(&[
        (
            "without them",
            ISSUER,
            &[READS_KEY],
            &[
                "22:39: `Deployment/worker` refers to key `EXTRA` of `Secret/ca`, which has none (help: known here: `tls.crt`, `tls.key`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "with one more",
            "[issuers.own.ca]\nsecret = \"ca\"\n[site.secrets]\nca = [\"EXTRA\"]\n",
            &[READS_KEY],
            &[],
        ),
        (
            "with any",
            "[issuers.own.ca]\nsecret = \"ca\"\n[site.secrets]\nca = []\n",
            &[READS_KEY],
            &[],
        ),
    ]);
}

/// Secrets in Vault, whose certificate an authority of the site vouches for.
const VAULT: &str = "[secret_store]\nbackend = \"vault\"\n[secret_store.vault]\nserver = \"https://vault.example.com\"\nrole = \"shop\"\nca = { config_map = \"company-ca\" }\n";

const MOUNTS_CA: (&str, &str) = (
    "      containers:",
    "      volumes: [{ name: ca, configMap: { name: company-ca, items: [{ key: ca.crt, path: a }] } }]\n      containers:",
);

#[test]
fn stores_and_issuers_refer_to_what_exists() {
    check(&[
        ("an authority that the environment names is the site's", VAULT, &[MOUNTS_CA], &[]),
        (
            "another key of it",
            VAULT,
            &[MOUNTS_CA, ("key: ca.crt", "key: tls.crt")],
            &[
                "19:29: `Deployment/worker` refers to key `tls.crt` of `ConfigMap/company-ca`, which has none (help: known here: `ca.crt`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a store with an authority, an account and a token of nobody",
            "",
            &[(
                "",
                "---\napiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: { name: x }\nspec:\n  provider:\n    vault:\n      server: https://vault.example.com\n      caProvider: { type: ConfigMap, name: company-ca, key: ca.crt }\n      auth:\n        kubernetes: { mountPath: k, role: r, serviceAccountRef: { name: reader } }\n        appRole: { secretRef: { name: role, key: id } }\n    kubernetes:\n      server: { caProvider: { type: Secret, name: cluster, key: ca.crt } }\n      auth: { token: { bearerToken: { name: token, key: token } } }\n",
            )],
            &[
                "69:7: `SecretStore/x` refers to `ConfigMap/company-ca`, which neither the release nor the site has (help: if the site has it, say `site.config_maps.company-ca = [\"KEY\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
                "71:46: `SecretStore/x` refers to `ServiceAccount/reader`, which neither the release nor the site has (help: if the site has it, say `site.objects = [\"ServiceAccount/reader\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
                "72:20: `SecretStore/x` refers to `Secret/role`, which neither the release nor the site has (help: if the site has it, say `site.secrets.role = [\"KEY\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
                "74:17: `SecretStore/x` refers to `Secret/cluster`, which neither the release nor the site has (help: if the site has it, say `site.secrets.cluster = [\"KEY\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
                "75:24: `SecretStore/x` refers to `Secret/token`, which neither the release nor the site has (help: if the site has it, say `site.secrets.token = [\"KEY\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a store of the cluster that refers to its own namespace",
            "",
            &[(
                "",
                "---\napiVersion: external-secrets.io/v1\nkind: ClusterSecretStore\nmetadata: { name: x }\nspec: { provider: { aws: { auth: { jwt: { serviceAccountRef: { name: reader } }, secretRef: { accessKeyIDSecretRef: { name: aws, key: id } } } } } }\n",
            )],
            &[],
        ),
        (
            "a store of the cluster that refers to the release's",
            "",
            &[(
                "",
                "---\napiVersion: external-secrets.io/v1\nkind: ClusterSecretStore\nmetadata: { name: x }\nspec: { provider: { aws: { auth: { secretRef: { accessKeyIDSecretRef: { name: aws, namespace: shop-live, key: id } } } } } }\n",
            )],
            &[
                "65:49: `ClusterSecretStore/x` refers to `Secret/aws`, which neither the release nor the site has (help: if the site has it, say `site.secrets.aws = [\"KEY\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "an issuer with an authority of nobody",
            "",
            &[(
                "",
                "---\napiVersion: cert-manager.io/v1\nkind: Issuer\nmetadata: { name: x }\nspec: { ca: { secretName: root } }\n",
            )],
            &[
                "65:27: `Issuer/x` refers to `Secret/root`, which neither the release nor the site has (help: if the site has it, say `site.secrets.root = [\"KEY\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "an issuer that makes its own account, and a token of nobody",
            "",
            &[(
                "",
                "---\napiVersion: cert-manager.io/v1\nkind: Issuer\nmetadata: { name: x }\nspec: { acme: { privateKeySecretRef: { name: account }, solvers: [{ dns01: { cloudflare: { apiTokenSecretRef: { name: token, key: t } } } }] } }\n",
            )],
            &[
                "65:92: `Issuer/x` refers to `Secret/token`, which neither the release nor the site has (help: if the site has it, say `site.secrets.token = [\"KEY\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a certificate of an issuer of nobody",
            "",
            &[(
                "",
                "---\napiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: { name: x }\nspec: { secretName: x, issuerRef: { name: gone } }\n",
            )],
            &[
                "65:43: `Certificate/x` refers to `Issuer/gone`, which neither the release nor the site has (help: if the site has it, say `site.objects = [\"Issuer/gone\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
    ]);
}

#[test]
fn pods_refer_to_what_exists() {
    check(&[
        (
            "a class of run time",
            "",
            &[("      containers:", "      runtimeClassName: gvisor\n      containers:")],
            &[
                "19:25: `Deployment/worker` refers to `RuntimeClass/gvisor`, which neither the release nor the site has (help: if the site has it, say `site.objects = [\"RuntimeClass/gvisor\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a class of run time that the site has",
            "[site]\nobjects = [\"RuntimeClass/gvisor\"]\n",
            &[("      containers:", "      runtimeClassName: gvisor\n      containers:")],
            &[],
        ),
        (
            "a Secret to pull images with",
            "",
            &[(
                "      containers:",
                "      imagePullSecrets: [{ name: registry }]\n      containers:",
            )],
            &[
                "19:28: `Deployment/worker` refers to `Secret/registry`, which neither the release nor the site has (help: if the site has it, say `site.secrets.registry = [\"KEY\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "parts of a projected volume",
            "",
            &[(
                "      containers:",
                "      volumes: [{ name: x, projected: { sources: [{ secret: { name: gone } }, { configMap: { name: kube-root-ca.crt } }, { configMap: { name: lost, optional: true } }, { configMap: { name: away } }] } }]\n      containers:",
            )],
            &[
                "19:53: `Deployment/worker` refers to `Secret/gone`, which neither the release nor the site has (help: if the site has it, say `site.secrets.gone = [\"KEY\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
                "19:171: `Deployment/worker` refers to `ConfigMap/away`, which neither the release nor the site has (help: if the site has it, say `site.config_maps.away = [\"KEY\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "variables of a container that prepares",
            "allow = [\"resources\", \"security\", \"read-only-root\"]\n",
            &[(
                "      containers:",
                "      initContainers: [{ name: first, image: \"ghcr.io/shop/web:1\", envFrom: [{ configMapRef: { name: gone } }], env: [{ name: X, valueFrom: { secretKeyRef: { name: lost, key: x } } }] }]\n      containers:",
            )],
            &[
                "19:80: `Deployment/worker` refers to `ConfigMap/gone`, which neither the release nor the site has (help: if the site has it, say `site.config_maps.gone = [\"KEY\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
                "19:143: `Deployment/worker` refers to `Secret/lost`, which neither the release nor the site has (help: if the site has it, say `site.secrets.lost = [\"KEY\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
    ]);
}

const ROUTE: &str = "---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: x }
spec:
  parentRefs: [{ name: gone }]
  rules:
  - backendRefs: [{ name: lost, port: 80 }, { name: worker, port: 81 }]
";

const GATEWAY: &str = "---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: gone }
spec:
  gatewayClassName: x
  listeners:
  - { name: https, port: 443, protocol: HTTPS, tls: { certificateRefs: [{ name: x-tls }, { name: other, namespace: away }] } }
";

#[test]
fn routes_and_gateways_lead_to_what_exists() {
    check(&[
        (
            "a route of and to nobody",
            "",
            &[("", ROUTE)],
            &[
                "66:24: `HTTPRoute/x` refers to `Gateway/gone`, which neither the release nor the site has (help: if the site has it, say `site.objects = [\"Gateway/gone\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
                "68:27: `HTTPRoute/x` refers to `Service/lost`, which neither the release nor the site has (help: if the site has it, say `site.objects = [\"Service/lost\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
                "68:53: `HTTPRoute/x` refers to port `81` of `Service/worker`, which has none (help: known here: `80`, or say `allow = [\"ports\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a gateway without its certificate",
            "",
            &[("", GATEWAY)],
            &[
                "68:75: `Gateway/gone` refers to `Secret/x-tls`, which neither the release nor the site has (help: if the site has it, say `site.secrets.x-tls = [\"KEY\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a gateway with its certificate, and its route",
            "[site.secrets]\nx-tls = [\"tls.crt\", \"tls.key\"]\n",
            &[
                ("", GATEWAY),
                ("", ROUTE),
                ("name: lost, port: 80", "name: worker, port: 80"),
                ("name: worker, port: 81", "name: worker, port: 80"),
            ],
            &[],
        ),
    ]);
}

#[test]
fn what_the_api_server_calls_exists() {
    check(&[
        (
            "a Service of an API",
            "",
            &[(
                "",
                "---\napiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: { name: v1.example.com }\nspec: { group: example.com, version: v1, groupPriorityMinimum: 1, versionPriority: 1, service: { name: gone, namespace: shop-live } }\n",
            )],
            &[
                "65:104: `APIService/v1.example.com` refers to `Service/gone`, which neither the release nor the site has (help: if the site has it, say `site.objects = [\"Service/gone\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a Service of a webhook that changes objects",
            "",
            &[(
                "",
                "---\napiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\nmetadata: { name: x }\nwebhooks:\n- { name: x.example.com, clientConfig: { service: { name: gone, namespace: shop-live } } }\n- { name: y.example.com, clientConfig: { service: { name: worker, namespace: shop-live, port: 80 } } }\n- { name: z.example.com, clientConfig: { url: \"https://example.com\" } }\n",
            )],
            &[
                "66:59: `MutatingWebhookConfiguration/x` refers to `Service/gone`, which neither the release nor the site has (help: if the site has it, say `site.objects = [\"Service/gone\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a Service that converts",
            "",
            &[(
                "",
                "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: { name: widgets.example.com }\nspec: { group: example.com, scope: Namespaced, names: { kind: Widget, plural: widgets }, versions: [{ name: v1, served: true, storage: true }], conversion: { strategy: Webhook, webhook: { conversionReviewVersions: [v1], clientConfig: { service: { name: gone, namespace: shop-live } } } } }\n",
            )],
            &[
                "65:254: `CustomResourceDefinition/widgets.example.com` refers to `Service/gone`, which neither the release nor the site has (help: if the site has it, say `site.objects = [\"Service/gone\"]`, or say `allow = [\"references\"]` in its `[[manifests]]`)",
            ],
        ),
    ]);
}

const POD_MONITOR: &str = "---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: { name: x }
spec:
  selector: { matchLabels: { app: worker } }
  podMetricsEndpoints: [{ port: http }]
";

#[test]
fn monitors_of_pods_find_them() {
    check(&[
        ("pods and their port", "", &[("", POD_MONITOR)], &[]),
        (
            "a port that they do not have",
            "",
            &[("", POD_MONITOR), ("[{ port: http }]", "[{ port: metrics }]")],
            &[
                "67:33: `PodMonitor/x` refers to port `metrics` of the pods that it selects, which has none (help: known here: `http`, or say `allow = [\"ports\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "no pods",
            "",
            &[
                ("", POD_MONITOR),
                (
                    "selector: { matchLabels: { app: worker } }\n  podM",
                    "selector: { matchLabels: { app: other } }\n  podM",
                ),
            ],
            &[
                "66:3: `PodMonitor/x` selects no pods of the release (help: compare it with the labels there, or say `allow = [\"selectors\"]` in its `[[manifests]]`)",
            ],
        ),
    ]);
}
