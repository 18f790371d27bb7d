//! The certificate authority of a control plane, and what it issues.
//!
//! It is made with `openssl`: a user may be in any number of groups, each an `O` of the subject,
//! which the certificate builders in Rust cannot express.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::program;

const DAYS: &str = "3650";

/// What a certificate is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Usage {
    /// It names a user to the API server.
    Client,
    /// It names the API server to its clients.
    Server,
}

impl Usage {
    fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Client => &["-addext", "extendedKeyUsage=clientAuth"],
            Self::Server => &[
                "-addext",
                "extendedKeyUsage=serverAuth",
                "-addext",
                "subjectAltName=IP:127.0.0.1,IP:10.96.0.1,DNS:localhost,DNS:kubernetes.default.svc",
            ],
        }
    }
}

/// A certificate authority in a folder.
#[derive(Debug)]
pub(crate) struct Authority {
    dir: PathBuf,
}

impl Authority {
    /// Makes a new authority in `dir`, and the key that signs `ServiceAccount` tokens.
    pub(crate) fn create(dir: &Path) -> Result<Self> {
        fs_err::create_dir_all(dir)?;
        // The defaults of the machine must not matter.
        fs_err::write(dir.join("openssl.cnf"), "[req]\ndistinguished_name = dn\n[dn]\n")?;
        let authority = Self { dir: dir.to_owned() };
        authority.request(
            "ca",
            "/CN=a4co-testenv",
            &[
                "-addext",
                "basicConstraints=critical,CA:TRUE",
                "-addext",
                "keyUsage=critical,keyCertSign,cRLSign,digitalSignature",
            ],
        )?;
        let key = ["-out", "service-account.key"];
        authority.openssl(
            &[&["ecparam", "-genkey", "-noout", "-name", "prime256v1"], &key[..]].concat(),
        )?;
        Ok(authority)
    }

    /// Opens the authority in `dir`, if there is one.
    pub(crate) fn open(dir: &Path) -> Option<Self> {
        dir.join("ca.key").exists().then(|| Self { dir: dir.to_owned() })
    }

    /// Issues `NAME.crt` and `NAME.key` for a user and its groups.
    pub(crate) fn issue(
        &self,
        name: &str,
        usage: Usage,
        user: &str,
        groups: &[&str],
    ) -> Result<Identity> {
        let mut args = vec!["-CA", "ca.crt", "-CAkey", "ca.key"];
        args.extend(usage.extensions());
        self.request(name, &subject(user, groups), &args)?;
        Ok(Identity {
            authority: fs_err::read(self.dir.join("ca.crt"))?,
            certificate: fs_err::read(self.dir.join(format!("{name}.crt")))?,
            key: fs_err::read(self.dir.join(format!("{name}.key")))?,
        })
    }

    fn request(&self, name: &str, subject: &str, more: &[&str]) -> Result<()> {
        let (key, certificate) = (format!("{name}.key"), format!("{name}.crt"));
        let mut args = vec!["req", "-x509", "-config", "openssl.cnf", "-utf8", "-days", DAYS];
        args.extend(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]);
        args.extend(["-subj", subject, "-keyout", &key, "-out", &certificate]);
        args.extend(more);
        self.openssl(&args)
    }

    fn openssl(&self, args: &[&str]) -> Result<()> {
        let output = program::openssl().args(args).current_dir(&self.dir).output();
        let output = output.map_err(|source| program::missing("openssl", source))?;
        if output.status.success() {
            return Ok(());
        }
        Err(Error::Build {
            step: "make a certificate with `openssl`".to_owned(),
            output: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

/// A user's certificate and key, with the certificate of the authority, all in PEM.
#[derive(Debug)]
pub(crate) struct Identity {
    /// The authority's certificate.
    pub(crate) authority: Vec<u8>,
    /// The user's certificate.
    pub(crate) certificate: Vec<u8>,
    /// The user's private key.
    pub(crate) key: Vec<u8>,
}

/// Writes a subject in the syntax of `openssl req -subj`.
fn subject(user: &str, groups: &[&str]) -> String {
    let mut subject = String::new();
    for (kind, value) in groups.iter().map(|group| ("/O=", group)).chain([("/CN=", &user)]) {
        subject.push_str(kind);
        for c in value.chars() {
            if matches!(c, '\\' | '/' | '+') {
                subject.push('\\');
            }
            subject.push(c);
        }
    }
    subject
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_names_every_group_and_then_the_user() {
        assert_eq!(subject("ann", &["ops", "a/b"]), r"/O=ops/O=a\/b/CN=ann");
        assert_eq!(subject("ann", &[]), "/CN=ann");
    }
}
