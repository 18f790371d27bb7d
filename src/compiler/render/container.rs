//! The container of a component.

use k8s_openapi::{
    api::core::v1::{
        Capabilities, ConfigMapEnvSource, Container, ContainerPort, EnvFromSource, EnvVar,
        EnvVarSource, Lifecycle, LifecycleHandler, ObjectFieldSelector, ResourceRequirements,
        SecretKeySelector, SecurityContext, SleepAction, VolumeMount,
    },
    apimachinery::pkg::api::resource::Quantity,
};

use super::{config_map, object::non_empty, probe, service};
use crate::{
    environment::capacity::{Capacity, Resources},
    model::{Component, Folder, Model, Variable},
};

pub(super) fn render(model: &Model, component: &Component) -> Container {
    let spec = component.service;
    let probes = &spec.probes;
    Container {
        name: component.name.clone(),
        image: Some(component.image.clone()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        command: non_empty(component.command.clone()),
        args: non_empty(component.args.clone()),
        ports: Some(service::ports(component).map(port).collect()),
        env: non_empty(component.variables.iter().map(variable).collect()),
        env_from: config_map::name(model).map(|name| vec![all_of(name)]),
        resources: Some(resources(&spec.capacity)),
        security_context: Some(security_context()),
        liveness_probe: Some(probe::render(&probes.liveness)),
        readiness_probe: Some(probe::render(&probes.readiness)),
        startup_probe: probes.startup.as_ref().map(probe::render),
        lifecycle: drain(spec.rollout.drain_seconds),
        volume_mounts: non_empty(component.folders.iter().map(mount).collect()),
        termination_message_path: Some("/dev/termination-log".to_owned()),
        // The end of the log tells why a container failed, even if it wrote no message.
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..Container::default()
    }
}

fn port((name, port): (&str, u16)) -> ContainerPort {
    ContainerPort {
        name: Some(name.to_owned()),
        container_port: port.into(),
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    }
}

fn variable((name, variable): (&String, &Variable)) -> EnvVar {
    let (value, value_from) = match variable {
        Variable::Text(text) => (Some(text.clone()), None),
        Variable::Field(field) => {
            let api_version = Some("v1".to_owned());
            let field_ref =
                ObjectFieldSelector { api_version, field_path: field.path().to_owned() };
            (None, Some(EnvVarSource { field_ref: Some(field_ref), ..EnvVarSource::default() }))
        }
        Variable::Secret(secret) => {
            let (name, key) = (secret.clone(), name.clone());
            let secret_key_ref = Some(SecretKeySelector { name, key, optional: Some(false) });
            (None, Some(EnvVarSource { secret_key_ref, ..EnvVarSource::default() }))
        }
    };
    EnvVar { name: name.clone(), value, value_from }
}

fn all_of(config_map: String) -> EnvFromSource {
    let config_map_ref = Some(ConfigMapEnvSource { name: config_map, optional: Some(false) });
    EnvFromSource { config_map_ref, ..EnvFromSource::default() }
}

fn resources(capacity: &Capacity) -> ResourceRequirements {
    let quantities = |resources: &Resources| {
        let quantities =
            [("cpu", resources.cpu.to_string()), ("memory", resources.memory.to_string())];
        quantities.into_iter().map(|(name, text)| (name.to_owned(), Quantity(text))).collect()
    };
    ResourceRequirements {
        requests: Some(quantities(&capacity.requests)),
        limits: Some(quantities(&capacity.limits)),
        ..ResourceRequirements::default()
    }
}

fn security_context() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        privileged: Some(false),
        read_only_root_filesystem: Some(true),
        run_as_non_root: Some(true),
        capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
        ..SecurityContext::default()
    }
}

/// Goes on answering for a while after the pod was told to stop: it takes time until every node
/// and the ingress controller know that it is gone.
fn drain(seconds: u32) -> Option<Lifecycle> {
    let sleep = Some(SleepAction { seconds: seconds.into() });
    let pre_stop = Some(LifecycleHandler { sleep, ..LifecycleHandler::default() });
    (seconds > 0).then(|| Lifecycle { pre_stop, ..Lifecycle::default() })
}

fn mount(folder: &Folder) -> VolumeMount {
    VolumeMount {
        name: folder.volume.clone(),
        mount_path: folder.path.clone(),
        ..VolumeMount::default()
    }
}
