//! The text types.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use a4co_bundle::{Digest, is_dns_label};
use serde::Deserialize;

use super::{Format, TextError, digits, text};
use crate::source::MANIFESTS;

text!(
    /// A name of one label (RFC 1123), as namespaces and Services have.
    DnsLabel,
    "dns-label",
    "a DNS label: a-z, 0-9 and `-` inside, at most 63 characters",
    is_dns_label
);

text!(
    /// A host name of labels with dots between.
    HostName,
    "host",
    "a host name such as `api.example.com`",
    |text| text.len() <= 253 && text.split('.').all(is_dns_label)
);

text!(
    /// Name of an environment variable.
    EnvName,
    "env-name",
    "a name of an environment variable: letters, digits and `_`, no digit first",
    |text| {
        !text.starts_with(|first: char| first.is_ascii_digit())
            && is_made_of(text, |byte| byte.is_ascii_alphanumeric() || byte == b'_')
    }
);

text!(
    /// A path in a URL, without query.
    HttpPath,
    "path",
    "a URL path such as `/api/v1/orders`",
    |text| {
        text.starts_with('/')
            && !text.contains("//")
            && (text.len() == 1 || !text.ends_with('/'))
            && !text.split('/').any(|part| matches!(part, "." | ".."))
            && is_made_of(text, |byte| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte))
    }
);

text!(
    /// An absolute path of a folder in a container.
    FolderPath,
    "folder",
    "an absolute path such as `/var/cache`",
    |text| {
        let is_part = |part: &str| {
            !matches!(part, "" | "." | "..")
                && is_made_of(part, |b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
        };
        text.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_part))
    }
);

text!(
    /// A span of time in one unit.
    Interval,
    "interval",
    "a time such as `30s`, `5m` or `1h`",
    |text| {
        let number = text.strip_suffix(['s', 'm', 'h']).unwrap_or_default();
        digits::<u32>(number).is_some_and(|number| number > 0)
    }
);

impl Interval {
    /// Returns the time in seconds.
    pub(crate) fn seconds(&self) -> u64 {
        let factor = match self.0.chars().last() {
            Some('h') => 3600,
            Some('m') => 60,
            _ => 1,
        };
        // The constructor took this very number.
        let number = self.0.trim_end_matches(['s', 'm', 'h']).parse::<u64>();
        number.unwrap_or(0) * factor
    }
}

text!(
    /// A number of pods, or a share of them.
    CountOrPercent,
    "count-or-percent",
    "a count such as `\"1\"` or a share such as `\"25%\"`",
    |text| digits::<u16>(text.strip_suffix('%').unwrap_or(text)).is_some()
);

impl CountOrPercent {
    /// Tells whether it is nothing of anything.
    pub(crate) fn is_zero(&self) -> bool {
        digits::<u16>(self.0.trim_end_matches('%')) == Some(0)
    }
}

text!(
    /// A range of addresses.
    Cidr,
    "cidr",
    "an address range such as `10.0.0.0/8`",
    |text| {
        text.split_once('/').is_some_and(|(address, bits)| {
            let most = match (Ipv4Addr::from_str(address), Ipv6Addr::from_str(address)) {
                (Ok(_), _) => 32,
                (_, Ok(_)) => 128,
                _ => return false,
            };
            digits::<u8>(bits).is_some_and(|bits| bits <= most)
        })
    }
);

text!(
    /// Key of a label or an annotation.
    LabelKey,
    "label-key",
    "a label key such as `app.kubernetes.io/name`",
    |text| match text.split_once('/') {
        Some((prefix, name)) => prefix.split('.').all(is_dns_label) && is_label_name(name),
        None => is_label_name(text),
    }
);

text!(
    /// Value of a label.
    LabelValue,
    "label-value",
    "a label value: letters, digits and `-_.` inside, at most 63 characters",
    |text| text.is_empty() || is_label_name(text)
);

text!(
    /// A semantic version.
    Version,
    "semver",
    "a semantic version such as `1.4.0`",
    |text| semver::Version::parse(text).is_ok()
);

