//! The container of a program, and what is checked of it.

use std::collections::BTreeMap;

use super::Probes;
use crate::{
    component::Container,
    environment::{
        capacity::Resources,
        program::{Exporter, Program},
    },
    image::ImageReference,
    resolve::Resolver,
};

/// What every container has: an image, and what it gets.
pub(in crate::resolve) struct Basics<'a> {
    pub(in crate::resolve) image: &'a ImageReference,
    pub(in crate::resolve) requests: &'a Resources,
    pub(in crate::resolve) limits: &'a Resources,
}

impl<'a> From<&'a Program> for Basics<'a> {
    fn from(program: &'a Program) -> Self {
        Self { image: &program.image, requests: &program.requests, limits: &program.limits }
    }
}

impl<'a> From<&'a Exporter> for Basics<'a> {
    fn from(exporter: &'a Exporter) -> Self {
        Self { image: &exporter.image, requests: &exporter.requests, limits: &exporter.limits }
    }
}

impl Resolver<'_, '_> {
    /// Checks what each pod of `program`, which stands at `path`, asks for.
    pub(in crate::resolve) fn check_program(
        &mut self,
        path: &[&str],
        program: &Program,
        exporter: Option<&Exporter>,
    ) {
        self.check_limits(path, &program.requests, &program.limits);
        if let Some(Exporter { requests, limits, .. }) = exporter {
            self.check_limits(&[path, &["exporter"]].concat(), requests, limits);
        }
    }

    /// Returns a container that runs its image as that wants to be run, with no ports, variables
    /// or mounts.
    pub(in crate::resolve) fn program_container<'b>(
        &self,
        name: &str,
        basics: impl Into<Basics<'b>>,
        probes: Probes,
    ) -> Container {
        let Basics { image, requests, limits } = basics.into();
        let Probes { liveness, readiness, startup } = probes;
        Container {
            name: name.to_owned(),
            image: self.image(image),
            command: Vec::new(),
            args: Vec::new(),
            ports: Vec::new(),
            variables: BTreeMap::new(),
            has_settings: false,
            requests: requests.clone(),
            limits: limits.clone(),
            liveness,
            readiness,
            startup,
            pre_stop: None,
            mounts: Vec::new(),
        }
    }
}
