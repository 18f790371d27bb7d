//! Proxies by the rules of the environment.

use std::sync::{Arc, Mutex};

use a4co_bundle::Digest;
use a4co_registry::{Client, OptionsError, Repository};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

use crate::kit::{
    chain,
    fake::{Fake, Reply},
    options, tls,
};

/// A proxy that leads every tunnel to `target`; returns its address and the heads of what it was
/// asked.
async fn proxy(target: String) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = heads.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (seen, target) = (seen.clone(), target.clone());
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await.unwrap());
                }
                seen.lock().unwrap().push(String::from_utf8(head).unwrap());
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let mut server = TcpStream::connect(target).await.unwrap();
                // Whoever ends it ends it.
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (address, heads)
}

#[tokio::test]
async fn another_machine_is_reached_through_the_proxy_and_this_one_is_not() {
    let (acceptor, ca) = tls::acceptor();
    let registry = Fake::start_with(Some(acceptor), |_| Reply::new(200)).await;
    let (address, heads) = proxy(registry.host.clone()).await;
    let mut options = options(&[]);
    options.ca = ca;
    options.retry.attempts = 1;
    options.environment.https_proxy = format!("http://me:secret@{address}");
    options.environment.no_proxy = "direct.invalid".to_owned();
    let client = Client::new(options).unwrap();
    let app = |host: &str| Repository::new(host.parse().unwrap(), "team/app").unwrap();

    assert!(client.has_blob(&app("registry.invalid"), Digest::of(b"x")).await.unwrap());
    let head = heads.lock().unwrap()[0].to_ascii_lowercase();
    assert!(head.starts_with("connect registry.invalid:443 http/1.1\r\n"), "{head}");
    assert!(head.contains("proxy-authorization: basic bwu6c2vjcmv0\r\n"), "{head}");

    assert!(client.has_blob(&app(&registry.host), Digest::of(b"x")).await.unwrap());
    let error = client.has_blob(&app("direct.invalid"), Digest::of(b"x")).await.unwrap_err();
    assert!(!chain(&error).contains("secret"), "{}", chain(&error));
    assert_eq!(heads.lock().unwrap().len(), 1);
    assert_eq!(registry.received()[0].header("host"), Some("registry.invalid"));
}

#[test]
fn a_proxy_of_an_unknown_kind_is_refused_without_telling_its_password() {
    for (case, address, expected) in [
        ("HTTP", "http://proxy:3128", true),
        ("without a scheme", "proxy:3128", true),
        ("SOCKS", "socks5://proxy", true),
        ("encrypted to the proxy", "https://me:secret@proxy", false),
        ("nonsense", "://secret", false),
    ] {
        let mut options = options(&[]);
        options.environment.https_proxy = address.to_owned();
        match Client::new(options) {
            Ok(_) => assert!(expected, "{case}"),
            Err(error) => {
                assert!(!expected && matches!(error, OptionsError::Proxy), "{case}: {error}");
                assert!(!error.to_string().contains("secret"), "{case}: {error}");
            }
        }
    }
}

#[test]
fn what_is_no_authority_is_refused() {
    for (case, pem) in [
        ("no PEM", "hello"),
        ("a key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        ("no certificate inside", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ] {
        let mut options = options(&[]);
        options.ca = pem.as_bytes().to_vec();
        assert!(matches!(Client::new(options).map(drop), Err(OptionsError::Ca)), "{case}");
    }
}
