//! Asks registries: with authorization, redirects, mirrors and patience.

use std::sync::Arc;

use http::{HeaderValue, Method, Request, StatusCode, Uri, header};

use crate::{
    address::{LocationError, follow},
    answer,
    authorization::{Authorizer, Question, Scope},
    challenge::challenges,
    connection::{Answer, Body, Connections, OptionsError},
    credential::Credentials,
    error::RegistryError,
    name::Repository,
    options::Options,
    progress::Event,
    request::{Ask, Party, Writer, identify},
    wanted::{Wanted, What},
};

/// Most redirects that are followed, one after the other.
const MOST_REDIRECTS: usize = 5;

/// A client of image registries. Its clones share connections and tokens.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    connections: Connections,
    authorizer: Authorizer,
    pub(crate) options: Options,
}

impl Client {
    /// Makes a client. Nothing is sent yet.
    ///
    /// # Errors
    /// Fails when the authorities are no certificates, or the proxy is of an unknown kind.
    pub fn new(options: Options) -> Result<Self, OptionsError> {
        let connections = Connections::new(&options)?;
        let credentials = Credentials::new(&options.environment, options.timeouts.helper);
        let authorizer = Authorizer::new(credentials);
        Ok(Self { inner: Arc::new(Inner { connections, authorizer, options }) })
    }

