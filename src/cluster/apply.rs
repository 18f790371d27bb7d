//! The commands that bring a cluster to a release: apply and rollback; and plan, which only looks.

use std::time::Duration;

use a4co_bundle::{Bundle, ObjectRef, TrustAnchor};

use crate::{
    adopt::Adoption,
    client::Client,
    event::{Event, Observer},
    failure::Failure,
    head::{State, Stored},
    history::{self, Action, SelectError},
    interrupt::Interrupt,
    place::Place,
    plan::Plan,
    preflight,
    recover::{Recovered, recover},
    refusal::Refusal,
    rehearse::Extent,
    site_release::{Edition, OverlayChoice},
    survey::{Survey, load_overlay, load_verified},
    work::Work,
};

/// How to go about it.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long to wait for the objects of one wave to become ready.
    pub timeout: Duration,
    /// How long to wait for another command that is at work. `None` waits as long as that one gives
    /// no sign of life: it is refused as soon as the other one renews its lease, and takes the lease
    /// over once that has run out.
    pub patience: Option<Duration>,
    /// Who does it, such as `ann@laptop/4711`; stands in lease and history. Two commands that run at
    /// once must not have the same.
    pub holder: String,
    /// Whose objects are taken over, if any are.
    pub adoption: Option<Adoption>,
    /// Whether steps may be taken that cannot be undone.
    pub accepts_one_way: bool,
    /// Where images come from. Of no account when going back: a release comes back with the overlay
    /// that it had.
    pub overlay: OverlayChoice,
}

/// What a command did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Release that the cluster has now.
    pub release: Edition,
    /// Release that it had before.
    pub before: Option<Edition>,
    /// What an interrupted command had left, and what became of it first.
    pub recovered: Recovered,
    /// Whether all that was done was to undo what an interrupted command had begun.
    pub undone: bool,
    /// What was planned; empty when there was nothing to do.
    pub plan: Plan,
    /// Why the command stopped after the commit, if it did; the next one goes on there.
    pub unfinished: Option<String>,
    /// Objects whose deletion was refused; later commands try again.
    pub leftover: Vec<ObjectRef>,
}

/// Applies `bundle`.
///
/// # Errors
/// A [`Failure`] tells why, and what became of the cluster.
pub async fn apply(
    client: &Client,
    bundle: &Bundle,
    options: &Options,
    observer: &dyn Observer,
    interrupt: Interrupt,
) -> Result<Report, Failure> {
    let place = Place::of(bundle.release());
    let work = Work { client, place: &place, options, observer, interrupt };
    let action = if options.adoption.is_some() { Action::Adopt } else { Action::Apply };
    Box::pin(work.run(bundle, action)).await
}

/// Applies a release again that the cluster holds: the one that `prefix` abbreviates, or the one
/// before the committed one.
///
/// A command that was interrupted is finished or undone first. Without a prefix, undoing it is all
/// that going back means.
///
/// # Errors
/// A [`Failure`] tells why, and what became of the cluster.
pub async fn rollback(
    client: &Client,
    place: &Place,
    prefix: Option<&str>,
    anchor: &TrustAnchor,
    options: &Options,
    observer: &dyn Observer,
    interrupt: Interrupt,
) -> Result<Report, Failure> {
    let recovering = recover(client, place, options, observer, interrupt.clone());
    let recovered = Box::pin(recovering).await?;
    let work = Work { client, place, options, observer, interrupt };
    let done = Box::pin(roll_back(&work, prefix, anchor, recovered)).await;
    let report = done.map_err(|failure| recovered.before(failure))?;
    Ok(match recovered {
        Recovered::Nothing => report,
        _ => Report { recovered, ..report },
    })
}

async fn roll_back(
    work: &Work<'_>,
    prefix: Option<&str>,
    anchor: &TrustAnchor,
    recovered: Recovered,
) -> Result<Report, Failure> {
    let Work { client, place, .. } = *work;
    let head = place.head(client).await?;
    let committed = head.committed.map(Stored::edition);
    if let (Recovered::Undone(_), None, Some(release)) = (recovered, prefix, committed) {
        let plan = Plan::empty(committed, committed);
        let (unfinished, leftover) = (None, Vec::new());
        let undone = true;
        return Ok(Report {
            release,
            before: committed,
            recovered,
            undone,
            plan,
            unfinished,
            leftover,
        });
    }
    let committed = head.committed.ok_or(Refusal::Select(SelectError::NoEarlier))?;
    let stored =
        history::select(&head.history, committed.edition(), prefix).map_err(Refusal::Select)?;
    let bundle = load_verified(client, place, stored, committed, anchor).await?;
    let overlay = match stored.overlay {
        Some(digest) => OverlayChoice::Use(load_overlay(client, place, digest).await?),
        None => OverlayChoice::Drop,
    };
    let options = &Options { overlay, ..work.options.clone() };
    let work = Work { options, interrupt: work.interrupt.clone(), ..*work };
    Box::pin(work.run(&bundle, Action::Rollback)).await
}

/// Works out what applying `bundle` would do, and checks what [`apply`] would check.
///
/// # Errors
/// Refuses what [`apply`] would refuse.
pub async fn plan(
    client: &Client,
    bundle: &Bundle,
    adoption: Option<&Adoption>,
    overlay: &OverlayChoice,
    observer: &dyn Observer,
) -> Result<Plan, Refusal> {
    let (place, release) = (Place::of(bundle.release()), bundle.release());
    let survey = Survey::take(client, &place, release, overlay, false, adoption).await?;
    let action = if adoption.is_some() { Action::Adopt } else { Action::Apply };
    preflight::guard(&survey.head.head, &place, bundle, action)?;
    if survey.head.head.state != State::Idle {
        observer.observe(&Event::Recovering { state: survey.head.head.state });
    }
    observer.observe(&survey.registries());
    let plan = survey.plan();
    preflight::check(client, &place, &survey, plan, Extent::All, observer).await
}
