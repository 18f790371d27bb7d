//! The containers of a component.

use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMapEnvSource, Container, ContainerPort, EnvFromSource, EnvVar,
    EnvVarSource, ExecAction, Lifecycle, LifecycleHandler, ObjectFieldSelector,
    ResourceRequirements, SecretKeySelector, SecurityContext, SleepAction, VolumeMount,
};

use super::{
    config_map,
    object::{non_empty, quantities},
    probe,
};
use crate::{
    component::{self, Mount, PreStop, Variable},
    environment::capacity::Resources,
    model::Model,
};

pub(super) fn render(model: &Model, container: &component::Container) -> Container {
    let settings = config_map::settings_name(model).filter(|_| container.has_settings);
    Container {
        name: container.name.clone(),
        image: Some(container.image.clone()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        command: non_empty(container.command.clone()),
        args: non_empty(container.args.clone()),
        ports: non_empty(container.ports.iter().map(port).collect()),
        env: non_empty(container.variables.iter().map(variable).collect()),
        env_from: settings.map(|name| vec![all_of(name)]),
        resources: Some(resources(&container.requests, &container.limits)),
        security_context: Some(security_context()),
        liveness_probe: Some(probe::render(&container.liveness)),
        readiness_probe: Some(probe::render(&container.readiness)),
        startup_probe: container.startup.as_ref().map(probe::render),
        lifecycle: container.pre_stop.as_ref().map(lifecycle),
        volume_mounts: non_empty(container.mounts.iter().map(mount).collect()),
        termination_message_path: Some("/dev/termination-log".to_owned()),
        // The end of the log tells why a container failed, even if it wrote no message.
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..Container::default()
    }
}

fn port((name, port): &(String, u16)) -> ContainerPort {
    ContainerPort {
        name: Some(name.clone()),
        container_port: (*port).into(),
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
        Variable::Secret { name, key } => {
            let (name, key) = (name.clone(), key.clone());
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

fn resources(requests: &Resources, limits: &Resources) -> ResourceRequirements {
    ResourceRequirements {
        requests: Some(quantities(requests)),
        limits: Some(quantities(limits)),
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

fn lifecycle(pre_stop: &PreStop) -> Lifecycle {
    let (mut sleep, mut exec) = (None, None);
    match pre_stop {
        PreStop::Sleep(seconds) => sleep = Some(SleepAction { seconds: (*seconds).into() }),
        PreStop::Exec(command) => exec = Some(ExecAction { command: Some(command.clone()) }),
    }
    let pre_stop = Some(LifecycleHandler { sleep, exec, ..LifecycleHandler::default() });
    Lifecycle { pre_stop, ..Lifecycle::default() }
}

fn mount(mount: &Mount) -> VolumeMount {
    VolumeMount {
        name: mount.volume.clone(),
        mount_path: mount.path.clone(),
        read_only: mount.read_only.then_some(true),
        ..VolumeMount::default()
    }
}
