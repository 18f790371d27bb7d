//! Pods are what Pod Security `restricted` allows, as of Kubernetes 1.36; the namespace enforces it,
//! so that others would never start. Besides, no container can write to its image.

use serde_json::Value;

use super::{Fault, Faults, Pods, View, pods::Container};

/// Sources of volumes that are allowed.
const VOLUMES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// Kernel parameters that are a pod's own.
const SYSCTLS: [&str; 12] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
];

/// Types of `SELinux` that containers may have.
const SELINUX: [&str; 5] =
    ["", "container_engine_t", "container_init_t", "container_kvm_t", "container_t"];

const SECCOMP: &str = "`RuntimeDefault` or `Localhost`";

pub(super) fn check(view: &View<'_>, faults: &mut Faults<'_, '_>) {
    for pods in view.pods() {
        Pod { pods, faults }.check();
    }
}

/// The check of one template.
struct Pod<'a, 'c, 'f, 'g> {
    pods: Pods<'a>,
    faults: &'c mut Faults<'f, 'g>,
}

impl<'a> Pod<'a, '_, '_, '_> {
    fn check(&mut self) {
        let spec = self.pods.spec();
        for field in ["hostNetwork", "hostPID", "hostIPC"] {
            if spec[field] == true {
                self.refuse(None, &[field], "false");
            }
        }
        self.check_volumes(spec);
        self.check_annotations();
        self.check_shared(None, &spec["securityContext"]);
        for sysctl in spec["securityContext"]["sysctls"].as_array().into_iter().flatten() {
            let name = sysctl["name"].as_str().unwrap_or_default();
            if !SYSCTLS.contains(&name) {
                let wanted = format!("without `{name}`");
                self.refuse(None, &["securityContext", "sysctls"], &wanted);
            }
        }
        for container in self.pods.all_containers() {
            self.check_container(&container);
        }
    }

    fn is_windows(&self) -> bool {
        self.pods.spec()["os"]["name"] == "windows"
    }

    /// Reports that the value at `path` of the pod, or of a container, is not as wanted.
    fn refuse(&mut self, container: Option<&Container<'_>>, path: &[&str], wanted: &str) {
        let (part, place) = match container {
            Some(container) => {
                let part = format!("container `{}`", container.name());
                (part, container.at(&self.pods, path))
            }
            None => ("the pod".to_owned(), self.pods.at(path)),
        };
        let (field, wanted) = (path.join("."), wanted.to_owned());
        let fault = Fault::NotRestricted { part, field, wanted };
        self.faults.add(self.pods.member, &place, fault);
    }

    fn check_volumes(&mut self, spec: &Value) {
        for (position, volume) in spec["volumes"].as_array().into_iter().flatten().enumerate() {
            let mut sources = volume.as_object().into_iter().flat_map(|volume| volume.keys());
            if let Some(source) =
                sources.find(|source| *source != "name" && !VOLUMES.contains(&source.as_str()))
            {
                let wanted = "a volume of the pod's own, or a claim";
                self.refuse(None, &["volumes", &position.to_string(), source], wanted);
            }
        }
    }

    fn check_annotations(&mut self) {
        let annotations = self.pods.annotations().as_object().into_iter().flatten();
        for (annotation, value) in annotations {
            let value = value.as_str().unwrap_or_default();
            let is_allowed =
                value.is_empty() || value == "runtime/default" || value.starts_with("localhost/");
            if annotation.starts_with("container.apparmor.security.beta.kubernetes.io/")
                && !is_allowed
            {
                self.refuse(None, &[annotation], "`runtime/default` or `localhost/…`");
            }
        }
    }

    /// Checks what the contexts of a pod and of a container have in common.
    fn check_shared(&mut self, container: Option<&Container<'_>>, context: &Value) {
        let mut refuse = |field: &[&str], wanted: &str| {
            self.refuse(container, &[&["securityContext"], field].concat(), wanted);
        };
        let selinux = &context["seLinuxOptions"];
        let kind = selinux["type"].as_str().unwrap_or_default();
        if !SELINUX.contains(&kind) {
            refuse(&["seLinuxOptions", "type"], "one of the container types");
        }
        for field in ["user", "role"] {
            if selinux[field].as_str().is_some_and(|text| !text.is_empty()) {
                refuse(&["seLinuxOptions", field], "left out");
            }
        }
        let apparmor = context["appArmorProfile"]["type"].as_str();
        if apparmor.is_some_and(|kind| !matches!(kind, "RuntimeDefault" | "Localhost")) {
            refuse(&["appArmorProfile", "type"], SECCOMP);
        }
        let seccomp = context["seccompProfile"]["type"].as_str();
        if seccomp.is_some_and(|kind| !matches!(kind, "RuntimeDefault" | "Localhost")) {
            refuse(&["seccompProfile", "type"], SECCOMP);
        }
        if context["windowsOptions"]["hostProcess"] == true {
            refuse(&["windowsOptions", "hostProcess"], "false");
        }
        // In a user namespace of its own, root of a container is nobody outside.
        if self.pods.spec()["hostUsers"] != false {
            let mut refuse = |field: &str, wanted: &str| {
                self.refuse(container, &["securityContext", field], wanted);
            };
            if context["runAsNonRoot"] == false {
                refuse("runAsNonRoot", "true");
            }
            if context["runAsUser"] == 0 {
                refuse("runAsUser", "another user than root");
            }
        }
    }

    fn check_container(&mut self, container: &Container<'a>) {
        let context = &container.value["securityContext"];
        let pod = &self.pods.spec()["securityContext"];
        self.check_shared(Some(container), context);
        let is_relaxed = self.pods.spec()["hostUsers"] == false;
        let unset = |field: &str| context[field].is_null() && pod[field].is_null();
        if unset("runAsNonRoot") && !is_relaxed {
            self.refuse(Some(container), &["securityContext", "runAsNonRoot"], "true");
        }
        if context["privileged"] == true {
            self.refuse(Some(container), &["securityContext", "privileged"], "false");
        }
        if context["procMount"].as_str().is_some_and(|mount| mount != "Default") {
            self.refuse(Some(container), &["securityContext", "procMount"], "`Default`");
        }
        if !self.is_windows() {
            if unset("seccompProfile") {
                let path = ["securityContext", "seccompProfile", "type"];
                self.refuse(Some(container), &path, SECCOMP);
            }
            if context["allowPrivilegeEscalation"] != false {
                let path = ["securityContext", "allowPrivilegeEscalation"];
                self.refuse(Some(container), &path, "false");
            }
            self.check_capabilities(container, &context["capabilities"]);
            if context["readOnlyRootFilesystem"] != true {
                let path = container.at(&self.pods, &["securityContext", "readOnlyRootFilesystem"]);
                let fault = Fault::WritableRoot { container: container.name().to_owned() };
                self.faults.add(self.pods.member, &path, fault);
            }
        }
        self.check_host(container);
    }

    fn check_capabilities(&mut self, container: &Container<'a>, capabilities: &Value) {
        let list = |key: &str| capabilities[key].as_array().map(Vec::as_slice).unwrap_or_default();
        let path = |key| ["securityContext", "capabilities", key];
        if !list("drop").iter().any(|capability| capability == "ALL") {
            self.refuse(Some(container), &path("drop"), "[\"ALL\"]");
        }
        if list("add").iter().any(|capability| capability != "NET_BIND_SERVICE") {
            self.refuse(Some(container), &path("add"), "at most [\"NET_BIND_SERVICE\"]");
        }
    }

    /// Reports ports of the node, and probes of other hosts.
    fn check_host(&mut self, container: &Container<'a>) {
        let value = container.value;
        for (position, port) in value["ports"].as_array().into_iter().flatten().enumerate() {
            if port["hostPort"].as_i64().is_some_and(|port| port != 0) {
                let path = ["ports", &position.to_string(), "hostPort"];
                self.refuse(Some(container), &path, "left out");
            }
        }
        for (parent, key) in [
            ("", "livenessProbe"),
            ("", "readinessProbe"),
            ("", "startupProbe"),
            ("lifecycle", "postStart"),
            ("lifecycle", "preStop"),
        ] {
            let path: Vec<_> = [parent, key].into_iter().filter(|key| !key.is_empty()).collect();
            let handler = path.iter().fold(value, |value, key| &value[*key]);
            for action in ["httpGet", "tcpSocket"] {
                if handler[action]["host"].as_str().is_some_and(|host| !host.is_empty()) {
                    let path = [&path[..], &[action, "host"]].concat();
                    self.refuse(Some(container), &path, "left out");
                }
            }
        }
    }
}
