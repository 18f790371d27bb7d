//! Mirrors: first asked, never written to, never believed more than the registry.

use std::sync::Arc;

use a4co_bundle::Digest;
use a4co_registry::{Address, Client, Mirrors, Origin, Reference, RegistryError};

use crate::kit::{
    INDEX, Recorder, app,
    fake::{Fake, Reply},
    index, options,
};

fn manifest() -> Reply {
    Reply::new(200).header("content-type", INDEX).body(index(&[("linux", "amd64")]))
}

fn mirrored(registry: &Fake, mirrors: &[&str], origin: Origin) -> (Client, Arc<Recorder>) {
    let mut options = options(&[&registry.host]);
    let addresses = mirrors.iter().map(|text| Address::parse(text).unwrap()).collect();
    options.mirrors.insert(registry.host.parse().unwrap(), Mirrors { addresses, origin });
    let recorder = Arc::new(Recorder::default());
    options.observer = recorder.clone();
    (Client::new(options).unwrap(), recorder)
}

#[tokio::test]
async fn a_mirror_that_helps_is_enough() {
    let registry = Fake::start(|_| Reply::new(500)).await;
    let mirror = Fake::start(|_| manifest()).await;
    let address = format!("http://{}/hub", mirror.host);
    let (client, _) = mirrored(&registry, &[&address], Origin::Last);
    client.manifest(&app(&registry.host), &Reference::tag("1").unwrap()).await.unwrap();
    let host = registry.host.replace(':', "%3A");
    let expected = format!("/v2/hub/team/app/manifests/1?ns={host}");
    assert_eq!(mirror.received()[0].target, expected);
    assert_eq!(registry.received().len(), 0);
}

#[tokio::test]
async fn a_mirror_that_does_not_help_costs_one_request() {
    let digest = Digest::of(&index(&[("linux", "amd64")]));
    for (case, reply) in [
        ("it does not have it", Reply::new(404)),
        ("it is broken", Reply::new(500)),
        ("it has something else", Reply::new(200).header("content-type", INDEX).body("{}")),
        ("it wants a login", Reply::new(401).header("www-authenticate", "Basic")),
    ] {
        let registry = Fake::start(|_| manifest()).await;
        let mirror = Fake::start(move |_| reply.clone()).await;
        let address = format!("http://{}", mirror.host);
        let (client, recorder) = mirrored(&registry, &[&address], Origin::Last);
        client.manifest(&app(&registry.host), &digest.into()).await.expect(case);
        assert_eq!(mirror.received().len(), 1, "{case}");
        assert_eq!(recorder.count("MirrorSkipped"), 1, "{case}");
    }
}

#[tokio::test]
async fn a_registry_that_is_never_to_be_asked_is_not() {
    let registry = Fake::start(|_| manifest()).await;
    let mirror = Fake::start(|_| Reply::new(404)).await;
    let address = format!("http://{}", mirror.host);
    let (client, _) = mirrored(&registry, &[&address], Origin::Never);
    let reference = Reference::tag("1").unwrap();
    let error = client.manifest(&app(&registry.host), &reference).await.unwrap_err();
    assert!(matches!(error, RegistryError::Status { .. }), "{error}");
    assert!(error.to_string().contains(&format!("from the mirror {address}")), "{error}");
    assert_eq!(registry.received().len(), 0);
}

#[tokio::test]
async fn nothing_is_written_to_a_mirror() {
    let registry = Fake::start(|_| Reply::new(200)).await;
    let mirror = Fake::start(|_| Reply::new(200)).await;
    let address = format!("http://{}", mirror.host);
    let (client, _) = mirrored(&registry, &[&address], Origin::Last);
    assert!(client.has_blob(&app(&registry.host), Digest::of(b"x")).await.unwrap());
    assert_eq!((registry.received().len(), mirror.received().len()), (1, 0));
}
