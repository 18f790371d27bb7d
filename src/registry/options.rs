//! How registries are reached.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use thiserror::Error;

use crate::{
    address::{Address, Scheme},
    credential::HELPER_DEADLINE,
    environment::Environment,
    name::{Host, Repository},
    progress::{Observer, Unobserved},
    retry::Retry,
    wanted::{Wanted, What},
};

/// Whether a registry is asked itself when no mirror of it helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// After the mirrors.
    Last,
    /// Never.
    Never,
}

/// Mirrors of a registry. They are asked for what is read, in order; what is written goes to the
/// registry itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirrors {
    /// Where they are.
    pub addresses: Vec<Address>,
    /// Whether the registry is asked itself.
    pub origin: Origin,
}

/// How long a registry may do nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until there is a connection.
    pub connect: Duration,
    /// Until an answer begins, and between two pieces of it. In as long there have to come 64 KiB of a
    /// blob, or its end.
    pub idle: Duration,
    /// Until a small answer is whole: a token, a manifest, a refusal.
    pub answer: Duration,
    /// Until a registry has stored a blob that it has whole.
    pub store: Duration,
    /// Until a credential helper answers.
    pub helper: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            idle: Duration::from_mins(1),
            answer: Duration::from_mins(2),
            store: Duration::from_mins(10),
            helper: HELPER_DEADLINE,
        }
    }
}

/// How registries are reached.
#[derive(Clone)]
pub struct Options {
    /// Mirrors of each registry.
    pub mirrors: BTreeMap<Host, Mirrors>,
    /// Whether a registry without a mirror is asked itself.
    pub without_mirror: Origin,
    /// Certificates of authorities to trust besides those of the machine, in PEM; may be empty.
    pub ca: Vec<u8>,
    /// Registries of this machine that have no encryption.
    plain_http: BTreeSet<Host>,
    /// Credentials and proxies.
    pub environment: Environment,
    /// When a request is made again.
    pub retry: Retry,
    /// How long a registry may do nothing.
    pub timeouts: Timeouts,
    /// Hears of what happens.
    pub observer: Arc<dyn Observer>,
}

impl Options {
    /// No mirrors, the authorities of the machine, encryption always.
    #[must_use]
    pub fn new(environment: Environment) -> Self {
        Self {
            mirrors: BTreeMap::new(),
            without_mirror: Origin::Last,
            ca: Vec::new(),
            plain_http: BTreeSet::new(),
            environment,
            retry: Retry::default(),
            timeouts: Timeouts::default(),
            observer: Arc::new(Unobserved),
        }
    }

    /// Speaks to `host` without encryption.
    ///
    /// # Errors
    /// Fails for every host but this machine.
    pub fn allow_plain_http(&mut self, host: &Host) -> Result<(), PlainHttpError> {
        if !host.is_loopback() {
            return Err(PlainHttpError { host: host.clone() });
        }
        self.plain_http.insert(host.clone());
        Ok(())
    }

    /// Returns where the registry itself is.
    pub(crate) fn origin(&self, host: &Host) -> Address {
        let is_plain = self.plain_http.contains(host);
        Address::of_host(host, if is_plain { Scheme::Http } else { Scheme::Https })
    }

    /// Returns where to read what the registry has, in order; mirrors come as such. Nothing, if it
    /// has no mirror and is not to be asked itself.
    pub(crate) fn sources(&self, host: &Host) -> Vec<Source> {
        let mirrors = self.mirrors.get(host);
        let addresses = mirrors.iter().flat_map(|mirrors| &mirrors.addresses);
        let mut sources: Vec<_> = addresses.cloned().map(Source::Mirror).collect();
        let origin = mirrors.filter(|mirrors| !mirrors.addresses.is_empty());
        if origin.map_or(self.without_mirror, |mirrors| mirrors.origin) == Origin::Last {
            sources.push(Source::Origin(self.origin(host)));
        }
        sources
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mirrors, without_mirror, plain_http, retry, timeouts, .. } = self;
        f.debug_struct("Options")
            .field("mirrors", mirrors)
            .field("without_mirror", without_mirror)
            .field("plain_http", plain_http)
            .field("retry", retry)
            .field("timeouts", timeouts)
            .finish_non_exhaustive()
    }
}

/// Where something is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Origin(Address),
    Mirror(Address),
}

impl Source {
    pub(crate) fn address(&self) -> &Address {
        match self {
            Self::Origin(address) | Self::Mirror(address) => address,
        }
    }

    /// Returns what is wanted, and that it is wanted from here.
    pub(crate) fn wanted(&self, what: impl Into<What>, repository: &Repository) -> Wanted {
        let mirror = match self {
            Self::Mirror(address) => Some(address.clone()),
            Self::Origin(_) => None,
        };
        Wanted { mirror, ..Wanted::new(what, repository) }
    }
}

/// A registry of another machine was to be spoken to without encryption.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{host} is not this machine, so it is not spoken to without encryption: give the registry TLS, \
     and the certificate of its authority with --ca"
)]
pub struct PlainHttpError {
    host: Host,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_may_have_no_encryption() {
        let mut options = Options::new(Environment::default());
        options.allow_plain_http(&"127.0.0.1:5000".parse().unwrap()).unwrap();
        for host in ["10.0.0.1:5000", "registry.lan", "localhost.lan"] {
            let error = options.allow_plain_http(&host.parse().unwrap()).unwrap_err();
            assert!(error.to_string().starts_with(host), "{error}");
        }
        let origin = |host: &str| options.origin(&host.parse().unwrap()).to_string();
        assert_eq!(origin("127.0.0.1:5000"), "http://127.0.0.1:5000");
        assert_eq!(origin("127.0.0.1:5001"), "https://127.0.0.1:5001");
    }

    #[test]
    fn mirrors_are_asked_in_order_and_the_registry_last_or_never() {
        let host: Host = "ghcr.io".parse().unwrap();
        let mirror = |text: &str| Address::parse(text).unwrap();
        let addresses = vec![mirror("https://a.lan"), mirror("https://b.lan/x")];
        for (origin, expected) in [
            (Origin::Last, vec!["https://a.lan", "https://b.lan/x", "https://ghcr.io"]),
            (Origin::Never, vec!["https://a.lan", "https://b.lan/x"]),
        ] {
            let mut options = Options::new(Environment::default());
            let mirrors = Mirrors { addresses: addresses.clone(), origin };
            options.mirrors.insert(host.clone(), mirrors);
            let sources = options.sources(&host);
            let found: Vec<_> = sources.iter().map(|it| it.address().to_string()).collect();
            assert_eq!(found, expected, "{origin:?}");
        }
        let mut options = Options::new(Environment::default());
        assert_eq!(options.sources(&host).len(), 1);
        options.without_mirror = Origin::Never;
        assert_eq!(options.sources(&host).len(), 0, "no mirror, and never the registry itself");
    }
}
