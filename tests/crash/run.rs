//! One run: a place with a past, a command to which something happens, whoever comes next, and what
//! must hold then.

use std::{collections::BTreeSet, fmt::Write as _, mem, pin::pin, time::Duration};

use a4co_bundle::Bundle;
use a4co_cluster::{Client, Mutant};
use futures::future::{Either, select};
use http::Method;
use serde_json::json;

use crate::{
    cluster::{Cluster, Result},
    command::{Category, Command, Manner, Outcome, SOMEBODY, with},
    fault::Fault,
    fence,
    invariant::{self, Story, Violation},
    objects,
    request::{About, Entry},
    scenario::{Event, Scenario, Stage},
    site::Site,
    snapshot::{Head, Objects, Snapshot},
    truth,
    wire::{Wire, next_moment},
};

/// How long a request may take in runs in which one is never answered.
const IMPATIENT: Duration = Duration::from_secs(1);

/// Longer than any request takes.
const PATIENT: Duration = Duration::from_mins(1);

/// How long to wait for the lease, which is free.
const PATIENCE: Duration = Duration::from_secs(5);

/// A run under way.
pub(crate) struct Run<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) site: Site,
    pub(crate) stage: Stage,
    pub(crate) references: References,
    /// The place before the command.
    pub(crate) before: Snapshot,
    pub(crate) neighbour: Option<Snapshot>,
    /// The head now.
    pub(crate) head: Head,
    /// Which deliberate fault the program under test has.
    mutant: Option<Mutant>,
    /// Whether the lease may be held by somebody who died.
    is_lease_held: bool,
    people: usize,
    /// Where a request may still be on its way.
    parked: Option<Wire>,
    pub(crate) chapters: Vec<Chapter>,
    pub(crate) violations: Vec<Violation>,
}

/// The objects of the releases as a run without faults leaves them.
#[derive(Clone, Debug, Default)]
pub(crate) struct References {
    pub(crate) old: Objects,
    pub(crate) new: Objects,
    pub(crate) other: Objects,
    pub(crate) without: Objects,
}

/// What came of a command that fell asleep.
pub(crate) struct Asleep {
    pub(crate) outcome: Outcome,
    /// What whoever came meanwhile said.
    pub(crate) successor: Outcome,
    /// Whether somebody else has done something meanwhile.
    pub(crate) is_overtaken: bool,
    /// What the place had when it woke.
    pub(crate) between: Snapshot,
    pub(crate) waking: u64,
}

/// What is broken when the request of a fault never came: the case itself.
const ABSENCE: &str = "case";

/// One command of a run.
pub(crate) struct Chapter {
    pub(crate) title: String,
    pub(crate) entries: Vec<Entry>,
    pub(crate) outcome: Outcome,
}

impl<'a> Run<'a> {
    /// Prepares a place.
    pub(crate) async fn start(
        cluster: &'a Cluster,
        scenario: &Scenario,
        references: References,
    ) -> Result<Self> {
        Self::start_with(cluster, scenario, &scenario.stage, references).await
    }

    /// Prepares a place for another stage than the scenario's.
    pub(crate) async fn start_with(
        cluster: &'a Cluster,
        scenario: &Scenario,
        stage: &impl Fn(&Site) -> Result<Stage>,
        references: References,
    ) -> Result<Self> {
        let site = if scenario.brings_namespace {
            Site::without_namespace()
        } else {
            Site::new(cluster).await?
        };
        let stage = stage(&site)?;
        let client = Wire::new(cluster, &site, None).client();
        let take = async || Snapshot::take(cluster, &site, stage.releases(), &stage.foreign).await;
        let mut whole = None;
        for event in &stage.past {
            if matches!(event, Event::Killed(..)) {
                whole = Some(take().await?);
            }
            event.happen(cluster, &client, &site).await?;
        }
        let mut neighbour = None;
        if let Some((other, bundle)) = &stage.neighbour {
            Event::Applied(Box::new(bundle.clone())).happen(cluster, &client, other).await?;
            neighbour = Some(Snapshot::take(cluster, other, [bundle].into_iter(), &[]).await?);
        }
        // What a command that died has done to the objects is to be undone, but its head is there.
        let found = take().await?;
        let before = match whole {
            Some(whole) => Snapshot { head: found.head, ..whole },
            None => found,
        };
        Ok(Self {
            cluster,
            site,
            stage,
            references,
            head: before.head.clone(),
            before,
            neighbour,
            mutant: None,
            is_lease_held: false,
            people: 0,
            parked: None,
            chapters: Vec::new(),
            violations: Vec::new(),
        })
    }

