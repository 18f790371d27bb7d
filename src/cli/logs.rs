//! `logs [WORKLOAD]`: what the pods of a release write, those with trouble first.

use std::{io, ops::ControlFlow, process::ExitCode, time::Duration};

use a4co_cluster::{LogRange, LogSource, PodLogs};
use clap::Args;
use serde::Serialize;

use super::{
    global::{Format, GlobalArgs},
    output::{self, Style},
    patience::parse_duration,
    problem::Problem,
    selection::SelectionArgs,
};

/// Lines of each container that are shown when nothing else is asked for.
const TAIL: u64 = 100;

/// Most containers that are followed: each takes a connection of its own.
const FOLLOWED: usize = 50;

/// Show what the pods of the release write, those with trouble first
#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// Only the pods of this one, such as web or statefulset/db
    workload: Option<String>,
    #[command(flatten)]
    selection: SelectionArgs,
    /// Go on as long as the pods that are there now do
    #[arg(long, short)]
    follow: bool,
    /// Only so many lines from the end of each log [default: 100, or all with --since]
    #[arg(long, value_name = "LINES")]
    tail: Option<u64>,
    /// Only what is not older than this, such as 90s, 10m
    #[arg(long, value_parser = parse_duration, value_name = "TIME")]
    since: Option<Duration>,
    /// The runs before the present ones, of containers that were started again
    #[arg(long, short, conflicts_with = "follow")]
    previous: bool,
}

/// A line of a log, as a document of its own.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    schema: u32,
    command: &'static str,
    namespace: &'a str,
    pod: &'a str,
    container: &'a str,
    line: &'a str,
}

impl LogsArgs {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<ExitCode, Problem> {
        let client = global.client().await?;
        let place = self.selection.place(&client).await?;
        let workload = self.workload.as_deref();
        let pods = a4co_cluster::pod_logs(&client, &place, workload, self.previous).await?;
        let style = Style::for_errors(global.color);
        tell_troubles(&pods, style);
        let mut sources: Vec<LogSource> = pods.into_iter().flat_map(|pod| pod.sources).collect();
        if self.follow && sources.len() > FOLLOWED {
            let count = sources.len();
            output::talk(&format!("{count} containers are too many; following {FOLLOWED} of them"));
            sources.truncate(FOLLOWED);
        }
        if sources.is_empty() {
            output::talk(if self.previous {
                "no container was started again, so there are no logs of previous runs"
            } else {
                "no container has started yet, so there are no logs"
            });
        }
        let (mut has_heard, mut has_failed) = (false, false);
        let mut printed = Ok(true);
        let hear = |source: &LogSource, line: Result<&str, &a4co_cluster::ApiError>| {
            match line {
                Ok(line) => {
                    has_heard = true;
                    printed = print(source, line, global.output);
                }
                Err(error) => {
                    has_failed = true;
                    output::talk(&format!("{}: {}", name(source), error.message()));
                }
            }
            match printed {
                Ok(true) => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            }
        };
        a4co_cluster::read_logs(&client, &sources, self.range(), hear).await;
        printed?;
        if has_failed && !has_heard {
            let hint = "the API server gets logs from the nodes; check that it reaches them, and \
                        that you may get `pods/log`";
            return Err(Problem::refused("no log can be read", hint));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn range(&self) -> LogRange {
        let since_seconds = self.since.map(|since| since.as_secs());
        let tail = self.tail.or_else(|| since_seconds.is_none().then_some(TAIL));
        LogRange { tail, since_seconds, follow: self.follow }
    }
}

fn tell_troubles(pods: &[PodLogs], style: Style) {
    for trouble in pods.iter().filter_map(|pod| pod.trouble.as_ref()) {
        output::talk(&format!("{} {}", style.yellow("trouble:"), output::one_line(trouble)));
    }
}

fn name(source: &LogSource) -> String {
    format!("{} {}", source.pod, source.container)
}

/// Prints a line, and returns whether anybody wants more.
fn print(source: &LogSource, line: &str, form: Format) -> io::Result<bool> {
    match form {
        Format::Text => output::print_on(&format!("{} | {}", name(source), output::plain(line))),
        Format::Json => {
            let LogSource { namespace, pod, container, .. } = source;
            let shown = Shown { schema: 1, command: "logs", namespace, pod, container, line };
            output::print_json_line(&shown)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: LogsArgs,
    }

    #[test]
    fn a_bounded_part_of_each_log_is_read_unless_more_is_asked_for() {
        for (line, tail, since_seconds) in [
            ("logs", Some(100), None),
            ("logs --tail 5", Some(5), None),
            ("logs --since 10m", None, Some(600)),
            ("logs --since 10m --tail 5", Some(5), Some(600)),
        ] {
            let range = Line::parse_from(line.split(' ')).args.range();
            assert_eq!(range, LogRange { tail, since_seconds, follow: false }, "{line}");
        }
    }
}