impl Version {
    pub(crate) fn to_semver(&self) -> semver::Version {
        // The constructor parsed this very text.
        semver::Version::parse(&self.0).unwrap_or(semver::Version::new(0, 0, 0))
    }
}

text!(
    /// An origin of a browser's requests (RFC 6454), or `*`.
    Origin,
    "origin",
    "an origin such as `https://example.com` or `https://*.example.com`, or `*`",
    |text| text == "*" || is_web_origin(text)
);

text!(
    /// Name of a header of HTTP.
    HeaderName,
    "header-name",
    "a name of a header: letters, digits, `-` and `_`",
    |text| is_made_of(text, |byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
);

text!(
    /// A server of the ACME protocol.
    AcmeServer,
    "acme-server",
    "`letsencrypt-staging`, `letsencrypt-production`, or the URL of a directory",
    |text| {
        AcmeServer::known(text).is_some()
            || text.strip_prefix("https://").is_some_and(|rest| {
                !rest.is_empty()
                    && rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"')
            })
    }
);

impl AcmeServer {
    /// Returns the URL of the server's directory.
    pub(crate) fn url(&self) -> &str {
        Self::known(&self.0).unwrap_or(&self.0)
    }

    fn known(name: &str) -> Option<&'static str> {
        match name {
            "letsencrypt-staging" => Some("https://acme-staging-v02.api.letsencrypt.org/directory"),
            "letsencrypt-production" => Some("https://acme-v02.api.letsencrypt.org/directory"),
            _ => None,
        }
    }
}

text!(
    /// Key of a Secret or of a `ConfigMap`.
    DataKey,
    "data-key",
    "a key such as `ca.crt`: letters, digits, `-`, `_` and `.`, at most 253 characters",
    |text| {
        text.len() <= 253
            && !text.starts_with("..")
            && text != "."
            && is_made_of(text, |byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    }
);

text!(
    /// A digest, for the schema of types that hold a [`Digest`].
    DigestText,
    "digest",
    "a digest `sha256:` with 64 lower-case hex digits",
    |text| text.parse::<Digest>().is_ok()
);

text!(
    /// Name of a metric, a label or an alert of Prometheus.
    PrometheusName,
    "prometheus-name",
    "a name for Prometheus: letters, digits and `_`, no digit first",
    |text| {
        !text.starts_with(|first: char| first.is_ascii_digit())
            && is_made_of(text, |byte| byte.is_ascii_alphanumeric() || byte == b'_')
    }
);

text!(
    /// A host with a port.
    HostPort,
    "host-port",
    "a host with a port such as `smtp.example.com:587`",
    |text| {
        text.rsplit_once(':').is_some_and(|(host, port)| {
            (HostName::FORMAT.accepts)(host) && digits::<u16>(port).is_some_and(|port| port > 0)
        })
    }
);

text!(
    /// A URL of a server.
    HttpUrl,
    "http-url",
    "a URL such as `http://prometheus.monitoring:9090`",
    |text| {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        rest.is_some_and(|rest| {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let is_host = (HostName::FORMAT.accepts)(authority);
            (is_host || (HostPort::FORMAT.accepts)(authority))
                && (path.is_empty() || path == "/" || (HttpPath::FORMAT.accepts)(path))
        })
    }
);

impl HttpUrl {
    /// Returns the port, that of the scheme if none is written.
    pub(crate) fn port(&self) -> u16 {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("http", &self.0));
        let authority = rest.split('/').next().unwrap_or(rest);
        let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        port.unwrap_or(if scheme == "https" { 443 } else { 80 })
    }
}

text!(
    /// A share in percent, above 0 and below 100, with at most three decimals.
    Percent,
    "percent",
    "a share such as `99.9%`",
    |text| {
        text.strip_suffix('%').is_some_and(|number| {
            let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
            let is_digits = |text: &str| is_made_of(text, |byte| byte.is_ascii_digit());
            let is_number = is_digits(whole) && is_digits(fraction) && fraction.len() <= 3;
            is_number
                && whole.len() <= 2
                && [whole, fraction].concat().bytes().any(|byte| byte != b'0')
        })
    }
);

