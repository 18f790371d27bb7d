//! Resolves services: what each runs, gets, calls and may write to.

use std::collections::{BTreeMap, BTreeSet};

use a4co_bundle::Image;

use super::{MeaningProblem, Resolver};
use crate::{
    environment::service::Service,
    image::ImageReference,
    model::{Component, Folder, ResolvedSecret, Target, Whereabouts},
    template::{Scope, Template},
};

/// Kubernetes names of the services by key.
#[derive(Default)]
pub(super) struct Names(BTreeMap<String, String>);

impl Names {
    pub(super) fn insert(&mut self, key: &str, name: String) {
        self.0.insert(key.to_owned(), name);
    }

    pub(super) fn name_of(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    pub(super) fn key_of(&self, name: &str) -> Option<&str> {
        let mut entries = self.0.iter();
        entries.find(|(_, found)| *found == name).map(|(key, _)| key.as_str())
    }
}

/// Returns the placeholders of a service, but for its name.
pub(super) fn scope(global: &Scope, key: &str, service: &Service) -> Scope {
    let capitals = key.to_uppercase().replace('-', "_");
    global.clone().with("service", &key).with("SERVICE", &capitals).with("port", &service.port)
}

impl<'a> Resolver<'a, '_> {
    pub(super) fn components(
        &mut self,
        names: &Names,
        pins: &BTreeMap<ImageReference, Image>,
        secrets: &BTreeMap<String, ResolvedSecret>,
    ) -> Vec<Component<'a>> {
        let environment = self.environment;
        let services = environment.services.iter();
        services.map(|(key, service)| self.component(key, service, names, pins, secrets)).collect()
    }

    fn component(
        &mut self,
        key: &str,
        service: &'a Service,
        names: &Names,
        pins: &BTreeMap<ImageReference, Image>,
        secrets: &BTreeMap<String, ResolvedSecret>,
    ) -> Component<'a> {
        self.check_capacity(key, service);
        self.check_rollout(key, service);
        self.check_needs(key, service);
        let name = names.name_of(key).to_owned();
        let scope = scope(&self.scope, key, service).with("name", &name);
        Component {
            service,
            image: pins.get(&service.image).map(Image::reference).unwrap_or_default(),
            command: self.expand_all(&service.command, &scope, key, "command"),
            args: self.expand_all(&service.args, &scope, key, "args"),
            variables: self.variables(key, service, &scope, names, secrets),
            callers: self.callers(key, names),
            targets: self.targets(service, names),
            folders: self.folders(key, service),
            name,
        }
    }

    fn expand_all(
        &mut self,
        templates: &[Template],
        scope: &Scope,
        key: &str,
        list: &str,
    ) -> Vec<String> {
        let expand = |(position, template): (usize, &Template)| {
            self.expand(template, scope, &["services", key, list, &position.to_string()])
        };
        templates.iter().enumerate().map(expand).collect()
    }

    fn check_needs(&mut self, key: &str, service: &Service) {
        let environment = self.environment;
        let mut seen = BTreeSet::new();
        for (position, need) in service.needs.iter().enumerate() {
            let known = || environment.services.keys().chain(environment.endpoints.keys());
            let problem = if need == key {
                MeaningProblem::NeedsItself { name: need.clone() }
            } else if !known().any(|name| name == need) {
                let known = known().filter(|name| *name != key).cloned().collect();
                let what = "service or endpoint";
                MeaningProblem::Unknown { what, name: need.clone(), known }
            } else if !seen.insert(need) {
                MeaningProblem::Twice { name: need.clone() }
            } else {
                continue;
            };
            self.report(&["services", key, "needs", &position.to_string()], problem);
        }
    }

    fn callers(&self, key: &str, names: &Names) -> Vec<String> {
        let services = self.environment.services.iter();
        let callers = services.filter(|(_, service)| service.needs.iter().any(|need| need == key));
        callers.map(|(caller, _)| names.name_of(caller).to_owned()).collect()
    }

    fn targets(&self, service: &Service, names: &Names) -> Vec<Target> {
        let target = |need: &String| match self.environment.services.get(need) {
            Some(called) => {
                let whereabouts = Whereabouts::Component(names.name_of(need).to_owned());
                Some(Target { whereabouts, port: called.port })
            }
            None => self.endpoint_target(need),
        };
        // Sorted by name, so that the order in which needs are written changes nothing.
        let needs: BTreeSet<_> = service.needs.iter().collect();
        needs.into_iter().filter_map(target).collect()
    }

    fn folders(&mut self, key: &str, service: &Service) -> Vec<Folder> {
        let mut folders: Vec<Folder> = Vec::new();
        for (path, limit) in &service.writable {
            let volume = volume_name(path.as_ref());
            if let Some(first) = folders.iter().find(|folder| folder.volume == volume) {
                let (first, second) = (first.path.clone(), path.to_string());
                let problem = MeaningProblem::VolumeClash { volume: volume.clone(), first, second };
                self.report(&["services", key, "writable", path.as_ref()], problem);
            }
            folders.push(Folder { volume, path: path.to_string(), limit: *limit });
        }
        folders
    }
}

/// Makes a volume's name of a path: `/app/.cache` gives `app-cache`.
fn volume_name(path: &str) -> String {
    let path = path.to_lowercase();
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}
