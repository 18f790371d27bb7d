//! Credentials for registries, from the files and helpers of Docker and containers.

mod file;
mod helper;

use std::{collections::BTreeSet, ffi::OsString, fmt, io, path::PathBuf, time::Duration};

use thiserror::Error;

use self::file::{CredentialFile, Entry};
use crate::{environment::Environment, name::Host, text::printable};

/// How long a credential helper may take; some ask the cloud.
pub(crate) const HELPER_DEADLINE: Duration = Duration::from_secs(30);

/// What proves to a registry who asks.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credential {
    /// User and password.
    Login { user: String, password: String },
    /// A token that gets other tokens (OAuth 2 refresh token), as Azure's registries give.
    Identity { token: String },
}

/// Does not tell the secret.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Login { .. } => "Credential::Login",
            Self::Identity { .. } => "Credential::Identity",
        })
    }
}

/// Where credentials are looked for.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    files: Vec<PathBuf>,
    helper_path: Option<OsString>,
    helper_deadline: Duration,
}

impl Credentials {
    pub(crate) fn new(environment: &Environment, helper_deadline: Duration) -> Self {
        let Environment { credential_files, helper_path, .. } = environment.clone();
        Self { files: credential_files, helper_path, helper_deadline }
    }

    /// Finds the credential for the repository `path` of the registry at `authority`; the first file
    /// that knows the registry counts.
    pub(crate) async fn find(
        &self,
        authority: &str,
        path: &str,
    ) -> Result<Option<Credential>, CredentialError> {
        for path_of_file in &self.files {
            let Some(file) = CredentialFile::read(path_of_file)? else { continue };
            let found = match file.find(&keys(authority, path))? {
                Some(Entry::Credential(credential)) => Some(credential),
                Some(Entry::Helper { name, server }) => {
                    let path = self.helper_path.as_deref();
                    helper::ask(&name, &server, path, self.helper_deadline).await?
                }
                None => None,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

/// Returns under which keys the files may hold a registry, the most exact first: containers know
/// parts of a registry, Docker Hub has names of its own.
fn keys(authority: &str, path: &str) -> Vec<String> {
    let host: Option<Host> = authority.parse().ok();
    let is_hub = host.as_ref().is_some_and(Host::is_docker_hub);
    let host = host.as_ref().map_or(authority, Host::as_str);
    let mut keys = Vec::new();
    let mut part = Some(path);
    while let Some(path) = part {
        keys.push(format!("{host}/{path}"));
        part = path.rsplit_once('/').map(|(parent, _)| parent);
    }
    if is_hub {
        keys.push("https://index.docker.io/v1/".to_owned());
        keys.extend(["index.docker.io", "registry-1.docker.io"].map(str::to_owned));
    }
    keys.push(host.to_owned());
    for end in ["", "/", "/v1/", "/v2/"] {
        keys.push(format!("https://{host}{end}"));
    }
    let unique: BTreeSet<_> = keys.iter().collect();
    debug_assert_eq!(unique.len(), keys.len(), "each key once");
    keys
}

/// Why credentials cannot be had. No message holds a secret.
#[derive(Debug, Error)]
pub enum CredentialError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// The file is too large.
    #[error("`{}` is larger than 1 MiB", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file is not one of credentials.
    #[error("`{}` is not a file of credentials: line {line}, column {column}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where, from 1; 0 when it is not known.
        line: usize,
        /// Where, from 1.
        column: usize,
    },
    /// An entry is not user and password.
    #[error("the entry `{key}` in `{}` is not user and password in base64", path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// Name of the entry.
        key: String,
    },
    /// A helper's name is a path or worse.
    #[error("`{}` is not the name of a credential helper", printable(name))]
    HelperName {
        /// The name.
        name: String,
    },
    /// The helper cannot be started, or not be spoken to.
    #[error("cannot run `docker-credential-{name}`")]
    HelperStart {
        /// Name of the helper.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// The helper takes too long.
    #[error("`docker-credential-{name}` does not answer within {} s", after.as_secs())]
    HelperTimeout {
        /// Name of the helper.
        name: String,
        /// How long we waited.
        after: Duration,
    },
    /// The helper says no.
    #[error("`docker-credential-{name}` fails: {message}")]
    Helper {
        /// Name of the helper.
        name: String,
        /// What it says.
        message: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_known_by_its_parts_its_host_and_its_urls() {
        let found = keys("quay.io", "team/app");
        assert_eq!(found[..4], ["quay.io/team/app", "quay.io/team", "quay.io", "https://quay.io"]);
        let hub = keys("registry-1.docker.io", "library/nats");
        assert!(hub.contains(&"https://index.docker.io/v1/".to_owned()), "{hub:?}");
        assert!(hub.contains(&"docker.io".to_owned()), "{hub:?}");
    }

    #[test]
    fn a_secret_is_never_shown() {
        let credential = Credential::Login { user: "me".to_owned(), password: "secret".to_owned() };
        assert_eq!(format!("{credential:?}"), "Credential::Login");
    }
}
