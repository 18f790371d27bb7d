//! The cases of the enumeration, each with a name by which it is run again.

use std::{fmt, time::Duration};

use a4co_bundle::Bundle;
use a4co_cluster::Mutant;

use crate::{
    cluster::{Cluster, Result},
    command::{Category, Command, Outcome},
    fault::Fault,
    fence,
    invariant::Violation,
    record::Recording,
    run::{Asleep, Run},
    scenario::Stage,
    snapshot::{Snapshot, differences},
    wire::{MEDDLED, next_moment},
};

/// That a run comes to an end.
const END: &str = "end";

/// Longer than any run takes.
const LIMIT: Duration = Duration::from_secs(90);

/// What happens to the command of a scenario.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) request: String,
    pub(crate) what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    /// Nothing.
    Nothing,
    /// A fault that the command lives through.
    Answer(Fault),
    /// It is killed, and somebody else comes.
    Kill(Fault, Next),
    /// It is killed, and so is the recovery after it, at this request.
    KillTwice(Fault, Fault, String),
    /// Somebody changes an object while it is at work.
    Meddling,
    /// It falls asleep, somebody else comes, and it wakes.
    Pause(Next),
    /// The same where the API server has the fence.
    PauseFenced(Next),
}

/// Who comes after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Somebody recovers.
    Recover,
    /// Somebody runs the same command.
    Again,
    /// Somebody goes back.
    Rollback,
    /// Somebody applies another release, with all objects of both.
    Other,
    /// Somebody applies another release, with the objects of the old one alone.
    Without,
}

/// What came of a case.
#[derive(Default)]
pub(crate) struct Finding {
    pub(crate) violations: Vec<Violation>,
    /// Late creations that the next command removed.
    pub(crate) exceptions: usize,
    /// Whether the request of the second crash never came. Requests of a recovery run side by side,
    /// and which of two objects that own each other is written twice is not the same every time.
    pub(crate) is_missed: bool,
    pub(crate) story: String,
    /// Mutating requests of the recovery.
    pub(crate) recovery: Vec<String>,
}

impl Finding {
    /// Whether the run came to its end.
    pub(crate) fn is_ended(&self) -> bool {
        !self.violations.iter().any(|violation| violation.invariant == END)
    }

    /// What is wrong, for a person.
    pub(crate) fn told(&self) -> String {
        let violations = self.violations.iter().map(ToString::to_string);
        violations.collect::<Vec<_>>().join("\n")
    }
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Recover => "recover",
            Self::Again => "again",
            Self::Rollback => "rollback",
            Self::Other => "other",
            Self::Without => "without",
        })
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = &self.request;
        match &self.what {
            What::Nothing => f.write_str("no-fault"),
            What::Answer(fault) => write!(f, "{fault}/{request}"),
            What::Kill(fault, next) => write!(f, "{fault}/{request}/then-{next}"),
            What::KillTwice(fault, second, at) => write!(f, "{fault}/{request}/then-{second}/{at}"),
            What::Meddling => write!(f, "meddling/{request}"),
            What::Pause(next) => write!(f, "pause/{request}/then-{next}"),
            What::PauseFenced(next) => write!(f, "pause-fenced/{request}/then-{next}"),
        }
    }
}

impl Case {
    /// Every case of one crash or one fault; what is much like another only when `is_full`.
    pub(crate) fn all(recording: &Recording, is_full: bool) -> Vec<Self> {
        let mut cases = vec![Self { request: String::new(), what: What::Nothing }];
        for request in &recording.requests {
            let half = half(request);
            let mut add = |what| cases.push(Self { request: request.clone(), what });
            // All meet the same wreck, so each of the others comes after one of the two.
            for (index, fault) in Fault::KILLS.into_iter().enumerate() {
                add(What::Kill(fault, Next::Recover));
                if index == half {
                    add(What::Kill(fault, Next::Rollback));
                }
                if index != half || is_full {
                    add(What::Kill(fault, Next::Again));
                }
            }
            for fault in Fault::ANSWERS {
                // After the work, both are lost replies to the command.
                let is_like_another = matches!(fault, Fault::ErrorAfter | Fault::TimeoutAfter);
                if !is_like_another || is_full {
                    add(What::Answer(fault));
                }
            }
            let successors = [Next::Recover, Next::Other];
            for (index, next) in successors.into_iter().enumerate() {
                if index != half || is_full {
                    add(What::Pause(next));
                }
            }
            // What may arrive late are creations.
            if request.starts_with("PATCH") {
                if recording.has_without {
                    add(What::Pause(Next::Without));
                }
                add(What::PauseFenced(successors[half]));
            }
        }
        // From the moment on at which it is confirmed, others may change what is written.
        let is_open = |request: &&String| !request.starts_with("POST secrets/inventory");
        let open = recording.requests.iter().take_while(is_open);
        let open = open.take(if recording.can_be_meddled { usize::MAX } else { 0 });
        cases.extend(open.map(|request| Self { request: request.clone(), what: What::Meddling }));
        cases
    }

