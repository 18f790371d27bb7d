//! What a person says about registries on a command line.

use std::{io, path::PathBuf};

use fs_err as fs;
use thiserror::Error;

use crate::{
    address::{Address, ParseAddressError, without_secrets},
    environment::Environment,
    name::{Host, ParseNameError},
    options::{Mirrors, Options, Origin, PlainHttpError},
};

/// What a person says about registries, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Mirrors, each `HOST=URL`; those of one host are asked in this order.
    pub mirrors: Vec<String>,
    /// Whether a registry that has a mirror is never asked itself.
    pub mirrors_only: bool,
    /// File with certificates of authorities to trust besides those of the machine, in PEM.
    pub ca: Option<PathBuf>,
    /// Registries of this machine to speak to without encryption, each `HOST[:PORT]`.
    pub insecure: Vec<String>,
}

/// What is wrong with what a person says about registries.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// Not a pair of host and URL.
    #[error("`{text}` is not HOST=URL, such as `docker.io=https://mirror.example.com/hub`")]
    Mirror {
        /// What was given.
        text: String,
    },
    /// Not a host.
    #[error("`{text}` is no registry")]
    Host {
        /// What was given.
        text: String,
        /// Why.
        source: ParseNameError,
    },
    /// Not the URL of a mirror.
    #[error(transparent)]
    Address(#[from] ParseAddressError),
    /// Another machine without encryption.
    #[error(transparent)]
    PlainHttp(#[from] PlainHttpError),
    /// The certificates cannot be read.
    #[error(transparent)]
    Ca(#[from] io::Error),
}

impl Settings {
    /// Returns the options that this comes to, with credentials and proxies from `environment`.
    ///
    /// # Errors
    /// Fails when something is malformed, or the file of certificates cannot be read.
    pub fn to_options(&self, environment: Environment) -> Result<Options, SettingsError> {
        let mut options = Options::new(environment);
        let origin = if self.mirrors_only { Origin::Never } else { Origin::Last };
        // A variable that is set to nothing says nothing.
        for text in self.mirrors.iter().filter(|text| !text.is_empty()) {
            let malformed = || SettingsError::Mirror { text: without_secrets(text) };
            let pair = text.split_once('=').filter(|(name, _)| !name.contains("://"));
            let (name, url) = pair.ok_or_else(malformed)?;
            let none = || Mirrors { addresses: Vec::new(), origin };
            let mirrors = options.mirrors.entry(host(name)?).or_insert_with(none);
            mirrors.addresses.push(Address::parse(url)?);
        }
        for text in &self.insecure {
            options.allow_plain_http(&host(text)?)?;
        }
        if let Some(path) = &self.ca {
            options.ca = fs::read(path)?;
        }
        Ok(options)
    }
}

fn host(text: &str) -> Result<Host, SettingsError> {
    text.parse().map_err(|source| SettingsError::Host { text: text.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(mirrors: &[&str], insecure: &[&str]) -> Result<Options, SettingsError> {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
        let settings = Settings {
            mirrors: texts(mirrors),
            mirrors_only: true,
            insecure: texts(insecure),
            ..Settings::default()
        };
        settings.to_options(Environment::default())
    }

    #[test]
    fn mirrors_of_one_registry_keep_their_order() {
        let pairs =
            ["docker.io=https://b.lan/hub", "ghcr.io=https://c.lan", "docker.io=https://a.lan"];
        let options = options(&pairs, &["127.0.0.1:5000"]).unwrap();
        let mirrors = &options.mirrors[&"docker.io".parse().unwrap()];
        let addresses: Vec<_> = mirrors.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(addresses, ["https://b.lan/hub", "https://a.lan"]);
        assert_eq!(mirrors.origin, Origin::Never);
        assert_eq!(options.mirrors.len(), 2);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (case, mirrors, insecure, says) in [
            ("no host", &["https://a.lan"] as &[&str], &[] as &[&str], "is not HOST=URL"),
            ("no host, and a password", &["https://me:pass=word@a.lan"], &[], "`https://a.lan` is"),
            ("no scheme", &["docker.io=a.lan"], &[], "a.lan"),
            (
                "another machine without encryption",
                &["docker.io=http://a.lan"],
                &[],
                "http://a.lan",
            ),
            ("the same without a mirror", &[], &["a.lan"], "a.lan is not this machine"),
            ("no host at all", &[], &["a lan"], "`a lan` is no registry"),
        ] {
            let error = options(mirrors, insecure).unwrap_err().to_string();
            assert!(error.contains(says), "{case}: {error}");
        }
    }
}
