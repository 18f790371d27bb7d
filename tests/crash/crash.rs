//! Proves the apply protocol by enumeration: every fault at every mutating request of every kind of
//! transaction, on a real API server. `docs/testing.md` tells what is enumerated and how to run one
//! case again.

mod case;
mod cluster;
mod command;
mod fault;
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
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use libtest_mimic::{Arguments, Failed, FormatSetting, Trial};

use crate::{
    case::{Case, Finding},
    cluster::{Result, block_on},
    hunt::{HUNTS, Hunt},
    record::Recording,
    scenario::{SCENARIOS, Scenario},
    tally::Tally,
};

/// More than there are cores, because runs wait for the API server and for pauses.
const THREADS: usize = 6;

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
    let trials = trials(recordings, &tally);
    let conclusion = libtest_mimic::run(&args, trials);
    tally.tell();
    conclusion.exit_code()
}

/// Scenarios in which there may be trials of this name.
fn wanted(filter: Option<&str>) -> Vec<&'static Scenario> {
    let scenarios = SCENARIOS.iter();
    match filter.and_then(|filter| filter.split_once('/')) {
        None => scenarios.collect(),
        Some(("mutants", _)) => scenarios.filter(|scenario| hunt::is_ground(scenario)).collect(),
        Some((name, _)) => scenarios.filter(|scenario| scenario.name == name).collect(),
    }
}

/// Runs each scenario without faults.
fn record(scenarios: &[&'static Scenario]) -> Vec<(&'static str, Result<Recording>)> {
    let record = |scenario: &Scenario| {
        let name = scenario.name;
        (name, block_on(async |cluster| Recording::make(cluster, *scenario).await))
    };
    in_parallel(scenarios, |scenario| record(scenario))
}

fn trials(recordings: Vec<(&'static str, Result<Recording>)>, tally: &Arc<Tally>) -> Vec<Trial> {
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
        if is_full {
            cases.extend(twice(recording, &cases));
        }
        trials.extend(cases.into_iter().map(|case| trial(recording, case, tally)));
    }
    trials.extend(HUNTS.iter().map(|hunt| hunting(hunt, &recorded, tally)));
    trials
}

/// Every crash of every recovery.
fn twice(recording: &Recording, cases: &[Case]) -> Vec<Case> {
    let crashes: Vec<&Case> = cases.iter().filter(|case| case.is_recovered()).collect();
    let doubled = in_parallel(&crashes, |case| {
        let finding = block_on(async |cluster| case.run(cluster, recording, None).await);
        // If that fails, its own trial tells.
        finding.map(|finding| case.twice(&finding.recovery)).unwrap_or_default()
    });
    doubled.into_iter().flatten().collect()
}

fn trial(recording: &Arc<Recording>, case: Case, tally: &Arc<Tally>) -> Trial {
    let name = format!("{}/{case}", recording.scenario.name);
    let (recording, tally) = (recording.clone(), tally.clone());
    Trial::test(name.clone(), move || judge(&name, &case, &recording, &tally))
}

fn judge(name: &str, case: &Case, recording: &Recording, tally: &Tally) -> Result<(), Failed> {
    let finding = block_on(async |cluster| case.run(cluster, recording, None).await)?;
    tally.count(recording.scenario.name, &finding);
    let Finding { violations, story, .. } = finding;
    if violations.is_empty() {
        return Ok(());
    }
    let violations: Vec<String> = violations.iter().map(ToString::to_string).collect();
    let violations = violations.join("\n");
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