    /// Whether it is one crash, after which somebody recovers.
    pub(crate) fn is_recovered(&self) -> bool {
        matches!(self.what, What::Kill(_, Next::Recover))
    }

    /// The same crash, with a second one at each of the requests of the recovery.
    pub(crate) fn twice(&self, recovery: &[String]) -> Vec<Self> {
        let What::Kill(first, _) = self.what else { return Vec::new() };
        let kills = recovery.iter().flat_map(|at| Fault::KILLS.map(|second| (second, at)));
        let case = |(second, at): (Fault, &String)| Self {
            request: self.request.clone(),
            what: What::KillTwice(first, second, at.clone()),
        };
        kills.map(case).collect()
    }

    /// The same crash, with a second one named `KILL/REQUEST`.
    pub(crate) fn twice_at(&self, second: &str) -> Option<Self> {
        let What::Kill(first, _) = self.what else { return None };
        let (kill, at) = second.split_once('/')?;
        let second = Fault::KILLS.into_iter().find(|fault| fault.name() == kill)?;
        let what = What::KillTwice(first, second, at.to_owned());
        Some(Self { request: self.request.clone(), what })
    }

    /// Runs it, with a deliberate fault in the program if there is one.
    pub(crate) async fn run(
        &self,
        cluster: &Cluster,
        recording: &Recording,
        mutant: Option<Mutant>,
    ) -> Result<Finding> {
        let run = Box::pin(self.run_on(cluster, recording, mutant));
        tokio::time::timeout(LIMIT, run).await.unwrap_or_else(|_| {
            let what = format!("it is not done after {} s", LIMIT.as_secs());
            let violations = vec![Violation { invariant: END, what }];
            Ok(Finding { violations, ..Finding::default() })
        })
    }

    async fn run_on(
        &self,
        cluster: &Cluster,
        recording: &Recording,
        mutant: Option<Mutant>,
    ) -> Result<Finding> {
        let references = recording.references.clone();
        let mut run = Run::start(cluster, &recording.scenario, references).await?;
        run.mutate(mutant);
        let mut finding = Finding::default();
        let has_fence = matches!(self.what, What::PauseFenced(_));
        if has_fence {
            run.fence().await?;
        }
        match &self.what {
            What::Nothing => {
                let command = run.stage.command.clone();
                let outcome = run.act(&command, None).await?;
                if outcome.category() != recording.usual {
                    run.blame("usual", [format!("it ends with {outcome:?}")]);
                }
            }
            What::Answer(fault) => {
                finding.exceptions = self.answer(&mut run, *fault, recording.usual).await?;
            }
            What::Kill(fault, next) => {
                self.kill(&mut run, *fault).await?;
                if *next == Next::Recover {
                    // Whoever comes next finds the same wreck.
                    run.check_wreck().await?;
                }
                self.next(&mut run, *next, recording.usual).await?;
                finding.recovery = recovery(&run);
            }
            What::KillTwice(fault, second, at) => {
                self.kill(&mut run, *fault).await?;
                run.act(&Command::Recover, Some((*second, at.clone()))).await?;
                finding.is_missed = run.forgive_absence();
                run.check_wreck().await?;
                self.next(&mut run, Next::Recover, recording.usual).await?;
            }
            What::Meddling => {
                self.meddle(&mut run).await?;
                finding.story = run.tell();
                finding.violations = run.violations;
                return Ok(finding);
            }
            What::Pause(next) | What::PauseFenced(next) => {
                finding.exceptions = self.pause(&mut run, *next, recording.usual).await?;
            }
        }
        run.check_rest().await?;
        run.clean_up().await?;
        if has_fence {
            fence::remove(cluster, &run.site).await?;
        }
        finding.story = run.tell();
        finding.violations = run.violations;
        Ok(finding)
    }

