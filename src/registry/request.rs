//! Requests, and whom they are for.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};

use crate::{
    address::Address,
    authorization::Scope,
    connection::{Body, body_of},
    error::RegistryError,
    text::in_query,
    wanted::Wanted,
};

/// What we call ourselves.
const USER_AGENT: &str = concat!("a4co/", env!("CARGO_PKG_VERSION"));

/// A request whose body is small, so that it can be sent again.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// How long the answer may take, if that is not the usual.
    pub(crate) deadline: Option<Duration>,
}

impl Ask {
    pub(crate) fn new(method: Method, uri: Uri) -> Self {
        Self { method, uri, headers: HeaderMap::new(), body: Bytes::new(), deadline: None }
    }

    pub(crate) fn with(mut self, name: http::HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    pub(crate) fn to_request(
        &self,
        uri: &Uri,
        authorization: Option<&HeaderValue>,
    ) -> Request<Body> {
        let mut request = Request::new(body_of(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = self.headers.clone();
        if self.body.is_empty() && [Method::POST, Method::PUT, Method::PATCH].contains(&self.method)
        {
            // hyper leaves it out, and some registries answer 411 then.
            request.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        identify(request.headers_mut(), authorization);
        request
    }
}

/// Adds who asks.
pub(crate) fn identify(headers: &mut HeaderMap, authorization: Option<&HeaderValue>) {
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    if let Some(authorization) = authorization {
        headers.insert(header::AUTHORIZATION, authorization.clone());
    }
}

/// A registry or mirror, with what is wanted of it and what for.
#[derive(Clone, Copy)]
pub(crate) struct Party<'a> {
    pub(crate) wanted: &'a Wanted,
    pub(crate) address: &'a Address,
    pub(crate) scope: &'a Scope,
}

impl Party<'_> {
    /// Returns the URL of `path` of the repository, such as `manifests/latest`.
    pub(crate) fn uri(&self, path: &str) -> Result<Uri, RegistryError> {
        let uri = self.address.uri(&self.wanted.repository, path);
        let mirrored = self.wanted.mirror.as_ref().map(|_| self.wanted.repository.host());
        uri.and_then(|uri| match mirrored {
            // As containerd does it, for mirrors of several registries.
            Some(host) => {
                format!("{uri}?ns={}", in_query(host.as_str())).parse().map_err(Into::into)
            }
            None => Ok(uri),
        })
        .map_err(|error| self.strange(&error.to_string()))
    }

    /// Makes an error of an answer that no registry should give.
    pub(crate) fn strange(&self, why: &str) -> RegistryError {
        RegistryError::Answer { wanted: Box::new(self.wanted.clone()), why: why.to_owned() }
    }
}

/// A registry that is written to, which no mirror can stand for.
pub(crate) struct Writer {
    pub(crate) wanted: Wanted,
    pub(crate) address: Address,
    pub(crate) scope: Scope,
}

impl Writer {
    pub(crate) fn party(&self) -> Party<'_> {
        Party { wanted: &self.wanted, address: &self.address, scope: &self.scope }
    }
}
