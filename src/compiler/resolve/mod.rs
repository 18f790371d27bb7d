//! Resolves an environment: expands templates, follows references, collects what each service gets.
//!
//! Everything that makes no sense is reported here, all of it at once; what comes out is a
//! [`Model`], which is rendered without a possible failure.

mod capacity;
mod component;
mod endpoint;
mod ingress;
mod problem;
mod secret;
mod variables;

use std::collections::BTreeMap;

use a4co_bundle::{Image, applyset_id};

use self::component::Names;
pub use self::problem::MeaningProblem;
use crate::{
    environment::Environment,
    finding::Findings,
    image::ImageReference,
    layers::Stack,
    lockfile::Lockfile,
    model::Model,
    template::{Scope, Template},
};

/// An environment on its way to a [`Model`].
struct Resolver<'a, 'f> {
    stack: &'a Stack,
    environment: &'a Environment,
    /// Placeholders that have a value everywhere.
    scope: Scope,
    findings: &'f mut Findings,
}

/// Resolves `environment`, which was read from `stack`, with the pins of `lockfile`.
///
/// What makes no sense is added to `findings`; then the model is not worth rendering.
pub(crate) fn resolve<'a>(
    stack: &'a Stack,
    environment: &'a Environment,
    lockfile: &Lockfile,
    findings: &mut Findings,
) -> Model<'a> {
    let scope = global_scope(&stack.name, environment);
    let mut resolver = Resolver { stack, environment, scope, findings };
    let pins = resolver.pin_images(lockfile);
    let names = resolver.name_services();
    resolver.check_endpoints();
    resolver.check_ingress();
    let secrets = resolver.secrets();
    let components = resolver.components(&names, &pins, &secrets);
    let release = &environment.release;
    Model {
        environment_name: &stack.name,
        environment,
        applyset: applyset_id(release.app.as_ref(), release.namespace.as_ref()),
        settings: resolver.settings(),
        components,
        secret_role: resolver.secret_role(),
        secrets: secrets.into_values().collect(),
        notes: resolver.notes(),
        images: pins.into_values().collect(),
    }
}

fn global_scope(name: &str, environment: &Environment) -> Scope {
    let release = &environment.release;
    let scope = Scope::default()
        .with("environment", &name)
        .with("app", &release.app)
        .with("namespace", &release.namespace)
        .with("version", &release.version);
    match &environment.ingress {
        Some(ingress) => {
            scope.with("public_host", &ingress.host).with("public_url", &ingress.url())
        }
        None => scope,
    }
}

impl Resolver<'_, '_> {
    /// Reports a problem of the value at `path`.
    fn report(&mut self, path: &[&str], problem: MeaningProblem) {
        self.findings.add(self.stack.tree.place_of(path), problem);
    }

    /// Expands the template at `path`; the text is empty if that fails.
    fn expand(&mut self, template: &Template, scope: &Scope, path: &[&str]) -> String {
        template.expand(scope).unwrap_or_else(|name| {
            self.report(path, MeaningProblem::UnknownPlaceholder { name, known: scope.names() });
            String::new()
        })
    }

    fn settings(&mut self) -> BTreeMap<String, String> {
        let scope = self.scope.clone();
        let settings = &self.environment.settings;
        settings
            .iter()
            .map(|(key, value)| {
                let value = self.expand(value, &scope, &["settings", key.as_ref()]);
                (key.to_string(), value)
            })
            .collect()
    }

    fn notes(&mut self) -> Vec<String> {
        let scope = self.scope.clone();
        let notes = self.environment.release.notes.iter().enumerate();
        notes
            .map(|(position, note)| {
                self.expand(note, &scope, &["release", "notes", &position.to_string()])
            })
            .collect()
    }

    fn pin_images(&mut self, lockfile: &Lockfile) -> BTreeMap<ImageReference, Image> {
        let services = self.environment.services.iter();
        let wanted: Vec<_> = services
            .map(|(key, service)| {
                let place = self.stack.tree.place_of(&["services", key, "image"]);
                (service.image.clone(), place)
            })
            .collect();
        lockfile.pin(&wanted, self.findings)
    }

    /// Gives each service the name of its Kubernetes objects.
    fn name_services(&mut self) -> Names {
        let mut names = Names::default();
        for (key, service) in &self.environment.services {
            let path = ["services", key, "name"];
            let scope = component::scope(&self.scope, key, service);
            let name = self.expand(&service.name, &scope, &path);
            if !a4co_bundle::is_dns_label(&name) {
                self.report(&path, MeaningProblem::NotADnsLabel { name: name.clone() });
            }
            if let Some(first) = names.key_of(&name) {
                let (first, second, what) = (first.to_owned(), key.clone(), "name");
                let problem = MeaningProblem::Clash { what, value: name.clone(), first, second };
                self.report(&["services", key], problem);
            }
            names.insert(key, name);
        }
        names
    }
}
