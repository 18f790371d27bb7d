//! Addresses of registries and mirrors, and what may be followed from one to another.

use std::fmt;

use a4co_bundle::is_repository;
use http::Uri;
use thiserror::Error;

use crate::{
    name::{Host, ParseNameError, Repository, is_authority, is_loopback},
    text::printable,
};

/// How a registry is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scheme {
    /// Without encryption: only to this machine.
    Http,
    Https,
}

/// How what has no scheme is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// With TLS.
    Encrypted,
    /// Without encryption: only to this machine.
    Plain,
}

/// Where a registry or a mirror is: `https://HOST[:PORT][/PREFIX]`.
///
/// The prefix stands before the repository: of the mirror `https://harbor.lan/hub`, the image
/// `docker.io/library/nats` is `harbor.lan/hub/library/nats`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    scheme: Scheme,
    authority: String,
    prefix: String,
}

impl Address {
    pub(crate) fn of_host(host: &Host, scheme: Scheme) -> Self {
        Self { scheme, authority: host.authority().to_owned(), prefix: String::new() }
    }

    /// Reads the address of a registry or mirror. `http` is for this machine only.
    ///
    /// # Errors
    /// Fails on anything but scheme, host, port and a prefix of repositories.
    pub fn parse(text: &str) -> Result<Self, ParseAddressError> {
        let malformed = || ParseAddressError::Malformed { text: without_secrets(text) };
        let (scheme, rest) = match text.split_once("://") {
            Some(("https", rest)) => (Scheme::Https, rest),
            Some(("http", rest)) => (Scheme::Http, rest),
            _ => return Err(malformed()),
        };
        let (authority, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        if !is_authority(authority) || !(prefix.is_empty() || is_repository(prefix)) {
            return Err(malformed());
        }
        if scheme == Scheme::Http && !is_loopback(authority) {
            return Err(ParseAddressError::PlainHttp { text: without_secrets(text) });
        }
        if prefix.split('/').next() == Some("v2") {
            return Err(ParseAddressError::Api { text: printable(text) });
        }
        let authority = authority.to_ascii_lowercase();
        Ok(Self { scheme, authority, prefix: prefix.to_owned() })
    }

    /// Reads the address of a registry of a site: as [`Self::parse`] does, and what has no scheme is
    /// spoken to as `transport` says.
    ///
    /// # Errors
    /// Fails as [`Self::parse`] does.
    pub fn of_site(text: &str, transport: Transport) -> Result<Self, ParseAddressError> {
        let scheme = match transport {
            Transport::Encrypted => Scheme::Https,
            Transport::Plain => Scheme::Http,
        };
        if text.contains("://") {
            return Self::parse(text);
        }
        Self::parse(&format!("{}://{text}", scheme.as_str()))
    }

    /// Returns the registry, as names of images have it.
    ///
    /// # Errors
    /// Does not fail: what an address is checked for is what a host is checked for.
    pub fn host(&self) -> Result<Host, ParseNameError> {
        self.authority.parse()
    }

    /// Returns whether it is spoken to without encryption.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.scheme == Scheme::Http
    }

    /// Returns the repository at this address that stands for `repository`.
    ///
    /// # Errors
    /// Fails when the name becomes longer than registries allow.
    pub fn repository(&self, repository: &Repository) -> Result<Repository, ParseNameError> {
        Repository::new(self.host()?, &self.path_of(repository))
    }

    /// Returns host and port.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns scheme, host and port, as a URL without a path.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", self.scheme.as_str(), self.authority)
    }

    /// Returns what stands before every repository; empty for nothing.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns the URL that other clients put `/REPOSITORY/manifests/…` behind. Where there is no
    /// prefix they put `/v2` in between themselves.
    pub(crate) fn api(&self) -> String {
        match self.prefix() {
            "" => self.origin(),
            prefix => format!("{}/v2/{prefix}", self.origin()),
        }
    }

    /// Returns the name that the repository has here.
    pub(crate) fn path_of(&self, repository: &Repository) -> String {
        match self.prefix.as_str() {
            "" => repository.path().to_owned(),
            prefix => format!("{prefix}/{}", repository.path()),
        }
    }

    /// Returns the URL of `path` of the repository, such as `manifests/latest`. What goes in is
    /// checked by the types, so this fails only on a bug of ours.
    pub(crate) fn uri(&self, repository: &Repository, path: &str) -> Result<Uri, http::Error> {
        let path = format!("/v2/{}/{path}", self.path_of(repository));
        let authority = self.authority.as_str();
        Uri::builder()
            .scheme(self.scheme.as_str())
            .authority(authority)
            .path_and_query(path)
            .build()
    }

    /// Returns whether `uri` is at the same scheme, host and port, so that credentials may go there.
    pub(crate) fn is_origin_of(&self, uri: &Uri) -> bool {
        let default = |scheme: Scheme| if scheme == Scheme::Http { 80 } else { 443 };
        let Ok(own) = self.authority.parse::<http::uri::Authority>() else { return false };
        let own_port = own.port_u16().unwrap_or(default(self.scheme));
        uri.scheme_str() == Some(self.scheme.as_str())
            && uri.host().is_some_and(|host| host.eq_ignore_ascii_case(own.host()))
            && uri.port_u16().unwrap_or(default(self.scheme)) == own_port
    }
}

