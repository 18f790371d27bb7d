//! What must hold at the moment of a crash, and when the place is at rest again.

use std::{collections::BTreeSet, slice};

use a4co_bundle::{Bundle, ObjectRef};
use http::Method;

use crate::{
    cluster::Result,
    command::{Command, Outcome},
    fault::Fault,
    invariant, objects,
    request::Entry,
    run::{References, Run},
    scenario::Stage,
    snapshot::{Objects, Snapshot, differences},
};

impl Run<'_> {
    /// What the place has now.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot> {
        let (releases, foreign) = (self.stage.releases(), &self.stage.foreign);
        Snapshot::take(self.cluster, &self.site, releases, foreign).await
    }

    /// Checks what must hold at the moment of a crash.
    pub(crate) async fn check_wreck(&mut self) -> Result<()> {
        let found = self.snapshot().await?;
        let unknown = invariant::members_are_known(&self.story(), &found);
        self.blame("I2", unknown);
        let unfounded = invariant::content_has_its_digest(&self.site, &found);
        self.blame("I10", unfounded);
        Ok(())
    }

    /// Brings the place to rest, and checks what must hold then.
    pub(crate) async fn check_rest(&mut self) -> Result<()> {
        self.recover().await?;
        let mut found = self.snapshot().await?;
        // Before any other command comes, which might mend what is wrong.
        self.check_found(&found);
        if self.head.has_leftover() {
            // What could not be deleted is tried again by the next command.
            let next = self.next_command();
            self.act(&next, None).await?;
            found = self.snapshot().await?;
            self.check_found(&found);
        }
        if found.head.state() != "idle" {
            self.blame("rest", [format!("the head is {}", found.head.state())]);
        }
        self.check_story();
        self.check_neighbour().await?;
        if let Some(bundle) = self.committed() {
            if self.stage.has_drifted() && !self.stage.is_robbed && !self.was_left() {
                self.repair(&bundle).await?;
            }
            self.check_repetition(bundle).await?;
        }
        Ok(())
    }

    /// Checks what the place has now that it is at rest.
    pub(crate) fn check_found(&mut self, found: &Snapshot) {
        let mut settled = found.clone();
        if self.was_deletion_refused() {
            let leftover = self.leftover();
            settled.objects.retain(|name, _| !leftover.contains(name));
        }
        let committed = self.committed();
        let taken = if self.was_left() { BTreeSet::new() } else { self.taken() };
        let story = self.story();
        let wrong = [
            ("I2", invariant::members_are_those_committed(&story, &settled, &taken)),
            ("I5", self.content(&settled, committed.as_ref())),
            ("I10", invariant::content_has_its_digest(&self.site, found)),
        ];
        for (invariant, what) in wrong {
            self.blame(invariant, what);
        }
    }

    /// Checks everything that was sent.
    pub(crate) fn check_story(&mut self) {
        let story = self.story();
        let unready = self.stage.is_failing.then_some(self.stage.new.release());
        let wrong = [
            ("I1", invariant::no_effect_outside_the_journal(&story)),
            ("I3", invariant::one_write_commits(&story)),
            ("I4", invariant::nothing_committed_is_deleted(&story, &self.taken())),
            ("I6", invariant::bars_only_rise(&story)),
            ("ready", invariant::is_never_committed(&story, unready)),
        ];
        for (invariant, what) in wrong {
            self.blame(invariant, what);
        }
    }

    /// Checks that applying what is committed does nothing, and says so.
    async fn check_repetition(&mut self, bundle: Bundle) -> Result<()> {
        let release = bundle.release().id();
        let is_old = self.is_old(&bundle);
        let outcome = self.act(&Command::Apply(Box::new(bundle)), None).await?;
        let is_done = match &outcome {
            Outcome::Done { release: done, remains: false } => *done == release,
            // The old release has an object that others own by now.
            Outcome::Refused { .. } => self.stage.is_robbed && is_old,
            _ => false,
        };
        if !is_done {
            self.blame("I8", [format!("the committed release applied again: {outcome:?}")]);
        }
        let entries = self.chapters.last().map_or(&[][..], |chapter| &chapter.entries);
        let writes = invariant::repetition_writes_nothing(entries);
        self.blame("I8", writes);
        if let Outcome::Done { .. } = outcome {
            let needless = invariant::needless_undo_logs(&self.site, &self.snapshot().await?);
            self.blame("undo log", needless);
        }
        Ok(())
    }

    fn is_old(&self, bundle: &Bundle) -> bool {
        self.stage.old().is_some_and(|old| old.release().id() == bundle.release().id())
    }

    /// Objects that the head remembers as still to be deleted.
    fn leftover(&self) -> BTreeSet<String> {
        let text = self.head.get("leftover").unwrap_or_default();
        let objects: Vec<ObjectRef> = serde_json::from_str(text).unwrap_or_default();
        objects.iter().map(|object| self.site.short_path(&objects::path_of(object))).collect()
    }

    /// Whether a deletion got another answer than the API server's, so that what was to go may still
    /// be there.
    fn was_deletion_refused(&self) -> bool {
        let mut entries = self.chapters.iter().flat_map(|chapter| &chapter.entries);
        entries.any(|entry| {
            let is_refusal = |fault| matches!(fault, Fault::Error | Fault::Conflict);
            entry.request.method == Method::DELETE && entry.fault.is_some_and(is_refusal)
        })
    }

    /// A command that does away with what is left.
    pub(crate) fn next_command(&self) -> Command {
        match self.committed() {
            // The old release is refused where an object of it belongs to others.
            Some(bundle) if self.stage.is_robbed && self.is_old(&bundle) => {
                Command::Apply(Box::new(self.stage.new.clone()))
            }
            Some(bundle) => Command::Apply(Box::new(bundle)),
            None => Command::Delete,
        }
    }

    /// Applies what is committed over what others did to it before this run.
    async fn repair(&mut self, bundle: &Bundle) -> Result<()> {
        self.act(&Command::Apply(Box::new(bundle.clone())), None).await?;
        let found = self.snapshot().await?.like_objects(&self.site);
        let content = invariant::content_is_exact(&found, slice::from_ref(&self.references.old));
        self.blame("I5", content);
        Ok(())
    }

    /// Objects of the old release that were not there, or not ours, before the command.
    fn taken(&self) -> BTreeSet<String> {
        let objects = self.stage.old().into_iter().flat_map(|bundle| bundle.release().objects());
        let names = objects.map(|it| self.site.short_path(&objects::path(&it.manifest())));
        names.filter(|name| !self.before.objects.contains_key(name)).collect()
    }

    /// Checks that another application has not been touched.
    async fn check_neighbour(&mut self) -> Result<()> {
        if let (Some((site, bundle)), Some(before)) = (&self.stage.neighbour, &self.neighbour) {
            let now = Snapshot::take(self.cluster, site, [bundle].into_iter(), &[]).await?;
            if now != *before {
                let mut what = differences(&now.objects, &before.objects);
                what.push("the neighbour is not as before".to_owned());
                self.blame("I2", what);
            }
        }
        Ok(())
    }

    /// I5 for whatever is committed.
    pub(crate) fn content(&self, found: &Snapshot, committed: Option<&Bundle>) -> Vec<String> {
        let old = self.stage.old();
        let is_old = committed.map(|it| it.release().id()) == old.map(|it| it.release().id());
        let was_left = self.was_left();
        if is_old && !was_left {
            // What was never left has to be as it was, or where others meddled, as it should be.
            let [found, before] = [found, &self.before].map(|it| it.same_objects(&self.site));
            let same = invariant::content_is_exact(&found, &[before]);
            if same.is_empty() || !self.stage.has_drifted() {
                return same;
            }
        }
        // Nobody has recorded what comes of a release that is never ready.
        let Some(reference) = self.reference(committed) else { return Vec::new() };
        let mut allowed = vec![reference.clone()];
        if is_old && !was_left {
            allowed.push(self.before.like_objects(&self.site));
        }
        invariant::content_is_exact(&found.like_objects(&self.site), &allowed)
    }

    /// What the objects of a release are without faults; none where there is none.
    fn reference(&self, committed: Option<&Bundle>) -> Option<Objects> {
        let Some(committed) = committed else { return Some(Objects::new()) };
        let Stage { new, other, without, .. } = &self.stage;
        let References { old: of_old, new: of_new, other: of_other, without: of_without } =
            &self.references;
        let releases = [
            (Some(new), of_new),
            (self.stage.old(), of_old),
            (Some(other), of_other),
            (without.as_ref(), of_without),
        ];
        let is_it = |(bundle, _): &(Option<&Bundle>, _)| {
            bundle.is_some_and(|bundle| bundle.release().id() == committed.release().id())
        };
        let objects = releases.into_iter().find(is_it).map(|(_, objects)| objects.clone());
        objects.filter(|objects| !objects.is_empty())
    }

    /// Whether a release was committed since the command began.
    pub(crate) fn was_left(&self) -> bool {
        let is_commit = |entry: &&Entry| {
            let data = &entry.request.body["data"];
            entry.is_effective_write() && data["state"] == "committed" && data["action"] != "delete"
        };
        self.chapters.iter().any(|chapter| chapter.entries.iter().any(|entry| is_commit(&entry)))
    }

    /// The bundle of the committed release.
    pub(crate) fn committed(&self) -> Option<Bundle> {
        let is_it = |bundle: &&Bundle| self.head.has_committed(Some(bundle.release()));
        self.stage.releases().find(is_it).cloned()
    }
}
