//! The tables of `docs/benchmarks.md`.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::{
    budget::{Verdict, megabytes},
    repetition::Drift,
    report::{Outcome, Report, Size},
    statistics::range,
    tool::Tool,
};

/// All tables of a report, as Markdown.
pub(crate) fn render(report: &Report) -> String {
    let mut text = String::new();
    let machine = &report.machine;
    let _ = writeln!(
        text,
        "{} processors ({}), {:.0} GB, Linux {}; Kubernetes {}.\n",
        machine.processors,
        machine.model,
        megabytes(machine.memory_bytes) / 1e3,
        machine.kernel,
        report.kubernetes
    );
    text.push_str("| tool | version | program |\n|---|---|---:|\n");
    for tool in &report.tools {
        let bytes = megabytes(tool.program_bytes);
        let _ = writeln!(text, "| {} | {} | {bytes:.1} MB |", tool.tool.title(), tool.version);
    }
    for size in &report.sizes {
        let _ = write!(text, "\n{}", of_size(size));
    }
    if !report.drift.is_empty() {
        let _ = write!(text, "\n{}", of_drift(&report.drift));
    }
    if !report.budgets.is_empty() {
        let _ = write!(text, "\n{}", budgets("1,000 objects", &report.budgets));
    }
    text
}

fn of_size(size: &Size) -> String {
    let mut text = format!(
        "### {} objects ({:.1} MB of JSON), {} repetitions\n\n\
         Other processes used {:.0} % of the processors meanwhile (median); {} of {} samples were \
         taken although the machine was not quiet.\n\n\
         | | tool | wall time | lowest–highest | × helm | × floor | CPU | server CPU | memory | \
         requests |\n|---|---|---:|---:|---:|---:|---:|---:|---:|---|\n",
        thousands(size.objects),
        megabytes(size.manifest_bytes as u64),
        size.repetitions,
        size.foreign_share * 100.0,
        size.samples().filter(|sample| !sample.is_quiet).count(),
        size.samples().count()
    );
    let mut last = None;
    for outcome in &size.results {
        let phase = if last == Some(outcome.phase) { "" } else { outcome.phase.title() };
        last = Some(outcome.phase);
        let _ = writeln!(text, "| {phase} | {}", row(outcome, size.repetitions));
    }
    text
}

/// What each tool makes of a change by hand.
fn of_drift(drift: &BTreeMap<Tool, Drift>) -> String {
    let told = drift.iter().map(|(tool, drift)| {
        let what = match drift {
            Drift::SetBack => "sets it back",
            Drift::Left => "leaves it",
            Drift::Refused => "fails and leaves it",
        };
        format!("{} {what}", tool.title())
    });
    let told = told.collect::<Vec<_>>().join("; ");
    format!(
        "When nothing changed but a `ConfigMap`, by hand, the same upgrade again does this: {told}.\n"
    )
}

fn row(outcome: &Outcome, repetitions: usize) -> String {
    let times = outcome.samples.iter().map(|sample| sample.usage.wall_seconds);
    let (low, high) = range(times).unwrap_or_default();
    let name = if outcome.tool == Tool::Ours {
        format!("**{}**", outcome.tool.title())
    } else {
        outcome.tool.title().to_owned()
    };
    let count = outcome.samples.len();
    let name = if count == repetitions { name } else { format!("{name} ({count}×)") };
    format!(
        "{name} | {} s | {}–{} s | {} | {} | {} s | {} s | {:.0} MB | {} |",
        digits(outcome.median.wall_seconds),
        digits(low),
        digits(high),
        ratio(outcome.ratio_to_helm),
        ratio(outcome.ratio_to_floor),
        digits(outcome.median.cpu_seconds),
        digits(outcome.server_cpu_seconds),
        megabytes(outcome.median.peak_bytes),
        requests(outcome)
    )
}

fn requests(outcome: &Outcome) -> String {
    let Some(requests) = &outcome.requests else { return String::new() };
    let verbs = requests.by_verb.iter().map(|(verb, count)| format!("{verb} {count}"));
    format!("{}: {}", requests.total, verbs.collect::<Vec<_>>().join(", "))
}

/// What may be, what was, and for what that holds.
pub(crate) fn budgets(of: &str, budgets: &[Verdict]) -> String {
    let mut text = format!("| budget, {of} | at most | measured | |\n|---|---:|---:|---|\n");
    for verdict in budgets {
        let Verdict { what, unit, limit, measured } = verdict;
        let measured = measured.map_or(String::new(), |it| format!("{} {unit}", digits(it)));
        let kept = match verdict.is_kept() {
            Some(true) => "kept",
            Some(false) => "**missed**",
            None => "not measured",
        };
        let _ = writeln!(text, "| {what} | {limit} {unit} | {measured} | {kept} |");
    }
    text
}

fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"))
}

/// Three significant digits.
pub(crate) fn digits(value: f64) -> String {
    match value {
        value if value < 1.0 => format!("{value:.3}"),
        value if value < 10.0 => format!("{value:.2}"),
        value => format!("{value:.1}"),
    }
}

fn thousands(number: usize) -> String {
    if number < 1_000 {
        number.to_string()
    } else {
        format!("{},{:03}", number / 1_000, number % 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        for (value, expected) in [(0.2, "0.200"), (1.0, "1.00"), (12.34, "12.3"), (123.4, "123.4")]
        {
            assert_eq!(digits(value), expected);
        }
        assert_eq!(thousands(4_000), "4,000");
        assert_eq!(thousands(100), "100");
    }
}
