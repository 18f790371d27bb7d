//! Labels and annotations of our own objects, all in one place; and the washing of other people's
//! text.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Label that names the application.
pub(crate) const APP_LABEL: &str = "a4co.dev/app";
/// Label that tells what a stored content is.
pub(crate) const CONTENT_LABEL: &str = "a4co.dev/content";
/// Annotation with the digest of a stored content.
pub(crate) const DIGEST_ANNOTATION: &str = "a4co.dev/digest";
/// Annotation `i/n` of a chunk, counted from 1.
pub(crate) const CHUNK_ANNOTATION: &str = "a4co.dev/chunk";
/// Annotation of every object that we create: the epoch of the transaction that did it.
pub(crate) const EPOCH_ANNOTATION: &str = "a4co.dev/epoch";
/// Annotation that gives an object a new version, for a moment.
pub(crate) const FENCE_ANNOTATION: &str = "a4co.dev/fence";
/// Kubernetes' recommended label for the managing tool.
pub(crate) const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// Our value of it.
pub(crate) const MANAGED_BY: &str = "a4co";

/// Everything but what RFC 3986, 2.3, calls unreserved.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Replaces control characters, which a terminal would obey, in text that the cluster gave us.
pub(crate) fn clean(text: &str) -> String {
    let is_harmless = |character: char| !character.is_control() || character == '\n';
    text.chars().map(|c| if is_harmless(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// Writes `text` so that it can stand in the query of a URL (RFC 3986, 2.3).
pub(crate) fn in_query(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_the_cluster_cannot_command_a_terminal() {
        assert_eq!(clean("a\x1b]0;pwned\x07b\nc\u{9b}"), "a\u{fffd}]0;pwned\u{fffd}b\nc\u{fffd}");
    }

    #[test]
    fn a_query_has_no_character_that_means_something() {
        assert_eq!(in_query("!a4co.dev/content,x=1&y"), "%21a4co.dev%2Fcontent%2Cx%3D1%26y");
    }
}
