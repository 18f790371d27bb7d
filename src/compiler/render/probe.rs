//! Probes, with every number written out.

use k8s_openapi::{
    api::core::v1::{ExecAction, HTTPGetAction, Probe, TCPSocketAction},
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::object::count;
use crate::component::{self, Check};

pub(super) fn render(probe: &component::Probe) -> Probe {
    let (mut http_get, mut tcp_socket, mut exec) = (None, None, None);
    match &probe.check {
        Check::Http { path, port } => {
            http_get = Some(HTTPGetAction {
                path: Some(path.clone()),
                port: IntOrString::String(port.clone()),
                scheme: Some("HTTP".to_owned()),
                ..HTTPGetAction::default()
            });
        }
        Check::Tcp { port } => {
            let port = IntOrString::String(port.clone());
            tcp_socket = Some(TCPSocketAction { port, host: None });
        }
        Check::Exec(command) => exec = Some(ExecAction { command: Some(command.clone()) }),
    }
    Probe {
        http_get,
        tcp_socket,
        exec,
        period_seconds: Some(count(probe.period_seconds)),
        timeout_seconds: Some(count(probe.timeout_seconds)),
        failure_threshold: Some(count(probe.failure_threshold)),
        success_threshold: Some(1),
        ..Probe::default()
    }
}
