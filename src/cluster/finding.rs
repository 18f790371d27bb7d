//! What a check found.

use crate::{error::ApiError, refusal::Refusal};

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was checked, in one word.
    pub check: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub text: String,
    /// What a person can do about it, where there is something to do.
    pub remedy: Option<String>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// All is well.
    Good,
    /// Work is possible, but something should be looked at.
    Warning,
    /// A command would fail, or has left something that a person has to mend.
    Error,
}

impl Finding {
    pub(crate) fn good(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, level: Level::Good, text: text.into(), remedy: None }
    }

    pub(crate) fn warning(check: &'static str, text: impl Into<String>, remedy: &str) -> Self {
        let remedy = Some(remedy.to_owned()).filter(|remedy| !remedy.is_empty());
        Self { check, level: Level::Warning, text: text.into(), remedy }
    }

    pub(crate) fn error(check: &'static str, text: impl Into<String>, remedy: &str) -> Self {
        Self { level: Level::Error, ..Self::warning(check, text, remedy) }
    }

    /// What a refusal says, as an error.
    pub(crate) fn refused(check: &'static str, refusal: &Refusal) -> Self {
        let remedy = refusal.remedy();
        Self { check, level: Level::Error, text: sentence(refusal), remedy }
    }

    /// Something that could not be found out. For want of permission that is no error of the site.
    pub(crate) fn unknown(check: &'static str, what: &str, error: ApiError) -> Self {
        let level = if error.is_forbidden() { Level::Warning } else { Level::Error };
        let found = Self::refused(check, &error.into());
        Self { level, text: format!("cannot tell {what}: {}", found.text), ..found }
    }
}

/// An error and its causes in one sentence.
fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