    /// From now on, commands have this deliberate fault.
    pub(crate) fn mutate(&mut self, mutant: Option<Mutant>) {
        self.mutant = mutant;
    }

    pub(crate) fn blame(
        &mut self,
        invariant: &'static str,
        what: impl IntoIterator<Item = String>,
    ) {
        let violations = what.into_iter().map(|what| Violation { invariant, what });
        self.violations.extend(violations);
    }

    /// Takes back that the request of a fault never came, and returns whether that was said.
    pub(crate) fn forgive_absence(&mut self) -> bool {
        let before = self.violations.len();
        self.violations.retain(|violation| violation.invariant != ABSENCE);
        self.violations.len() < before
    }

    /// The command with a fault at one request.
    pub(crate) async fn act(
        &mut self,
        command: &Command,
        fault: Option<(Fault, String)>,
    ) -> Result<Outcome> {
        self.free_lease().await?;
        self.act_with(command, fault, PATIENCE).await
    }

    /// Somebody without patience tries the command while the lease may be held.
    pub(crate) async fn knock(&mut self, command: &Command) -> Result<()> {
        let lease = self.cluster.get(&self.site.lease_path()).await?.unwrap_or_default();
        let is_held = lease["spec"]["holderIdentity"].as_str().is_some_and(|it| !it.is_empty());
        if is_held {
            self.act_with(command, None, Duration::ZERO).await?;
            let entries = self.chapters.last().map_or(&[][..], |chapter| &chapter.entries);
            let write = entries.iter().find(|entry| entry.is_effective_write());
            let ignored = write.map(|entry| format!("{} while somebody has it", entry.name));
            self.blame("lease", ignored);
            self.is_lease_held = true;
        }
        Ok(())
    }

    async fn act_with(
        &mut self,
        command: &Command,
        fault: Option<(Fault, String)>,
        patience: Duration,
    ) -> Result<Outcome> {
        let kind = fault.as_ref().map(|(fault, _)| *fault);
        let wire = Wire::new(self.cluster, &self.site, fault);
        wire.will_meddle(self.stage.meddled.clone());
        let manner = self.manner(patience);
        let client = client(&wire, kind);
        let outcome = {
            let work = Box::pin(with(self.mutant, command.run(&client, &self.site, &manner)));
            match select(work, pin!(wire.stopped())).await {
                Either::Left((outcome, _)) => outcome?,
                Either::Right(_) => Outcome::Killed,
            }
        };
        self.note(command, &wire, outcome.clone(), false).await?;
        self.parked = Some(wire).filter(|_| kind == Some(Fault::Late));
        Ok(outcome)
    }

    /// The wire of the last command, if a request may still be on its way there.
    pub(crate) fn parked(&mut self) -> Option<Wire> {
        self.parked.take()
    }

    /// Names of what was created by requests that were on their way before the moment `then`, and
    /// arrived after it.
    pub(crate) fn creations(&self, then: u64) -> BTreeSet<String> {
        let entries = self.chapters.iter().flat_map(|chapter| &chapter.entries);
        let late = entries.filter(|entry| {
            let is_on_its_way = entry.wanted < then && entry.moment >= then;
            let is_creation =
                entry.request.method == Method::PATCH || entry.request.method == Method::POST;
            is_on_its_way
                && is_creation
                && entry.about == About::Object
                && entry.is_effective_write()
        });
        late.map(|entry| {
            let (plural, name) = entry.request.object();
            format!("{plural}/{}", self.site.short_name(name))
        })
        .collect()
    }

    /// Gives the API server the fence of this place.
    pub(crate) async fn fence(&self) -> Result<()> {
        let client = Wire::new(self.cluster, &self.site, None).client();
        fence::install(&client, &self.site).await
    }

