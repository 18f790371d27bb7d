//! Refuses what would hurt later: every object of the release, rendered or brought along, is looked
//! at together with all the others. The bundle is a closure: whatever an object refers to is in it,
//! or is declared as the site's.
//!
//! One file a check, each a pure function over the objects; nothing else is asked.

mod account;
mod annotation;
mod api_version;
mod autoscaling;
mod disruption;
mod fault;
mod image;
mod known;
mod pods;
mod policy;
mod port;
mod probe;
mod quota;
mod reference;
mod resources;
mod rule;
mod security;
mod selector;
mod service_port;
mod traffic;

use a4co_bundle::Image;
use serde_json::Value;
use thiserror::Error;

pub(crate) use self::pods::Pods;
pub use self::{fault::Fault, rule::Rule};
use self::{known::Known, pods::Container};
use crate::{
    environment::Environment,
    finding::Findings,
    member::{Member, Origin},
    model::Model,
};

/// An object that would hurt later.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
#[error("`{object}` {fault}")]
pub struct ClosureProblem {
    /// Kind and name of the object.
    pub object: String,
    /// What is wrong with it.
    pub fault: Fault,
    /// Whether the team can allow it: the object is its own.
    pub is_own: bool,
}

impl ClosureProblem {
    /// Returns what to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        let rule = self.fault.rule().filter(|_| self.is_own);
        let allow = rule
            .map(|rule| format!("say `allow = [\"{}\"]` in its `[[manifests]]`", rule.as_str()));
        match (self.fault.help(), allow) {
            (Some(help), Some(allow)) => {
                let comma = if help.ends_with('?') { "" } else { "," };
                Some(format!("{help}{comma} or {allow}"))
            }
            (help, allow) => help.or(allow),
        }
    }
}

/// The objects of the release, and what is known of those that it does not hold.
struct View<'a> {
    environment: &'a Environment,
    members: &'a [Member],
    /// The release's namespace.
    namespace: &'a str,
    /// The images of the release.
    images: &'a [Image],
    known: Known,
}

/// Checks every one of `members`, which come from `model` and from the team.
pub(crate) fn check(model: &Model, members: &[Member], findings: &mut Findings) {
    let view = View {
        environment: model.environment,
        members,
        namespace: model.namespace(),
        images: &model.images,
        known: Known::of(model, members),
    };
    let mut faults = Faults { environment: model.environment, findings };
    for check in [
        account::check,
        annotation::check,
        api_version::check,
        autoscaling::check,
        disruption::check,
        image::check,
        policy::check,
        port::check,
        probe::check,
        quota::check,
        reference::check,
        resources::check,
        security::check,
        selector::check,
        service_port::check,
        traffic::check,
    ] {
        check(&view, &mut faults);
    }
}

impl<'a> View<'a> {
    /// Returns the objects of a kind, in whatever version.
    fn of_kind(&self, group: &'static str, kind: &'static str) -> impl Iterator<Item = &'a Member> {
        self.members.iter().filter(move |member| member.is(group, kind))
    }

    /// Returns an object.
    fn find(&self, group: &str, kind: &str, namespace: &str, name: &str) -> Option<&'a Member> {
        self.members.iter().find(|member| {
            member.is(group, kind) && member.namespace() == namespace && member.name() == name
        })
    }

    /// Returns the values that a container of `member` takes from `ConfigMaps` of the release as
    /// variables.
    fn settings_of(&self, member: &Member, container: &Container<'a>) -> Vec<&'a str> {
        let sources = container.value["envFrom"].as_array().into_iter().flatten();
        let names = sources.filter_map(|source| source["configMapRef"]["name"].as_str());
        let maps = names.filter_map(|it| self.find("", "ConfigMap", member.namespace(), it));
        let values = maps.filter_map(|map| map.manifest["data"].as_object());
        values.flat_map(|values| values.values()).filter_map(Value::as_str).collect()
    }

    /// Returns the pods of every workload.
    fn pods(&self) -> impl Iterator<Item = Pods<'a>> {
        self.members.iter().filter_map(Pods::of)
    }
}

/// Where checks put what they find.
struct Faults<'a, 'f> {
    environment: &'a Environment,
    findings: &'f mut Findings,
}

impl Faults<'_, '_> {
    /// Adds a fault of the value at `path` of `member`, unless the team allows it.
    fn add(&mut self, member: &Member, path: &[&str], fault: Fault) {
        let entry = match member.origin {
            Origin::Own { entry, .. } => self.environment.manifests.get(entry),
            Origin::Rendered(_) => None,
        };
        let allowed = entry.map(|entry| entry.allow.as_slice()).unwrap_or_default();
        if fault.rule().is_some_and(|rule| allowed.contains(&rule)) {
            return;
        }
        let (object, is_own) = (member.title(), entry.is_some());
        self.findings.add(member.place_of(path), ClosureProblem { object, fault, is_own });
    }
}
