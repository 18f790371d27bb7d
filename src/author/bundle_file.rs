//! Bundles as files.

use std::path::Path;

use a4co_bundle::{Bundle, BundleError, TrustAnchor, UntrustedBundle, UnverifiedBundle};
use fs_err as fs;

use crate::failure::Failure;

/// Reads a bundle without asking who vouches for it.
pub(crate) fn inspect(path: &Path) -> Result<UntrustedBundle, Failure> {
    read(path, UnverifiedBundle::inspect)
}

/// Reads a bundle that the trust file at `trust` vouches for.
pub(crate) fn verify(path: &Path, trust: &Path) -> Result<Bundle, Failure> {
    let anchor = TrustAnchor::from_file(&fs::read(trust)?)
        .map_err(|source| Failure::Trust { path: trust.to_owned(), source })?;
    read(path, |open| open.verify(&anchor))
}

fn read<T>(
    path: &Path,
    check: impl FnOnce(UnverifiedBundle<fs::File>) -> Result<T, BundleError>,
) -> Result<T, Failure> {
    let file = fs::File::open(path)?;
    let bundle = UnverifiedBundle::open(file).and_then(check);
    bundle.map_err(|source| Failure::Bundle { path: path.to_owned(), source })
}
