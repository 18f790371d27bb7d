//! Names of registries and repositories, as images have them.

use std::{fmt, net::IpAddr, str::FromStr};

use a4co_bundle::{is_host_and_port, is_repository};
use thiserror::Error;

use crate::text::printable;

/// Docker Hub, as image names call it.
const DOCKER_HUB: &str = "docker.io";
/// Other names of Docker Hub.
const DOCKER_HUB_ALIASES: [&str; 2] = ["index.docker.io", "registry-1.docker.io"];
/// Where Docker Hub keeps what has no owner: `nats` is `docker.io/library/nats`.
const DOCKER_HUB_OFFICIAL: &str = "library/";

/// The host of a registry, with its port if it is not the usual one: `ghcr.io`, `localhost:5000`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Host(String);

impl Host {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether this is Docker Hub.
    #[must_use]
    pub fn is_docker_hub(&self) -> bool {
        self.0 == DOCKER_HUB
    }

    /// Returns whether the host is this machine: `localhost`, `127.0.0.0/8` or `[::1]`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// Returns the host and port that requests go to.
    pub(crate) fn authority(&self) -> &str {
        if self.is_docker_hub() { "registry-1.docker.io" } else { &self.0 }
    }
}

/// Returns whether `authority`, a host and maybe a port, is this machine.
pub(crate) fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(host, _)| host),
        None => authority.split_once(':').map_or(authority, |(host, _)| host),
    };
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Checks for `HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT` in any case. No image is named with an IPv6
/// address; a registry may be reached by one.
pub(crate) fn is_authority(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    match text.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((host, port)) => {
            host.parse::<std::net::Ipv6Addr>().is_ok() && is_host_and_port(&format!("v6{port}"))
        }
        None => is_host_and_port(&text),
    }
}

impl FromStr for Host {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, ParseNameError> {
        if !is_authority(text) {
            return Err(ParseNameError::Host { text: printable(text) });
        }
        let text = text.to_ascii_lowercase();
        let is_hub = DOCKER_HUB_ALIASES.contains(&text.as_str());
        Ok(Self(if is_hub { DOCKER_HUB.to_owned() } else { text }))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A repository of images: the name of an image without tag and digest, such as
/// `docker.io/library/nats`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repository {
    host: Host,
    path: String,
}

impl Repository {
    /// Makes the repository `path` of the registry `host`.
    ///
    /// # Errors
    /// Fails when `path` is not what the OCI distribution specification allows.
    pub fn new(host: Host, path: &str) -> Result<Self, ParseNameError> {
        if is_repository(path) {
            return Ok(Self { host, path: path.to_owned() });
        }
        Err(ParseNameError::Repository { text: printable(path) })
    }

    /// Returns the registry.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Returns the name inside the registry, such as `library/nats`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the repository of the same name in another registry.
    #[must_use]
    pub fn in_registry(&self, host: Host) -> Self {
        Self { host, path: self.path.clone() }
    }
}

impl FromStr for Repository {
    type Err = ParseNameError;

    /// Reads a name as Docker does: what has no host is of Docker Hub.
    fn from_str(text: &str) -> Result<Self, ParseNameError> {
        let is_host = |first: &str| first.contains(['.', ':']) || first == "localhost";
        let (host, path) = match text.split_once('/') {
            Some((first, rest)) if is_host(first) => (first, rest),
            _ => (DOCKER_HUB, text),
        };
        let host: Host = host.parse()?;
        let is_official = host.is_docker_hub() && !path.contains('/');
        let owner = if is_official { DOCKER_HUB_OFFICIAL } else { "" };
        Self::new(host, &format!("{owner}{path}"))
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)
    }
}

/// Why a text is not the name of a registry or of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseNameError {
    /// Not a host.
    #[error("`{text}` is not a registry: it has to be HOST or HOST:PORT")]
    Host {
        /// The text.
        text: String,
    },
    /// Not a repository.
    #[error(
        "`{text}` is not a repository: it has to be lower-case letters and digits, with single \
         `.`, `_` or `-` inside and `/` between the parts"
    )]
    Repository {
        /// The text.
        text: String,
    },
    /// Not a tag.
    #[error("`{text}` is not a tag: it has to be at most 128 of `A-Z a-z 0-9 _ . -`")]
    Tag {
        /// The text.
        text: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_docker_reads_them() {
        for (case, text, full) in [
            ("a bare name is an official image", "nats", "docker.io/library/nats"),
            ("an owner alone is on Docker Hub", "bitnami/redis", "docker.io/bitnami/redis"),
            ("Docker Hub with an official image", "docker.io/nats", "docker.io/library/nats"),
            ("another name of Docker Hub", "index.docker.io/a/b", "docker.io/a/b"),
            ("a host with a dot", "ghcr.io/a/b/c", "ghcr.io/a/b/c"),
            ("a host with a port", "registry:5000/app", "registry:5000/app"),
            ("this machine", "localhost/app", "localhost/app"),
            ("separators of all kinds", "quay.io/a.b_c__d--e/f", "quay.io/a.b_c__d--e/f"),
        ] {
            assert_eq!(text.parse::<Repository>().unwrap().to_string(), full, "{case}");
        }
    }

    #[test]
    fn what_would_change_a_request_is_no_name() {
        for (case, text) in [
            ("nothing", ""),
            ("a climbing path", "ghcr.io/../x"),
            ("a query", "ghcr.io/a?b"),
            ("an escape", "ghcr.io/a%2fb"),
            ("a user in the host", "me@evil.io/a"),
            ("a line break", "ghcr.io/a\nb"),
            ("upper case in the path", "ghcr.io/App"),
            ("an empty part", "ghcr.io/a//b"),
            ("three underscores", "ghcr.io/a___b"),
            ("a tag", "ghcr.io/a:1"),
            ("port 0", "ghcr.io:0/a"),
            ("a port that is none", "ghcr.io:99999/a"),
            ("a port with a sign", "ghcr.io:+80/a"),
        ] {
            assert!(text.parse::<Repository>().is_err(), "{case}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (host, expected) in [
            ("localhost", true),
            ("LOCALHOST:5000", true),
            ("127.0.0.1:5000", true),
            ("127.8.9.1", true),
            ("[::1]:5000", true),
            ("[::2]", false),
            ("127.0.0.1.evil.io", false),
            ("localhost.evil.io", false),
            ("10.0.0.1", false),
        ] {
            assert_eq!(host.parse::<Host>().unwrap().is_loopback(), expected, "{host}");
        }
    }
}
