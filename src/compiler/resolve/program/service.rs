//! The names under which others reach a program.

use super::SetNames;
use crate::component::{Container, Resolution, Service, ServicePort};

/// Returns a Service.
pub(in crate::resolve) fn service(
    name: &str,
    resolution: Resolution,
    ports: impl IntoIterator<Item = ServicePort>,
) -> Service {
    Service { name: name.to_owned(), ports: ports.into_iter().collect(), resolution }
}

/// Returns a port of a Service, by its name and its number.
pub(in crate::resolve) fn port((name, port): (&str, u16)) -> ServicePort {
    ServicePort { name: name.to_owned(), port, app_protocol: None }
}

/// Returns a port on which HTTP is spoken.
pub(in crate::resolve) fn web_port(port_of: (&str, u16)) -> ServicePort {
    ServicePort { app_protocol: Some("http"), ..port(port_of) }
}

/// Returns the Services of a `StatefulSet`: one for clients, which connect to `client_port`, and
/// one that gives each pod a name.
pub(in crate::resolve) fn set_services(
    names: &SetNames,
    resolution: Resolution,
    client_port: (&str, u16),
    containers: &[Container],
) -> Vec<Service> {
    let ports = containers.iter().flat_map(|container| &container.ports);
    let ports = ports.map(|(name, number)| port((name, *number)));
    vec![
        service(&names.clients, resolution, [port(client_port)]),
        service(&names.pods, Resolution::EveryPod, ports),
    ]
}
