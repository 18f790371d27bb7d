//! Tells a person what failed, why, what state the cluster is in, and what to do; and the caller
//! the same by an exit code and, where it wants one, a JSON document.

use std::fmt::Write as _;

use serde::Serialize;

use super::{
    global::{Color, Format, GlobalArgs},
    output,
    problem::Problem,
};

/// Reports problems of one command in the form that was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reporter {
    command: Option<&'static str>,
    form: Format,
    color: Color,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    schema: u32,
    command: Option<&'a str>,
    error: String,
    because: Vec<String>,
    state: Option<&'a str>,
    hint: Option<&'a str>,
    exit_code: u8,
}

impl Reporter {
    pub(crate) fn new(command: impl Into<Option<&'static str>>, global: &GlobalArgs) -> Self {
        Self { command: command.into(), form: global.output, color: global.color }
    }

    /// Tells what `problem` is and returns its exit code.
    pub(crate) fn report(self, problem: &Problem) -> u8 {
        let style = output::Style::for_errors(self.color);
        output::talk(&to_text(problem, self.state_of(problem), style));
        if self.form == Format::Json {
            // When standard output is broken, standard error has it all already.
            let _ = output::print_json(&self.to_document(problem));
        }
        problem.code
    }

    /// Returns the state of the cluster, if the command was about one.
    fn state_of(self, problem: &Problem) -> Option<&str> {
        let is_local = |command: &str| {
            ["verify", "completions"].contains(&command) || command.starts_with("images")
        };
        problem.state.as_deref().filter(|_| !self.command.is_some_and(is_local))
    }

    fn to_document(self, problem: &Problem) -> Shown<'_> {
        Shown {
            schema: 1,
            command: self.command,
            error: problem.to_string(),
            because: problem.because(),
            state: self.state_of(problem),
            hint: problem.hint.as_deref(),
            exit_code: problem.code,
        }
    }
}

fn to_text(problem: &Problem, state: Option<&str>, style: output::Style) -> String {
    let mut text = format!("{} {problem}", style.red("error:"));
    for cause in problem.because() {
        let _ = write!(text, "\n  because: {}", cause.replace('\n', "\n  "));
    }
    if let Some(state) = state {
        let _ = write!(text, "\n{state}");
    }
    if let Some(hint) = &problem.hint {
        let _ = write!(text, "\n{} {hint}", style.bold("hint:"));
    }
    text
}

#[cfg(test)]
mod tests {
    use a4co_cluster::{Failure, StepError};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_failure_is_one_document() {
        let reporter = Reporter { command: Some("apply"), form: Format::Json, color: Color::Never };
        let problem = Problem::from(Failure::Unfinished { cause: StepError::Overtaken });
        let document = serde_json::to_value(reporter.to_document(&problem)).unwrap();
        let expected = json!({
            "schema": 1,
            "command": "apply",
            "error": "stopped in the middle",
            "because": ["another command took over"],
            "state": problem.state,
            "hint": problem.hint,
            "exitCode": 4,
        });
        assert_eq!(document, expected);
    }
}
