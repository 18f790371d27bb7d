//! Bundles as files.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use a4co_bundle::{
    Bundle, BundleError, TrustAnchor, TrustError, UntrustedBundle, UnverifiedBundle, VolumePlace,
    is_volume,
};
use fs_err as fs;
use thiserror::Error;

use crate::failure::Failure;

/// Bytes that tell what a file is.
const START: u64 = 512;

/// Why a file is not used as a bundle, though it may well be one.
#[derive(Debug, Error)]
pub(crate) enum FileError {
    #[error(
        "`{}` is volume {} of {} of `{}`; give the whole file: `a4co-apply images join`, or tar, \
         puts it together",
        path.display(), place.number, place.count, place.file
    )]
    Volume { path: PathBuf, place: VolumePlace },
    #[error("`{0}` is not signed, so nobody will apply it; sign it: a4co sign {0}", path.display())]
    Unsigned { path: PathBuf },
    #[error(
        "`{}` is not signed by whom `{}` trusts: it needs {needed} of {}, and has {}; sign it: \
         a4co sign {0}",
        path.display(), trust.display(), keys.join(", "), verdicts.join(", ")
    )]
    Signers {
        path: PathBuf,
        trust: PathBuf,
        needed: usize,
        keys: Vec<String>,
        verdicts: Vec<String>,
    },
    #[error("`{}` is not trusted by `{}`", path.display(), trust.display())]
    NotTrusted { path: PathBuf, trust: PathBuf, source: TrustError },
}

/// Reads a bundle without asking who vouches for it.
pub(crate) fn inspect(path: &Path) -> Result<UntrustedBundle, Failure> {
    let read = UnverifiedBundle::open(open(path)?).and_then(UnverifiedBundle::inspect);
    read.map_err(|source| Failure::Bundle { path: path.to_owned(), source })
}

/// Reads a bundle that the trust file at `trust` vouches for.
pub(crate) fn verify(path: &Path, trust: &Path) -> Result<Bundle, Failure> {
    let anchor = TrustAnchor::from_file(&fs::read(trust)?)
        .map_err(|source| Failure::Trust { path: trust.to_owned(), source })?;
    let read = UnverifiedBundle::open(open(path)?).and_then(|open| open.verify(&anchor));
    read.map_err(|source| distrusted(path, trust, &anchor, source))
}

/// Tells a bundle that is whole and not trusted from one that cannot be read.
fn distrusted(path: &Path, trust: &Path, anchor: &TrustAnchor, error: BundleError) -> Failure {
    let (path, trust) = (path.to_owned(), trust.to_owned());
    match error {
        BundleError::Trust(TrustError::Unsigned) => FileError::Unsigned { path }.into(),
        BundleError::Trust(TrustError::BelowThreshold { needed, verdicts, .. }) => {
            if verdicts.is_empty() {
                return FileError::Unsigned { path }.into();
            }
            let keys = match anchor {
                TrustAnchor::File(trusted) => {
                    let keys = &trusted.file().roles.release.keys;
                    keys.iter().map(|key| key.fingerprint()).collect()
                }
                TrustAnchor::Digest(_) => Vec::new(),
            };
            FileError::Signers { path, trust, needed, keys, verdicts }.into()
        }
        BundleError::Trust(source) => FileError::NotTrusted { path, trust, source }.into(),
        source => Failure::Bundle { path, source },
    }
}

/// Opens a file that is no volume.
fn open(path: &Path) -> Result<fs::File, Failure> {
    let mut start = Vec::new();
    fs::File::open(path)?.take(START).read_to_end(&mut start)?;
    let file = fs::File::open(path)?;
    if !is_volume(&start) {
        return Ok(file);
    }
    let place = VolumePlace::of(&path.display().to_string(), file)?;
    Err(FileError::Volume { path: path.to_owned(), place }.into())
}
