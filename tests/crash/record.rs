//! A run without faults: which requests there are, and what the cluster has afterwards.

use a4co_bundle::Object;
use serde_json::Value;

use crate::{
    case::Next,
    cluster::{Cluster, Result},
    command::{Category, Outcome, as_applied},
    objects,
    run::{References, Run},
    scenario::Scenario,
    snapshot::{Objects, Snapshot},
};

/// What a scenario comes to without faults.
#[derive(Clone)]
pub(crate) struct Recording {
    pub(crate) scenario: Scenario,
    /// Names of the mutating requests of the command, as they came.
    pub(crate) requests: Vec<String>,
    pub(crate) usual: Category,
    /// Whether there is an object that somebody may meddle with.
    pub(crate) can_be_meddled: bool,
    /// Whether the old release without the new one's objects may follow.
    pub(crate) has_without: bool,
    pub(crate) references: References,
}

impl Recording {
    /// Records `scenario`.
    pub(crate) async fn make(cluster: &Cluster, scenario: Scenario) -> Result<Self> {
        let references = References {
            old: pristine(cluster, &scenario).await?,
            other: successor(cluster, &scenario, Next::Other).await?,
            without: successor(cluster, &scenario, Next::Without).await?,
            ..References::default()
        };
        let mut run = Run::start(cluster, &scenario, references).await?;
        let command = run.stage.command.clone();
        let outcome = run.act(&command, None).await?;
        let after = run.snapshot().await?;
        let usual = outcome.category();
        if run.head.has_committed(Some(run.stage.new.release())) {
            run.references.new = after.like_objects(&run.site);
            let release = as_applied(&run.stage.new)?;
            let wrong = release.objects().iter().filter(|object| !is_live(&run, object, &after));
            let wrong: Vec<String> = wrong.map(|object| object.reference().to_string()).collect();
            run.blame("I5", wrong);
        }
        run.check_rest().await?;
        run.clean_up().await?;
        let writes = run.chapters[0].entries.iter().filter(|entry| entry.request.is_write());
        let requests = writes.map(|entry| entry.name.clone()).collect();
        if usual == Category::Open || !run.violations.is_empty() {
            let violations = run.violations.iter().map(ToString::to_string);
            let violations = violations.collect::<Vec<_>>().join("\n");
            let (name, story) = (scenario.name, run.tell());
            return Err(format!("{name}, without any fault:\n{violations}\n{story}").into());
        }
        let can_be_meddled = run.stage.meddled.is_some();
        let has_without = run.stage.without.is_some();
        let references = run.references;
        Ok(Self { scenario, requests, usual, can_be_meddled, has_without, references })
    }
}

/// The objects of the old release before anybody meddled with them.
async fn pristine(cluster: &Cluster, scenario: &Scenario) -> Result<Objects> {
    let stage = |site: &_| {
        let mut stage = (scenario.stage)(site)?;
        stage.forget_meddling();
        Ok(stage)
    };
    let run = Run::start_with(cluster, scenario, &stage, References::default()).await?;
    Ok(run.before.like_objects(&run.site))
}

/// The objects of another release that comes instead of the command's.
async fn successor(cluster: &Cluster, scenario: &Scenario, next: Next) -> Result<Objects> {
    let mut run = Run::start(cluster, scenario, References::default()).await?;
    let Some(command) = next.command(&run) else { return Ok(Objects::new()) };
    let outcome = run.act(&command, None).await?;
    let objects = match outcome {
        Outcome::Done { remains: false, .. } => run.snapshot().await?.like_objects(&run.site),
        Outcome::RolledBack { .. } if run.stage.is_failing => Objects::new(),
        _ => return Err(format!("{}: `{next}` comes to {outcome:?}", scenario.name).into()),
    };
    run.clean_up().await?;
    Ok(objects)
}

/// Whether an object has every field of the release.
fn is_live(run: &Run<'_>, object: &Object, found: &Snapshot) -> bool {
    let mut manifest = object.manifest();
    let plural = objects::collection(&manifest);
    let plural = plural.rsplit('/').next().unwrap_or_default();
    let name = run.site.short_name(&object.reference().name);
    if let Some(members) = manifest.as_object_mut() {
        // Items of a list do not say what they are.
        members.retain(|key, _| key != "apiVersion" && key != "kind");
    }
    found.objects.get(&format!("{plural}/{name}")).is_some_and(|live| has(live, &manifest))
}

fn has(live: &Value, manifest: &Value) -> bool {
    match (live, manifest) {
        (Value::Object(live), Value::Object(manifest)) => {
            manifest.iter().all(|(key, value)| live.get(key).is_some_and(|live| has(live, value)))
        }
        (Value::Array(live), Value::Array(manifest)) => {
            live.len() == manifest.len()
                && live.iter().zip(manifest).all(|(live, wanted)| has(live, wanted))
        }
        _ => live == manifest,
    }
}
