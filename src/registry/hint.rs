//! What to do about an error, where something helps in general.

use http::StatusCode;

use crate::{credential::CredentialError, error::RegistryError, trouble::Trouble, wanted::Wanted};

impl RegistryError {
    /// Returns what to do about it, if there is something that helps in general.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let wanted = self.wanted();
        let who = wanted.asked();
        match self {
            // Distribution up to 2.8, and what is built on it, looks for every manifest of an index.
            Self::Status { code, .. } if code == "MANIFEST_BLOB_UNKNOWN" => Some(
                "this registry takes an index only when all its platforms are there: push a bundle \
                 with every platform, or let the registry take sparse indexes (distribution 3 can)"
                    .to_owned(),
            ),
            Self::Status { status, .. } => of_status(*status, wanted),
            Self::Unreachable { address, source, .. } => {
                Some(of_trouble(&Trouble::of(source.as_ref()), address, wanted))
            }
            Self::NoMirror { .. } => Some(format!(
                "give a mirror with --mirror {who}=URL, or leave --mirrors-only out"
            )),
            Self::Token { is_refused: true, .. } => {
                Some(format!("log in anew with `docker login {who}`"))
            }
            Self::Credential { source, .. } => Some(of_credential(source)),
            Self::Digest { .. } => Some(
                "the registry or something before it hands out damaged or other content; nothing \
                 of it is used"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

fn of_status(status: StatusCode, wanted: &Wanted) -> Option<String> {
    let who = wanted.asked();
    Some(match status.as_u16() {
        401 | 403 => format!(
            "log in with `docker login {who}`; a repository that does not exist can look the same"
        ),
        404 if wanted.pinned().is_some() => format!(
            "the registry no longer has what was pinned: `a4co lock --update {}` pins what the tag \
             stands for now",
            wanted.repository
        ),
        404 => "check the name, and whether the tag was deleted".to_owned(),
        413 => "a proxy before the registry limits the size of requests: raise it to at least \
                16 MiB (nginx: client_max_body_size)"
            .to_owned(),
        429 => format!("wait, or `docker login {who}` for a higher limit"),
        _ => return None,
    })
}

fn of_trouble(trouble: &Trouble, address: &str, wanted: &Wanted) -> String {
    let is_mirror = wanted.mirror.is_some();
    match trouble {
        Trouble::Certificate(rustls::CertificateError::UnknownIssuer) => {
            "give the certificate of the registry's authority with --ca".to_owned()
        }
        Trouble::Certificate(_) => {
            "the registry's certificate has to be renewed, or is for another name".to_owned()
        }
        Trouble::NoTls if is_mirror => {
            format!("{address} speaks no TLS; if it is on this machine: --mirror HOST=http://…")
        }
        Trouble::NoTls => {
            format!("{address} speaks no TLS; if it is on this machine: --insecure {address}")
        }
        Trouble::Tls => {
            format!("{address} and we have no version of TLS in common, or it is broken")
        }
        Trouble::NoSuchName => "check the name; behind a proxy, HTTPS_PROXY".to_owned(),
        Trouble::Refused => format!("check whether the registry runs, and listens at {address}"),
        Trouble::NoNames | Trouble::Other => "check name, network and HTTPS_PROXY".to_owned(),
    }
}

fn of_credential(error: &CredentialError) -> String {
    match error {
        CredentialError::Read(_) => "let it be read, or take it away".to_owned(),
        CredentialError::TooLarge { path } | CredentialError::Malformed { path, .. } => {
            format!("mend `{}`, or take it away and log in anew", path.display())
        }
        CredentialError::Entry { path, key } => {
            format!("take the entry `{key}` out of `{}`, and log in anew", path.display())
        }
        CredentialError::HelperName { .. } => {
            "correct `credsStore` and `credHelpers` in config.json".to_owned()
        }
        CredentialError::HelperStart { name, .. } => format!(
            "install `docker-credential-{name}`, or take `{name}` out of `credsStore` and \
             `credHelpers` in config.json"
        ),
        CredentialError::HelperTimeout { name, .. } | CredentialError::Helper { name, .. } => {
            format!("see what `docker-credential-{name} list` says: it may be locked")
        }
    }
}
