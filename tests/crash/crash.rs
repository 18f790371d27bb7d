//! Proves the apply protocol by enumeration: every fault at every mutating request of every kind of
//! transaction, on a real API server. `docs/testing.md` tells what is enumerated and how to run one
//! case again.

mod case;
mod cluster;
mod command;
mod fault;
mod fence;
mod hunt;
mod invariant;
mod objects;
mod record;
mod request;
mod rest;
mod run;
mod scenario;
mod site;
mod snapshot;
mod stand_in;
mod tally;
mod truth;
mod wire;

use std::{
    env,
    io::{self, Write as _},
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use libtest_mimic::{Arguments, Failed, FormatSetting, Trial};

use crate::{
    case::Case,
    cluster::{Result, block_on},
    hunt::{HUNTS, Hunt},
    record::Recording,
    scenario::{SCENARIOS, Scenario},
    tally::Tally,
};

/// More than there are cores, because runs wait for the API server and for pauses.
const THREADS: usize = 6;

/// Fewest runs of the whole enumeration: it must not become less unseen.
const FEWEST: usize = 2_000;

/// When this variable of the environment is `1`, the command after a crash crashes too.
const FULL: &str = "A4CO_CRASH_FULL";

fn main() -> ExitCode {
    let mut args = Arguments::from_args();
    args.test_threads = args.test_threads.or(Some(THREADS));
    if args.format.is_none() && args.filter.is_none() {
        args.format = Some(FormatSetting::Terse);
    }
    let tally = Arc::new(Tally::default());
    let recordings = record(&wanted(args.filter.as_deref()));
    let trials = trials(recordings, &args, &tally);
    if let Some(filter) = unmatched(&args, &trials) {
        // When nobody listens, the exit code tells.
        let _ = writeln!(io::stderr(), "no case has the name `{filter}`");
        return ExitCode::FAILURE;
    }
    let conclusion = libtest_mimic::run(&args, trials);
    tally.tell();
    let is_whole = args.filter.is_none() && args.skip.is_empty() && !args.list && !args.ignored;
    if is_whole && tally.runs() < FEWEST {
        let _ = writeln!(io::stderr(), "that is not the whole enumeration: {FEWEST} runs at least");
        return ExitCode::FAILURE;
    }
    if is_whole && !tally.is_nearly_complete() {
        let _ = writeln!(io::stderr(), "too many second crashes did not happen");
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}

/// Scenarios in which there may be trials of this name. A name that begins with none of them may be
/// that of a fault.
fn wanted(filter: Option<&str>) -> Vec<&'static Scenario> {
    let (first, rest) = filter.and_then(|filter| filter.split_once('/')).unwrap_or_default();
    let is_wanted = |scenario: &&Scenario| match first {
        "mutants" => hunt::is_ground(scenario, rest),
        _ => scenario.name == first,
    };
    let wanted: Vec<_> = SCENARIOS.iter().filter(is_wanted).collect();
    if wanted.is_empty() { SCENARIOS.iter().collect() } else { wanted }
}

/// The filter when it is a name of ours, but no case has it: then something else than what was
/// asked for would pass.
fn unmatched<'a>(args: &'a Arguments, trials: &[Trial]) -> Option<&'a str> {
    let filter = args.filter.as_deref().filter(|filter| args.exact || filter.contains('/'))?;
    let is_meant = |trial: &Trial| {
        if args.exact { trial.name() == filter } else { trial.name().contains(filter) }
    };
    (!trials.iter().any(is_meant)).then_some(filter)
}

