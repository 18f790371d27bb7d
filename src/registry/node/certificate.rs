//! Certificates of authorities that a site's registry is trusted by.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use thiserror::Error;

/// Most bytes of a file of certificates.
const MAX_BYTES: usize = 1 << 20;
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
/// Characters of base64 in a line (RFC 7468, 2).
const LINE: usize = 64;

/// Certificates in PEM (RFC 7468), without anything that could stand between them: what is written
/// of them has no character that means something in a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificates(Vec<Vec<u8>>);

impl FromStr for Certificates {
    type Err = ParseCertificatesError;

    fn from_str(text: &str) -> Result<Self, ParseCertificatesError> {
        if text.len() > MAX_BYTES {
            return Err(ParseCertificatesError::TooLarge);
        }
        let mut certificates = Vec::new();
        let mut rest = text;
        // Text between certificates is explanatory (RFC 7468, 5.2); a key would be a mistake.
        while let Some((between, after)) = rest.split_once(BEGIN) {
            check_between(between)?;
            let (body, after) = after.split_once(END).ok_or(ParseCertificatesError::Unfinished)?;
            let body: String = body.split_ascii_whitespace().collect();
            let bytes = STANDARD.decode(body).map_err(|_| ParseCertificatesError::Base64)?;
            certificates.push(bytes);
            rest = after;
        }
        check_between(rest)?;
        if certificates.is_empty() {
            return Err(ParseCertificatesError::None);
        }
        Ok(Self(certificates))
    }
}

fn check_between(text: &str) -> Result<(), ParseCertificatesError> {
    if text.contains("PRIVATE KEY-----") {
        return Err(ParseCertificatesError::PrivateKey);
    }
    Ok(())
}

impl fmt::Display for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for certificate in &self.0 {
            let body = STANDARD.encode(certificate);
            writeln!(f, "{BEGIN}")?;
            let mut left = body.as_str();
            while !left.is_empty() {
                let (line, more) = left.split_at(left.len().min(LINE));
                writeln!(f, "{line}")?;
                left = more;
            }
            writeln!(f, "{END}")?;
        }
        Ok(())
    }
}

/// Why a text is no certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParseCertificatesError {
    /// Nothing that begins like one.
    #[error("it has no `{BEGIN}`; a file of certificates in PEM is expected")]
    None,
    /// One without an end.
    #[error("a certificate in it has no `{END}`; it may have been cut short")]
    Unfinished,
    /// Not base64.
    #[error("a certificate in it is not in base64")]
    Base64,
    /// A secret where none is needed.
    #[error("it holds a private key, which no node needs; give the certificate alone")]
    PrivateKey,
    /// More than anybody has.
    #[error("it has more than 1 MiB")]
    TooLarge,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_lose_what_stands_around_them() {
        let text = "subject=CN = a\r\n-----BEGIN CERTIFICATE-----\r\nAAEC\r\n-----END CERTIFICATE-----\r\n\
                    ---\n- name: evil\n-----BEGIN CERTIFICATE----- AwQF -----END CERTIFICATE-----";
        let certificates: Certificates = text.parse().unwrap();
        assert_eq!(
            certificates.to_string(),
            "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n\
             -----BEGIN CERTIFICATE-----\nAwQF\n-----END CERTIFICATE-----\n"
        );
        assert_eq!(certificates.to_string().parse(), Ok(certificates));
    }

    #[test]
    fn long_certificates_have_lines_of_64_characters() {
        let certificates = Certificates(vec![vec![7; 100]]);
        let text = certificates.to_string();
        let lengths: Vec<_> = text.lines().map(str::len).collect();
        assert_eq!(lengths, [BEGIN.len(), 64, 64, 8, END.len()]);
        assert_eq!(text.parse(), Ok(certificates));
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        use ParseCertificatesError as Error;
        let key = "-----BEGIN PRIVATE KEY-----\nAAEC\n-----END PRIVATE KEY-----\n";
        let good = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n";
        for (case, text, error) in [
            ("nothing", String::new(), Error::None),
            ("something else", "hello".to_owned(), Error::None),
            ("one cut short", good[..40].to_owned(), Error::Unfinished),
            ("one with a quote", good.replace("AAEC", "AA\"C"), Error::Base64),
            ("a key alone", key.to_owned(), Error::PrivateKey),
            ("a key before it", format!("{key}{good}"), Error::PrivateKey),
            ("a key after it", format!("{good}{key}"), Error::PrivateKey),
            ("more than 1 MiB", good.repeat(30_000), Error::TooLarge),
        ] {
            assert_eq!(text.parse::<Certificates>(), Err(error), "{case}");
        }
    }
}
