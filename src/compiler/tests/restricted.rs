//! Pods are what Pod Security `restricted` allows: every field that it judges.

mod kit;

use kit::own::check;

#[test]
fn pods_share_nothing_with_their_node() {
    check(&[
        (
            "its processes and their memory",
            "",
            &[("      containers:", "      hostPID: true\n      hostIPC: true\n      containers:")],
            &[
                "19:7: `Deployment/worker` is not `restricted`: `hostPID` of the pod must be false (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
                "20:7: `Deployment/worker` is not `restricted`: `hostIPC` of the pod must be false (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "parameters of its kernel",
            "",
            &[(
                "        runAsNonRoot: true\n",
                "        runAsNonRoot: true\n        sysctls: [{ name: kernel.msgmax, value: \"1\" }, { name: net.ipv4.tcp_syncookies, value: \"1\" }]\n",
            )],
            &[
                "17:9: `Deployment/worker` is not `restricted`: `securityContext.sysctls` of the pod must be without `kernel.msgmax` (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "privileges and its view of processes",
            "",
            &[(
                "          readOnlyRootFilesystem: true\n",
                "          readOnlyRootFilesystem: true\n          privileged: true\n          procMount: Unmasked\n",
            )],
            &[
                "31:11: `Deployment/worker` is not `restricted`: `securityContext.privileged` of container `main` must be false (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
                "32:22: `Deployment/worker` is not `restricted`: `securityContext.procMount` of container `main` must be `Default` (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a host of a probe, and of a hook",
            "",
            &[
                ("{ path: /, port: http }", "{ path: /, port: http, host: 10.0.0.1 }"),
                (
                    "        readinessProbe:",
                    "        lifecycle: { preStop: { tcpSocket: { port: 1, host: 10.0.0.1 } } }\n        readinessProbe:",
                ),
            ],
            &[
                "33:49: `Deployment/worker` is not `restricted`: `livenessProbe.httpGet.host` of container `main` must be left out (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
                "34:61: `Deployment/worker` is not `restricted`: `lifecycle.preStop.tcpSocket.host` of container `main` must be left out (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
            ],
        ),
    ]);
}

#[test]
fn the_kernel_confines_pods() {
    check(&[
        (
            "AppArmor off, in an annotation",
            "",
            &[(
                "      labels: { app: worker }\n",
                "      labels: { app: worker }\n      annotations: { container.apparmor.security.beta.kubernetes.io/main: unconfined }\n",
            )],
            &[
                "13:5: `Deployment/worker` is not `restricted`: `container.apparmor.security.beta.kubernetes.io/main` of the pod must be `runtime/default` or `localhost/…` (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "AppArmor off",
            "",
            &[(
                "        runAsNonRoot: true\n",
                "        runAsNonRoot: true\n        appArmorProfile: { type: Unconfined }\n",
            )],
            &[
                "17:34: `Deployment/worker` is not `restricted`: `securityContext.appArmorProfile.type` of the pod must be `RuntimeDefault` or `Localhost` (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "seccomp off",
            "",
            &[("seccompProfile: { type: RuntimeDefault }", "seccompProfile: { type: Unconfined }")],
            &[
                "18:33: `Deployment/worker` is not `restricted`: `securityContext.seccompProfile.type` of the pod must be `RuntimeDefault` or `Localhost` (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a type, a user and a role of SELinux",
            "",
            &[(
                "          readOnlyRootFilesystem: true\n",
                "          readOnlyRootFilesystem: true\n          seLinuxOptions: { type: spc_t, user: root, role: admin }\n",
            )],
            &[
                "31:35: `Deployment/worker` is not `restricted`: `securityContext.seLinuxOptions.type` of container `main` must be one of the container types (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
                "31:48: `Deployment/worker` is not `restricted`: `securityContext.seLinuxOptions.user` of container `main` must be left out (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
                "31:60: `Deployment/worker` is not `restricted`: `securityContext.seLinuxOptions.role` of container `main` must be left out (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "a type of SELinux that containers have",
            "",
            &[(
                "          readOnlyRootFilesystem: true\n",
                "          readOnlyRootFilesystem: true\n          seLinuxOptions: { type: container_t }\n",
            )],
            &[],
        ),
        (
            "a container of Windows that is none",
            "",
            &[(
                "          readOnlyRootFilesystem: true\n",
                "          readOnlyRootFilesystem: true\n          windowsOptions: { hostProcess: true }\n",
            )],
            &[
                "31:29: `Deployment/worker` is not `restricted`: `securityContext.windowsOptions.hostProcess` of container `main` must be false (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
            ],
        ),
        (
            "what only Linux has is not asked of Windows",
            "",
            &[
                ("      containers:", "      os: { name: windows }\n      containers:"),
                ("        seccompProfile: { type: RuntimeDefault }\n", ""),
                ("          allowPrivilegeEscalation: false\n", ""),
                ("          capabilities: { drop: [ALL] }\n", ""),
                ("          readOnlyRootFilesystem: true\n", "          runAsNonRoot: true\n"),
            ],
            &[],
        ),
    ]);
}

#[test]
fn containers_that_prepare_are_confined_too() {
    check(&[(
        "one that says nothing",
        "",
        &[(
            "      containers:",
            "      initContainers: [{ name: first, image: \"ghcr.io/shop/web:1\" }]\n      containers:",
        )],
        &[
            "19:26: `Deployment/worker` has no `resources.limits.cpu` in container `first` (help: add it, or say `allow = [\"resources\"]` in its `[[manifests]]`)",
            "19:26: `Deployment/worker` has no `resources.limits.memory` in container `first` (help: add it, or say `allow = [\"resources\"]` in its `[[manifests]]`)",
            "19:26: `Deployment/worker` has no `resources.requests.cpu` in container `first` (help: add it, or say `allow = [\"resources\"]` in its `[[manifests]]`)",
            "19:26: `Deployment/worker` has no `resources.requests.memory` in container `first` (help: add it, or say `allow = [\"resources\"]` in its `[[manifests]]`)",
            "19:26: `Deployment/worker` is not `restricted`: `securityContext.allowPrivilegeEscalation` of container `first` must be false (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
            "19:26: `Deployment/worker` is not `restricted`: `securityContext.capabilities.drop` of container `first` must be [\"ALL\"] (help: say `allow = [\"security\"]` in its `[[manifests]]`)",
            "19:26: `Deployment/worker` can write to the image of container `first` (help: say `readOnlyRootFilesystem: true` in its `securityContext`, and mount an `emptyDir` where it writes, or say `allow = [\"read-only-root\"]` in its `[[manifests]]`)",
        ],
    )]);
}
