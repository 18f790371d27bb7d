//! What names are made of: nothing that means something else in a path, a URL or a terminal.

use crate::text::is_printable;

/// Checks for a DNS label (RFC 1123) of at most 63 characters, as Kubernetes names namespaces.
#[must_use]
pub fn is_dns_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// Checks for `version` or `group/version`.
pub(crate) fn is_api_version(text: &str) -> bool {
    match text.split_once('/') {
        None => is_made_of(text, b""),
        Some((group, version)) => is_made_of(group, b".-") && is_made_of(version, b""),
    }
}

/// Checks for an API group, which is empty for the core group.
pub(crate) fn is_group(text: &str) -> bool {
    text.is_empty() || is_made_of(text, b".-")
}

/// Checks for a kind.
pub(crate) fn is_kind(text: &str) -> bool {
    is_made_of(text, b"")
}

/// Checks for a name of an object, of any kind: roles may have colons, say.
pub(crate) fn is_name(text: &str) -> bool {
    is_made_of(text, b".:-_")
}

/// Checks for a condition type, such as `Ready` or `example.com/Ready`.
pub(crate) fn is_condition(text: &str) -> bool {
    is_made_of(text, b".-_/")
}

/// Checks for a platform, such as `linux/arm64`.
pub(crate) fn is_platform(text: &str) -> bool {
    is_made_of(text, b".-_/")
}

/// Checks for a media type (RFC 6838 §4.2) without parameters.
pub(crate) fn is_media_type(text: &str) -> bool {
    let is_part = |part: &str| is_made_of(part, b"!#$&^_.+-") && part.len() <= 127;
    text.split_once('/').is_some_and(|(kind, subtype)| is_part(kind) && is_part(subtype))
}

/// Checks for a relative path that stays where it begins.
pub(crate) fn is_relative_path(text: &str) -> bool {
    let is_part = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\\');
    text.len() <= 1024 && is_printable(text) && text.split('/').all(is_part)
}

/// Checks for 1 to 253 ASCII letters, digits and bytes of `more`, other than `.` and `..`.
fn is_made_of(text: &str, more: &[u8]) -> bool {
    let is_in = |byte: u8| byte.is_ascii_alphanumeric() || more.contains(&byte);
    !matches!(text, "." | "..") && (1..=253).contains(&text.len()) && text.bytes().all(is_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Rule = fn(&str) -> bool;

    #[test]
    fn what_kubernetes_and_registries_use_is_accepted() {
        for (rule, text) in [
            (is_dns_label as Rule, "shop-2"),
            (is_api_version, "v1"),
            (is_api_version, "networking.k8s.io/v1beta1"),
            (is_group, ""),
            (is_kind, "CustomResourceDefinition"),
            (is_name, "system:auth-delegator"),
            (is_condition, "example.com/Ready"),
            (is_platform, "linux/arm/v7"),
            (is_relative_path, "envs/für alle.toml"),
        ] {
            assert!(rule(text), "{text}");
        }
    }

    #[test]
    fn what_means_something_else_somewhere_is_refused() {
        let long = "a".repeat(254);
        for (case, rule, text) in [
            ("an empty label", is_dns_label as Rule, ""),
            ("a label of 64 characters", is_dns_label, &long[..64]),
            ("a label that begins with a hyphen", is_dns_label, "-a"),
            ("a label in upper case", is_dns_label, "Shop"),
            ("an API version in three parts", is_api_version, "a/b/c"),
            ("an API version without group", is_api_version, "/v1"),
            ("a name that climbs", is_name, ".."),
            ("a name with a slash", is_name, "a/b"),
            ("a name with a query", is_name, "a?b"),
            ("a name with an escape", is_name, "a%2fb"),
            ("a name of 254 characters", is_name, &long),
            ("an absolute path", is_relative_path, "/etc/passwd"),
            ("a path that climbs", is_relative_path, "envs/../../x"),
            ("a path of Windows", is_relative_path, "envs\\x"),
            ("a path with a line break", is_relative_path, "envs\nx"),
            ("an empty path", is_relative_path, ""),
        ] {
            assert!(!rule(text), "{case}");
        }
    }
}
