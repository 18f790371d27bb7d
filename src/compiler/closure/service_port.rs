//! Ports of a Service differ.

use super::{Fault, Faults, View};

pub(super) fn check(view: &View<'_>, faults: &mut Faults<'_, '_>) {
    for service in view.of_kind("", "Service") {
        let ports = service.manifest["spec"]["ports"].as_array().map(Vec::as_slice);
        let ports = ports.unwrap_or_default();
        let number = |at: usize| ports[at]["port"].as_i64().unwrap_or_default();
        let protocol = |at: usize| ports[at]["protocol"].as_str().unwrap_or("TCP");
        let name = |at: usize| ports[at]["name"].as_str().unwrap_or_default();
        for at in 0..ports.len() {
            let position = at.to_string();
            let mut add = |key, fault| {
                faults.add(service, &["spec", "ports", &position, key], fault);
            };
            let same_number =
                |it: &usize| (number(*it), protocol(*it)) == (number(at), protocol(at));
            if let Some(first) = (0..at).find(same_number) {
                add(
                    "port",
                    Fault::SamePort {
                        number: number(at),
                        protocol: protocol(at).to_owned(),
                        first: name(first).to_owned(),
                        second: name(at).to_owned(),
                    },
                );
            }
            if name(at).is_empty() && ports.len() > 1 {
                add("port", Fault::UnnamedPort { number: number(at) });
            } else if (0..at).any(|first| name(first) == name(at)) {
                add("name", Fault::SamePortName { name: name(at).to_owned() });
            }
        }
    }
}
