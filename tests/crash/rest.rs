//! What must hold at the moment of a crash, and when the place is at rest again.

use std::{collections::BTreeSet, slice};

use a4co_bundle::Bundle;

use crate::{
    cluster::Result,
    command::Command,
    invariant, objects,
    request::Entry,
    run::Run,
    snapshot::{Snapshot, differences},
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
        if self.head.has_leftover() {
            // What could not be deleted is tried again by the next command.
            let next = self.next_command();
            self.act(&next, None).await?;
        }
        let found = self.snapshot().await?;
        if found.head.state() != "idle" {
            self.blame("rest", [format!("the head is {}", found.head.state())]);
        }
        let committed = self.committed();
        let taken = if self.was_left() { BTreeSet::new() } else { self.taken() };
        let story = self.story();
        let wrong = [
            ("I1", invariant::no_effect_outside_the_journal(&story)),
            ("I2", invariant::members_are_those_committed(&story, &found, &taken)),
            ("I3", invariant::one_write_commits(&story)),
            ("I4", invariant::nothing_committed_is_deleted(&story, &self.taken())),
            ("I6", invariant::bars_only_rise(&story)),
            ("I10", invariant::content_has_its_digest(&self.site, &found)),
            ("I5", self.content(&found, committed.as_ref())),
        ];
        for (invariant, what) in wrong {
            self.blame(invariant, what);
        }
        self.check_neighbour().await?;
        let Some(bundle) = committed else { return Ok(()) };
        if self.stage.has_drifted() && !self.stage.is_robbed && !self.was_left() {
            self.repair(&bundle).await?;
        }
        self.act(&Command::Apply(Box::new(bundle)), None).await?;
        let entries = self.chapters.last().map_or(&[][..], |chapter| &chapter.entries);
        let writes = invariant::repetition_writes_nothing(entries);
        self.blame("I8", writes);
        Ok(())
    }

    /// A command that does away with what is left.
    pub(crate) fn next_command(&self) -> Command {
        match self.committed() {
            // The old release is refused where an object of it belongs to others.
            Some(_) if self.stage.is_robbed => Command::Apply(Box::new(self.stage.new.clone())),
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
        let is_new = |it: &Bundle| it.release().id() == self.stage.new.release().id();
        let reference = match committed {
            Some(bundle) if is_new(bundle) => &self.references.new,
            Some(_) if is_old => &self.references.old,
            // Nobody has recorded what that looks like.
            _ => return Vec::new(),
        };
        let mut allowed = vec![reference.clone()];
        if is_old && !was_left {
            allowed.push(self.before.like_objects(&self.site));
        }
        invariant::content_is_exact(&found.like_objects(&self.site), &allowed)
    }

    /// Whether anything was committed since the command began.
    fn was_left(&self) -> bool {
        let is_commit = |entry: &&Entry| {
            entry.is_effective_write() && entry.request.body["data"]["state"] == "committed"
        };
        self.chapters.iter().any(|chapter| chapter.entries.iter().any(|entry| is_commit(&entry)))
    }

    /// The bundle of the committed release.
    pub(crate) fn committed(&self) -> Option<Bundle> {
        let is_it = |bundle: &&Bundle| self.head.has_committed(Some(bundle.release()));
        self.stage.releases().find(is_it).cloned()
    }
}
