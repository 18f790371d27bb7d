//! What passes is waited for, what does not is told at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use a4co_bundle::Digest;
use a4co_registry::{Client, Reference, RegistryError};

use crate::kit::{
    INDEX, Recorder, app, chain,
    fake::{Fake, Reply},
    index, noise, observed, options,
};

fn manifest() -> Reply {
    Reply::new(200).header("content-type", INDEX).body(index(&[("linux", "amd64")]))
}

fn tag() -> Reference {
    Reference::tag("1").unwrap()
}

/// Answers the first requests with `first`, in order, then with manifests.
async fn first(replies: Vec<Reply>) -> Fake {
    let next = AtomicUsize::new(0);
    Fake::start(move |_| {
        let number = next.fetch_add(1, Ordering::Relaxed);
        replies.get(number).cloned().unwrap_or_else(manifest)
    })
    .await
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    let bytes = index(&[("linux", "amd64")]).len();
    for (case, replies) in [
        ("two failures inside", vec![Reply::new(503), Reply::new(500)]),
        ("too many requests", vec![Reply::new(429).header("retry-after", "0")]),
        ("too many requests, an hour", vec![Reply::new(429).header("retry-after", "3600")]),
        ("a timeout of the registry", vec![Reply::new(408)]),
        ("a proxy without the registry", vec![Reply::new(502).body("<html>")]),
        ("a lost connection", vec![manifest().break_of(bytes + 1)]),
    ] {
        let count = replies.len();
        let fake = first(replies).await;
        let (client, recorder) = observed(&fake.host);
        client.manifest(&app(&fake.host), &tag()).await.expect(case);
        assert_eq!(fake.received().len(), count + 1, "{case}");
        assert_eq!(recorder.count("Retrying after"), count, "{case}: {:?}", recorder.events());
    }
}

#[tokio::test]
async fn the_registry_says_how_long_to_wait_up_to_a_limit() {
    let fake = first(vec![Reply::new(429).header("retry-after", "3600")]).await;
    let (client, recorder) = observed(&fake.host);
    client.manifest(&app(&fake.host), &tag()).await.unwrap();
    // The longest pause of the kit's options.
    assert_eq!(recorder.count("Retrying after 4ms"), 1, "{:?}", recorder.events());
}

#[tokio::test]
async fn what_does_not_pass_is_told_at_once() {
    for (status, hint) in
        [(400, None), (403, Some("docker login")), (404, Some("name")), (413, Some("nginx"))]
    {
        let fake = first(vec![Reply::new(status)]).await;
        let (client, _) = observed(&fake.host);
        let error = client.manifest(&app(&fake.host), &tag()).await.unwrap_err();
        assert_eq!(error.status().map(|it| it.as_u16()), Some(status));
        assert_eq!(fake.received().len(), 1, "{status}");
        let told = error.hint();
        assert!(hint.is_none_or(|hint| told.unwrap_or_default().contains(hint)), "{status}");
    }
}

#[tokio::test]
async fn it_is_given_up_after_the_attempts() {
    let fake = Fake::start(|_| {
        Reply::new(429).body(r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}"#)
    })
    .await;
    let (client, _) = observed(&fake.host);
    let error = client.manifest(&app(&fake.host), &tag()).await.unwrap_err();
    assert!(error.to_string().ends_with("TOOMANYREQUESTS: slow down"), "{error}");
    assert_eq!(fake.received().len(), 4);
}

#[tokio::test]
async fn a_registry_that_does_nothing_is_given_up() {
    let fake = Fake::start(|_| Reply::new(200).header("content-type", INDEX).hang()).await;
    let mut options = options(&[&fake.host]);
    options.timeouts.idle = Duration::from_millis(20);
    options.retry.attempts = 2;
    let client = Client::new(options).unwrap();
    let error = client.manifest(&app(&fake.host), &tag()).await.unwrap_err();
    assert!(matches!(error, RegistryError::Timeout { .. }), "{error}");
    assert_eq!(fake.received().len(), 2);
}

#[tokio::test]
async fn an_answer_that_only_trickles_is_given_up() {
    let client = |host: &str| {
        let mut options = options(&[host]);
        // Something comes much more often.
        options.timeouts.idle = Duration::from_millis(500);
        options.timeouts.answer = Duration::from_millis(100);
        options.retry.attempts = 2;
        Client::new(options).unwrap()
    };
    let fake = Fake::start(|_| Reply::new(200).header("content-type", INDEX).trickle()).await;
    let (client_of_fake, app_of_fake) = (client(&fake.host), app(&fake.host));
    let mut stream = client_of_fake.blob(&app_of_fake, Digest::of(b"x"), 1 << 30, 0);
    let blob = async {
        loop {
            if let Err(error) = stream.next().await {
                break error;
            }
        }
    };
    let tag = tag();
    let manifest = async { client_of_fake.manifest(&app_of_fake, &tag).await.unwrap_err() };
    // Without end, if it were not given up.
    let both = futures::future::join(manifest, blob);
    let (manifest, blob) = tokio::time::timeout(Duration::from_mins(1), both).await.unwrap();
    assert!(matches!(manifest, RegistryError::Timeout { .. }), "{manifest}");
    assert!(matches!(blob, RegistryError::Timeout { .. }), "{blob}");
    assert_eq!(fake.received().len(), 4);

    let fake = Fake::start(|_| Reply::new(403).trickle()).await;
    let (client, app) = (client(&fake.host), app(&fake.host));
    let refused = tokio::time::timeout(Duration::from_mins(1), client.manifest(&app, &tag)).await;
    assert!(refused.unwrap().unwrap_err().is_denied(), "the status is told without the words");
}

