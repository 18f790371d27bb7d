//! Plans in words: what happens to each object, and both ways back.
//!
//! A person has to see what matters of one object and of a thousand. So counts always come in full;
//! who asks for a plan gets every step with its fields; who applies gets every step while they fit
//! the eye, else only those that delete, recreate or restart something, and `--verbose` for the rest.

use std::fmt::Write as _;

use a4co_cluster::{Change, Edition, OneWay, Plan, Reason, Reversal, Step, Undoing};

use super::output::{self, Style};

/// Most steps that are named one by one while a command is at work.
const NAMED: usize = 10;

/// Says what will be done, and both ways back.
pub(crate) fn outline(plan: &Plan, verbose: bool, style: Style) -> String {
    let mut text = format!("plan: {}", summary(plan));
    if verbose {
        plan.writes().for_each(|step| add(&mut text, &detail(step, style)));
    } else {
        add(&mut text, &named(plan, style));
    }
    add(&mut text, &ways_back(plan));
    add(&mut text, &one_way(&plan.one_way));
    text
}

fn add(text: &mut String, more: &str) {
    if !more.is_empty() {
        let _ = write!(text, "\n{more}");
    }
}

/// The steps that a person has to know of.
fn named(plan: &Plan, style: Style) -> String {
    let steps: Vec<&Step> = plan.writes().collect();
    let is_grave = |step: &&&Step| {
        matches!(step.change, Change::Prune | Change::Recreate(_))
            || step.restarts_pods()
            || step.may_restart_pods()
    };
    let are_few = steps.len() <= NAMED;
    let shown: Vec<_> =
        if are_few { steps.clone() } else { steps.iter().filter(is_grave).copied().collect() };
    let mut lines: Vec<String> = shown.iter().take(NAMED).map(|step| line(step, style)).collect();
    if !are_few {
        let more = steps.len() - lines.len();
        lines.push(format!("  and {more} more; `a4co-apply plan` or --verbose names them all"));
    }
    lines.join("\n")
}

/// One step on one line.
pub(crate) fn line(step: &Step, style: Style) -> String {
    // Padded before it is coloured, for colours have no width.
    let name = format!("{:<8}", step.change.name());
    let name = match step.change {
        Change::Create | Change::Made => style.green(&name),
        Change::Prune | Change::Recreate(_) => style.red(&name),
        _ => style.yellow(&name),
    };
    let mut notes = vec![match step.change {
        Change::Prune => "after the commit".to_owned(),
        _ if step.unchecked => format!("checked in wave {}", step.wave),
        _ => format!("wave {}", step.wave),
    }];
    if step.restarts_pods() {
        notes.push("restarts pods".to_owned());
    }
    if step.may_restart_pods() {
        notes.push("may restart pods".to_owned());
    }
    if step.way_back != Reversal::Nothing {
        notes.push(format!("way back: {}", back(step.way_back)));
    }
    format!("  {name} {}  ({})", step.object, notes.join("; "))
}

/// One step with the fields that it changes.
pub(crate) fn detail(step: &Step, style: Style) -> String {
    let fields = step.change.fields().iter();
    fields.fold(line(step, style), |text, field| format!("{text}\n             {field}"))
}

/// What a rollback does to one object, in a word or two.
fn back(reversal: Reversal) -> &'static str {
    match reversal {
        Reversal::Nothing => "nothing",
        Reversal::Delete => "delete",
        Reversal::Create => "create",
        Reversal::Rerun => "runs again",
        Reversal::Update => "update",
        Reversal::Recreate => "recreate",
        Reversal::Stay => "stays",
        Reversal::Bar => "barred",
    }
}

/// Says what undoes the plan when it fails, and what a rollback does once it is carried out.
pub(crate) fn ways_back(plan: &Plan) -> String {
    if plan.is_empty() {
        return String::new();
    }
    format!("if it fails: {}\n{}", if_it_fails(plan), afterwards(plan))
}