impl Scheme {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        write!(f, "{}://{}{slash}{}", self.scheme.as_str(), self.authority, self.prefix)
    }
}

/// Why a text is not the address of a registry.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseAddressError {
    /// Not an address.
    #[error("`{text}` is not the address of a registry: it has to be https://HOST[:PORT][/PREFIX]")]
    Malformed {
        /// The text.
        text: String,
    },
    /// With the path of the API in it.
    #[error(
        "`{text}`: leave `/v2` out: every request begins with it, and what stands here would come \
         after it, as the beginning of every repository"
    )]
    Api {
        /// The text.
        text: String,
    },
    /// Plain HTTP to another machine.
    #[error(
        "`{text}`: without encryption only this machine is asked; give the registry TLS, and \
         its authority with --ca"
    )]
    PlainHttp {
        /// The text.
        text: String,
    },
}

/// Resolves what a `Location` says, seen from `base` (RFC 9110, 10.2.2; RFC 3986, 5.2), and decides
/// whether it may be followed.
pub(crate) fn follow(base: &Uri, location: &str) -> Result<Uri, LocationError> {
    let malformed = || LocationError::Malformed { location: without_secrets(location) };
    let text = location.split('#').next().unwrap_or_default();
    let origin = match (base.scheme_str(), base.authority()) {
        (Some(scheme), Some(authority)) => (scheme, authority.as_str()),
        _ => return Err(malformed()),
    };
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    let is_absolute = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let uri = if is_absolute {
        text.to_owned()
    } else if let Some(rest) = text.strip_prefix("//") {
        format!("{}://{rest}", origin.0)
    } else if text.starts_with('/') {
        format!("{}://{}{text}", origin.0, origin.1)
    } else if text.starts_with('?') {
        format!("{}://{}{}{text}", origin.0, origin.1, base.path())
    } else {
        // Beside the last segment; `.` and `..` are for the server to understand.
        let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{}://{}{folder}/{text}", origin.0, origin.1)
    };
    let uri: Uri = uri.parse().map_err(|_| malformed())?;
    let authority = uri.authority().ok_or_else(malformed)?;
    if authority.as_str().contains('@') {
        return Err(malformed());
    }
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        Some("http") if origin.0 == "http" && is_loopback(authority.as_str()) => Ok(uri),
        Some("http") => Err(LocationError::PlainHttp { location: without_secrets(location) }),
        _ => Err(malformed()),
    }
}

/// Returns scheme, host and port of what somebody took for a URL, and `…` for all else: a user's
/// password, or a query that is as good as one.
pub(crate) fn without_secrets(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    let (authority, more) = rest.find(['/', '?', '#']).map_or((rest, ""), |at| rest.split_at(at));
    // After a later `@`, what looks like the host may be the beginning of a password.
    let host = match authority.rsplit_once('@') {
        _ if more.contains('@') => "",
        Some((_, host)) => host,
        None => authority,
    };
    let cut = if matches!(more, "" | "/") { "" } else { "/…" };
    printable(&format!("{scheme}{host}{cut}"))
}