#[tokio::test]
async fn nobody_at_the_address_is_told_with_the_address() {
    // A port that was free a moment ago.
    let host =
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (client, recorder) = observed(&host);
    let error = client.manifest(&app(&host), &tag()).await.unwrap_err();
    assert!(
        error.to_string().ends_with(&format!("cannot reach the registry at {host}")),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("whether the registry runs"), "{:?}", error.hint());
    assert_eq!(recorder.count("Retrying"), 2, "not as often as what may take its time");
}

#[tokio::test]
async fn what_is_no_registry_to_speak_to_is_told_at_once() {
    // A label that is too long (RFC 1035, 2.3.4), so that nobody is asked for it.
    let no_name = "x".repeat(64);
    let plain = Fake::start(|_| manifest()).await;
    for (case, host, says, hint) in [
        ("no such name", no_name.as_str(), "invalid dns name", "check the name".to_owned()),
        (
            "no TLS",
            &plain.host,
            "InvalidContentType",
            format!("speaks no TLS; if it is on this machine: --insecure {}", plain.host),
        ),
    ] {
        let recorder = Arc::new(Recorder::default());
        let mut options = options(&[]);
        options.observer = recorder.clone();
        let client = Client::new(options).unwrap();
        let error = client.manifest(&app(host), &tag()).await.unwrap_err();
        assert!(chain(&error).contains(says), "{case}: {}", chain(&error));
        assert!(error.hint().unwrap().contains(&hint), "{case}: {:?}", error.hint());
        assert_eq!(recorder.count("Retrying"), 0, "{case}");
    }
}

#[tokio::test]
async fn a_pin_that_is_gone_is_told_with_the_way_to_a_new_one() {
    let fake = Fake::start(|_| Reply::new(404)).await;
    let (client, _) = observed(&fake.host);
    let repository = app(&fake.host);
    for (case, reference, name, hint) in [
        ("a tag", tag(), format!("{repository}:1"), "the tag was deleted".to_owned()),
        (
            "a pin",
            Digest::of(b"x").into(),
            format!("{repository}@{}", Digest::of(b"x")),
            format!("`a4co lock --update {repository}`"),
        ),
    ] {
        let error = client.manifest(&repository, &reference).await.unwrap_err();
        assert!(error.to_string().starts_with(&format!("{name}: ")), "{case}: {error}");
        assert!(error.hint().unwrap().contains(&hint), "{case}: {:?}", error.hint());
    }
}

#[tokio::test]
async fn a_blob_is_asked_for_as_often_as_the_attempts_say() {
    let fake = Fake::start(|_| Reply::new(503)).await;
    let (client, recorder) = observed(&fake.host);
    let mut stream = client.blob(&app(&fake.host), Digest::of(b"x"), 1, 0);
    let error = stream.next().await.unwrap_err();
    assert_eq!(error.status().map(|it| it.as_u16()), Some(503));
    assert_eq!((fake.received().len(), recorder.count("Retrying")), (4, 3));
}

/// A blob, and what a registry that cuts its connections makes of it: `cuts` bytes at most at once.
async fn cutting(content: Vec<u8>, cut: usize, knows_ranges: bool) -> Fake {
    let answers = AtomicUsize::new(0);
    Fake::start(move |request| {
        let range = request.header("range").and_then(|it| it.strip_prefix("bytes="));
        let from = range.and_then(|it| it.strip_suffix('-')).map_or(0, |it| it.parse().unwrap());
        let from: usize = if knows_ranges { from } else { 0 };
        // A registry that begins anew each time has to come further each time.
        let answer = answers.fetch_add(1, Ordering::Relaxed) + 1;
        let most = if knows_ranges { cut } else { cut * answer };
        let rest = &content[from..];
        let part = rest[..rest.len().min(most)].to_vec();
        let reply = if from > 0 {
            let (last, size) = (content.len() - 1, content.len());
            Reply::new(206).header("content-range", &format!("bytes {from}-{last}/{size}"))
        } else {
            Reply::new(200)
        };
        if part.len() == rest.len() {
            reply.body(part)
        } else {
            reply.body(part).break_of(rest.len())
        }
    })
    .await
}

#[tokio::test]
async fn a_blob_is_gone_on_with_where_the_connection_broke() {
    for (case, knows_ranges) in [("by range", true), ("a registry without ranges", false)] {
        let content = noise(1_000_000);
        let fake = cutting(content.clone(), 300_000, knows_ranges).await;
        let (client, recorder) = observed(&fake.host);
        for offset in [0, 1, 999_999] {
            let digest = Digest::of(&content);
            let size = content.len() as u64;
            let mut stream = client.blob(&app(&fake.host), digest, size, offset as u64);
            let mut found = Vec::new();
            while let Some(bytes) = stream.next().await.expect(case) {
                found.extend_from_slice(&bytes);
            }
            assert!(found == content[offset..], "{case}, from {offset}");
        }
        assert!(recorder.count("Retrying") >= 3, "{case}: {:?}", recorder.events());
        if knows_ranges {
            assert!(fake.sent() < 2_100_000, "nothing is read twice: {}", fake.sent());
        }
    }
}
