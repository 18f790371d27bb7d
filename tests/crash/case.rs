//! The cases of the enumeration, each with a name by which it is run again.

use std::{fmt, time::Duration};

use a4co_bundle::Bundle;
use a4co_cluster::Mutant;

use crate::{
    cluster::{Cluster, Result},
    command::{Category, Command, Outcome},
    fault::Fault,
    invariant::Violation,
    record::Recording,
    run::{Asleep, Run},
    snapshot::differences,
};

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
    /// Somebody applies another release.
    Other,
}

/// What came of a case.
#[derive(Default)]
pub(crate) struct Finding {
    pub(crate) violations: Vec<Violation>,
    /// Late creations that the next command removed.
    pub(crate) exceptions: usize,
    pub(crate) story: String,
    /// Mutating requests of the recovery.
    pub(crate) recovery: Vec<String>,
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Recover => "recover",
            Self::Again => "again",
            Self::Rollback => "rollback",
            Self::Other => "other",
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
        }
    }
}

impl Case {
    /// Every case of one crash or one fault; what is much like another only when `is_full`.
    pub(crate) fn all(recording: &Recording, is_full: bool) -> Vec<Self> {
        let mut cases = vec![Self { request: String::new(), what: What::Nothing }];
        for (index, request) in recording.requests.iter().enumerate() {
            let mut add = |what| cases.push(Self { request: request.clone(), what });
            for fault in Fault::KILLS {
                for next in [Next::Recover, Next::Again] {
                    add(What::Kill(fault, next));
                }
            }
            // Who goes back meets the same wreck as who recovers, so half of them do.
            add(What::Kill(Fault::KILLS[index % 2], Next::Rollback));
            for fault in Fault::ANSWERS {
                // A timeout after the work is a lost reply that takes longer.
                if fault != Fault::KINDS_OF_TIMEOUT[index % 2] || is_full {
                    add(What::Answer(fault));
                }
            }
            for next in [Next::Recover, Next::Other] {
                add(What::Pause(next));
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
            let violations = vec![Violation { invariant: "end", what }];
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
        match &self.what {
            What::Nothing => {
                let command = run.stage.command.clone();
                let outcome = run.act(&command, None).await?;
                if outcome.category() != recording.usual {
                    run.blame("usual", [format!("it ends with {outcome:?}")]);
                }
            }
            What::Answer(fault) => self.answer(&mut run, *fault, recording.usual).await?,
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
                run.check_wreck().await?;
                self.next(&mut run, Next::Recover, recording.usual).await?;
            }
            What::Meddling => {
                self.meddle(&mut run).await?;
                finding.story = run.tell();
                finding.violations = run.violations;
                return Ok(finding);
            }
            What::Pause(next) => {
                finding.exceptions = self.pause(&mut run, *next, recording.usual).await?;
            }
        }
        run.check_rest().await?;
        run.clean_up().await?;
        finding.story = run.tell();
        finding.violations = run.violations;
        Ok(finding)
    }

    fn fault(&self, fault: Fault) -> (Fault, String) {
        (fault, self.request.clone())
    }

    async fn answer(&self, run: &mut Run<'_>, fault: Fault, usual: Category) -> Result<()> {
        let command = run.stage.command.clone();
        let outcome = run.act(&command, Some(self.fault(fault))).await?;
        if fault.is_silence() && outcome.category() != usual {
            run.blame("silence", [format!("a lost answer leads to {outcome:?}")]);
        }
        Ok(())
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
        let found = run.snapshot().await?;
        if run.head.has_committed(Some(run.stage.new.release())) {
            let content = run.content(&found, Some(&run.stage.new));
            run.blame("I5", content);
        }
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
        let outcome = run.act(&next.command(run), None).await?;
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
            Next::Again => outcome.category() == usual,
            // Without an older release there is nothing to go back to.
            Next::Rollback | Next::Other => outcome.category() != Category::Open,
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
        let (command, successor) = (run.stage.command.clone(), next.command(run));
        let asleep = run.act_asleep(&command, &self.request, &successor).await?;
        let Asleep { outcome, is_overtaken, between } = asleep;
        if !is_overtaken {
            if between.head == run.before.head && outcome.category() != usual {
                run.blame("usual", [format!("it ends with {outcome:?}")]);
            }
            return Ok(0);
        }
        let after = run.snapshot().await?;
        if after.head != between.head {
            run.blame("I7", ["it changes the head".to_owned()]);
        }
        let is_late = |name: &&String| !between.objects.contains_key(*name);
        let late: Vec<String> = after.objects.keys().filter(is_late).cloned().collect();
        let mut known = after.objects.clone();
        known.retain(|name, _| !late.contains(name));
        run.blame("I7", differences(&known, &between.objects));
        if !late.is_empty() {
            // Documented: a creation has no version by which it could be refused.
            let next = run.next_command();
            run.act(&next, None).await?;
        }
        Ok(late.len())
    }
}

impl Next {
    fn command(self, run: &Run<'_>) -> Command {
        match self {
            Self::Recover => Command::Recover,
            Self::Again => run.stage.command.clone(),
            Self::Rollback => Command::Rollback(None),
            Self::Other => Command::Apply(Box::new(run.stage.other.clone())),
        }
    }
}

/// Mutating requests of the second command.
fn recovery(run: &Run<'_>) -> Vec<String> {
    let entries = run.chapters.get(1).map_or(&[][..], |chapter| &chapter.entries);
    entries.iter().filter(|entry| entry.request.is_write()).map(|e| e.name.clone()).collect()
}