    fn fault(&self, fault: Fault) -> (Fault, String) {
        (fault, self.request.clone())
    }

    /// Returns how many objects a late request created.
    async fn answer(&self, run: &mut Run<'_>, fault: Fault, usual: Category) -> Result<usize> {
        let command = run.stage.command.clone();
        let outcome = run.act(&command, Some(self.fault(fault))).await?;
        if fault.is_silence() && outcome.category() != usual {
            run.blame("silence", [format!("a lost answer leads to {outcome:?}")]);
        }
        if fault != Fault::Late {
            return Ok(0);
        }
        let parked = run.parked();
        run.recover().await?;
        let between = run.snapshot().await?;
        run.check_found(&between);
        let arrival = next_moment();
        run.deliver(parked).await;
        self.late(run, &between, arrival).await
    }

    async fn kill(&self, run: &mut Run<'_>, fault: Fault) -> Result<()> {
        let command = run.stage.command.clone();
        run.act(&command, Some(self.fault(fault))).await?;
        Ok(())
    }

    /// What others did is theirs; but what the command says has to be true.
    async fn meddle(&self, run: &mut Run<'_>) -> Result<()> {
        let command = run.stage.command.clone();
        run.act(&command, Some(self.fault(Fault::Meddling))).await?;
        run.recover().await?;
        let mut found = run.snapshot().await?;
        let meddled = run.stage.meddled.as_deref().map(|path| run.site.short_path(path));
        let meddled = meddled.unwrap_or_default();
        // Where the old release stays, so may what was done before it was written down.
        let is_theirs = !run.was_left()
            && found.objects.get(&meddled).is_some_and(|it| it["data"]["text"] == MEDDLED);
        if let (true, Some(before)) = (is_theirs, run.before.objects.get(&meddled)) {
            found.objects.insert(meddled, before.clone());
        }
        run.check_found(&found);
        run.check_story();
        Ok(())
    }

    async fn next(&self, run: &mut Run<'_>, next: Next, usual: Category) -> Result<()> {
        if next == Next::Rollback {
            let command = run.stage.command.clone();
            run.knock(&command).await?;
        }
        let was_open = run.head.state() != "idle";
        let was_there = !run.head.0.is_empty();
        let is_deletion = run.head.get("action") == Some("delete");
        let committed = run.head.get("committed").map(str::to_owned);
        let may_go_on = run.head.has_no_return();
        let Some(command) = next.command(run) else { return Ok(()) };
        let outcome = run.act(&command, None).await?;
        if next == Next::Recover && !may_go_on && run.head.get("committed") != committed.as_deref()
        {
            run.blame("recovery", ["it changes what is committed".to_owned()]);
        }
        let is_good = match next {
            Next::Recover => matches!(
                (was_open, &outcome),
                (false, Outcome::Nothing)
                    | (true, Outcome::Finished(_) | Outcome::Undone(_) | Outcome::Gone)
            ),
            // What is deleted already cannot be deleted.
            Next::Again if !was_there && usual == Category::New => {
                outcome.category() != Category::Open
            }
            // What is recovered already need not be.
            Next::Again if matches!(run.stage.command, Command::Recover) => {
                outcome.category() != Category::Open
            }
            Next::Again => outcome.category() == usual,
            // Without an older release there is nothing to go back to.
            Next::Rollback | Next::Other | Next::Without => outcome.category() != Category::Open,
        };
        if !is_good {
            run.blame("recovery", [format!("`{next}` leads to {outcome:?}")]);
        }
        if next == Next::Rollback && was_open && !run.stage.is_robbed && !is_deletion {
            let old = run.stage.old().map(Bundle::release);
            if !run.head.has_committed(old) && old.is_some() {
                run.blame("recovery", ["the rollback does not lead back".to_owned()]);
            }
        }
        Ok(())
    }

