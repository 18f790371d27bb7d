//! Who asks: tokens and logins, each sent to the registry that it is for and nowhere else.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use serde::Deserialize;
use tokio::sync::Mutex as AsyncMutex;

use crate::{
    address::{Address, without_secrets},
    answer,
    challenge::Challenge,
    connection::{Connections, body_of},
    credential::{Credential, Credentials},
    error::RegistryError,
    name::is_loopback,
    options::Timeouts,
    text::in_query,
    wanted::Wanted,
};

/// Most bytes of an answer with a token.
const MOST_TOKEN: u64 = 256 << 10;
/// What we call ourselves to servers of tokens.
const CLIENT_ID: &str = "a4co";

/// What a request may do, in the words of tokens: `repository:library/nats:pull`, separated by
/// spaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Scope(String);

impl Scope {
    /// Reads the repository `path`.
    pub(crate) fn pull(path: &str) -> Self {
        Self(format!("repository:{path}:pull"))
    }

    /// Writes the repository `path`.
    pub(crate) fn push(path: &str) -> Self {
        Self(format!("repository:{path}:pull,push"))
    }

    /// Writes the repository `path` and reads `from`.
    pub(crate) fn mount(path: &str, from: &str) -> Self {
        Self(format!("repository:{path}:pull,push repository:{from}:pull"))
    }

    /// Adds what the registry asks for.
    fn with(&self, challenged: &str) -> String {
        let own = self.0.split(' ');
        let more = challenged.split_ascii_whitespace().filter(|it| !own.clone().any(|o| o == *it));
        own.clone().chain(more).collect::<Vec<_>>().join(" ")
    }
}

/// A header that lets a request in, once there is one.
type Slot = Arc<AsyncMutex<Option<HeaderValue>>>;

/// Keeps what let requests in before, for each registry and scope.
#[derive(Debug)]
pub(crate) struct Authorizer {
    credentials: Credentials,
    slots: Mutex<BTreeMap<(String, Scope), Slot>>,
}

impl Authorizer {
    pub(crate) fn new(credentials: Credentials) -> Self {
        Self { credentials, slots: Mutex::default() }
    }

    fn slot(&self, address: &Address, scope: &Scope) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.entry((address.to_string(), scope.clone())).or_default().clone()
    }

    /// Returns what let the last such request in.
    pub(crate) async fn current(&self, address: &Address, scope: &Scope) -> Option<HeaderValue> {
        self.slot(address, scope).lock().await.clone()
    }

    /// Answers a challenge; `None` if there is nothing to answer. Of several that were refused with
    /// the same `used` header, one does the work and the others wait for it.
    pub(crate) async fn renew(
        &self,
        question: &Question<'_>,
        used: Option<&HeaderValue>,
    ) -> Result<Option<HeaderValue>, RegistryError> {
        let slot = self.slot(question.address, question.scope);
        let mut header = slot.lock().await;
        if header.is_some() && header.as_ref() != used {
            return Ok(header.clone());
        }
        *header = None;
        let Some(challenge) = question.challenges.first() else { return Ok(None) };
        let (authority, path) = (question.address.authority(), &question.path);
        let credential = self.credentials.find(authority, path).await.map_err(|source| {
            RegistryError::Credential { wanted: Box::new(question.wanted.clone()), source }
        })?;
        *header = match (challenge, credential) {
            (Challenge::Basic, Some(Credential::Login { user, password })) => {
                Some(basic(&user, &password))
            }
            (Challenge::Basic, _) => None,
            (Challenge::Bearer { realm, service, scope }, credential) => {
                let scope = question.scope.with(scope);
                Some(question.token(realm, service, &scope, credential).await?)
            }
        };
        Ok(header.clone())
    }
}

/// A request that was refused for want of authorization.
pub(crate) struct Question<'a> {
    pub(crate) connections: &'a Connections,
    pub(crate) timeouts: &'a Timeouts,
    pub(crate) wanted: &'a Wanted,
    pub(crate) address: &'a Address,
    pub(crate) path: String,
    pub(crate) scope: &'a Scope,
    pub(crate) challenges: &'a [Challenge],
}

#[derive(Deserialize)]
struct TokenAnswer {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
}

