//! `a4co sign`

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use a4co_bundle::{Attestation, StoredBlobs, UntrustedBundle, pack, pack_thick};
use a4co_compiler::{Attested, attestation_of, release_files, replace_file, replace_file_by};
use fs_err as fs;

use crate::{bundle_file, failure::Failure, keys::KeyArguments, output, volumes::volumes_of};

/// Add signatures to a bundle
///
/// The other files of the same release in its folder get them too: thin or thick, it is one release.
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
        let bundle = bundle_file::inspect(&path)?;
        let (folder, environment) = (path.parent().unwrap_or(&path), &bundle.statement.environment);
        let release = bundle.release.id();
        let mut others = release_files(folder, environment, release)?;
        others.retain(|other| *other != path);

        let statement = &bundle.attestation.statement;
        let mut attested = Attested::new(statement.clone(), &keys);
        let mut same = Vec::new();
        for other in others {
            let name = shown(&other);
            match attestation_of(&other) {
                Ok(found) if found.statement == *statement => {
                    attested.keep(&found);
                    same.push(other);
                }
                Ok(_) => output::talk(&format!(
                    "{name} stays as it is: it was built from other sources, though it is the same \
                     release; build it again"
                )),
                Err(error) => output::talk(&format!("{name} stays as it is: {error}")),
            }
        }
        attested.keep(&bundle.attestation);
        let signed = &bundle.attestation.signatures;
        for key in &attested.signing {
            let has_signed = signed.iter().any(|it| it.verify(statement) == Some(*key));
            let fingerprint = key.fingerprint();
            output::talk(&if has_signed {
                format!("{fingerprint} has signed already")
            } else {
                format!("signed by {fingerprint}")
            });
        }
        write(&path, &bundle, &attested.attestation)?;
        output::print(&format!("{}  {release}\n", self.bundle.display()))?;
        for other in same {
            write(&other, &bundle_file::inspect(&other)?, &attested.attestation)?;
            let beside = self.bundle.with_file_name(shown(&other));
            output::print(&format!("{}  {release}\n", beside.display()))?;
        }
        let start = format!("{environment}-{}.", &release.digest().to_hex()[..12]);
        if !volumes_of(folder, &start)?.is_empty() {
            output::talk(
                "volumes cannot be signed and stay as they are: build them again, which keeps \
                 these signatures",
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn shown(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Writes `bundle`, which was read from `path`, there again with this attestation.
fn write(path: &Path, bundle: &UntrustedBundle, attested: &Attestation) -> Result<(), Failure> {
    let UntrustedBundle { attestation, release, images, .. } = bundle;
    if attestation == attested {
        return Ok(());
    }
    let failed = |source| Failure::Bundle { path: path.to_owned(), source };
    let Some(images) = images else {
        let bytes = pack(Vec::new(), attested, release).map_err(failed)?;
        return Ok(replace_file(path, &bytes)?);
    };
    let mut blobs = StoredBlobs::new(images, fs::File::open(path)?);
    replace_file_by(path, |out| {
        pack_thick(out, attested, release, images.contents(), &mut blobs).map_err(failed)
    })
}