    /// Returns the options that the client was made with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.inner.options
    }

    pub(crate) fn observe(&self, event: &Event<'_>) {
        self.inner.options.observer.observe(event);
    }

    /// Reads from the mirrors of the registry, each once, and at last from the registry itself,
    /// patiently.
    pub(crate) async fn read<T>(
        &self,
        what: impl Into<What>,
        repository: &Repository,
        mut action: impl AsyncFnMut(Party<'_>) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        let own = Wanted::new(what, repository);
        let sources = self.inner.options.sources(repository.host());
        let mut sources = sources.iter().peekable();
        while let Some(source) = sources.next() {
            let wanted = source.wanted(own.what.clone(), repository);
            let scope = Scope::pull(&source.address().path_of(repository));
            let party = Party { wanted: &wanted, address: source.address(), scope: &scope };
            if sources.peek().is_none() {
                return self.patiently(async || action(party).await).await;
            }
            match action(party).await {
                Ok(found) => return Ok(found),
                Err(error) => self.observe(&Event::MirrorSkipped { error: &error }),
            }
        }
        Err(RegistryError::NoMirror { wanted: Box::new(own) })
    }

    /// Prepares to write `what` to the registry itself.
    pub(crate) fn writer(&self, what: impl Into<What>, repository: &Repository) -> Writer {
        let address = self.inner.options.origin(repository.host());
        let scope = Scope::push(&address.path_of(repository));
        let wanted = Wanted::new(what, repository);
        Writer { wanted, address, scope }
    }

    /// Does something again as long as that may help.
    pub(crate) async fn patiently<T>(
        &self,
        mut action: impl AsyncFnMut() -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        let mut failures = 0;
        loop {
            match action().await {
                Ok(done) => return Ok(done),
                Err(error) => {
                    failures += 1;
                    self.pause(failures, error).await?;
                }
            }
        }
    }

    /// Waits as the failure number `failures` asks for, or gives up with `error`.
    pub(crate) async fn pause(
        &self,
        failures: u32,
        error: RegistryError,
    ) -> Result<(), RegistryError> {
        let Some(pause) = self.inner.options.retry.pause(failures, &error) else {
            return Err(error);
        };
        self.observe(&Event::Retrying { error: &error, pause });
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// Sends a request, answers a challenge if there is one, and follows redirects of what is read.
    /// The answer may have any other status.
    pub(crate) async fn ask(&self, party: Party<'_>, ask: &Ask) -> Result<Answer, RegistryError> {
        let header = self.authorization(party, &ask.uri).await;
        let (answer, has_left) = self.follow(party, ask, header.as_ref()).await?;
        // A challenge of another host is not for us: who answers it gives its credentials away.
        let is_challenge = answer.status() == StatusCode::UNAUTHORIZED;
        if !is_challenge || has_left {
            return Ok(answer);
        }
        match self.renew(party, &answer, header.as_ref()).await? {
            Some(header) => Ok(self.follow(party, ask, Some(&header)).await?.0),
            None => Ok(answer),
        }
    }

    /// Like [`Self::ask`], but an answer that is not a success is an error.
    pub(crate) async fn ask_well(
        &self,
        party: Party<'_>,
        ask: &Ask,
    ) -> Result<Answer, RegistryError> {
        let answer = self.ask(party, ask).await?;
        if answer.status().is_success() {
            Ok(answer)
        } else {
            Err(self.refusal(party, answer).await)
        }
    }

    /// Sends a request with a body that exists once; `is_alive` says whether the body still moves.
    /// A challenge is answered for the next request, and this one fails.
    pub(crate) async fn send_once(
        &self,
        party: Party<'_>,
        mut request: Request<Body>,
        is_alive: impl FnMut() -> bool,
    ) -> Result<Answer, RegistryError> {
        let header = self.authorization(party, request.uri()).await;
        let is_origin = party.address.is_origin_of(request.uri());
        identify(request.headers_mut(), header.as_ref());
        let Inner { connections, options, .. } = &*self.inner;
        let answer =
            connections.send(party.wanted, request, options.timeouts.idle, is_alive).await?;
        if answer.status() == StatusCode::UNAUTHORIZED && is_origin {
            self.renew(party, &answer, header.as_ref()).await?;
        }
        Ok(answer)
    }

    /// Makes an error of an answer that says no.
    pub(crate) async fn refusal(&self, party: Party<'_>, answer: Answer) -> RegistryError {
        answer::refusal(party.wanted, answer, &self.inner.options.timeouts).await
    }

    /// What let us in before; for the registry itself only.
    async fn authorization(&self, party: Party<'_>, uri: &Uri) -> Option<HeaderValue> {
        if !party.address.is_origin_of(uri) {
            return None;
        }
        self.inner.authorizer.current(party.address, party.scope).await
    }

    async fn renew(
        &self,
        party: Party<'_>,
        answer: &Answer,
        used: Option<&HeaderValue>,
    ) -> Result<Option<HeaderValue>, RegistryError> {
        let Inner { connections, authorizer, options } = &*self.inner;
        let question = Question {
            connections,
            timeouts: &options.timeouts,
            wanted: party.wanted,
            address: party.address,
            path: party.address.path_of(&party.wanted.repository),
            scope: party.scope,
            challenges: &challenges(answer.headers()),
        };
        authorizer.renew(&question, used).await
    }

    /// Returns an answer, and whether another host had its hand in it.
    async fn follow(
        &self,
        party: Party<'_>,
        ask: &Ask,
        authorization: Option<&HeaderValue>,
    ) -> Result<(Answer, bool), RegistryError> {
        let Inner { connections, options, .. } = &*self.inner;
        let refuse =
            |source| RegistryError::Location { wanted: Box::new(party.wanted.clone()), source };
        let may_follow = ask.method == Method::GET || ask.method == Method::HEAD;
        let mut uri = ask.uri.clone();
        let mut has_left = false;
        for _ in 0..=MOST_REDIRECTS {
            // Never along to another host, nor back from there: the URL is of its choice then.
            has_left |= !party.address.is_origin_of(&uri);
            let header = authorization.filter(|_| !has_left);
            let request = ask.to_request(&uri, header);
            let deadline = ask.deadline.unwrap_or(options.timeouts.idle);
            let answer = connections.send(party.wanted, request, deadline, || false).await?;
            let is_redirect = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
            if !is_redirect || !may_follow {
                return Ok((answer, has_left));
            }
            uri = follow(&uri, location(&answer).map_err(refuse)?).map_err(refuse)?;
        }
        Err(refuse(LocationError::TooMany { count: MOST_REDIRECTS }))
    }
}

/// Returns where an answer says to go on.
pub(crate) fn location(answer: &Answer) -> Result<&str, LocationError> {
    let location = answer.headers().get(header::LOCATION).ok_or(LocationError::Missing)?;
    location.to_str().map_err(|_| LocationError::Missing)
}
