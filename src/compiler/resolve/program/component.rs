//! A component of a program.

use std::collections::BTreeMap;

use crate::{
    component::{Component, Controller, Pod, Role},
    environment::capacity::Replicas,
};

/// Returns a component of one pod, which may go at any time, and which nobody reaches.
pub(in crate::resolve) fn component(
    name: &str,
    role: Role,
    controller: Controller,
    pod: Pod,
) -> Component {
    Component {
        name: name.to_owned(),
        role,
        instance: None,
        controller,
        replicas: Replicas { min: 1, max: None },
        autoscaling: None,
        min_available: 0,
        pod,
        services: Vec::new(),
        metrics: None,
        route: None,
        files: BTreeMap::new(),
    }
}
