//! The commands of the program under test, and what each says about the cluster.

use std::{error::Error, time::Duration};

use a4co_bundle::{Bundle, Overlay, ReleaseId};
use a4co_cluster::{
    Adoption, Client, Event, Failure, Mutant, Observer, Options, OverlayChoice, Recovered,
    SiteRelease, apply, delete, gc, recover, rollback, with_chunks_of, with_mutant,
};
use tokio::sync::watch;

use crate::{
    cluster::Result,
    objects,
    site::{Site, trust},
};

/// Field manager of a person who works by hand.
pub(crate) const SOMEBODY: &str = "somebody";

/// A command.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Apply(Box<Bundle>),
    /// Applies a release to objects that somebody else made.
    Adopt(Box<Bundle>),
    /// Goes back to this release, or to the one before.
    Rollback(Option<ReleaseId>),
    Recover,
    Delete,
    /// Forgets all but this many releases.
    Collect(usize),
}

/// What a command says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The cluster has this release; whether something remains to be done.
    Done { release: ReleaseId, remains: bool },
    /// The release is deleted; whether something remains to be done.
    Deleted { remains: bool },
    /// What was no longer needed is deleted.
    Collected,
    /// There was nothing to recover.
    Nothing,
    /// What was committed is finished.
    Finished(ReleaseId),
    /// What was not committed is undone.
    Undone(Option<ReleaseId>),
    /// What was being deleted is gone.
    Gone,
    /// Nothing was changed, but what another command had left may have been finished or undone.
    Refused { why: String, recovered: bool },
    /// The cluster has the old release again.
    RolledBack { restored: Option<ReleaseId>, why: String },
    /// The next command has to go on.
    Unfinished(String),
    /// A person has to look.
    Stuck(String),
    /// Nothing: it was killed.
    Killed,
}

/// The same without the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Category {
    New,
    Old,
    Open,
}

impl Outcome {
    pub(crate) fn category(&self) -> Category {
        match self {
            Self::Done { .. }
            | Self::Deleted { .. }
            | Self::Collected
            | Self::Nothing
            | Self::Finished(_)
            | Self::Gone => Category::New,
            Self::Undone(_) | Self::Refused { .. } | Self::RolledBack { .. } => Category::Old,
            Self::Unfinished(_) | Self::Stuck(_) | Self::Killed => Category::Open,
        }
    }
}

/// The site overlay that a release is applied with: if it has images, another one for each version.
fn overlay(bundle: &Bundle) -> Result<Option<Overlay>> {
    let config = bundle.release().config();
    if config.images.is_empty() {
        return Ok(None);
    }
    let registry = format!("v{}.site", config.version);
    Ok(Some(Overlay::new([(objects::REGISTRY.to_owned(), registry)])?))
}

/// A release as it is applied.
pub(crate) fn as_applied(bundle: &Bundle) -> Result<SiteRelease> {
    Ok(SiteRelease::new(bundle.release().clone(), overlay(bundle)?)?)
}

/// How a person goes about a command.
pub(crate) struct Manner {
    pub(crate) holder: String,
    /// How long to wait for objects to become ready.
    pub(crate) timeout: Duration,
    /// How long to wait for another command to end.
    pub(crate) patience: Duration,
}

/// How much of a content one Secret holds here: little, so that large content is cheap.
pub(crate) const CHUNK_BYTES: usize = 8 << 10;

/// Does `work` with a deliberate fault, if there is one.
pub(crate) async fn with<T>(mutant: Option<Mutant>, work: impl Future<Output = T>) -> T {
    let work = with_chunks_of(CHUNK_BYTES, work);
    match mutant {
        Some(mutant) => with_mutant(mutant, work).await,
        None => work.await,
    }
}

struct Silent;

impl Observer for Silent {
    fn observe(&self, _: &Event<'_>) {}
}

impl Command {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Apply(_) => "apply",
            Self::Adopt(_) => "adopt",
            Self::Rollback(_) => "rollback",
            Self::Recover => "recover",
            Self::Delete => "delete",
            Self::Collect(_) => "gc",
        }
    }

    /// The overlay that a person gives with the command.
    fn overlay(&self) -> Result<Option<Overlay>> {
        match self {
            Self::Apply(bundle) | Self::Adopt(bundle) => overlay(bundle),
            _ => Ok(None),
        }
    }

    /// Runs it to its end.
    pub(crate) async fn run(
        &self,
        client: &Client,
        site: &Site,
        manner: &Manner,
    ) -> Result<Outcome> {
        let adoption = match self {
            Self::Adopt(_) => Some(Adoption { managers: vec![SOMEBODY.to_owned()] }),
            _ => None,
        };
        let Manner { holder, timeout, patience } = manner;
        let options = Options {
            timeout: *timeout,
            patience: Some(*patience),
            holder: holder.clone(),
            adoption,
            accepts_one_way: true,
            overlay: self.overlay()?.map_or(OverlayChoice::Keep, OverlayChoice::Use),
        };
        let (_person, interrupt) = watch::channel(false);
        let place = site.place();
        let report = match self {
            Self::Apply(bundle) | Self::Adopt(bundle) => {
                apply(client, bundle, &options, &Silent, interrupt).await
            }
            Self::Rollback(release) => {
                let prefix = release.map(ReleaseId::short);
                let prefix = prefix.as_deref();
                let anchor = trust()?;
                rollback(client, &place, prefix, &anchor, &options, &Silent, interrupt).await
            }
            Self::Recover => {
                return Ok(match recover(client, &place, &options, &Silent, interrupt).await {
                    Ok(Recovered::Nothing) => Outcome::Nothing,
                    Ok(Recovered::Finished(release)) => Outcome::Finished(release),
                    Ok(Recovered::Undone(release)) => Outcome::Undone(release),
                    Ok(Recovered::Deleted(_)) => Outcome::Gone,
                    Err(failure) => failed(failure),
                });
            }
            Self::Delete => {
                return Ok(
                    match delete(client, &place, None, &options, &Silent, interrupt).await {
                        Ok(deletion) => Outcome::Deleted { remains: !deletion.leftover.is_empty() },
                        Err(failure) => failed(failure),
                    },
                );
            }
            Self::Collect(keep) => {
                return Ok(match gc(client, &place, *keep, &options, &Silent, interrupt).await {
                    Ok(_) => Outcome::Collected,
                    Err(failure) => failed(failure),
                });
            }
        };
        Ok(match report {
            Ok(report) => Outcome::Done {
                release: report.release.release,
                remains: report.unfinished.is_some() || !report.leftover.is_empty(),
            },
            Err(failure) => failed(failure),
        })
    }
}

fn failed(failure: Failure) -> Outcome {
    match failure {
        Failure::Refused(refusal) => Outcome::Refused { why: told(&refusal), recovered: false },
        Failure::RefusedAfter { refusal, .. } => {
            Outcome::Refused { why: told(&refusal), recovered: true }
        }
        Failure::RolledBack { cause, restored, .. } => {
            Outcome::RolledBack { restored, why: told(&cause) }
        }
        Failure::Unfinished { cause } => Outcome::Unfinished(told(&cause)),
        Failure::Stuck { cause, undo } => {
            Outcome::Stuck(format!("{}; the way back: {}", told(&cause), told(&undo)))
        }
    }
}

/// An error with its reasons.
fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}