/// Runs each scenario without faults.
fn record(scenarios: &[&'static Scenario]) -> Vec<(&'static str, Result<Recording>)> {
    let record = |scenario: &Scenario| {
        let name = scenario.name;
        (name, block_on(async |cluster| Box::pin(Recording::make(cluster, *scenario)).await))
    };
    in_parallel(scenarios, |scenario| record(scenario))
}

fn trials(
    recordings: Vec<(&'static str, Result<Recording>)>,
    args: &Arguments,
    tally: &Arc<Tally>,
) -> Vec<Trial> {
    let mut trials = Vec::new();
    let mut recorded = Vec::new();
    for (name, recording) in recordings {
        match recording {
            Ok(recording) => recorded.push(Arc::new(recording)),
            Err(error) => {
                let name = format!("{name}/no-fault");
                trials.push(Trial::test(name, move || Err(error.into())));
            }
        }
    }
    let is_full = env::var(FULL).is_ok_and(|full| full == "1");
    for recording in &recorded {
        let mut cases = Case::all(recording, is_full);
        let twice = Twice::wanted(recording, &cases, args, is_full);
        let (doubled, failed) = twice.cases(recording);
        cases.extend(doubled);
        trials.extend(failed);
        trials.extend(cases.into_iter().map(|case| trial(recording, case, tally)));
    }
    trials.extend(HUNTS.iter().map(|hunt| hunting(hunt, &recorded, tally)));
    trials
}

/// Crashes whose recovery crashes too.
enum Twice {
    /// This one alone.
    Named(Case),
    /// At each request of the recovery, which a run of each of these tells.
    After(Vec<Case>),
}

impl Twice {
    /// Those that are asked for. All of them are much, so a part of a name is one crash.
    fn wanted(recording: &Recording, cases: &[Case], args: &Arguments, is_full: bool) -> Self {
        let own = args
            .filter
            .as_deref()
            .and_then(|filter| filter.strip_prefix(recording.scenario.name)?.strip_prefix('/'));
        let crashes = cases.iter().filter(|case| case.is_recovered());
        let parts = own.and_then(|name| name.split_once("/then-"));
        if let Some((first, second)) = parts.filter(|(_, second)| second.contains('/')) {
            let is_it = |case: &&Case| case.to_string() == format!("{first}/then-recover");
            let named = crashes.clone().find(is_it).and_then(|case| case.twice_at(second));
            if let (Some(case), true) = (named, args.exact) {
                return Self::Named(case);
            }
            return Self::After(crashes.filter(is_it).cloned().collect());
        }
        let is_part = args.filter.as_deref().is_some_and(|filter| filter.contains("/then-kill-"));
        let is_wanted = (is_full || is_part) && !args.exact;
        Self::After(if is_wanted { crashes.cloned().collect() } else { Vec::new() })
    }

    /// The cases, and a failed trial for each of which nobody knows how its recovery goes.
    fn cases(self, recording: &Recording) -> (Vec<Case>, Vec<Trial>) {
        let crashes = match self {
            Self::Named(case) => return (vec![case], Vec::new()),
            Self::After(crashes) => crashes,
        };
        let known = in_parallel(&crashes, |case| {
            let finding = block_on(async |cluster| case.run(cluster, recording, None).await);
            match finding {
                Ok(finding) if finding.is_ended() => Ok(case.twice(&finding.recovery)),
                Ok(finding) => Err(finding.told()),
                Err(error) => Err(error.to_string()),
            }
        });
        let (mut cases, mut failed) = (Vec::new(), Vec::new());
        for (case, known) in crashes.iter().zip(known) {
            match known {
                Ok(doubled) => cases.extend(doubled),
                Err(why) => {
                    let name = format!("{}/{case}/then-kill", recording.scenario.name);
                    failed.push(Trial::test(name, move || Err(why.into())));
                }
            }
        }
        (cases, failed)
    }
}

fn trial(recording: &Arc<Recording>, case: Case, tally: &Arc<Tally>) -> Trial {
    let name = format!("{}/{case}", recording.scenario.name);
    let (recording, tally) = (recording.clone(), tally.clone());
    Trial::test(name.clone(), move || judge(&name, &case, &recording, &tally))
}

fn judge(name: &str, case: &Case, recording: &Recording, tally: &Tally) -> Result<(), Failed> {
    let finding = block_on(async |cluster| case.run(cluster, recording, None).await)?;
    tally.count(recording.scenario.name, &finding);
    if finding.violations.is_empty() {
        return Ok(());
    }
    let (violations, story) = (finding.told(), &finding.story);
    let again = format!("cargo test -p a4co-crash --test crash -- --exact '{name}'");
    Err(format!("{violations}\n\n{story}\nagain: {again}").into())
}

fn hunting(hunt: &'static Hunt, recorded: &[Arc<Recording>], tally: &Arc<Tally>) -> Trial {
    let (recorded, tally) = (recorded.to_vec(), tally.clone());
    Trial::test(format!("mutants/{:?}", hunt.mutant), move || {
        let caught = hunt.run(&recorded)?;
        let is_caught = caught.is_some();
        tally.caught(hunt, caught);
        if is_caught { Ok(()) } else { Err("no case shows this fault".into()) }
    })
}

/// Does `work` with each of `items`, several at once, and keeps their order.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let take = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return };
            let result = work(item);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
        }
    };
    thread::scope(|scope| {
        for _ in 0..THREADS.min(items.len()) {
            scope.spawn(take);
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
