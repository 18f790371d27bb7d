//! From source to releases: the compiler as one pure function.

use a4co_bundle::{Digest, Input, Release, Statement};

use crate::{
    effective::{take_out_replaced, with_defaults},
    environment::Environment,
    finding::Findings,
    kinds,
    layers::{Layers, Stack},
    lockfile::Lockfile,
    model::Model,
    problem::Problem,
    release_config::release_config,
    render::render,
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
    stack.tree = with_defaults(&stack.tree, &mut findings);
    take_out_replaced(&mut stack.tree);
    let lockfile = Lockfile::parse(source, &stack.name, &mut findings);
    let environment = read(stack, schema, &mut findings);
    let (Some(lockfile), Some(environment)) = (lockfile, environment) else {
        return Err(findings);
    };
    let pins = lockfile.pin(&schema.images(&stack.tree), &mut findings);
    let model = resolve(stack, &environment, pins, &mut findings);
    findings.into_result(())?;
    let release = release(stack, &model)?;
    let files = stack.files.iter().map(String::as_str).chain([lockfile.path()]);
    Ok(Compiled {
        environment: stack.name.clone(),
        statement: Statement::new(&release, inputs(source, files), LOWEST_TRUST),
        totals: Totals::of(&model.components),
        budget: environment.budget.as_ref().map(ToString::to_string),
        release,
    })
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

fn release(stack: &Stack, model: &Model) -> Result<Release, Findings> {
    let objects = render(model);
    let config = release_config(model, &objects);
    let in_waves = objects.into_iter().map(|object| (kinds::wave_of(&object), object)).collect();
    Release::new(config, in_waves).map_err(|error| {
        let mut findings = Findings::default();
        let reason = error.to_string();
        findings.add(stack.tree.place.clone(), Problem::Release { reason });
        findings
    })
}

fn inputs<'a>(source: &Source, paths: impl Iterator<Item = &'a str>) -> Vec<Input> {
    let files = paths.filter_map(|path| source.file(path));
    let input = |file: &std::sync::Arc<crate::place::SourceFile>| Input {
        path: file.path.clone(),
        digest: Digest::of(file.text.as_bytes()),
    };
    files.map(input).collect()
}