    /// Lets a request arrive that is still on its way although its command has ended.
    pub(crate) async fn deliver(&mut self, wire: Option<Wire>) {
        let Some(wire) = wire else { return };
        let arrived = wire.deliver().await;
        if let Some(chapter) = self.chapters.last_mut() {
            chapter.entries.extend(arrived);
        }
    }

    /// The command falls asleep at one request; `successor` comes; then the command wakes and ends
    /// by itself.
    pub(crate) async fn act_asleep(
        &mut self,
        command: &Command,
        request: &str,
        successor: &Command,
        has_fence: bool,
    ) -> Result<Asleep> {
        let wire = Wire::new(self.cluster, &self.site, Some((Fault::Pause, request.to_owned())));
        let client = client(&wire, None);
        let (site, manner) = (self.site.clone(), self.manner(PATIENCE));
        let mut work = Box::pin(with(self.mutant, command.run(&client, &site, &manner)));
        let early = match select(&mut work, pin!(wire.stopped())).await {
            Either::Left((outcome, _)) => Some(outcome?),
            Either::Right(_) => None,
        };
        wire.idle().await;
        // Without the lease it was not at work yet, and may well begin later.
        let is_lease = |entry: &Entry| entry.about == About::Lease && entry.is_effective_write();
        let had_lease = wire.entries().iter().any(is_lease);
        let before = Head::read(self.cluster, &self.site).await?;
        self.head = before.clone();
        self.is_lease_held = true;
        let came = self.act(successor, None).await?;
        self.recover().await?;
        let between = self.snapshot().await?;
        self.check_found(&between);
        if has_fence && between.head.number("epoch") > before.number("epoch") {
            fence::until_closed(self.cluster, &self.site, before.number("epoch")).await?;
        }
        let waking = next_moment();
        wire.open();
        let outcome = match early {
            Some(outcome) => outcome,
            None => work.await?,
        };
        wire.idle().await;
        let is_overtaken = had_lease && between.head != before;
        if is_overtaken {
            wire.mark_late(waking);
        }
        self.note(command, &wire, outcome.clone(), is_overtaken).await?;
        Ok(Asleep { outcome, successor: came, is_overtaken, between, waking })
    }

    /// How the next person goes about it.
    fn manner(&mut self, patience: Duration) -> Manner {
        self.people += 1;
        let holder = format!("person-{}@crash", self.people);
        Manner { holder, timeout: self.stage.timeout, patience }
    }

    /// Looks at what a command has done.
    async fn note(
        &mut self,
        command: &Command,
        wire: &Wire,
        outcome: Outcome,
        is_overtaken: bool,
    ) -> Result<()> {
        wire.idle().await;
        let entries = wire.entries();
        if !wire.has_struck() {
            self.blame(ABSENCE, ["the request never came".to_owned()]);
        }
        let after = Head::read(self.cluster, &self.site).await?;
        let lies = if is_overtaken {
            truth::own_lies(&outcome, &entries)
        } else {
            truth::lies(&self.site, &outcome, &self.head, &after, &entries)
        };
        self.blame("truth", lies);
        if let Outcome::Stuck(why) = &outcome {
            // Where there is no way back, whoever was faster is in the way of the only one there is.
            let is_met = entries.iter().any(|entry| entry.fault == Some(Fault::Conflict));
            if !(is_met && after.has_no_return()) {
                self.blame("stuck", [why.clone()]);
            }
        }
        self.head = after;
        let releases: Vec<&Bundle> = self.stage.releases().collect();
        let too_many = invariant::few_head_writes(&releases, &entries);
        self.blame("I9", too_many);
        let let_go = |entry: &Entry| entry.about == About::Lease && entry.fault.is_some();
        let may_be_held = outcome.category() == Category::Open || entries.iter().any(let_go);
        self.chapters.push(Chapter { title: command.name().to_owned(), entries, outcome });
        self.is_lease_held |= may_be_held;
        Ok(())
    }

    /// Does what otherwise happens some time after the holder of the lease was killed.
    async fn free_lease(&mut self) -> Result<()> {
        if !mem::take(&mut self.is_lease_held) {
            return Ok(());
        }
        let free = json!({ "spec": { "holderIdentity": "" } });
        self.cluster.merge_if_there(&self.site.lease_path(), &free).await
    }