/// Why a registry's `Location` is not followed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LocationError {
    /// Not a URL that makes sense.
    #[error("it says to go on at `{location}`, which is no URL of HTTP")]
    Malformed {
        /// What the registry said.
        location: String,
    },
    /// It leads out of the encryption.
    #[error("it says to go on without encryption, at `{location}`")]
    PlainHttp {
        /// What the registry said.
        location: String,
    },
    /// None at all.
    #[error("it says to go on elsewhere, but not where")]
    Missing,
    /// Too many, one after the other.
    #[error("it says {count} times to go on elsewhere")]
    TooMany {
        /// How many were followed.
        count: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_a_mirror_is_no_more_than_it_seems() {
        for text in [
            "https://harbor.lan",
            "https://harbor.lan/v2x",
            "https://harbor.lan:8443/hub",
            "http://[::1]:5000/a/b",
        ] {
            assert_eq!(Address::parse(text).unwrap().to_string(), text);
        }
        for (case, text) in [
            ("no scheme", "harbor.lan"),
            ("another scheme", "ftp://harbor.lan"),
            ("a user", "https://me:secret@harbor.lan"),
            ("a query", "https://harbor.lan/a?b"),
            ("a climbing prefix", "https://harbor.lan/../a"),
            ("plain HTTP to another machine", "http://harbor.lan"),
            ("the path of the API", "https://harbor.lan/v2/"),
            ("the path of the API with more", "https://harbor.lan/v2/hub"),
        ] {
            assert!(Address::parse(text).is_err(), "{case}");
        }
    }

    #[test]
    fn what_may_be_a_secret_is_not_told() {
        for (case, text, expected) in [
            ("a host", "https://a.lan:1", "https://a.lan:1"),
            ("a path and a signature", "https://a.lan/b?sig=secret", "https://a.lan/…"),
            ("a user", "https://me:secret@a.lan/b", "https://a.lan/…"),
            ("a password with a slash", "https://me:sec/ret@a.lan/b", "https:///…"),
            ("a password with a question", "https://me:sec?ret@a.lan", "https:///…"),
            ("a password with an at", "https://me:sec@ret@a.lan", "https://a.lan"),
            ("an at in the query", "https://a.lan?sig=sec@ret", "https:///…"),
            ("no scheme", "me:secret@a.lan", "a.lan"),
            ("a path alone", "/b?sig=secret", "/…"),
            ("a command for a terminal", "https://a\u{7}", "https://a\\u{7}"),
        ] {
            assert_eq!(without_secrets(text), expected, "{case}");
        }
        for (text, expected) in [
            ("https://me:secret@a.lan/b", "`https://a.lan/…` is not"),
            ("http://a.lan/b", "`http://a.lan/…`: without"),
        ] {
            let error = Address::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        let base = "https://r.io/".parse().unwrap();
        for location in ["http://cdn.io/b?sig=secret", "ftp://me:secret@cdn.io/"] {
            let error = follow(&base, location).unwrap_err().to_string();
            assert!(error.contains("cdn.io") && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_prefix_stands_before_the_repository() {
        let mirror = Address::parse("https://harbor.lan/hub").unwrap();
        let uri = mirror.uri(&"nats".parse().unwrap(), "manifests/2").unwrap();
        assert_eq!(uri.to_string(), "https://harbor.lan/v2/hub/library/nats/manifests/2");
        let hub = Address::of_host(&"docker.io".parse().unwrap(), Scheme::Https);
        let uri = hub.uri(&"nats".parse().unwrap(), "manifests/2").unwrap();
        assert_eq!(uri.to_string(), "https://registry-1.docker.io/v2/library/nats/manifests/2");
    }

    #[test]
    fn a_location_is_followed_unless_it_leaves_the_encryption() {
        let https = "https://r.io/v2/a/blobs/uploads/1?x=y";
        let http = "http://127.0.0.1:5000/v2/a/blobs/x";
        for (case, base, location, expected) in [
            ("another host", https, "https://cdn.io/b?s=1", Some("https://cdn.io/b?s=1")),
            ("a path", https, "/v2/b?c=d", Some("https://r.io/v2/b?c=d")),
            ("a relative path", https, "2?z", Some("https://r.io/v2/a/blobs/uploads/2?z")),
            ("only a host", https, "//cdn.io/b", Some("https://cdn.io/b")),
            ("only a query", https, "?z=1", Some("https://r.io/v2/a/blobs/uploads/1?z=1")),
            ("a URL in the query", https, "/b?to=https://x", Some("https://r.io/b?to=https://x")),
            (
                "a relative path with a URL in its query",
                https,
                "2?to=https://x",
                Some("https://r.io/v2/a/blobs/uploads/2?to=https://x"),
            ),
            ("a fragment", https, "/b#c", Some("https://r.io/b")),
            (
                "from this machine to this machine",
                http,
                "http://localhost:1/b",
                Some("http://localhost:1/b"),
            ),
            (
                "from this machine into encryption",
                http,
                "https://cdn.io/b",
                Some("https://cdn.io/b"),
            ),
            ("out of the encryption", https, "http://r.io/b", None),
            ("out of the encryption to this machine", https, "http://127.0.0.1/b", None),
            ("without encryption to another machine", http, "http://cdn.io/b", None),
            ("a file", https, "file:///etc/passwd", None),
            ("a user", https, "https://me@cdn.io/", None),
            ("a line break", https, "https://cdn.io/\r\nX: y", None),
        ] {
            let found = follow(&base.parse().unwrap(), location).ok().map(|uri| uri.to_string());
            assert_eq!(found.as_deref(), expected, "{case}");
        }
    }

    #[test]
    fn credentials_go_to_the_same_scheme_host_and_port_only() {
        let address = Address::parse("https://r.io/prefix").unwrap();
        for (uri, expected) in [
            ("https://r.io/v2/", true),
            ("https://R.io:443/v2/", true),
            ("https://r.io:8443/v2/", false),
            ("http://r.io/v2/", false),
            ("https://cdn.r.io/v2/", false),
        ] {
            assert_eq!(address.is_origin_of(&uri.parse().unwrap()), expected, "{uri}");
        }
    }
}