    /// Returns how many objects the command created after it had been overtaken.
    async fn pause(&self, run: &mut Run<'_>, next: Next, usual: Category) -> Result<usize> {
        let has_fence = matches!(self.what, What::PauseFenced(_));
        let Some(successor) = next.command(run) else { return Ok(0) };
        let command = run.stage.command.clone();
        let asleep = run.act_asleep(&command, &self.request, &successor, has_fence).await?;
        let Asleep { outcome, successor: came, is_overtaken, between, waking } = asleep;
        let is_good = match next {
            Next::Recover => matches!(
                came,
                Outcome::Nothing | Outcome::Finished(_) | Outcome::Undone(_) | Outcome::Gone
            ),
            Next::Other if run.stage.is_failing => matches!(came, Outcome::RolledBack { .. }),
            _ => matches!(came, Outcome::Done { remains: false, .. }),
        };
        if !is_good {
            run.blame("recovery", [format!("`{next}` leads to {came:?}")]);
        }
        if !is_overtaken {
            if between.head == run.before.head && outcome.category() != usual {
                run.blame("usual", [format!("it ends with {outcome:?}")]);
            }
            return Ok(0);
        }
        let late = self.late(run, &between, waking).await?;
        if has_fence && late > 0 {
            run.blame("I7", [format!("the fence lets {late} late creations pass")]);
        }
        Ok(late)
    }

    /// Checks that nothing has changed since `between`, but for what requests created that were on
    /// their way before the moment `then`; and returns how many those are.
    async fn late(&self, run: &mut Run<'_>, between: &Snapshot, then: u64) -> Result<usize> {
        let after = run.snapshot().await?;
        if after.head != between.head {
            run.blame("I7", ["it changes the head".to_owned()]);
        }
        let sent = run.creations(then);
        let is_late = |name: &&String| !between.objects.contains_key(*name) && sent.contains(*name);
        let late: Vec<String> = after.objects.keys().filter(is_late).cloned().collect();
        let mut known = after.objects.clone();
        known.retain(|name, _| !late.contains(name));
        run.blame("I7", differences(&known, &between.objects));
        run.blame("I7", differences(&after.foreign, &between.foreign));
        let contents = [&after, between].map(Snapshot::contents_by_name);
        let [mut stored, before] = contents;
        // Content that nobody names does no harm; but nothing may be missing or otherwise.
        stored.retain(|name, _| before.contains_key(name));
        run.blame("I7", differences(&stored, &before));
        if !late.is_empty() {
            // Documented: a creation has no version by which it could be refused.
            let next = run.next_command();
            run.act(&next, None).await?;
        }
        Ok(late.len())
    }
}

/// 0 for one half of all requests, 1 for the other. The requests of a wave come in any order, so
/// their numbers would be others in each recording.
fn half(request: &str) -> usize {
    request.bytes().fold(0, |sum, byte| (sum + usize::from(byte)) % 2)
}

impl Next {
    /// `None` where the stage has no such release.
    pub(crate) fn command(self, run: &Run<'_>) -> Option<Command> {
        let Stage { command, other, without, .. } = &run.stage;
        Some(match self {
            Self::Recover => Command::Recover,
            Self::Again => command.clone(),
            Self::Rollback => Command::Rollback(None),
            // What others made has to be taken over by whoever comes, too.
            Self::Other if matches!(command, Command::Adopt(_)) => {
                Command::Adopt(Box::new(other.clone()))
            }
            Self::Other => Command::Apply(Box::new(other.clone())),
            Self::Without => Command::Apply(Box::new(without.clone()?)),
        })
    }
}

/// Mutating requests of the second command.
fn recovery(run: &Run<'_>) -> Vec<String> {
    let entries = run.chapters.get(1).map_or(&[][..], |chapter| &chapter.entries);
    entries.iter().filter(|entry| entry.request.is_write()).map(|e| e.name.clone()).collect()
}
