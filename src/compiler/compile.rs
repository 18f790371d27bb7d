//! From source to releases: the compiler as one pure function.

use std::{collections::BTreeMap, sync::Arc};

use a4co_bundle::{Digest, Image, Input, Release, Statement};

use crate::{
    budget, closure,
    effective::with_defaults,
    environment::Environment,
    finding::Findings,
    image::ImageReference,
    kinds,
    layers::{Layers, Stack},
    lockfile::Lockfile,
    manifests::{GivenImage, ManifestProblem, Own, apply_patches, has_secret_value, pin_members},
    member::{Member, Origin},
    model::Model,
    place::{Place, SourceFile},
    problem::Problem,
    release_config::release_config,
    render::{Rendered, render, render_quota},
    resolve::resolve,
    schema::{Conformity, Schema},
    source::Source,
    totals::Totals,
};

/// Lowest version of the trust file that readers of our statements must have. Raised with a format
/// that older trust files cannot judge; there is none yet.
const LOWEST_TRUST: u64 = 0;

/// A compiled environment.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// Name of the environment.
    pub environment: String,
    /// What it releases.
    pub release: Release,
    /// The statement about the release, with the digest of every file that had a part in it; not
    /// signed yet.
    pub statement: Statement,
    /// What it takes.
    pub totals: Totals,
    /// What it may take, in words, if it says so.
    pub budget: Option<String>,
}

/// Compiles every environment of `source`, in the order of their names.
///
/// The result depends on `source` and on nothing else.
///
/// # Errors
/// Fails with everything that is wrong in any environment.
pub fn compile(source: &Source) -> Result<Vec<Compiled>, Findings> {
    let mut findings = Findings::default();
    let schema = Schema::of::<Environment>();
    let layers = Layers::parse(source, &schema, &mut findings);
    let mut compiled = Vec::new();
    for mut stack in layers.stacks(&mut findings) {
        match compile_stack(source, &mut stack, &schema) {
            Ok(environment) => compiled.push(environment),
            Err(found) => findings.extend(found),
        }
    }
    findings.into_result(compiled)
}

fn compile_stack(
    source: &Source,
    stack: &mut Stack,
    schema: &Schema,
) -> Result<Compiled, Findings> {
    let mut findings = Findings::default();
    let Some(Gathered { lockfile, environment, own }) =
        gather(source, stack, schema, &mut findings)
    else {
        return Err(findings);
    };
    let pins = lockfile.pin(&asked(stack, schema, &own), &own.given, &mut findings);
    let mut model = resolve(stack, &environment, pins.clone(), &mut findings);
    findings.into_result(())?;
    model.add_images(own.given.iter().map(GivenImage::to_image));
    let files = stack.files.iter().map(String::as_str).chain([lockfile.path()]);
    let files: Vec<_> = files.map(str::to_owned).chain(own.files.iter().cloned()).collect();
    let (members, totals) = assemble(stack, &model, own.members, &pins)?;
    let release = release(stack, &model, members)?;
    Ok(Compiled {
        environment: stack.name.clone(),
        statement: Statement::new(&release, inputs(source, &files), LOWEST_TRUST),
        totals,
        budget: environment.budget.as_ref().map(ToString::to_string),
        release,
    })
}

/// What the files of an environment say, each by itself.
pub(crate) struct Gathered {
    pub(crate) lockfile: Lockfile,
    pub(crate) environment: Environment,
    pub(crate) own: Own,
}

/// Reads an environment with its lockfile and its own objects; `stack` gets the defaults.
pub(crate) fn gather(
    source: &Source,
    stack: &mut Stack,
    schema: &Schema,
    findings: &mut Findings,
) -> Option<Gathered> {
    stack.tree = with_defaults(&stack.tree, findings);
    let lockfile = Lockfile::parse(source, &stack.name, findings);
    let environment = read(stack, schema, findings);
    let (lockfile, environment) = (lockfile?, environment?);
    let own = Own::read(source, stack, &environment, findings);
    Some(Gathered { lockfile, environment, own })
}

/// Returns every image that an environment names by its tag, each with the place.
pub(crate) fn asked(stack: &Stack, schema: &Schema, own: &Own) -> Vec<(ImageReference, Place)> {
    [schema.images(&stack.tree), own.tagged.clone()].concat()
}

/// Reads the whole environment, if it is complete.
fn read(stack: &Stack, schema: &Schema, findings: &mut Findings) -> Option<Environment> {
    let mut missing = Findings::default();
    schema.check_complete(&stack.tree, &mut missing);
    if !missing.is_empty() {
        // A key that is missing beside one that nobody knows is most likely just misspelt.
        if stack.conformity == Conformity::Full {
            findings.extend(missing);
        }
        return None;
    }
    // The schema comes from the same types, so this fails only if the two contradict each other.
    match serde_json::from_value(stack.tree.to_json()) {
        Ok(environment) => Some(environment),
        Err(error) => {
            let reason = error.to_string();
            findings.add(stack.tree.place.clone(), Problem::Release { reason });
            None
        }
    }
}

/// Puts rendered and own objects together, patched and checked; and adds up what they take.
fn assemble(
    stack: &Stack,
    model: &Model,
    mut own: Vec<Member>,
    pins: &BTreeMap<ImageReference, Image>,
) -> Result<(Vec<Member>, Totals), Findings> {
    let mut findings = Findings::default();
    let environment = model.environment;
    pin_members(&mut own, &environment.manifests, pins);
    let rendered = |Rendered { manifest, declared }: Rendered| {
        let path: Vec<_> = declared.split('.').collect();
        let origin = Origin::Rendered(stack.tree.place_of(&path));
        Member { manifest, origin, patch: None }
    };
    let mut members: Vec<_> = render(model).into_iter().map(rendered).collect();
    for member in members.iter().filter(|member| has_secret_value(&member.manifest)) {
        let problem = ManifestProblem::SecretValue { object: member.title() };
        findings.add(member.place_of(&[]), problem);
    }
    for member in own {
        if let Some(first) = members.iter().find(|first| first.is_same_as(&member)) {
            let other = format!("{:?}", first.place_of(&["kind"]));
            let problem = ManifestProblem::Twice { object: member.title(), other };
            findings.add(member.place_of(&["kind"]), problem);
        }
        members.push(member);
    }
    let quota = render_quota(model, &Totals::of(&members));
    members.extend(quota.into_iter().map(rendered));
    apply_patches(stack, &environment.patches, pins, &mut members, &mut findings);
    findings.into_result(())?;
    let mut findings = Findings::default();
    closure::check(model, &members, &mut findings);
    let totals = Totals::of(&members);
    if let Some(budget) = &environment.budget {
        budget::check(stack, budget, &totals, &mut findings);
    }
    findings.into_result((members, totals))
}

fn release(stack: &Stack, model: &Model, members: Vec<Member>) -> Result<Release, Findings> {
    let config = release_config(stack, model, &members)?;
    let objects = members.into_iter().map(|member| member.manifest);
    let in_waves = objects.map(|object| (kinds::wave_of(&object), object)).collect();
    Release::new(config, in_waves).map_err(|error| {
        let mut findings = Findings::default();
        let reason = error.to_string();
        findings.add(stack.tree.place.clone(), Problem::Release { reason });
        findings
    })
}

fn inputs(source: &Source, paths: &[String]) -> Vec<Input> {
    let files = paths.iter().filter_map(|path| source.file(path));
    let input = |file: &Arc<SourceFile>| Input {
        path: file.path.clone(),
        digest: Digest::of(file.text.as_bytes()),
    };
    files.map(input).collect()
}
