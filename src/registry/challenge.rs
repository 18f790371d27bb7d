//! What a registry wants to know before it answers: `WWW-Authenticate` (RFC 9110, 11.6.1).

use http::{HeaderMap, header};

/// Most bytes of a challenge that are read.
const LONGEST: usize = 8 << 10;

/// How a registry wants to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// With a token that another server gives (Docker Registry v2 authentication).
    Bearer { realm: String, service: String, scope: String },
    /// With user and password.
    Basic,
}

/// Reads the challenges of an answer that are understood, bearer ones first.
pub(crate) fn challenges(headers: &HeaderMap) -> Vec<Challenge> {
    let values = headers.get_all(header::WWW_AUTHENTICATE).iter();
    let texts = values.filter_map(|value| value.to_str().ok()).filter(|it| it.len() <= LONGEST);
    let mut found: Vec<_> = texts.flat_map(parse).collect();
    found.sort_by_key(|challenge| *challenge == Challenge::Basic);
    found
}

fn parse(text: &str) -> Vec<Challenge> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\t', ',']);
    while !rest.is_empty() {
        let (scheme, after) = token(rest);
        if scheme.is_empty() {
            break;
        }
        let (parameters, after) = parameters(after);
        let value = |name: &str| {
            let named = |(key, _): &&(String, String)| key.eq_ignore_ascii_case(name);
            parameters.iter().find(named).map(|(_, value)| value.clone())
        };
        if scheme.eq_ignore_ascii_case("basic") {
            found.push(Challenge::Basic);
        } else if let (true, Some(realm)) = (scheme.eq_ignore_ascii_case("bearer"), value("realm"))
        {
            let service = value("service").unwrap_or_default();
            found.push(Challenge::Bearer {
                realm,
                service,
                scope: value("scope").unwrap_or_default(),
            });
        }
        rest = after;
    }
    found
}

/// Splits off `name=value` pairs, up to the next scheme: a word that no `=` follows.
fn parameters(mut rest: &str) -> (Vec<(String, String)>, &str) {
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (name, after) = token(rest);
        let Some(after) = after.trim_start().strip_prefix('=').filter(|_| !name.is_empty()) else {
            return (found, rest);
        };
        let (value, after) = value(after.trim_start());
        found.push((name.to_owned(), value));
        rest = after;
    }
}

/// Splits off a token (RFC 9110, 5.6.2).
fn token(text: &str) -> (&str, &str) {
    let is_in = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    text.split_at(text.find(|c| !is_in(c)).unwrap_or(text.len()))
}

/// Splits off a quoted string, or what some servers write without quotes.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(character),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: &str, scope: &str) -> Challenge {
        Challenge::Bearer {
            realm: realm.to_owned(),
            service: service.to_owned(),
            scope: scope.to_owned(),
        }
    }

    #[test]
    fn challenges_are_read_as_registries_write_them() {
        for (case, values, expected) in [
            (
                "Docker Hub",
                vec![
                    r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nats:pull,push""#,
                ],
                vec![bearer(
                    "https://auth.docker.io/token",
                    "registry.docker.io",
                    "repository:library/nats:pull,push",
                )],
            ),
            ("basic", vec![r#"Basic realm="Registry""#], vec![Challenge::Basic]),
            ("basic without a realm", vec!["basic"], vec![Challenge::Basic]),
            (
                "two in one line, bearer preferred",
                vec![r#"Basic realm="a, b", bearer realm="https://t""#],
                vec![bearer("https://t", "", ""), Challenge::Basic],
            ),
            (
                "two lines",
                vec!["Basic realm=x", r#"Bearer realm="https://t" , service=s"#],
                vec![bearer("https://t", "s", ""), Challenge::Basic],
            ),
            (
                "escapes",
                vec![r#"Bearer realm="https://t\"\\""#],
                vec![bearer(r#"https://t"\"#, "", "")],
            ),
            ("a bearer that says not where", vec!["Bearer service=s"], vec![]),
            (
                "a scheme of others is passed over",
                vec!["Negotiate abc==, Basic"],
                vec![Challenge::Basic],
            ),
            (
                "an open quote",
                vec![r#"Bearer realm="https://t"#],
                vec![bearer("https://t", "", "")],
            ),
            ("nonsense", vec!["=,=\"", ""], vec![]),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::WWW_AUTHENTICATE, value.parse().unwrap());
            }
            assert_eq!(challenges(&headers), expected, "{case}");
        }
    }
}