impl Question<'_> {
    /// Gets a token: with a login or without one by GET, with an identity token by POST
    /// (distribution, "Token Authentication" and "OAuth 2").
    async fn token(
        &self,
        realm: &str,
        service: &str,
        scope: &str,
        credential: Option<Credential>,
    ) -> Result<HeaderValue, RegistryError> {
        let uri = self.realm(realm)?;
        let refuse = |why: String| self.refuse(realm, why);
        let scopes = scope.split(' ').map(|scope| format!("scope={}", in_query(scope)));
        // Some servers take an empty name for the name of a service that they do not know.
        let service = Some(service).filter(|service| !service.is_empty());
        let service = service.map(|service| format!("service={}", in_query(service)));
        let mut fields = Vec::from_iter(service);
        let request = Request::builder().header(header::ACCEPT, "application/json");
        let request = match credential {
            Some(Credential::Identity { token }) => {
                fields.push(format!("scope={}", in_query(scope)));
                fields.push("grant_type=refresh_token".to_owned());
                fields.push(format!("client_id={CLIENT_ID}"));
                fields.push(format!("refresh_token={}", in_query(&token)));
                request
                    .method(Method::POST)
                    .uri(uri)
                    .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(body_of(Bytes::from(fields.join("&"))))
            }
            login => {
                fields.extend(scopes);
                let separator = if uri.query().is_some() { '&' } else { '?' };
                let request = request.uri(format!("{uri}{separator}{}", fields.join("&")));
                let request = match login {
                    Some(Credential::Login { user, password }) => {
                        request.header(header::AUTHORIZATION, basic(&user, &password))
                    }
                    _ => request,
                };
                request.body(body_of(Bytes::new()))
            }
        };
        let request = request.map_err(|error| refuse(error.to_string()))?;
        let answer =
            self.connections.send(self.wanted, request, self.timeouts.idle, || false).await?;
        if !answer.status().is_success() {
            let error = answer::refusal(self.wanted, answer, self.timeouts).await;
            let words = error.to_string();
            let words = words.split_once(": ").map_or(words.as_str(), |(_, words)| words);
            return Err(RegistryError::Token {
                wanted: Box::new(self.wanted.clone()),
                realm: without_secrets(realm),
                why: words.to_owned(),
                is_transient: error.is_transient(),
                retry_after: error.retry_after(),
                // Some say it so to a wrong password (OAuth 2, RFC 6749, 5.2).
                is_refused: error.is_denied() || error.status() == Some(StatusCode::BAD_REQUEST),
            });
        }
        let bytes = answer::read(self.wanted, answer, MOST_TOKEN, self.timeouts).await?;
        let parsed: TokenAnswer = serde_json::from_slice(&bytes)
            .map_err(|_| refuse("the answer holds no token".to_owned()))?;
        let token = if parsed.token.is_empty() { parsed.access_token } else { parsed.token };
        let mut header = HeaderValue::try_from(format!("Bearer {token}"))
            .ok()
            .filter(|_| !token.is_empty())
            .ok_or_else(|| refuse("the answer holds no token".to_owned()))?;
        header.set_sensitive(true);
        Ok(header)
    }

    /// Credentials go only where nobody listens.
    fn realm(&self, realm: &str) -> Result<Uri, RegistryError> {
        let refuse = |why: &str| self.refuse(realm, why.to_owned());
        let uri: Uri = realm.parse().map_err(|_| refuse("it is no URL"))?;
        let authority = uri.authority().ok_or_else(|| refuse("it is no URL of HTTP"))?.as_str();
        match uri.scheme_str() {
            _ if authority.contains('@') => Err(refuse("it names a user")),
            Some("https") => Ok(uri),
            // A registry with encryption does not lead out of it, not even to a port of this machine:
            // anybody may listen there.
            Some("http") if self.address.is_plain() && is_loopback(authority) => Ok(uri),
            Some("http") => Err(refuse("it has no encryption")),
            _ => Err(refuse("it is no URL of HTTP")),
        }
    }

    fn refuse(&self, realm: &str, why: String) -> RegistryError {
        RegistryError::Token {
            wanted: Box::new(self.wanted.clone()),
            realm: without_secrets(realm),
            why,
            is_transient: false,
            retry_after: None,
            is_refused: false,
        }
    }
}

fn basic(user: &str, password: &str) -> HeaderValue {
    let text = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    // Base64 is always a header's value.
    let mut header = HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
    header.set_sensitive(true);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_grows_by_what_the_registry_asks_for() {
        let scope = Scope::mount("a", "b");
        for (challenged, expected) in [
            ("", "repository:a:pull,push repository:b:pull"),
            ("repository:a:pull,push", "repository:a:pull,push repository:b:pull"),
            ("x:y:z repository:b:pull", "repository:a:pull,push repository:b:pull x:y:z"),
        ] {
            assert_eq!(scope.with(challenged), expected, "{challenged}");
        }
    }
}
