//! Connections to registries: TLS, proxies, deadlines.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::{
        legacy::{
            Client as HttpClient,
            connect::{
                HttpConnector,
                proxy::{SocksV5, Tunnel},
            },
        },
        proxy::matcher::{Intercept, Matcher},
    },
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use thiserror::Error;
use tokio::{net::TcpStream, time::timeout};
use tower::{BoxError, Service};

use crate::{error::RegistryError, name::is_loopback, options::Options, wanted::Wanted};

/// Bytes that each connection reads ahead at most, and so the most that headers may be.
const READ_BUFFER: usize = 64 << 10;
/// How long a connection may wait for its next request.
const POOL_IDLE: Duration = Duration::from_secs(30);

/// What is sent.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;
/// What comes back.
pub(crate) type Answer = Response<hyper::body::Incoming>;

/// Makes a body of bytes.
pub(crate) fn body_of(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// Sends requests; knows nothing of registries.
#[derive(Clone)]
pub(crate) struct Connections {
    http: HttpClient<HttpsConnector<Connect>, Body>,
}

impl Connections {
    /// Connects to nobody yet.
    pub(crate) fn new(options: &Options) -> Result<Self, OptionsError> {
        let connect = Connect::new(options)?;
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(&options.ca)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connect);
        let http = HttpClient::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .http1_max_buf_size(READ_BUFFER)
            .build(connector);
        Ok(Self { http })
    }

    /// Sends a request and waits for the head of its answer, as long as `is_alive` says that the
    /// body is still on its way, and then `deadline`.
    pub(crate) async fn send(
        &self,
        wanted: &Wanted,
        request: Request<Body>,
        deadline: Duration,
        mut is_alive: impl FnMut() -> bool,
    ) -> Result<Answer, RegistryError> {
        let address = request.uri().authority().map_or("", |it| it.as_str()).to_owned();
        let mut answer = self.http.request(request);
        loop {
            match timeout(deadline, &mut answer).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) if error.is_connect() => {
                    let (wanted, source) = (Box::new(wanted.clone()), Box::new(error));
                    return Err(RegistryError::Unreachable { wanted, address, source });
                }
                Ok(Err(error)) => {
                    let (wanted, source) = (Box::new(wanted.clone()), Box::new(error));
                    return Err(RegistryError::Interrupted { wanted, source });
                }
                Err(_) if is_alive() => {}
                Err(_) => {
                    let wanted = Box::new(wanted.clone());
                    return Err(RegistryError::Timeout { wanted, after: deadline });
                }
            }
        }
    }
}

/// Trusts the machine's authorities and those in `pem`.
fn tls(pem: &[u8]) -> Result<ClientConfig, OptionsError> {
    let mut roots = RootCertStore::empty();
    // What cannot be read of the machine's is missed when a certificate is not trusted.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if !pem.is_empty() {
        let mut count = 0;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| OptionsError::Ca)?;
            roots.add(certificate).map_err(|_| OptionsError::Ca)?;
            count += 1;
        }
        if count == 0 {
            return Err(OptionsError::Ca);
        }
    }
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(OptionsError::Tls)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Why registries cannot be reached as the options say.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// No certificate that could be trusted.
    #[error("the file of authorities (--ca) has to hold certificates in PEM, and nothing broken")]
    Ca,
    /// TLS cannot be set up.
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
    /// A proxy of a kind that is not supported. Its address may hold a password.
    #[error("HTTPS_PROXY has to be http://HOST:PORT or socks5://HOST:PORT")]
    Proxy,
}

/// Connects to a host, through the proxy if there is one for it.
#[derive(Clone)]
struct Connect {
    http: HttpConnector,
    proxies: Arc<Matcher>,
}

impl Connect {
    fn new(options: &Options) -> Result<Self, OptionsError> {
        let environment = &options.environment;
        let mut builder = Matcher::builder();
        if !environment.https_proxy.is_empty() {
            builder = builder.https(environment.https_proxy.clone());
        }
        let proxies = builder.no(environment.no_proxy.clone()).build();
        // Any host: it tells whether the address of the proxy is understood.
        let any = proxies.intercept(&Uri::from_static("https://proxy-check.invalid/"));
        let is_known = |proxy: &Intercept| {
            matches!(proxy.uri().scheme_str(), Some("http" | "socks5" | "socks5h"))
        };
        let bypasses_all = environment.no_proxy.split(',').any(|part| part.trim() == "*");
        let is_good = any.as_ref().map_or(bypasses_all, is_known);
        if !environment.https_proxy.is_empty() && !is_good {
            return Err(OptionsError::Proxy);
        }
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(options.timeouts.connect));
        Ok(Self { http, proxies: Arc::new(proxies) })
    }
}

impl Service<Uri> for Connect {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.http.poll_ready(context).map_err(BoxError::from)
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        let is_here = destination.authority().is_some_and(|it| is_loopback(it.as_str()));
        let proxy = if is_here { None } else { self.proxies.intercept(&destination) };
        let mut http = self.http.clone();
        match proxy {
            None => {
                let connection = http.call(destination);
                Box::pin(async { Ok(connection.await?) })
            }
            Some(proxy) if proxy.uri().scheme_str() == Some("http") => {
                let mut tunnel = Tunnel::new(proxy.uri().clone(), http);
                if let Some(login) = proxy.basic_auth() {
                    tunnel = tunnel.with_auth(login.clone());
                }
                let connection = tunnel.call(destination);
                Box::pin(async { Ok(connection.await?) })
            }
            Some(proxy) => {
                let mut socks = SocksV5::new(proxy.uri().clone(), http);
                if let Some((user, password)) = proxy.raw_auth() {
                    socks = socks.with_auth(user.to_owned(), password.to_owned());
                }
                let connection = socks.call(destination);
                Box::pin(async { Ok(connection.await?) })
            }
        }
    }
}
