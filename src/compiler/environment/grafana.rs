//! Dashboards.

use schemars::JsonSchema;
use serde::Deserialize;

use super::program::{Program, SecretKey};
use crate::template::Template;

/// Its data sources and dashboards are part of the release; what is changed by hand is gone with
/// the pod.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Grafana {
    /// How it runs.
    #[serde(flatten)]
    pub(crate) program: Program,
    /// Name of the administrator.
    pub(crate) user: SecretKey,
    /// Password of the administrator.
    pub(crate) password: SecretKey,
    /// URL under which people open it. The default is `http://localhost:3000`, that of a forwarded
    /// port. Placeholders: those of `release.notes`.
    #[serde(default = "default_root_url")]
    pub(crate) root_url: Template,
}

#[expect(clippy::expect_used, reason = "a constant, and tested")]
fn default_root_url() -> Template {
    Template::parse("http://localhost:3000").expect("a template")
}
