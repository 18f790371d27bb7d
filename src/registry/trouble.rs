//! Why there is no connection, as far as that tells whether and how soon to try again.

use std::{error::Error, io};

use rustls::pki_types::InvalidDnsNameError;

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Trouble {
    /// The name stands for no address.
    NoSuchName,
    /// The names of hosts cannot be asked for right now.
    NoNames,
    /// Nobody listens there.
    Refused,
    /// Whoever listens there does not speak TLS.
    NoTls,
    /// The certificate is not one to trust.
    Certificate(rustls::CertificateError),
    /// TLS fails for another reason.
    Tls,
    /// Something else, which may pass.
    Other,
}

impl Trouble {
    /// Finds out what is behind `error`, however deep in the chain of causes.
    pub(crate) fn of(error: &(dyn Error + 'static)) -> Self {
        causes(error).find_map(recognize).unwrap_or(Self::Other)
    }
}

fn recognize(error: &(dyn Error + 'static)) -> Option<Trouble> {
    if let Some(tls) = error.downcast_ref() {
        return Some(match tls {
            rustls::Error::InvalidCertificate(why) => Trouble::Certificate(why.clone()),
            rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType) => {
                Trouble::NoTls
            }
            _ => Trouble::Tls,
        });
    }
    if error.is::<InvalidDnsNameError>() {
        return Some(Trouble::NoSuchName);
    }
    let error = error.downcast_ref::<io::Error>()?;
    // The standard library has no kind for what `getaddrinfo` fails with, only its words.
    let words = error.to_string();
    if words.starts_with("failed to lookup address information") {
        let is_passing = words.contains("emporary");
        return Some(if is_passing { Trouble::NoNames } else { Trouble::NoSuchName });
    }
    (error.kind() == io::ErrorKind::ConnectionRefused).then_some(Trouble::Refused)
}

/// Returns `error` and its causes.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // An I/O error hides what it wraps from `source`.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        match inner {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_found_however_deep_it_lies() {
        let wrap = |error: rustls::Error| io::Error::other(io::Error::other(error));
        let lookup =
            |why: &str| io::Error::other(format!("failed to lookup address information: {why}"));
        let unknown_issuer = rustls::CertificateError::UnknownIssuer;
        for (case, error, expected) in [
            (
                "an authority that nobody trusts",
                wrap(rustls::Error::InvalidCertificate(unknown_issuer.clone())),
                Trouble::Certificate(unknown_issuer),
            ),
            (
                "plain HTTP where TLS was expected",
                wrap(rustls::InvalidMessage::InvalidContentType.into()),
                Trouble::NoTls,
            ),
            ("TLS of other times", wrap(rustls::Error::HandshakeNotComplete), Trouble::Tls),
            ("no such name", lookup("Name or service not known"), Trouble::NoSuchName),
            ("no names", lookup("Temporary failure in name resolution"), Trouble::NoNames),
            ("nobody there", io::ErrorKind::ConnectionRefused.into(), Trouble::Refused),
            ("a lost connection", io::ErrorKind::ConnectionReset.into(), Trouble::Other),
        ] {
            assert_eq!(Trouble::of(&error), expected, "{case}");
        }
    }
}
