//! Where signing keys come from: the command line, else the environment.

use std::{env, path::PathBuf};

use a4co_compiler::{SIGNING_KEY_VARIABLE, SigningKey, signing_key_paths};

use crate::failure::Failure;

/// Signing keys on the command line.
#[derive(Debug, clap::Args)]
pub(crate) struct KeyArguments {
    /// File of an OpenSSH Ed25519 key to sign with; may be given several times
    /// [default: the files that `A4CO_SIGNING_KEY` names, separated by colons]
    #[arg(long = "key", value_name = "FILE")]
    paths: Vec<PathBuf>,
}

impl KeyArguments {
    /// Reads the keys; none if none are named.
    pub(crate) fn read(&self) -> Result<Vec<SigningKey>, Failure> {
        let paths = if self.paths.is_empty() {
            signing_key_paths(&env::var_os(SIGNING_KEY_VARIABLE).unwrap_or_default())?
        } else {
            self.paths.clone()
        };
        let keys = paths.iter().map(|path| SigningKey::read(path));
        keys.map(|key| key.map_err(Failure::from)).collect()
    }
}