    /// Brings a head that is not idle to rest.
    pub(crate) async fn recover(&mut self) -> Result<()> {
        if self.head.state() == "idle" {
            return Ok(());
        }
        let committed = self.head.get("committed").map(str::to_owned);
        let may_go_on = self.head.has_no_return();
        let outcome = self.act(&Command::Recover, None).await?;
        if !matches!(outcome, Outcome::Finished(_) | Outcome::Undone(_) | Outcome::Gone) {
            self.blame("recovery", [format!("{outcome:?}")]);
        }
        if !may_go_on && self.head.get("committed") != committed.as_deref() {
            self.blame("recovery", ["it changes what is committed".to_owned()]);
        }
        Ok(())
    }

    pub(crate) fn story(&self) -> Story<'_> {
        let mut entries: Vec<&Entry> =
            self.chapters.iter().flat_map(|chapter| &chapter.entries).collect();
        // I7 tells whether these did any harm.
        entries.retain(|entry| !entry.is_late);
        // Two commands may have been at work at once.
        entries.sort_by_key(|entry| entry.moment);
        let releases = self.stage.releases().collect();
        Story { site: &self.site, releases, head: &self.before.head, entries }
    }

    /// Removes what would make all runs after this one slower: each definition is one more that the
    /// API server publishes.
    pub(crate) async fn clean_up(&self) -> Result<()> {
        let objects = self.stage.releases().flat_map(|bundle| bundle.release().objects());
        let paths: BTreeSet<String> = objects
            .filter(|object| object.reference().kind == "CustomResourceDefinition")
            .map(|object| objects::path(&object.manifest()))
            .collect();
        for path in paths {
            if self.cluster.get(&path).await?.is_some() {
                self.cluster.delete(&path).await?;
            }
        }
        Ok(())
    }

    /// What happened, for a person.
    pub(crate) fn tell(&self) -> String {
        let mut text = format!("in {}, application {}\n", self.site.namespace, self.site.app);
        for chapter in &self.chapters {
            let _ = writeln!(text, "{}", chapter.title);
            for entry in chapter.entries.iter().filter(|entry| entry.request.is_write()) {
                let _ = writeln!(text, "    {}", entry.line());
            }
            let _ = writeln!(text, "  ▶ {:?}", chapter.outcome);
        }
        text
    }
}

fn client(wire: &Wire, fault: Option<Fault>) -> Client {
    let is_impatient = fault.is_some_and(Fault::needs_patience);
    wire.client().with_timeout(if is_impatient { IMPATIENT } else { PATIENT })
}

impl Event {
    async fn happen(&self, cluster: &Cluster, client: &Client, site: &Site) -> Result<()> {
        match self {
            Self::Applied(bundle) => {
                let command = Command::Apply(bundle.clone());
                let holder = "somebody@before".to_owned();
                let manner = Manner { holder, timeout: PATIENT, patience: PATIENCE };
                let work = Box::pin(command.run(client, site, &manner));
                match with(None, work).await? {
                    Outcome::Done { remains: false, .. } => Ok(()),
                    outcome => Err(format!("the place cannot be prepared: {outcome:?}").into()),
                }
            }
            Self::Killed(bundle, request) => {
                let wire =
                    Wire::new(cluster, site, Some((Fault::KillAfter, (*request).to_owned())));
                let (client, command) = (wire.client(), Command::Apply(bundle.clone()));
                let holder = "somebody@killed".to_owned();
                let manner = Manner { holder, timeout: PATIENT, patience: PATIENCE };
                let work = Box::pin(command.run(&client, site, &manner));
                let work = Box::pin(with(None, work));
                if let Either::Left((outcome, _)) = select(work, pin!(wire.stopped())).await {
                    return Err(format!("`{request}` never comes: {:?}", outcome?).into());
                }
                wire.idle().await;
                cluster
                    .merge(&site.lease_path(), &json!({ "spec": { "holderIdentity": "" } }))
                    .await
            }
            Self::Made(object) => cluster.apply(&objects::path(object), SOMEBODY, object).await,
            Self::Deleted(path) => cluster.delete(path).await,
            Self::Changed(path, fields) => cluster.merge(path, fields).await,
        }
    }
}
