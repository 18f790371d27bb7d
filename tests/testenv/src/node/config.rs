//! How containerd is set up, so that it runs beside others and leaves nothing behind.

use std::path::PathBuf;

use crate::slot::Slot;

/// The image of the process that holds the namespaces of a pod.
pub(crate) const SANDBOX_IMAGE: &str = "registry.k8s.io/pause:3.10.1";

/// The namespaces that end with containerd, whatever ends it.
pub(crate) const UNSHARE: [&str; 7] =
    ["--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--ipc", "--uts"];

/// Turns into containerd. Its shims want sockets at a fixed place in `/run`, so it gets its own.
pub(crate) const LAUNCH: &str = r#"ip link set lo up
mount -t tmpfs tmpfs /run
PATH="$1:$PATH" exec containerd --config "$2""#;

/// Returns the socket of a containerd.
pub(crate) fn socket(slot: &Slot) -> PathBuf {
    slot.dir().join("containerd.sock")
}

/// Returns the control group that all pods are below, in every hierarchy.
pub(crate) fn control_group(slot: &Slot) -> String {
    format!("/a4co-testenv-{}", slot.api_port())
}

/// Returns the configuration of containerd.
pub(crate) fn render(slot: &Slot) -> String {
    let dir = slot.dir().display();
    let socket = socket(slot);
    let socket = socket.display();
    format!(
        r#"version = 3
root = "{dir}/root"
state = "{dir}/state"
disabled_plugins = ["io.containerd.nri.v1.nri"]
[grpc]
  address = "{socket}"
[ttrpc]
  address = "{socket}.ttrpc"
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "{SANDBOX_IMAGE}"
[plugins."io.containerd.cri.v1.images".registry]
  config_path = "{dir}/certs.d"
[plugins."io.containerd.cri.v1.runtime"]
  # In a container or a small virtual machine nobody may lower these scores.
  restrict_oom_score_adj = true
  disable_apparmor = true
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
"#
    )
}

/// Returns the address of a containerd for those that speak the Container Runtime Interface.
pub(crate) fn endpoint(slot: &Slot) -> String {
    format!("unix://{}", socket(slot).display())
}

/// Returns the configuration of crictl.
pub(crate) fn crictl(slot: &Slot) -> String {
    let endpoint = endpoint(slot);
    format!("runtime-endpoint: {endpoint}\nimage-endpoint: {endpoint}\n")
}

/// Returns a script that removes the control groups, which the kernel allows when the last process
/// in them is gone.
pub(crate) fn clean_script(slot: &Slot) -> String {
    let pattern = format!("/sys/fs/cgroup*{}*", control_group(slot));
    format!(
        r#"groups() {{ find /sys/fs/cgroup -depth -type d -path '{pattern}' "$@"; }}
for _ in $(seq 50); do
    groups -exec rmdir {{}} + 2>/dev/null
    [ -n "$(groups -print)" ] || break
    sleep 0.1
done
"#
    )
}
