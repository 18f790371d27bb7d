//! The one grammar of names of images: registry, repository and tag.
//!
//! Who writes a release, who reads it, who puts a site's overlay on it and who asks registries read names
//! by this code, so that a name is good everywhere or nowhere, and means one place.

/// Most characters of a registry and a repository together (OCI distribution specification, "Pulling
/// manifests").
const MAX_NAME: usize = 255;

/// Most characters of a tag (same place).
const MAX_TAG: usize = 128;

/// Checks for `HOST` or `HOST:PORT` in lower case: labels of `a-z 0-9 -` with dots between them, and a
/// port from 1 to 65,535 without leading zeros.
#[must_use]
pub fn is_host_and_port(text: &str) -> bool {
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    };
    let is_port = |port: &str| {
        !port.starts_with(['0', '+']) && port.parse::<u16>().is_ok_and(|number| number > 0)
    };
    text.len() <= MAX_NAME && host.split('.').all(is_label) && port.is_none_or(is_port)
}

/// Checks for the registry of an image name: a host that can be told from the first part of a
/// repository, by a dot, a port or because it is `localhost`.
#[must_use]
pub fn is_registry(text: &str) -> bool {
    is_host_and_port(text) && (text.contains(['.', ':']) || text == "localhost")
}

/// Checks for a repository of a registry, such as `library/nats`: parts of `a-z 0-9`, joined inside by
/// `.`, `_`, `__` or hyphens, with slashes between them (OCI distribution specification, "Pulling
/// manifests").
#[must_use]
pub fn is_repository(text: &str) -> bool {
    text.len() <= MAX_NAME && text.split('/').all(is_component)
}

fn is_component(component: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_separator =
        |run: &str| matches!(run, "" | "." | "_" | "__") || run.bytes().all(|byte| byte == b'-');
    component.starts_with(is_plain)
        && component.ends_with(is_plain)
        && component.split(is_plain).all(is_separator)
}

/// Checks for a tag (OCI distribution specification, "Pulling manifests").
#[must_use]
pub fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= MAX_TAG
        && text.bytes().next().is_some_and(is_word)
        && text.bytes().all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'))
}

/// Checks for an image without tag and digest: registry, slash, repository.
#[must_use]
pub fn is_image_name(text: &str) -> bool {
    text.len() <= MAX_NAME
        && text.split_once('/').is_some_and(|(registry, repository)| {
            is_registry(registry) && is_repository(repository)
        })
}

/// Checks for a registry, with or without a path below which its repositories are.
pub(crate) fn is_registry_path(text: &str) -> bool {
    is_registry(text) || is_image_name(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Rule = fn(&str) -> bool;

    #[test]
    fn what_registries_use_is_accepted() {
        for (rule, text) in [
            (is_host_and_port as Rule, "registry"),
            (is_host_and_port, "registry:5000"),
            (is_registry, "docker.io"),
            (is_registry, "registry:5000"),
            (is_registry, "localhost"),
            (is_registry, "127.0.0.1:65535"),
            (is_repository, "library/nats"),
            (is_repository, "a.b_c__d--e/f"),
            (is_image_name, "localhost:5000/library/nats"),
            (is_registry_path, "registry.site:5000"),
            (is_registry_path, "registry.site:5000/mirror/docker__hub.io"),
            (is_tag, "2.11-alpine"),
            (is_tag, "_X"),
        ] {
            assert!(rule(text), "{text}");
        }
    }

    #[test]
    fn what_means_something_else_somewhere_is_refused() {
        let long = "a".repeat(256);
        for (case, rule, text) in [
            ("a host in upper case", is_host_and_port as Rule, "Registry"),
            ("a host with an empty label", is_host_and_port, "a..b"),
            ("a host that begins with a hyphen", is_host_and_port, "-a"),
            ("a user", is_host_and_port, "me@registry"),
            ("port 0", is_host_and_port, "a:0"),
            ("a port with a sign", is_host_and_port, "a:+80"),
            ("a port with a leading zero", is_host_and_port, "a:080"),
            ("a port that is none", is_host_and_port, "a:65536"),
            ("no port after a colon", is_host_and_port, "a:"),
            ("a host of 256 characters", is_host_and_port, &long),
            ("a host that could be a part of a repository", is_registry, "library"),
            ("nothing", is_repository, ""),
            ("a repository that climbs", is_repository, "a/../b"),
            ("an empty part", is_repository, "a//b"),
            ("two dots", is_repository, "a..b"),
            ("three underscores", is_repository, "a___b"),
            ("a part that ends with a dot", is_repository, "a./b"),
            ("upper case in a repository", is_repository, "App"),
            ("a repository of 256 characters", is_repository, &long),
            ("an image without registry", is_image_name, "library/nats"),
            ("an image without repository", is_image_name, "docker.io"),
            ("an image with a tag", is_image_name, "docker.io/library/nats:1"),
            ("an image with a digest", is_image_name, "docker.io/a@sha256:b"),
            ("a registry with a path that ends", is_registry_path, "registry.site/"),
            ("no tag", is_tag, ""),
            ("a tag that begins with a dot", is_tag, ".1"),
            ("a tag with a space", is_tag, "a b"),
            ("a tag of 129 characters", is_tag, &long[..129]),
        ] {
            assert!(!rule(text), "{case}");
        }
    }
}
