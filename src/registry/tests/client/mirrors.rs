//! Mirrors: first asked, never written to, never believed more than the registry.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use a4co_bundle::{BlobKind, Digest};
use a4co_registry::{
    Address, Cache, Client, Mirrors, Options, Origin, PullBlob, Reference, RegistryError,
};

use crate::kit::{
    INDEX, Recorder, app,
    fake::{Fake, Reply},
    index, noise, options,
};

fn manifest() -> Reply {
    Reply::new(200).header("content-type", INDEX).body(index(&[("linux", "amd64")]))
}

fn mirrored(registry: &Fake, mirrors: &[&str], origin: Origin) -> (Client, Arc<Recorder>) {
    mirrored_with(options(&[&registry.host]), &registry.host, mirrors, origin)
}

fn mirrored_with(
    mut options: Options,
    host: &str,
    mirrors: &[&str],
    origin: Origin,
) -> (Client, Arc<Recorder>) {
    let addresses = mirrors.iter().map(|text| Address::parse(text).unwrap()).collect();
    options.mirrors.insert(host.parse().unwrap(), Mirrors { addresses, origin });
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
async fn a_mirror_with_other_bytes_is_left_out_for_the_blob() {
    let content = noise(200_000);
    let (digest, size) = (Digest::of(&content), content.len() as u64);
    let other = || Reply::new(200).body(vec![0; 200_000]);
    let half = || Reply::new(200).body(vec![0; 100_000]).break_of(200_000);
    for (case, replies, skipped) in [
        ("one", vec![other()], 1),
        ("two", vec![other(), other()], 2),
        ("one breaks, and another goes on", vec![half(), other()], 3),
        ("one breaks, and the registry goes on", vec![half()], 2),
    ] {
        let right = content.clone();
        let registry = Fake::start(move |request| match request.header("range") {
            None => Reply::new(200).body(right.clone()),
            Some(_) => Reply::new(206)
                .header("content-range", "bytes 100000-199999/200000")
                .body(right[100_000..].to_vec()),
        })
        .await;
        let mut mirrors = Vec::new();
        for reply in replies {
            mirrors.push(Fake::start(move |_| reply.clone()).await);
        }
        let addresses: Vec<_> = mirrors.iter().map(|it| format!("http://{}", it.host)).collect();
        let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
        let (client, recorder) = mirrored(&registry, &addresses, Origin::Last);
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(dir.path()).unwrap();
        let repository = app(&registry.host);
        let blob = PullBlob { repository, digest, size, kind: BlobKind::Layer };
        client.pull(&cache, &[blob], 1).await.expect(case);
        assert!(fs_err::read(cache.path(digest)).unwrap() == content, "{case}");
        assert_eq!(recorder.count("MirrorSkipped"), skipped, "{case}: {:?}", recorder.events());
        assert_eq!(recorder.count("Retrying"), 0, "{case}");
    }
}

#[tokio::test]
async fn a_config_is_had_from_the_registry_when_a_mirror_has_another() {
    for (case, origin, is_had) in
        [("there it is", Origin::Last, true), ("never", Origin::Never, false)]
    {
        let registry = Fake::start(|_| Reply::new(200).body("{}")).await;
        let mirror = Fake::start(|_| Reply::new(200).body("[]")).await;
        let (client, _) = mirrored(&registry, &[&format!("http://{}", mirror.host)], origin);
        match client.small_blob(&app(&registry.host), Digest::of(b"{}"), 2).await {
            Ok(bytes) => assert!(is_had && bytes == b"{}", "{case}"),
            Err(error) => {
                assert!(
                    !is_had && matches!(error, RegistryError::Digest { .. }),
                    "{case}: {error}"
                );
            }
        }
        assert_eq!(mirror.received().len(), 1, "{case}");
    }
}

#[tokio::test]
async fn a_mirror_is_asked_again_when_the_registry_cannot_be_reached() {
    let silent = Fake::start(|_| Reply::silence()).await;
    // A label that is too long (RFC 1035, 2.3.4), so that nobody is asked for it.
    let no_name = "x".repeat(64);
    for (case, host, options) in [
        ("it says nothing", &silent.host, options(&[&silent.host])),
        ("its name stands for nothing", &no_name, options(&[])),
    ] {
        let content = noise(200_000);
        let (digest, size) = (Digest::of(&content), content.len() as u64);
        let asked = AtomicUsize::new(0);
        let mirror = Fake::start(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
            0 => Reply::new(200).body(content[..100_000].to_vec()).break_of(200_000),
            1 => Reply::new(503),
            _ => Reply::new(206)
                .header("content-range", "bytes 100000-199999/200000")
                .body(content[100_000..].to_vec()),
        })
        .await;
        let address = format!("http://{}", mirror.host);
        let (client, recorder) = mirrored_with(options, host, &[&address], Origin::Last);
        let mut stream = client.blob(&app(host), digest, size, 0);
        let mut found = 0;
        while let Some(bytes) = stream.next().await.expect(case) {
            found += bytes.len();
        }
        assert_eq!((found, mirror.received().len()), (200_000, 3), "{case}");
        assert_eq!(recorder.count("Retrying"), 2, "{case}: {:?}", recorder.events());
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
async fn a_registry_without_a_mirror_is_not_asked_either_where_only_mirrors_are() {
    let registry = Fake::start(|_| manifest()).await;
    let mut options = options(&[&registry.host]);
    options.without_mirror = Origin::Never;
    let client = Client::new(options).unwrap();
    let reference = Reference::tag("1").unwrap();
    let error = client.manifest(&app(&registry.host), &reference).await.unwrap_err();
    assert!(error.to_string().contains(&format!("{} has no mirror", registry.host)), "{error}");
    assert!(error.hint().unwrap().contains(&format!("--mirror {}=URL", registry.host)));
    assert_eq!(registry.received().len(), 0);
}

#[tokio::test]
async fn what_to_do_is_said_of_whoever_answered() {
    for status in [401, 403, 429] {
        let registry = Fake::start(|_| manifest()).await;
        let reply = Reply::new(status).body(r#"{"errors":[{"code":"X","message":"not you"}]}"#);
        let mirror = Fake::start(move |_| reply.clone()).await;
        let address = format!("http://{}", mirror.host);
        let (client, _) = mirrored(&registry, &[&address], Origin::Never);
        let (app, reference) = (app(&registry.host), Reference::tag("1").unwrap());
        let told = [
            client.manifest(&app, &reference).await.unwrap_err(),
            client.head(&app, &reference).await.unwrap_err(),
        ];
        for error in told {
            let hint = error.hint().expect("a hint");
            assert!(hint.contains(&format!("docker login {}`", mirror.host)), "{status}: {hint}");
            assert!(error.to_string().ends_with("X: not you"), "{status}: {error}");
        }
    }
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
