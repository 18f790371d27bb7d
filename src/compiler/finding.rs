//! What is wrong with the source: every finding at once, each with its place and a remedy.

use std::{collections::BTreeSet, error::Error, fmt};

use crate::{place::Place, problem::Problem};

/// One thing that is wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    place: Place,
    problem: Problem,
}

impl Finding {
    pub(crate) fn new(place: Place, problem: impl Into<Problem>) -> Self {
        Self { place, problem: problem.into() }
    }

    /// Returns the file's path, relative to the root, with slashes.
    #[must_use]
    pub fn file(&self) -> &str {
        self.place.path()
    }

    /// Returns line and column, both from 1; columns count characters.
    #[must_use]
    pub fn line_and_column(&self) -> (usize, usize) {
        self.place.line_and_column()
    }

    /// Returns what is wrong.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Returns what to do about it, where that is not evident.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        self.problem.help()
    }

    /// Returns the finding as one line, `file:line:column: message (help: …)`.
    #[must_use]
    pub fn to_line(&self) -> String {
        let (line, column) = self.line_and_column();
        let help = self.help().map(|help| format!(" (help: {help})")).unwrap_or_default();
        fold(&format!("{}:{line}:{column}: {}{help}", self.file(), self.problem))
    }
}

/// Returns `error` and its causes as one line, `error: cause: its cause`.
#[must_use]
pub fn to_line(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    fold(&causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
}

fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Finding {
    /// Prints the finding as rustc prints its own, with the line and a mark below.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_and_column();
        let gutter = " ".repeat(line.to_string().len());
        writeln!(f, "error: {}", self.problem)?;
        writeln!(f, "{gutter}--> {}:{line}:{column}", self.file())?;
        writeln!(f, "{gutter} |")?;
        writeln!(f, "{line} | {}", self.place.line())?;
        let mark = "^".repeat(self.place.width());
        writeln!(f, "{gutter} | {}{mark}", " ".repeat(column - 1))?;
        match self.help() {
            Some(help) => writeln!(f, "{gutter} = help: {help}"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong with a source, sorted by place, each once.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Findings(BTreeSet<Finding>);

impl Error for Findings {}

impl fmt::Debug for Findings {
    /// Prints what people read, so that a failing test shows it too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}

impl Findings {
    pub(crate) fn add(&mut self, place: Place, problem: impl Into<Problem>) {
        self.0.insert(Finding::new(place, problem));
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Returns `value` if nothing was found.
    pub(crate) fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }

    /// Returns the findings by file and position.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter()
    }

    /// Returns how many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, finding) in self.iter().enumerate() {
            if position > 0 {
                writeln!(f)?;
            }
            write!(f, "{finding}")?;
        }
        Ok(())
    }
}
