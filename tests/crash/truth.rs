//! Whether a command says what is true.

use a4co_bundle::ReleaseId;

use crate::{
    command::Outcome,
    request::{About, Entry},
    site::Site,
    snapshot::Head,
};

/// What a command that was overtaken says otherwise than what it sent itself; what became of the
/// cluster since is not its business.
pub(crate) fn own_lies(outcome: &Outcome, entries: &[Entry]) -> Vec<String> {
    let wrote = |key: &str, value: &str| {
        entries.iter().any(|entry| {
            let is_head = entry.about == About::Head && entry.is_effective_write();
            is_head && entry.request.body["data"][key] == value
        })
    };
    let is_true = match outcome {
        Outcome::Done { release, .. } => wrote("committed", &release.to_string()),
        Outcome::Refused { .. } => !wrote("state", "applying"),
        Outcome::Deleted { .. } => wrote("action", "delete"),
        Outcome::RolledBack { .. } | Outcome::Collected => wrote("state", "idle"),
        _ => true,
    };
    if is_true { Vec::new() } else { vec![format!("it was overtaken, but says {outcome:?}")] }
}

/// What `outcome` says otherwise than the heads before and after the command, and what it sent.
pub(crate) fn lies(
    site: &Site,
    outcome: &Outcome,
    before: &Head,
    after: &Head,
    entries: &[Entry],
) -> Vec<String> {
    let has = |head: &Head, release: Option<&ReleaseId>| {
        head.get("committed") == release.map(ToString::to_string).as_deref()
    };
    let mut lies = Vec::new();
    let mut expect = |is_true: bool, claim: &str| {
        if !is_true {
            let (state, committed) = (after.state(), after.get("committed"));
            lies.push(format!("it says {claim}, but the head is {state}, {committed:?}"));
        }
    };
    match outcome {
        Outcome::Done { release, remains } => {
            expect(has(after, Some(release)), "that the new release is applied");
            expect(*remains || after.state() == "idle", "that nothing remains to be done");
        }
        Outcome::Deleted { remains } => {
            expect(has(after, None), "that the release is deleted");
            expect(*remains || after.0.is_empty(), "that nothing remains to be done");
        }
        Outcome::Gone => expect(after.0.is_empty(), "that the release is gone"),
        Outcome::Collected => {
            let is_same = before.get("committed") == after.get("committed");
            expect(is_same && after.state() == "idle", "that nothing but garbage is gone");
        }
        Outcome::Nothing => {
            let is_idle = before.state() == "idle";
            expect(is_idle && before.is_but_tidied(after), "that there was nothing to do");
        }
        Outcome::Finished(release) => {
            expect(has(after, Some(release)) && after.state() == "idle", "that it is finished");
        }
        Outcome::Undone(release) => {
            expect(has(after, release.as_ref()) && after.state() == "idle", "that it is undone");
        }
        Outcome::Refused { recovered: true, .. } => {
            let is_same = before.get("committed") == after.get("committed");
            expect(is_same, "that another command was finished or undone, and no more");
        }
        Outcome::Refused { recovered: false, .. } => {
            expect(before.is_but_tidied(after), "that nothing was changed");
            let is_effect = |entry: &&Entry| {
                entry.about == About::Object
                    && entry.is_effective_write()
                    && entry.request.object() != ("namespaces", &site.namespace)
            };
            let effects: Vec<_> =
                entries.iter().filter(is_effect).map(|entry| entry.name.clone()).collect();
            expect(effects.is_empty(), &format!("that nothing was changed, after {effects:?}"));
        }
        Outcome::RolledBack { restored, .. } => {
            let is_old = has(after, restored.as_ref()) && has(before, restored.as_ref());
            expect(is_old && after.state() == "idle", "that the old release is back");
        }
        Outcome::Unfinished(_) | Outcome::Stuck(_) | Outcome::Killed => {}
    }
    lies
}