impl Percent {
    /// Returns the number, without the sign.
    pub(crate) fn number(&self) -> &str {
        self.0.trim_end_matches('%')
    }
}

/// Tells whether `text` is a scheme, a host, whose first label may be `*`, and a port if any.
fn is_web_origin(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest else {
        return false;
    };
    let (host, port) = rest.split_once(':').unwrap_or((rest, "443"));
    let host = host.strip_prefix("*.").unwrap_or(host);
    host.split('.').all(is_dns_label) && digits::<u16>(port).is_some_and(|port| port > 0)
}

text!(
    /// A file or a folder below `manifests/`.
    ManifestPath,
    "manifest-path",
    "a path below `manifests/`, such as `manifests/operator.yaml`",
    |text| {
        let is_part = |part: &str| {
            !matches!(part, "" | "." | "..")
                && is_made_of(part, |b| b.is_ascii_alphanumeric() || b"-._+@".contains(&b))
        };
        text.split('/').next() == Some(MANIFESTS) && text.split('/').all(is_part)
    }
);

text!(
    /// Name of an object of any kind, or a key of a Secret.
    ObjectName,
    "object-name",
    "a name: letters, digits and `-._:`, at most 253 characters",
    is_object_name
);

text!(
    /// An object by kind and name.
    ObjectPath,
    "object-path",
    "a kind and a name, such as `Service/legacy`",
    |text| text.split_once('/').is_some_and(|(kind, name)| {
        is_made_of(kind, |byte| byte.is_ascii_alphanumeric()) && is_object_name(name)
    })
);

impl ObjectPath {
    /// Returns kind and name.
    pub(crate) fn parts(&self) -> (&str, &str) {
        self.0.split_once('/').unwrap_or_default()
    }
}

text!(
    /// Names a value inside of an object (RFC 6901).
    JsonPointer,
    "json-pointer",
    "a JSON pointer such as `/spec/replicas`; in a key, `~1` stands for `/` and `~0` for `~`",
    |text| {
        let is_key = |key: &str| {
            key.split('~').skip(1).all(|after| after.starts_with(['0', '1']))
        };
        text.starts_with('/') && text.split('/').all(is_key)
    }
);

text!(
    /// Type of a condition in a status, or `none`.
    Condition,
    "condition",
    "a type of a condition such as `Ready`, or `none`",
    |text| is_made_of(text, |byte| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte))
);

fn is_object_name(text: &str) -> bool {
    text.len() <= 253
        && !matches!(text, "." | "..")
        && is_made_of(text, |byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte))
}

