//! `a4co sign`

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use a4co_bundle::{Purpose, StoredBlobs, UntrustedBundle, pack, pack_thick};
use a4co_compiler::{replace_file, replace_file_by};
use fs_err as fs;

use crate::{bundle_file, failure::Failure, keys::KeyArguments, output};

/// Add signatures to a bundle
///
/// The release stays the same. A key that has signed already changes nothing.
#[derive(Debug, clap::Args)]
pub(crate) struct SignArguments {
    /// Bundle to sign
    bundle: PathBuf,
    #[command(flatten)]
    keys: KeyArguments,
}

impl SignArguments {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let keys = self.keys.read()?;
        if keys.is_empty() {
            return Err(Failure::NoKey);
        }
        // A link, such as the one to the newest bundle, stays; what it leads to is signed.
        let path = fs::canonicalize(&self.bundle)?;
        let mut bundle = bundle_file::inspect(&path)?;
        let attestation = &mut bundle.attestation;
        for key in keys {
            let signature = key.sign(Purpose::Release, &attestation.statement);
            let fingerprint = key.verifying_key().fingerprint();
            if attestation.signatures.contains(&signature) {
                output::talk(&format!("{fingerprint} has signed already"));
                continue;
            }
            attestation.signatures.push(signature);
            output::talk(&format!("signed by {fingerprint}"));
        }
        write(&path, &bundle)?;
        output::print(&format!("{}  {}\n", self.bundle.display(), bundle.release.id()))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes `bundle`, which was read from `path`, there again with its new signatures.
fn write(path: &Path, bundle: &UntrustedBundle) -> Result<(), Failure> {
    let UntrustedBundle { attestation, release, images, .. } = bundle;
    let failed = |source| Failure::Bundle { path: path.to_owned(), source };
    let Some(images) = images else {
        let bytes = pack(Vec::new(), attestation, release).map_err(failed)?;
        return Ok(replace_file(path, &bytes)?);
    };
    let mut blobs = StoredBlobs::new(images, fs::File::open(path)?);
    replace_file_by(path, |out| {
        pack_thick(out, attestation, release, images.contents(), &mut blobs).map_err(failed)
    })
}