fn if_it_fails(plan: &Plan) -> String {
    let count = |wanted| plan.steps.iter().filter(|step| step.undoing == wanted).count();
    let counts = [
        (count(Undoing::Delete), "deleted again"),
        (count(Undoing::Restore), "put back exactly as before"),
        (count(Undoing::Partly), "put back but for what cannot be taken back"),
        (count(Undoing::Create), "created again as before"),
        (count(Undoing::Stay), "stay as they are then"),
        (count(Undoing::Gone), "gone, for a job that has run is not run again"),
    ];
    list(&counts, "nothing to undo")
}

fn afterwards(plan: &Plan) -> String {
    let Some(from) = plan.from.filter(|from| Some(*from) != plan.to) else {
        return match plan.from {
            None => {
                "afterwards: no earlier release to go back to; `a4co-apply delete` removes this one"
                    .to_owned()
            }
            Some(_) => "afterwards: what others had changed does not come back".to_owned(),
        };
    };
    let count = |wanted: &[Reversal]| {
        plan.steps.iter().filter(|step| wanted.contains(&step.way_back)).count()
    };
    let counts = [
        (count(&[Reversal::Delete]), "to delete"),
        (count(&[Reversal::Create, Reversal::Rerun]), "to create again"),
        (count(&[Reversal::Update]), "to update back"),
        (count(&[Reversal::Recreate]), "to recreate"),
        (count(&[Reversal::Stay]), "to stay as they are"),
    ];
    let mut text = format!(
        "afterwards, `a4co-apply rollback {}`: {}",
        name(from, plan.to),
        list(&counts, "nothing")
    );
    let barring = plan.steps.iter().filter(|step| step.way_back == Reversal::Bar);
    let barring: Vec<_> = barring.map(|step| &step.object).collect();
    if !barring.is_empty() {
        let _ = write!(
            text,
            "\n  but it would be refused: fields cannot change back, and that release does not allow \
             to recreate{}",
            output::list(&barring).replace('\n', "\n  ")
        );
    }
    text
}

/// What a rollback from `to` calls the release before. One that had no overlay may be the same
/// release, which has one since.
fn name(from: Edition, to: Option<Edition>) -> String {
    let has_one_since = from.overlay.is_none() && to.is_some_and(|to| to.overlay.is_some());
    from.short() + if has_one_since { "+none" } else { "" }
}

/// Says what cannot be taken back.
pub(crate) fn one_way(steps: &[OneWay]) -> String {
    let (kept, one_way): (Vec<_>, Vec<_>) =
        steps.iter().partition(|step| matches!(step.why, Reason::Kept { .. }));
    let told = [("cannot be taken back (needs --accept-one-way)", one_way), ("stays", kept)];
    let told = told.iter().filter(|(_, steps)| !steps.is_empty());
    let told: Vec<_> =
        told.map(|(what, steps)| format!("{what}:{}", output::list(steps))).collect();
    told.join("\n")
}

/// Counts what a plan does, in words.
pub(crate) fn summary(plan: &Plan) -> String {
    let count = |wanted: fn(&Change) -> bool| plan.count(wanted);
    let counts = [
        (count(|change| matches!(change, Change::Create | Change::Made)), "to create"),
        (count(|change| matches!(change, Change::Update(_))), "to update"),
        (count(|change| matches!(change, Change::Recreate(_))), "to recreate"),
        (count(|change| matches!(change, Change::Adopt(_))), "to adopt"),
        (count(|change| *change == Change::Restore), "to restore"),
        (count(|change| *change == Change::Prune), "to prune"),
        (count(|change| *change == Change::Keep), "unchanged"),
        (count(|change| *change == Change::Leave), "left in place"),
    ];
    list(&counts, "nothing")
}

fn list(counts: &[(usize, &str)], nothing: &str) -> String {
    let told = counts.iter().filter(|(count, _)| *count > 0);
    let told: Vec<String> = told.map(|(count, what)| format!("{count} {what}")).collect();
    if told.is_empty() { nothing.to_owned() } else { told.join(", ") }
}
