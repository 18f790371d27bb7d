//! Where a registry may send us, and with what.

use a4co_bundle::Digest;
use a4co_registry::{Client, LocationError, RegistryError};

use crate::kit::{
    app, chain, client,
    fake::{Fake, Received, Reply},
    noise, options, tls,
};

async fn read(client: &Client, host: &str, content: &[u8]) -> Result<Vec<u8>, RegistryError> {
    let mut stream = client.blob(&app(host), Digest::of(content), content.len() as u64, 0);
    let mut found = Vec::new();
    while let Some(bytes) = stream.next().await? {
        found.extend_from_slice(&bytes);
    }
    Ok(found)
}

fn location(error: RegistryError) -> LocationError {
    match error {
        RegistryError::Location { source, .. } => source,
        other => panic!("{}", chain(&other)),
    }
}

#[tokio::test]
async fn a_blob_is_fetched_from_another_host_that_does_not_get_the_credentials() {
    let content = noise(10_000);
    let cdn = {
        let content = content.clone();
        Fake::start(move |_| Reply::new(200).body(content.clone())).await
    };
    let target = format!("http://{}/signed?key=1", cdn.host);
    let registry = Fake::start(move |request: &Received| match request.header("authorization") {
        Some("Basic bWU6c2VjcmV0") => Reply::new(307).header("location", &target),
        _ => Reply::new(401).header("www-authenticate", "Basic"),
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.json");
    // Even if there are credentials for the other host, too.
    let text = format!(
        r#"{{"auths":{{"{}":{{"auth":"bWU6c2VjcmV0"}},"{}":{{"auth":"bWU6c2VjcmV0"}}}}}}"#,
        registry.host, cdn.host
    );
    fs_err::write(&path, text).unwrap();
    let mut options = options(&[&registry.host, &cdn.host]);
    options.environment.credential_files = vec![path];
    let client = Client::new(options).unwrap();
    assert_eq!(read(&client, &registry.host, &content).await.unwrap(), content);
    assert_eq!(cdn.received()[0].target, "/signed?key=1");
    assert_eq!(cdn.received()[0].header("authorization"), None);
}

#[tokio::test]
async fn another_host_does_not_lead_back_with_the_credentials() {
    // Who is asked there by the other host, asks with nobody's authority.
    for (case, status) in [("it is let in", 200), ("it is challenged", 401)] {
        let cdn = Fake::start(|request| {
            let back = request.target.split_once("back=").unwrap().1;
            Reply::new(307).header("location", &format!("http://{back}/private"))
        })
        .await;
        let target = format!("http://{}/b?back=", cdn.host);
        let registry = Fake::start(move |request: &Received| {
            let host = request.header("host").unwrap();
            match request.header("authorization") {
                _ if request.target == "/private" => {
                    Reply::new(status).header("www-authenticate", "Basic").body("x")
                }
                Some(_) => Reply::new(307).header("location", &format!("{target}{host}")),
                None => Reply::new(401).header("www-authenticate", "Basic"),
            }
        })
        .await;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        let text = format!(r#"{{"auths":{{"{}":{{"auth":"bWU6c2VjcmV0"}}}}}}"#, registry.host);
        fs_err::write(&path, text).unwrap();
        let mut options = options(&[&registry.host]);
        options.environment.credential_files = vec![path];
        let client = Client::new(options).unwrap();
        let found = read(&client, &registry.host, b"x").await;
        assert_eq!(found.is_ok(), status == 200, "{case}");
        let received = registry.received();
        let private: Vec<_> = received.iter().filter(|it| it.target == "/private").collect();
        assert_eq!(private.len(), 1, "{case}");
        assert_eq!(private[0].header("authorization"), None, "{case}");
    }
}

#[tokio::test]
async fn a_challenge_of_another_host_is_not_answered() {
    let cdn = Fake::start(|request| {
        let host = request.header("host").unwrap();
        Reply::new(401)
            .header("www-authenticate", &format!(r#"Bearer realm="http://{host}/token""#))
    })
    .await;
    let target = format!("http://{}/blob", cdn.host);
    let registry = Fake::start(move |_| Reply::new(302).header("location", &target)).await;
    let error = read(&client(&registry.host), &registry.host, b"x").await.unwrap_err();
    assert!(error.is_denied(), "{error}");
    assert_eq!(cdn.count("GET", "/token"), 0);
}

#[tokio::test]
async fn a_redirect_that_never_ends_is_given_up() {
    let registry = Fake::start(|request| Reply::new(302).header("location", &request.target)).await;
    let error = read(&client(&registry.host), &registry.host, b"x").await.unwrap_err();
    assert_eq!(location(error), LocationError::TooMany { count: 5 });
    assert_eq!(registry.received().len(), 6);
}

#[tokio::test]
async fn a_redirect_to_nowhere_is_told() {
    for (case, reply, expected) in [
        ("no location", Reply::new(302), LocationError::Missing),
        (
            "a file",
            Reply::new(302).header("location", "file:///etc/passwd"),
            LocationError::Malformed { location: "file:///…".to_owned() },
        ),
        (
            "another machine without encryption",
            Reply::new(302).header("location", "http://192.0.2.1/blob"),
            LocationError::PlainHttp { location: "http://192.0.2.1/…".to_owned() },
        ),
    ] {
        let registry = Fake::start(move |_| reply.clone()).await;
        let error = read(&client(&registry.host), &registry.host, b"x").await.unwrap_err();
        assert_eq!(location(error), expected, "{case}");
        assert_eq!(registry.received().len(), 1, "{case}");
    }
}

#[tokio::test]
async fn a_redirect_out_of_the_encryption_is_refused() {
    let plain = Fake::start(|_| Reply::new(200).body("x")).await;
    let target = format!("http://{}/blob", plain.host);
    let (acceptor, ca) = tls::acceptor();
    let reply = Reply::new(307).header("location", &target);
    let registry = Fake::start_with(Some(acceptor), move |_| reply.clone()).await;
    let mut options = options(&[]);
    options.ca = ca;
    let client = Client::new(options).unwrap();
    let error = read(&client, &registry.host, b"x").await.unwrap_err();
    let told = format!("http://{}/…", plain.host);
    assert_eq!(location(error), LocationError::PlainHttp { location: told });
    assert_eq!(plain.received().len(), 0);
}

#[tokio::test]
async fn an_authority_that_nobody_trusts_is_told_at_once_with_the_remedy() {
    let (acceptor, _) = tls::acceptor();
    let registry = Fake::start_with(Some(acceptor), |_| Reply::new(200)).await;
    let client = Client::new(options(&[])).unwrap();
    let error = read(&client, &registry.host, b"x").await.unwrap_err();
    assert!(matches!(error, RegistryError::Unreachable { .. }), "{}", chain(&error));
    assert!(!error.is_transient(), "{}", chain(&error));
    assert!(error.hint().unwrap().contains("--ca"), "{:?}", error.hint());
}
