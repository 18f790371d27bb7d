//! What a release says of itself beside its objects.

use std::collections::{BTreeMap, BTreeSet};

use a4co_bundle::{
    Api, CONFIG_SCHEMA, Readiness, ReadinessRule, ReleaseConfig, Requirements, SecretRequirement,
};

use crate::{
    finding::Findings, kinds, layers::Stack, manifests::ManifestProblem, member::Member,
    model::Model,
};

/// Returns the config of the release of `members`, as `model` and the environment in `stack` have
/// it.
pub(crate) fn release_config(
    stack: &Stack,
    model: &Model,
    members: &[Member],
) -> Result<ReleaseConfig, Findings> {
    let release = &model.environment.release;
    let mut findings = Findings::default();
    let readiness = readiness(stack, model, members, &mut findings);
    findings.into_result(ReleaseConfig {
        schema: CONFIG_SCHEMA,
        app: release.app.to_string(),
        environment: model.environment_name.to_owned(),
        version: release.version.to_semver(),
        namespace: release.namespace.to_string(),
        images: model.images.clone(),
        requirements: Requirements {
            apis: apis(members),
            ingress_classes: ingress_classes(members),
            storage_classes: storage_classes(members),
            secrets: secrets(model),
        },
        readiness,
        keep: Vec::new(),
        notes: model.notes.clone(),
    })
}

/// Returns how to tell that custom resources are ready: what the team says of its own kinds goes
/// before what the compiler knows.
fn readiness(
    stack: &Stack,
    model: &Model,
    members: &[Member],
    findings: &mut Findings,
) -> Vec<ReadinessRule> {
    let mut rules = BTreeMap::new();
    for (position, entry) in model.environment.manifests.iter().enumerate() {
        for (kind, condition) in &entry.readiness {
            let groups = members.iter().filter(|member| member.kind() == kind);
            let groups: BTreeSet<_> = groups.map(Member::group).collect();
            let place = || {
                let position = position.to_string();
                stack.tree.place_of(&["manifests", &position, "readiness", kind])
            };
            if groups.is_empty() {
                let known: BTreeSet<_> = members.iter().map(|it| it.kind().to_owned()).collect();
                let (kind, known) = (kind.clone(), known.into_iter().collect());
                findings.add(place(), ManifestProblem::NothingToWaitFor { kind, known });
            }
            for group in groups {
                let ready = match condition.as_ref() {
                    "none" => Readiness::None,
                    condition => Readiness::Condition(condition.to_owned()),
                };
                let of = (group.to_owned(), kind.clone());
                if rules.insert(of, ready.clone()).is_some_and(|first| first != ready) {
                    let kind = kind.clone();
                    findings.add(place(), ManifestProblem::TwoReadinessRules { kind });
                }
            }
        }
    }
    for rule in members.iter().filter_map(|member| kinds::readiness_of(&member.manifest)) {
        rules.entry((rule.group, rule.kind)).or_insert(rule.ready);
    }
    let rule = |((group, kind), ready)| ReadinessRule { group, kind, ready };
    rules.into_iter().map(rule).collect()
}

/// Returns every API that `members` use, sorted, each once.
fn apis(members: &[Member]) -> Vec<Api> {
    let api = |member: &Member| Api {
        api_version: member.api_version().to_owned(),
        kind: member.kind().to_owned(),
    };
    let apis: BTreeSet<_> = members.iter().map(api).collect();
    apis.into_iter().collect()
}

fn ingress_classes(members: &[Member]) -> Vec<String> {
    let classes = members.iter().filter_map(|it| it.manifest["spec"]["ingressClassName"].as_str());
    not_brought(members, ("networking.k8s.io", "IngressClass"), classes)
}

/// Returns the storage classes of claims and of templates of claims.
fn storage_classes(members: &[Member]) -> Vec<String> {
    let claims = members.iter().filter(|member| member.is("", "PersistentVolumeClaim"));
    let claims = claims.map(|member| &member.manifest);
    let templates = members.iter().filter(|member| member.is("apps", "StatefulSet"));
    let templates =
        templates.filter_map(|it| it.manifest["spec"]["volumeClaimTemplates"].as_array());
    let all = claims.chain(templates.flatten());
    let classes = all.filter_map(|claim| claim["spec"]["storageClassName"].as_str());
    // The empty class stands for none at all.
    not_brought(members, ("storage.k8s.io", "StorageClass"), classes.filter(|it| !it.is_empty()))
}

/// Returns those of `names`, sorted, each once, that are no object of the release.
fn not_brought<'a>(
    members: &[Member],
    (group, kind): (&str, &str),
    names: impl Iterator<Item = &'a str>,
) -> Vec<String> {
    let is_brought = |name: &str| members.iter().any(|it| it.is(group, kind) && it.name() == name);
    let names: BTreeSet<_> = names.filter(|name| !is_brought(name)).map(str::to_owned).collect();
    names.into_iter().collect()
}

/// Returns the Secrets that the site provides.
fn secrets(model: &Model) -> Vec<SecretRequirement> {
    let mut secrets = model.required_secrets.clone();
    for (name, keys) in &model.environment.site.given.secrets {
        secrets.entry(name.to_string()).or_default().extend(keys.iter().map(ToString::to_string));
    }
    let requirement = |(name, keys): (_, BTreeSet<_>)| SecretRequirement {
        name,
        keys: keys.into_iter().collect(),
    };
    secrets.into_iter().map(requirement).collect()
}
