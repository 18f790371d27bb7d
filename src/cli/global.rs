//! Options that every command has.

use std::path::PathBuf;

use a4co_bundle::TrustAnchor;
use a4co_cluster::{Client, Connect};
use clap::{Args, ValueEnum};

use super::problem::Problem;

/// Digest of the first trust file that this binary believes, when it was built with one.
const COMPILED_ANCHOR: Option<&str> = option_env!("A4CO_TRUST_ANCHOR");

#[derive(Debug, Args)]
pub(crate) struct GlobalArgs {
    /// Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, then the pod's service account]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig [default: its current one]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// Trust file, or sha256:… of the first one of the chain that the bundle carries
    #[arg(long, global = true, env = "A4CO_TRUST", value_name = "FILE|DIGEST")]
    pub(crate) trust: Option<String>,
    /// Form of the result on standard output
    #[arg(long, short, global = true, default_value = "text", value_name = "FORMAT")]
    pub(crate) output: Format,
    /// When to use colour
    #[arg(long, global = true, default_value = "auto", value_name = "WHEN")]
    pub(crate) color: Color,
}

/// Format of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// One JSON document
    Json,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl GlobalArgs {
    /// Reads the trust anchor: the one given, or the one that the binary was built with.
    pub(crate) fn anchor(&self) -> Result<TrustAnchor, Problem> {
        let Some(trust) = self.trust.as_deref().or(COMPILED_ANCHOR) else {
            return Err(Problem::refused(
                "there is no trust anchor: this binary was built without one",
                "give the trust file of your release's signers: --trust FILE",
            ));
        };
        if trust.starts_with("sha256:") {
            let digest = trust.parse().map_err(|error| Problem::untrusted(trust, error))?;
            return Ok(TrustAnchor::Digest(digest));
        }
        let bytes = fs_err::read(trust).map_err(Problem::unreadable)?;
        TrustAnchor::from_file(&bytes).map_err(|error| Problem::untrusted(trust, error))
    }

    /// Connects to the cluster. Nothing is sent yet.
    pub(crate) async fn client(&self) -> Result<Client, Problem> {
        let connect =
            Connect { kubeconfig: self.kubeconfig.clone(), context: self.context.clone() };
        Ok(Client::new(&connect).await.map_err(a4co_cluster::Refusal::from)?)
    }
}