fn is_label_name(text: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    text.len() <= 63
        && edge(text.as_bytes().first())
        && edge(text.as_bytes().last())
        && is_made_of(text, |byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn is_made_of(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_type_takes_its_grammar_and_nothing_else() {
        for (format, good, bad) in [
            (DnsLabel::FORMAT, vec!["a", "a-1"], vec!["", "-a", "a-", "A", "a.b", "a_b"]),
            (HostName::FORMAT, vec!["api.example.com", "db"], vec!["", "a..b", ".a", "a.b."]),
            (EnvName::FORMAT, vec!["A", "_a1"], vec!["", "1A", "A-B", "A B", "É"]),
            (
                HttpPath::FORMAT,
                vec!["/", "/a/b.c", "/.a"],
                vec!["", "a", "//", "/a/", "/a?b", "/a b", "/./a", "/a/.."],
            ),
            (FolderPath::FORMAT, vec!["/a", "/a/.b"], vec!["", "/", "a", "/a/", "/a/../b"]),
            (
                Interval::FORMAT,
                vec!["1s", "15m", "24h"],
                vec!["", "s", "0s", "1d", "-1s", "+1s", "1.5h"],
            ),
            (CountOrPercent::FORMAT, vec!["0", "1", "25%"], vec!["", "%", "-1", "+1", "1.5"]),
            (
                Cidr::FORMAT,
                vec!["10.0.0.0/8", "fd00::/8"],
                vec!["10.0.0.0", "10.0.0.0/33", "10.0.0.0/+8", "x/8"],
            ),
            (LabelKey::FORMAT, vec!["a", "a.b/C_d"], vec!["", "/a", "a/", "a/b/c", "A_b/c"]),
            (LabelValue::FORMAT, vec!["", "a", "A.b_c-1"], vec!["-a", "a-", "a b", "a/b"]),
            (PrometheusName::FORMAT, vec!["up", "_a1"], vec!["", "1a", "a-b", "a:b"]),
            (HostPort::FORMAT, vec!["a.b:25"], vec!["", "a.b", "a.b:0", "a.b:+1", ":25", "a b:25"]),
            (
                HttpUrl::FORMAT,
                vec!["http://a.b", "https://a:1/b/c", "http://a/"],
                vec!["", "a.b", "ftp://a", "http://", "http://a:x", "http://a//b", "http://a b"],
            ),
            (
                Percent::FORMAT,
                vec!["99.9%", "1%", "0.5%", "99.999%"],
                vec!["", "99.9", "100%", "0%", "0.0%", "-1%", "1.%", "99.9999%"],
            ),
            (Version::FORMAT, vec!["1.2.3", "1.0.0-rc.1+x"], vec!["", "1.2", "v1.2.3", "01.0.0"]),
            (
                ManifestPath::FORMAT,
                vec!["manifests", "manifests/a.yaml", "manifests/a/b.yml"],
                vec!["", "a.yaml", "manifests/", "manifests/../a", "/manifests/a", "manifestsx"],
            ),
            (ObjectName::FORMAT, vec!["a", "system:x", ".dockercfg"], vec!["", ".", "..", "a/b"]),
            (ObjectPath::FORMAT, vec!["Service/a"], vec!["", "Service", "Service/", "/a", "A/b/c"]),
            (JsonPointer::FORMAT, vec!["/a", "/a~1b/0", "/"], vec!["", "a", "/a~2", "/a~"]),
            (Condition::FORMAT, vec!["Ready", "none", "a.b/C"], vec!["", "a b"]),
            (
                Origin::FORMAT,
                vec!["*", "https://*.a.b:8443", "http://localhost:3000"],
                vec![
                    "",
                    "a.b",
                    "https://",
                    "https://*",
                    "https://a/b",
                    "https://a.*.b",
                    "https://a:0",
                    "https://a:b",
                    "ftp://a",
                ],
            ),
            (HeaderName::FORMAT, vec!["X-Request-ID", "x_1"], vec!["", "A B", "A:", "A,B", "*"]),
            (
                AcmeServer::FORMAT,
                vec!["letsencrypt-staging", "https://acme.example.com/directory"],
                vec!["", "letsencrypt", "http://acme.example.com", "https://", "https://a b"],
            ),
            (DataKey::FORMAT, vec!["ca.crt", "A_b-1"], vec!["", ".", "..", "..a", "a/b", "a b"]),
        ] {
            for text in good {
                assert_eq!(format.check(text), Ok(()), "{}: {text}", format.name);
            }
            for text in bad {
                assert!(format.check(text).is_err(), "{}: {text}", format.name);
            }
        }
        for text in ["a".repeat(64), format!("a/{}", "a".repeat(64))] {
            assert!(DnsLabel::FORMAT.check(&text).is_err());
            assert!(LabelKey::FORMAT.check(&text).is_err());
        }
    }

    #[test]
    fn an_interval_has_seconds_and_a_url_a_port() {
        for (text, seconds) in [("30s", 30), ("5m", 300), ("2h", 7200)] {
            let interval = Interval::try_from(text.to_owned()).expect(text);
            assert_eq!(interval.seconds(), seconds, "{text}");
        }
        for (text, port) in [("http://a", 80), ("https://a/b", 443), ("http://a:9090/b", 9090)] {
            let url = HttpUrl::try_from(text.to_owned()).expect(text);
            assert_eq!(url.port(), port, "{text}");
        }
    }
}
