//! Registries, as the command line describes them.

use std::path::PathBuf;

use a4co_registry::{Client, Environment, Settings};
use clap::Args;

use super::problem::Problem;

/// How registries are reached. Credentials are those of `docker login` and `podman login`.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Registries")]
pub(crate) struct RegistryArgs {
    /// Ask URL, and not HOST, for what HOST has, as the nodes do; may be repeated
    #[arg(long = "mirror", value_name = "HOST=URL")]
    mirrors: Vec<String>,
    /// Certificates of authorities to trust besides those of this machine, in PEM
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Speak to a registry of this machine without encryption; may be repeated
    #[arg(long, value_name = "HOST[:PORT]")]
    insecure: Vec<String>,
}

impl RegistryArgs {
    /// Makes a client. Nothing is sent yet.
    pub(crate) fn client(&self) -> Result<Client, Problem> {
        let settings = Settings {
            mirrors: self.mirrors.clone(),
            // Nodes that have a mirror are told to ask nobody else, and neither is the internet asked.
            mirrors_only: true,
            ca: self.ca.clone(),
            insecure: self.insecure.clone(),
        };
        let options = settings.to_options(Environment::read()).map_err(Problem::registries)?;
        Client::new(options).map_err(Problem::registries)
    }
}
