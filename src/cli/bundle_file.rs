//! Opens and verifies the bundle that a person names.

use std::path::{Path, PathBuf};

use a4co_bundle::{Bundle, BundleError, TrustError, UnverifiedBundle};

use super::{global::GlobalArgs, problem::Problem};

const BUFFER_BYTES: usize = 1 << 20;

/// Verifies the bundle in `path`. Nothing is sent to any cluster before this has succeeded.
pub(crate) fn open(path: &Path, global: &GlobalArgs) -> Result<Bundle, Problem> {
    let anchor = global.anchor()?;
    let file = fs_err::File::open(path).map_err(Problem::unreadable)?;
    let file = std::io::BufReader::with_capacity(BUFFER_BYTES, file);
    UnverifiedBundle::open(file)
        .and_then(|bundle| bundle.verify(&anchor))
        .map_err(|error| refuse(path.to_owned(), error))
}

fn refuse(path: PathBuf, error: BundleError) -> Problem {
    let hint = match &error {
        BundleError::Trust(TrustError::Unsigned) => {
            "build it with a signing key (A4CO_SIGNING_KEY), or sign it: a4co sign BUNDLE --key FILE"
        }
        BundleError::Trust(TrustError::BelowThreshold { .. }) => {
            "check that the bundle comes from whom you think, and that --trust names the right file"
        }
        BundleError::Trust(TrustError::AnchorMissing { .. }) => {
            "give the trust file itself: --trust FILE"
        }
        BundleError::Trust(TrustError::RevokedRelease { .. } | TrustError::BelowFloor { .. }) => {
            "the signers do not want this release to be used; get a newer one"
        }
        BundleError::Trust(TrustError::TooOld { .. }) => {
            "get the newest trust file from the signers: --trust FILE"
        }
        BundleError::Trust(TrustError::Link { .. }) => {
            "the chain of trust files in the bundle is broken; report it to its makers"
        }
        error if error.is_damage() => "the file is damaged; fetch it again",
        BundleError::Archive(_) | BundleError::Damaged(_) => {
            "this is not a bundle as a4co writes it"
        }
        BundleError::Trust(_)
        | BundleError::Release(_)
        | BundleError::Statement(_)
        | BundleError::Image(_) => {
            "the bundle is malformed, and was made like that; report it to its makers"
        }
    };
    Problem::bundle(path, error, hint)
}
