//! Bundles as files.

use std::path::Path;

use a4co_bundle::{Bundle, TrustAnchor, UntrustedBundle, UnverifiedBundle};
use fs_err as fs;

use crate::failure::Failure;

/// Reads a bundle without asking who vouches for it.
pub(crate) fn inspect(path: &Path) -> Result<UntrustedBundle, Failure> {
    let bytes = fs::read(path)?;
    let bundle = UnverifiedBundle::open(bytes.as_slice()).and_then(UnverifiedBundle::inspect);
    bundle.map_err(|source| Failure::Bundle { path: path.to_owned(), source })
}

/// Reads a bundle that the trust file at `trust` vouches for.
pub(crate) fn verify(path: &Path, trust: &Path) -> Result<Bundle, Failure> {
    let anchor = TrustAnchor::from_file(&fs::read(trust)?)
        .map_err(|source| Failure::Trust { path: trust.to_owned(), source })?;
    let bytes = fs::read(path)?;
    let bundle = UnverifiedBundle::open(bytes.as_slice()).and_then(|open| open.verify(&anchor));
    bundle.map_err(|source| Failure::Bundle { path: path.to_owned(), source })
}
