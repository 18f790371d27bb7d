//! The pod of a program.

use crate::{
    component::{Container, Pod, Volume},
    environment::program::Program,
    resolve::Resolver,
};

/// Returns a pod of `program`.
pub(in crate::resolve) fn pod(
    program: &Program,
    user: u32,
    containers: Vec<Container>,
    volumes: Vec<Volume>,
) -> Pod {
    Pod {
        user,
        containers,
        volumes,
        spread: program.spread.iter().map(ToString::to_string).collect(),
        tolerations: program.tolerations.clone(),
        priority: None,
        grace_seconds: 30,
    }
}

impl Resolver<'_, '_> {
    /// Returns a pod of `program` that keeps data.
    pub(in crate::resolve) fn data_pod(
        &self,
        program: &Program,
        user: u32,
        containers: Vec<Container>,
        volumes: Vec<Volume>,
    ) -> Pod {
        Pod {
            priority: Some(self.data_priority()),
            grace_seconds: 60,
            ..pod(program, user, containers, volumes)
        }
    }
}
