//! `a4co lock`

use std::{collections::BTreeMap, process::ExitCode, sync::Arc};

use a4co_bundle::Digest;
use a4co_compiler::{ImageReference, Lock, lockfile_text};
use a4co_registry::Reference;
use futures::{StreamExt as _, stream};
use serde::Serialize;

use crate::{
    arguments::{CHANGES, Format},
    failure::Failure,
    output,
    progress::Progress,
    registries::{Registries, RegistryArguments, block_on},
    relock::{Change, Question, drift, questions, relock},
    update::Update,
    workspace::Workspace,
};

/// Pin the images of all environments, or of one: ask registries what their tags stand for
///
/// A pin that is there stays, wherever its tag has moved, unless `--update` names it. Nothing is
/// written if any registry cannot be asked.
///
/// What happens to a pin: `added`, the image had none; `moved`, the tag stands for something else
/// now; `completed`, its size and platforms are known now; `removed`, no environment runs it here.
#[derive(Debug, clap::Args)]
pub(crate) struct LockArguments {
    /// Environment to lock [default: all]
    environment: Option<String>,
    /// Move the pin of an image to what its tag stands for; may be given several times. The end of
    /// the name is enough where it is clear: `web`, `shop/web:1`
    #[arg(long, value_name = "IMAGE", conflicts_with = "update_all")]
    update: Vec<String>,
    /// Move all pins
    #[arg(long)]
    update_all: bool,
    /// Ask about all images and write nothing; exit with 5 when a tag has moved, or an image has no
    /// pin or is not run, and with 1 when that cannot be found out
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
    /// How many of the images a registry was asked about; the pins of the others are kept.
    asked: usize,
    /// Whether the lockfile was written.
    written: bool,
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

const ADDED: &str = "added";
const MOVED: &str = "moved";
const COMPLETED: &str = "completed";
const REMOVED: &str = "removed";
/// What may happen to a pin, in the order in which it is counted.
const WORDS: [&str; 4] = [ADDED, MOVED, COMPLETED, REMOVED];

/// What registries are asked, each question once for all environments that it concerns.
type Questions = BTreeMap<(ImageReference, Question), Vec<String>>;
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
                let texts: Vec<_> = locked.iter().map(|one| one.to_text(self.check)).collect();
                output::print(&texts.concat())?;
            }
        }
        let has_moved = self.check && !up_to_date;
        Ok(if has_moved { ExitCode::from(CHANGES) } else { ExitCode::SUCCESS })
    }

    /// Pins what is not pinned and what may move, and writes the lockfiles that change by that.
    fn lock(&self, locks: &[Lock], workspace: &Workspace) -> Result<Vec<Locked>, Failure> {
        let update = if self.update_all { Update::All } else { Update::find(&self.update, locks)? };
        let answers = self.ask(locks, &update, &async |registries, image, reference| {
            registries.resolve(image, reference).await
        })?;
        let mut locked = Vec::new();
        for lock in locks {
            let own = questions(lock, &update).into_iter().filter_map(|question| {
                let answer = answers.get(&question)?.clone();
                Some((question.0, answer))
            });
            let own: BTreeMap<_, _> = own.collect();
            let (pins, changes) = relock(lock, &own);
            let written = !changes.is_empty();
            if written {
                workspace.write_lockfile(lock, &lockfile_text(&pins))?;
            }
            locked.push(Locked { written, ..Locked::new(lock, own.len(), &changes) });
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
        let locked = |lock| Locked::new(lock, lock.images.len(), &drift(lock, &now));
        Ok(locks.iter().map(locked).collect())
    }

    /// Asks everything at once, and fails with all that fails.
    fn ask<T>(
        &self,
        locks: &[Lock],
        update: &Update,
        answer: &impl AsyncFn(&Registries, &ImageReference, &Reference) -> Result<T, Failure>,
    ) -> Result<Answers<T>, Failure> {
        let progress = Arc::new(Progress::new());
        // Before anything else: whether there is something to ask or not, it has to make sense.
        let registries = self.registries.connect(&progress)?;
        let mut all = Questions::new();
        for lock in locks {
            for question in questions(lock, update) {
                all.entry(question).or_default().push(lock.environment.clone());
            }
        }
        if all.is_empty() {
            return Ok(Answers::new());
        }
        let found: Vec<_> = block_on(async {
            let answers = stream::iter(all).map(async |((image, question), environments)| {
                let result = match question.reference(&image) {
                    Ok(reference) => answer(&registries, &image, &reference).await,
                    Err(failure) => Err(failure),
                };
                let result = result.map_err(|failure| Failure::InEnvironments {
                    environments,
                    source: Box::new(failure),
                });
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
        Change::Add(new) => (ADDED, None, Some(new)),
        Change::Move { from, to } => (MOVED, Some(from), Some(to)),
        Change::Complete => (COMPLETED, None, None),
        Change::Remove => (REMOVED, None, None),
    };
    let text = |digest: Option<&Digest>| digest.map(ToString::to_string);
    Changed { image: image.to_string(), change, old: text(old), new: text(new) }
}

impl Locked {
    fn new(lock: &Lock, asked: usize, changes: &BTreeMap<ImageReference, Change>) -> Self {
        Self {
            environment: lock.environment.clone(),
            path: lock.path.clone(),
            images: lock.images.len(),
            asked,
            written: false,
            changes: changes.iter().map(|(image, change)| changed(image, change)).collect(),
        }
    }

    fn to_text(&self, is_check: bool) -> String {
        let Self { environment, path, images, asked, written, changes } = self;
        let images_text = count(*images, "image");
        let mut text = match (changes.is_empty(), *written) {
            (true, _) if is_check => {
                format!("{environment}: {path} says what tags stand for, {images_text}\n")
            }
            (true, _) => format!("{environment}: {path} stays as it is, {images_text}\n"),
            (false, true) => format!("{environment}: wrote {path}: {}\n", self.counts()),
            (false, false) => format!("{environment}: {path} would change: {}\n", self.counts()),
        };
        for Changed { image, change, old, new } in changes {
            let digests: Vec<_> = [old, new].into_iter().flatten().map(String::as_str).collect();
            text += format!("  {change:<9} {image}  {}", digests.join(" → ")).trim_end();
            text.push('\n');
        }
        if let Some(kept) = images.checked_sub(*asked).filter(|kept| *kept > 0) {
            let pins = count(kept, "pin");
            text.extend(["  ", &pins, " kept, not asked (--check asks)\n"]);
        }
        text
    }

    /// Says how many pins change in each way: "1 added, 2 moved".
    fn counts(&self) -> String {
        let of = |word| self.changes.iter().filter(|changed| changed.change == word).count();
        let counts = WORDS.map(|word| (of(word), word)).into_iter().filter(|(count, _)| *count > 0);
        counts.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
    }
}

/// Writes a number of things.
fn count(number: usize, thing: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_what_was_written_and_what_was_not_asked() {
        let changed = |change, image: &str| Changed {
            image: image.to_owned(),
            change,
            old: None,
            new: Some("sha256:12".to_owned()),
        };
        let locked = |images, asked, written, changes| Locked {
            environment: "live".to_owned(),
            path: "lockfiles/live.lock".to_owned(),
            images,
            asked,
            written,
            changes,
        };
        let two = || vec![changed(ADDED, "a:1"), changed(MOVED, "b:1")];
        for (case, locked, is_check, expected) in [
            (
                "a first pin",
                locked(1, 1, true, vec![changed(ADDED, "a:1")]),
                false,
                "live: wrote lockfiles/live.lock: 1 added\n  added     a:1  sha256:12\n",
            ),
            (
                "two pins, and one that stays",
                locked(3, 2, true, two()),
                false,
                "live: wrote lockfiles/live.lock: 1 added, 1 moved\n  added     a:1  sha256:12\n  \
                 moved     b:1  sha256:12\n  1 pin kept, not asked (--check asks)\n",
            ),
            (
                "nothing new",
                locked(2, 0, false, Vec::new()),
                false,
                "live: lockfiles/live.lock stays as it is, 2 images\n  2 pins kept, not asked \
                 (--check asks)\n",
            ),
            (
                "a tag has moved",
                locked(1, 1, false, vec![changed(MOVED, "b:1")]),
                true,
                "live: lockfiles/live.lock would change: 1 moved\n  moved     b:1  sha256:12\n",
            ),
            (
                "no tag has moved",
                locked(1, 1, false, Vec::new()),
                true,
                "live: lockfiles/live.lock says what tags stand for, 1 image\n",
            ),
        ] {
            assert_eq!(locked.to_text(is_check), expected, "{case}");
        }
    }
}
