//! `a4co keygen`

use std::{
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use a4co_bundle::TrustFile;
use a4co_compiler::SigningKey;
use fs_err as fs;
use serde::Serialize;
use ssh_key::{Algorithm, LineEnding, PrivateKey, rand_core::OsRng};

use crate::{arguments::Format, failure::Failure, output};

/// Make a signing key, and a trust file that trusts it alone
///
/// Writes `a4co-key` (keep it secret), `a4co-key.pub` and `trust.json`.
#[derive(Debug, clap::Args)]
pub(crate) struct KeygenArguments {
    /// Folder to write to
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

/// The result as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MadeKey {
    fingerprint: String,
    key: PathBuf,
    public_key: PathBuf,
    trust: PathBuf,
}

impl KeygenArguments {
    pub(crate) fn run(self, format: Format) -> Result<ExitCode, Failure> {
        let mut private = PrivateKey::random(&mut OsRng, Algorithm::Ed25519)?;
        private.set_comment("a4co");
        let secret = private.to_openssh(LineEnding::LF)?;
        let public = private.public_key().to_openssh()? + "\n";
        let key = SigningKey::new(private).ok_or(Failure::UnusableKey)?;
        let trust = TrustFile::first([key.verifying_key()]).to_bytes()?;

        fs::create_dir_all(&self.out)?;
        let path = self.out.join("a4co-key");
        create(&path, 0o600, secret.as_bytes())?;
        let public_path = self.out.join("a4co-key.pub");
        create(&public_path, 0o644, public.as_bytes())?;
        let trust_path = self.out.join("trust.json");
        create(&trust_path, 0o644, &[trust.as_slice(), b"\n"].concat())?;
        let fingerprint = key.verifying_key().fingerprint();
        output::talk(&format!("made the key {fingerprint}"));
        match format {
            Format::Json => output::print_json(
                "keygen",
                &MadeKey { fingerprint, key: path, public_key: public_path, trust: trust_path },
            )?,
            Format::Text => output::print(&format!("{}\n", path.display()))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes a new file that only `mode` lets others read, from its first byte on.
fn create(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), Failure> {
    let options = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).clone();
    match fs::OpenOptions::from_options(options).open(path) {
        Ok(mut file) => Ok(file.write_all(bytes)?),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(Failure::KeyExists { path: path.to_owned() })
        }
        Err(error) => Err(error.into()),
    }
}
