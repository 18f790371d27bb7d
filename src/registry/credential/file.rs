//! Files of credentials: Docker's `config.json` and containers' `auth.json`.

use std::{collections::BTreeMap, io::Read as _, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use fs_err as fs;
use serde::Deserialize;

use super::{Credential, CredentialError};

/// Largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// A file of credentials, as far as it concerns registries.
#[derive(Debug)]
pub(super) struct CredentialFile<'a> {
    path: &'a Path,
    content: Content,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Content {
    auths: BTreeMap<String, Auth>,
    creds_store: String,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth {
    /// User and password, with a colon between, in base64.
    #[serde(rename = "auth")]
    login: String,
    username: String,
    password: String,
    identitytoken: String,
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Auth")
    }
}

/// What a file knows of a registry.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Credential(Credential),
    /// A program knows it, under the name `server`.
    Helper {
        name: String,
        server: String,
    },
}

impl<'a> CredentialFile<'a> {
    /// Reads a file, if there is one.
    pub(super) fn read(path: &'a Path) -> Result<Option<Self>, CredentialError> {
        let file = match fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut text = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut text)?;
        if text.len() as u64 > LARGEST {
            return Err(CredentialError::TooLarge { path: path.to_owned() });
        }
        Self::parse(path, &text).map(Some)
    }

    /// The words of the parser may quote what it read, so only the place is told.
    fn parse(path: &'a Path, text: &[u8]) -> Result<Self, CredentialError> {
        let malformed = |error: serde_json::Error| CredentialError::Malformed {
            path: path.to_owned(),
            line: error.line(),
            column: error.column(),
        };
        // `podman logout` and others leave empty files behind.
        if text.trim_ascii().is_empty() {
            return Ok(Self { path, content: Content::default() });
        }
        Ok(Self { path, content: serde_json::from_slice(text).map_err(malformed)? })
    }

    /// Finds the first of `keys`: a helper for just this registry, an entry, the helper for all.
    pub(super) fn find(&self, keys: &[String]) -> Result<Option<Entry>, CredentialError> {
        let helper = |name: &str, server: &str| {
            Some(Entry::Helper { name: name.to_owned(), server: server.to_owned() })
        };
        let Content { auths, creds_store, cred_helpers } = &self.content;
        for key in keys {
            if let Some(name) = cred_helpers.get(key).filter(|name| !name.is_empty()) {
                return Ok(helper(name, key));
            }
        }
        for key in keys {
            let credential = auths.get(key).map(|auth| self.credential(key, auth)).transpose()?;
            if let Some(credential) = credential.flatten() {
                return Ok(Some(Entry::Credential(credential)));
            }
        }
        if creds_store.is_empty() {
            return Ok(None);
        }
        // Docker writes an empty entry under the very name that its store knows.
        let known = keys.iter().find(|key| auths.contains_key(*key));
        let hub = || keys.iter().find(|key| key.ends_with("index.docker.io/v1/"));
        let host = || keys.iter().find(|key| !key.contains('/'));
        let server = known.or_else(hub).or_else(host);
        Ok(server.and_then(|server| helper(creds_store, server)))
    }

    fn credential(&self, key: &str, auth: &Auth) -> Result<Option<Credential>, CredentialError> {
        if !auth.identitytoken.is_empty() {
            return Ok(Some(Credential::Identity { token: auth.identitytoken.clone() }));
        }
        let login = |user: &str, password: &str| {
            Some(Credential::Login { user: user.to_owned(), password: password.to_owned() })
        };
        if auth.login.is_empty() {
            let is_there = !auth.username.is_empty() && !auth.password.is_empty();
            return Ok(is_there.then(|| login(&auth.username, &auth.password)).flatten());
        }
        let malformed =
            || CredentialError::Entry { path: self.path.to_owned(), key: key.to_owned() };
        let bytes = STANDARD.decode(auth.login.trim()).map_err(|_| malformed())?;
        let text = String::from_utf8(bytes).map_err(|_| malformed())?;
        let (user, password) = text.split_once(':').ok_or_else(malformed)?;
        // Docker pads with zeros.
        let password = password.trim_end_matches('\0');
        let is_there = !user.is_empty() && !password.is_empty();
        Ok(is_there.then(|| login(user, password)).flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 3] = ["quay.io/team", "quay.io", "https://quay.io"];

    fn find(text: &str) -> Result<Option<Entry>, CredentialError> {
        CredentialFile::parse(Path::new("config.json"), text.as_bytes())?
            .find(&KEYS.map(str::to_owned))
    }

    #[test]
    fn the_most_exact_entry_counts() {
        let login = |user: &str, password: &str| {
            Some(Entry::Credential(Credential::Login {
                user: user.to_owned(),
                password: password.to_owned(),
            }))
        };
        let helper = |name: &str, server: &str| {
            Some(Entry::Helper { name: name.to_owned(), server: server.to_owned() })
        };
        for (case, text, expected) in [
            ("an empty file", "", None),
            ("another registry", r#"{"auths":{"ghcr.io":{"auth":"YTpi"}}}"#, None),
            (
                "user and password",
                r#"{"auths":{"quay.io":{"auth":"YTpiOmM="}}}"#,
                login("a", "b:c"),
            ),
            (
                "user and password in the clear",
                r#"{"auths":{"https://quay.io":{"username":"a","password":"b"}}}"#,
                login("a", "b"),
            ),
            (
                "a part of the registry before all of it",
                r#"{"auths":{"quay.io":{"auth":"YTpi"},"quay.io/team":{"auth":"Yzpk"}}}"#,
                login("c", "d"),
            ),
            (
                "an identity token before a password",
                r#"{"auths":{"quay.io":{"auth":"YTpi","identitytoken":"t"}}}"#,
                Some(Entry::Credential(Credential::Identity { token: "t".to_owned() })),
            ),
            (
                "a helper for the registry before an entry",
                r#"{"auths":{"quay.io":{"auth":"YTpi"}},"credHelpers":{"quay.io":"pass"}}"#,
                helper("pass", "quay.io"),
            ),
            (
                "an entry before the store for all",
                r#"{"auths":{"quay.io":{"auth":"YTpi"}},"credsStore":"pass"}"#,
                login("a", "b"),
            ),
            (
                "the store knows what has an empty entry",
                r#"{"auths":{"https://quay.io":{}},"credsStore":"pass"}"#,
                helper("pass", "https://quay.io"),
            ),
            ("the store may know any", r#"{"credsStore":"pass"}"#, helper("pass", "quay.io")),
        ] {
            assert_eq!(find(text).expect(case), expected, "{case}");
        }
    }

    #[test]
    fn a_broken_file_is_told_by_its_place_without_its_secrets() {
        for (case, text) in [
            ("no JSON", "{\"auths\": secret"),
            ("a list", "[\"secret\"]"),
            ("a text for an entry", r#"{"auths":{"quay.io":"secret"}}"#),
            ("no base64", r#"{"auths":{"quay.io":{"auth":"secret!"}}}"#),
            ("no colon", r#"{"auths":{"quay.io":{"auth":"c2VjcmV0"}}}"#),
        ] {
            let message = find(text).expect_err(case).to_string();
            assert!(message.contains("config.json"), "{case}: {message}");
            assert!(!message.contains("secret"), "{case}: {message}");
        }
    }
}
