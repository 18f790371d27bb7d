//! One kill and what came of it.

use std::fmt;

use serde::Serialize;

use crate::{api, error::Result, fixture::Fixture, tool::Tool, workload::Content};

/// On which side of a write the tool is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Moment {
    /// The API server never gets the request.
    Before,
    /// The API server has done it, and the tool never gets the answer.
    After,
}

/// When a tool is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Target {
    /// Which of its writes, counted from one.
    pub(crate) number: usize,
    pub(crate) moment: Moment,
}

/// What the cluster has of the two releases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Mix {
    /// Objects of the old release.
    pub(crate) old: usize,
    /// Objects of the new one.
    pub(crate) new: usize,
}

/// What the next command did.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Next {
    pub(crate) code: i32,
    pub(crate) seconds: f64,
    /// Whether it was refused because another operation were in progress.
    pub(crate) is_refused: bool,
    /// The end of what it said.
    pub(crate) said: String,
    pub(crate) left: Mix,
}

/// One case.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Case {
    pub(crate) tool: Tool,
    pub(crate) target: Target,
    /// Whether the write came at all; if not, the tool was not killed.
    pub(crate) killed: bool,
    /// Method and path of the write.
    pub(crate) write: String,
    pub(crate) after_kill: Mix,
    pub(crate) next: Option<Next>,
    /// Whether `helm rollback` brings the old release back where the next upgrade is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rollback_helps: Option<bool>,
}

impl Moment {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

impl Mix {
    /// Whether there is something of both, or something is missing.
    pub(crate) fn is_mixed(self) -> bool {
        self.old > 0 && self.new > 0 || self.old + self.new != super::OBJECTS
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} old, {} new", self.old, self.new)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Target { number, moment } = self.target;
        write!(f, "killed {} write {number} ({}): {}", moment.name(), self.write, self.after_kill)?;
        match &self.next {
            Some(next) => {
                write!(f, "; then code {} in {:.1} s: {}", next.code, next.seconds, next.left)
            }
            None => Ok(()),
        }
    }
}

/// Looks at what `fixture`'s namespace has.
pub(crate) async fn mix(client: &kube::Client, fixture: &Fixture) -> Result<Mix> {
    let versions = api::versions(client, &fixture.namespace).await?;
    let count = |content: Content| versions.get(&content.release_version()).copied().unwrap_or(0);
    Ok(Mix { old: count(Content::Old), new: count(Content::New) })
}
