//! Names and labels that a release has in a cluster, so that plain kubectl finds its parts.
//!
//! They follow the `ApplySet` specification (KEP-3659): the head object is the parent of the set and
//! carries its id, every member carries `applyset.kubernetes.io/part-of` with the same id.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

/// Label of every member, with the set's id as its value.
pub const PART_OF_LABEL: &str = "applyset.kubernetes.io/part-of";

/// Label of the parent, with the set's id as its value.
pub const APPLYSET_ID_LABEL: &str = "applyset.kubernetes.io/id";

/// Name of the head object and of the lease of `app`, in the release's namespace.
#[must_use]
pub fn head_name(app: &str) -> String {
    format!("a4co.{app}")
}

/// Id of the set of objects that the releases of `app` own from `namespace`.
///
/// By KEP-3659 it is `applyset-<base64url(sha256("<name>.<namespace>.<kind>.<group>"))>-v1` of the
/// parent, which here is the head, a core `ConfigMap`.
#[must_use]
pub fn applyset_id(app: &str, namespace: &str) -> String {
    let parent = format!("{}.{namespace}.ConfigMap.", head_name(app));
    format!("applyset-{}-v1", URL_SAFE_NO_PAD.encode(Sha256::digest(parent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_applyset_id_fits_a_label_value() {
        let id = applyset_id("shop", "shop-production");
        assert_eq!(id.len(), 55, "{id}");
        assert_ne!(id, applyset_id("shop", "shop-staging"));
        assert_ne!(id, applyset_id("shop2", "shop-production"));
    }
}
