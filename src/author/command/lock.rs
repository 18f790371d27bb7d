//! `a4co lock`

use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
    sync::Arc,
};

use a4co_bundle::Digest;
use a4co_compiler::{ImageReference, Lock, lockfile_text};
use a4co_registry::Reference;
use futures::{StreamExt as _, stream};
use serde::Serialize;

use crate::{
    arguments::Format,
    failure::Failure,
    output,
    progress::Progress,
    registries::{Registries, RegistryArguments, block_on},
    relock::{Change, Question, Update, drift, questions, relock},
    workspace::Workspace,
};

/// Pin the images of all environments, or of one: ask registries what their tags stand for
///
/// A pin that is there stays, wherever its tag has moved, unless `--update` names it. Nothing is
/// written if any registry cannot be asked.
#[derive(Debug, clap::Args)]
pub(crate) struct LockArguments {
    /// Environment to lock [default: all]
    environment: Option<String>,
    /// Move the pin of an image, with its tag or without; may be given several times
    #[arg(long, value_name = "IMAGE", conflicts_with = "update_all")]
    update: Vec<String>,
    /// Move all pins
    #[arg(long)]
    update_all: bool,
    /// Write nothing; exit with 1 when a tag has moved, or an image has no pin or is not run
    #[arg(long, conflicts_with_all = ["update", "update_all"])]
    check: bool,
    #[command(flatten)]
    registries: RegistryArguments,
}

/// What one environment's lockfile comes to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Locked {
    environment: String,
    path: String,
    images: usize,
    changes: Vec<Changed>,
}

#[derive(Serialize)]
struct Changed {
    image: String,
    change: &'static str,
    old: Option<String>,
    new: Option<String>,
}

/// The result as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// Whether every lockfile already said this.
    up_to_date: bool,
    lockfiles: Vec<Locked>,
}

/// What registries are asked, each question once for all environments.
type Questions = BTreeSet<(ImageReference, Question)>;
type Answers<T> = BTreeMap<(ImageReference, Question), T>;

impl LockArguments {
    pub(crate) fn run(self, workspace: &Workspace, format: Format) -> Result<ExitCode, Failure> {
        let locks = workspace.locks(self.environment.as_deref())?;
        let locked = if self.check { self.compare(&locks)? } else { self.lock(&locks, workspace)? };
        let up_to_date = locked.iter().all(|one| one.changes.is_empty());
        match format {
            Format::Json => {
                output::print_json("lock", &Report { up_to_date, lockfiles: locked })?;
            }
            Format::Text => {
                let texts: Vec<_> = locked.iter().map(Locked::to_text).collect();
                output::print(&texts.concat())?;
            }
        }
        Ok(ExitCode::from(u8::from(self.check && !up_to_date)))
    }

    /// Pins what is not pinned and what may move, and writes the lockfiles that change by that.
    fn lock(&self, locks: &[Lock], workspace: &Workspace) -> Result<Vec<Locked>, Failure> {
        let update = if self.update_all { Update::All } else { Update::Some(self.update.clone()) };
        if let Some(text) = update.unknown(locks) {
            return Err(Failure::NothingToUpdate { text: text.to_owned() });
        }
        let answers = self.ask(locks, &update, &async |registries, image, reference| {
            registries.resolve(image, reference).await
        })?;
        let mut locked = Vec::new();
        for lock in locks {
            let own = questions(lock, &update).into_iter().filter_map(|question| {
                let answer = answers.get(&question)?.clone();
                Some((question.0, answer))
            });
            let (pins, changes) = relock(lock, &own.collect());
            if !changes.is_empty() {
                workspace.write_lockfile(lock, &lockfile_text(&pins))?;
            }
            locked.push(Locked::new(lock, &changes));
        }
        Ok(locked)
    }

    /// Compares the lockfiles with what tags stand for now.
    fn compare(&self, locks: &[Lock]) -> Result<Vec<Locked>, Failure> {
        let answers = self.ask(locks, &Update::All, &async |registries, image, reference| {
            registries.digest(image, reference).await
        })?;
        let now: BTreeMap<_, _> =
            answers.into_iter().map(|((image, _), digest)| (image, digest)).collect();
        Ok(locks.iter().map(|lock| Locked::new(lock, &drift(lock, &now))).collect())
    }

    /// Asks everything at once, and fails with all that fails.
    fn ask<T>(
        &self,
        locks: &[Lock],
        update: &Update,
        answer: &impl AsyncFn(&Registries, &ImageReference, &Reference) -> Result<T, Failure>,
    ) -> Result<Answers<T>, Failure> {
        let all: Questions = locks.iter().flat_map(|lock| questions(lock, update)).collect();
        if all.is_empty() {
            return Ok(Answers::new());
        }
        let progress = Arc::new(Progress::new());
        let registries = self.registries.connect(&progress)?;
        let found: Vec<_> = block_on(async {
            let answers = stream::iter(all).map(async |(image, question)| {
                let result = match question.reference(&image) {
                    Ok(reference) => answer(&registries, &image, &reference).await,
                    Err(failure) => Err(failure),
                };
                ((image, question), result)
            });
            Ok(answers.buffer_unordered(registries.jobs).collect().await)
        })?;
        progress.end();
        let (mut answers, mut failures) = (Answers::new(), Vec::new());
        for (question, result) in found {
            match result {
                Ok(answer) => drop(answers.insert(question, answer)),
                Err(failure) => failures.push(failure),
            }
        }
        Failure::of_all(failures).map(|()| answers)
    }
}

impl Question {
    fn reference(self, image: &ImageReference) -> Result<Reference, Failure> {
        match self {
            Self::Digest(digest) => Ok(Reference::Digest(digest)),
            Self::Tag => Reference::tag(image.tag())
                .map_err(|source| Failure::Repository { name: image.to_string(), source }),
        }
    }
}

fn changed(image: &ImageReference, change: &Change) -> Changed {
    let (change, old, new) = match change {
        Change::Add(new) => ("added", None, Some(new)),
        Change::Move { from, to } => ("moved", Some(from), Some(to)),
        Change::Complete => ("completed", None, None),
        Change::Remove => ("removed", None, None),
    };
    let text = |digest: Option<&Digest>| digest.map(ToString::to_string);
    Changed { image: image.to_string(), change, old: text(old), new: text(new) }
}

impl Locked {
    fn new(lock: &Lock, changes: &BTreeMap<ImageReference, Change>) -> Self {
        Self {
            environment: lock.environment.clone(),
            path: lock.path.clone(),
            images: lock.images.len(),
            changes: changes.iter().map(|(image, change)| changed(image, change)).collect(),
        }
    }

    fn to_text(&self) -> String {
        let Self { environment, path, images, changes } = self;
        let state = if changes.is_empty() { "nothing to change" } else { "changes" };
        let mut text = format!("{environment}: {images} images in {path}, {state}\n");
        for Changed { image, change, old, new } in changes {
            let digests: Vec<_> = [old, new].into_iter().flatten().map(String::as_str).collect();
            text += format!("  {change:<9} {image}  {}", digests.join(" → ")).trim_end();
            text.push('\n');
        }
        text
    }
}
