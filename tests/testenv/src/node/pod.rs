//! What a kubelet says to run a pod (Container Runtime Interface, v1).

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::node::config;
use crate::slot::Slot;

/// The platform of this machine.
pub(crate) const PLATFORM: &str = match std::env::consts::ARCH.as_bytes() {
    b"aarch64" => "linux/arm64",
    _ => "linux/amd64",
};

/// `NamespaceMode.NODE`: the pod has the network of its node, so that no CNI plugin is needed.
const OF_THE_NODE: u8 = 2;

/// Returns the sandbox of a pod.
pub(crate) fn sandbox(slot: &Slot, name: &str) -> Value {
    json!({
        "metadata": { "name": name, "namespace": "default", "uid": name, "attempt": 0 },
        "log_directory": slot.dir().join("logs"),
        "linux": {
            "cgroup_parent": config::control_group(slot),
            "security_context": { "namespace_options": { "network": OF_THE_NODE } },
        },
    })
}

/// Returns a container of a pod.
pub(crate) fn container(name: &str, image: &str, args: &[&str]) -> Value {
    json!({
        "metadata": { "name": name },
        "image": { "image": image },
        "args": args,
        "log_path": format!("{name}.log"),
        "linux": {},
    })
}

/// Returns where the runtime writes what a container prints.
pub(crate) fn log_file(slot: &Slot, name: &str) -> PathBuf {
    slot.dir().join("logs").join(format!("{name}.log"))
}

/// Takes time, stream and tag off the lines of a log.
pub(crate) fn output(log: &str) -> String {
    let lines = log.lines().filter_map(|line| line.splitn(4, ' ').nth(3));
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_without_its_marks_is_what_the_container_printed() {
        let log = "2026-01-01T00:00:00.1Z stdout F hello  you\n2026-01-01T00:00:00.2Z stderr F x\n";
        assert_eq!(output(log), "hello  you\nx\n");
    }
}
