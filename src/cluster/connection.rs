//! The connections to the API server.

use hyper_util::{
    client::legacy::{Client as HttpClient, connect::HttpConnector},
    rt::TokioExecutor,
};
use kube::{
    Config,
    client::{Body, ConfigExt as _},
};
use tower::{BoxError, ServiceBuilder};

/// Bytes that each connection reads ahead at most. More is no faster, and every connection keeps it.
const READ_BUFFER: usize = 64 << 10;

/// Connects as `config` says, one connection for each request under way. Nothing is sent yet.
///
/// What waits on a connection goes out at once. Otherwise the first request on each waits 40 ms: it
/// follows the end of the TLS handshake, which the other side is slow to acknowledge (RFC 1122,
/// 4.2.3.2; RFC 896).
///
/// Nothing is sent again here: only who sends a write knows what it means to send it twice.
pub(crate) fn open(mut config: Config) -> Result<kube::Client, kube::Error> {
    if config.proxy_url.is_some() {
        config.default_retry = false;
        return kube::Client::try_from(config);
    }
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    let connector = config.rustls_https_connector_with_connector(connector)?;
    let http: HttpClient<_, Body> =
        HttpClient::builder(TokioExecutor::new()).http1_max_buf_size(READ_BUFFER).build(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(http);
    Ok(kube::Client::new(service, config.default_namespace))
}
