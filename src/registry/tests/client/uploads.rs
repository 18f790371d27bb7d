//! Pushes that are broken on purpose.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use a4co_bundle::{Digest, ImageDocument};
use a4co_registry::{Delivery, Reference, RegistryError, Repository};
use bytes::Bytes;

use crate::kit::{
    INDEX, app, client,
    fake::{Fake, Received, Reply},
    index, noise, observed,
};

/// What a registry stores.
#[derive(Default)]
struct Store {
    session: Option<Vec<u8>>,
    blobs: BTreeMap<String, Vec<u8>>,
    manifests: BTreeMap<String, Bytes>,
    /// Requests that have something done to them yet.
    faults: Vec<Fault>,
    /// Bytes of parts that were stored, again and again if so.
    stored: usize,
    begun: usize,
    /// What it thinks of indexes.
    indexes: Indexes,
    /// What it thinks of parts.
    parts: Parts,
    /// What it answers when it is asked how much it has, if not that.
    offset_reply: Option<Reply>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Parts {
    /// Takes any.
    #[default]
    Any,
    /// Takes no larger ones, as GitHub's registry.
    AtMost(usize),
    /// Takes none, and says so with this status.
    Never(u16),
    /// Takes them, and does not put them together.
    Lost,
    /// Takes nothing at all.
    Nothing,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Indexes {
    /// Takes any.
    #[default]
    Sparse,
    /// Takes one when what it lists is there, as a blob too, as distribution 2 does.
    OfBlobs,
    /// Takes none.
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The next part is stored by half, and its answer is 502.
    HalfAPart,
    /// The next part is stored, and its answer is lost.
    PartUnanswered,
    /// The next part is not stored; the session is gone.
    SessionGone,
    /// The next blob is stored, and its answer is lost.
    BlobUnanswered,
    /// The next part meets a token that ran out.
    TokenRanOut,
    /// The registry forgets what it had of the session.
    Amnesia,
}

type Shared = Arc<Mutex<Store>>;

/// A registry that works, but for its faults.
async fn registry(faults: &[Fault]) -> (Fake, Shared) {
    let store = Shared::default();
    store.lock().unwrap().faults = faults.iter().rev().copied().collect();
    let shared = store.clone();
    let fake = Fake::start(move |request| handle(&mut shared.lock().unwrap(), request)).await;
    (fake, store)
}

fn handle(store: &mut Store, request: &Received) -> Reply {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let last = path.rsplit('/').next().unwrap();
    let session = |store: &Store, status: u16| {
        let length = store.session.as_ref().map_or(0, Vec::len);
        let range = format!("0-{}", length.saturating_sub(1));
        // Relative, and with a state that has to be kept.
        let location = format!("/v2/team/app/blobs/uploads/1?state={length}");
        Reply::new(status).header("location", &location).header("range", &range)
    };
    match request.method.as_str() {
        "HEAD" if path.contains("/blobs/") => {
            Reply::new(if store.blobs.contains_key(last) { 200 } else { 404 })
        }
        "HEAD" => Reply::new(if store.manifests.contains_key(last) { 200 } else { 404 }),
        "POST" => {
            (store.session, store.begun) = (Some(Vec::new()), store.begun + 1);
            session(store, 202)
        }
        "GET" if store.session.is_some() => {
            store.offset_reply.clone().unwrap_or_else(|| session(store, 204))
        }
        "DELETE" => {
            store.session = None;
            Reply::new(204)
        }
        "PATCH" => {
            let is_part = request.header("content-range").is_some();
            match store.parts {
                Parts::AtMost(most) if is_part && request.body.len() > most => {
                    return Reply::new(416);
                }
                Parts::Never(status) if is_part => return Reply::new(status),
                Parts::Nothing => return Reply::new(416),
                _ => {}
            }
            let fault = store.faults.last().copied().filter(|it| *it != Fault::BlobUnanswered);
            if fault.is_some() {
                store.faults.pop();
            }
            let length = match fault {
                Some(Fault::HalfAPart) => request.body.len() / 2,
                Some(Fault::SessionGone) => {
                    store.session = None;
                    return Reply::new(404);
                }
                Some(Fault::TokenRanOut) => {
                    return Reply::new(401).header("www-authenticate", "Basic");
                }
                Some(Fault::Amnesia) => {
                    store.session = Some(Vec::new());
                    return Reply::new(503);
                }
                _ => request.body.len(),
            };
            let Some(bytes) = &mut store.session else { return Reply::new(404) };
            let from =
                request.header("content-range").map_or("0", |it| it.split_once('-').unwrap().0);
            if from.parse() != Ok(bytes.len()) {
                return Reply::new(416);
            }
            bytes.extend_from_slice(&request.body[..length]);
            if store.parts == Parts::Lost && from != "0" {
                bytes[0] ^= 1;
            }
            store.stored += length;
            let reply = session(store, 202);
            match fault {
                Some(Fault::HalfAPart) => Reply::new(502),
                Some(Fault::PartUnanswered) => Reply::silence(),
                _ => reply,
            }
        }
        "PUT" if path.contains("/blobs/uploads/") => {
            let digest = query.split("digest=").nth(1).unwrap().replace("%3A", ":");
            let Some(bytes) = store.session.take() else { return Reply::new(404) };
            if Digest::of(&bytes).to_string() != digest {
                return Reply::new(400).body(r#"{"errors":[{"code":"DIGEST_INVALID"}]}"#);
            }
            store.blobs.insert(digest, bytes);
            if store.faults.last() == Some(&Fault::BlobUnanswered) {
                store.faults.pop();
                return Reply::silence();
            }
            Reply::new(201)
        }
        "PUT" => {
            if !store.takes(&request.body) {
                let error =
                    r#"{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown"}]}"#;
                return Reply::new(400).body(error);
            }
            store.manifests.insert(last.to_owned(), request.body.clone());
            store.manifests.insert(Digest::of(&request.body).to_string(), request.body.clone());
            Reply::new(201)
        }
        _ => Reply::new(404),
    }
}

const PART: usize = 16 << 20;

#[tokio::test]
async fn a_push_goes_on_where_it_broke() {
    let content = noise(2 * PART + 1_000_003);
    let (digest, size) = (Digest::of(&content), content.len() as u64);
    let content = Bytes::from(content);
    for (case, faults, most, begun) in [
        ("nothing breaks", vec![], content.len(), 1),
        ("a part is stored by half", vec![Fault::HalfAPart], content.len(), 1),
        ("a part is stored, unanswered", vec![Fault::PartUnanswered], content.len(), 1),
        ("both", vec![Fault::HalfAPart, Fault::PartUnanswered], content.len(), 1),
        ("a token runs out", vec![Fault::TokenRanOut], content.len(), 1),
        ("the blob is stored, unanswered", vec![Fault::BlobUnanswered], content.len(), 1),
        (
            "the session is gone",
            vec![Fault::HalfAPart, Fault::SessionGone],
            content.len() + PART,
            2,
        ),
        (
            "the registry forgets what it had",
            vec![Fault::PartUnanswered, Fault::Amnesia],
            content.len() + PART,
            1,
        ),
    ] {
        let (fake, store) = registry(&faults).await;
        let (client, recorder) = observed(&fake.host);
        let app = app(&fake.host);
        let sent = client.push_blob(&app, digest, size, Arc::new(content.clone()), &[]).await;
        assert_eq!(sent.expect(case), Delivery::Sent, "{case}");
        {
            let store = store.lock().unwrap();
            assert!(store.blobs[&digest.to_string()] == content, "{case}");
            assert!(store.stored <= most, "{case}: {} bytes", store.stored);
            assert_eq!(store.begun, begun, "{case}");
            assert_eq!(store.faults, [], "{case}: all happened");
        }
        assert_eq!(recorder.count("Finished"), 1, "{case}");
        let again = client.push_blob(&app, digest, size, Arc::new(content.clone()), &[]).await;
        assert_eq!(again.unwrap(), Delivery::Present, "{case}: it is not sent again");
        assert_eq!(store.lock().unwrap().begun, begun, "{case}");
    }
}

#[tokio::test]
async fn a_registry_that_refuses_parts_gets_the_blob_whole() {
    let content = Bytes::from(noise(PART + 1_000_003));
    let (digest, size) = (Digest::of(&content), content.len() as u64);
    let broken = || vec![Fault::HalfAPart, Fault::PartUnanswered, Fault::BlobUnanswered];
    for (case, parts, faults, begun) in [
        ("parts are too large", Parts::AtMost(4 << 20), vec![], 2),
        ("there are no parts: a bad request", Parts::Never(400), vec![], 2),
        ("there are no parts: not known", Parts::Never(405), vec![], 2),
        ("parts are put together wrong", Parts::Lost, vec![], 2),
        ("the whole breaks", Parts::Never(416), broken(), 4),
    ] {
        let (fake, store) = registry(&faults).await;
        store.lock().unwrap().parts = parts;
        let (client, app) = (client(&fake.host), app(&fake.host));
        let sent = client.push_blob(&app, digest, size, Arc::new(content.clone()), &[]).await;
        assert_eq!(sent.expect(case), Delivery::Sent, "{case}");
        let store = store.lock().unwrap();
        assert!(store.blobs[&digest.to_string()] == content, "{case}");
        assert_eq!((store.begun, &store.faults), (begun, &vec![]), "{case}");
    }
}

#[tokio::test]
async fn a_registry_that_refuses_the_whole_too_is_given_up() {
    let (fake, store) = registry(&[]).await;
    store.lock().unwrap().parts = Parts::Nothing;
    let content = Arc::new(Bytes::from_static(b"x"));
    let (client, app) = (client(&fake.host), app(&fake.host));
    let error = client.push_blob(&app, Digest::of(b"x"), 1, content, &[]).await.unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 416);
    assert_eq!(fake.count("PATCH", ""), 2, "in parts, and whole");
    assert_eq!(fake.count("DELETE", ""), 2, "the sessions are given back");
}

#[tokio::test]
async fn a_registry_that_cannot_say_how_much_it_has_gets_the_blob_anew() {
    let content = Bytes::from(noise(1000));
    let (digest, size) = (Digest::of(&content), content.len() as u64);
    for (case, reply) in [
        ("it does not know the question", Reply::new(405)),
        ("it has not learned it", Reply::new(501)),
        ("it is broken there", Reply::new(503)),
        ("it says nothing", Reply::new(204)),
        ("it says nonsense", Reply::new(204).header("range", "many")),
        ("it says more than there is", Reply::new(204).header("range", "0-1000")),
    ] {
        let (fake, store) = registry(&[Fault::HalfAPart]).await;
        store.lock().unwrap().offset_reply = Some(reply.clone());
        let (client, app) = (client(&fake.host), app(&fake.host));
        let sent = client.push_blob(&app, digest, size, Arc::new(content.clone()), &[]).await;
        assert_eq!(sent.expect(case), Delivery::Sent, "{case}");
        assert_eq!(store.lock().unwrap().begun, 2, "{case}");

        let (fake, store) = registry(&[Fault::HalfAPart; 9]).await;
        store.lock().unwrap().offset_reply = Some(reply);
        let content = Arc::new(content.clone());
        let error = client_of(&fake, digest, size, content).await.expect_err(case);
        let status = error.status().map(|it| it.as_u16());
        assert_eq!(status, Some(502), "{case}: what failed first is told");
        assert_eq!(fake.count("PATCH", ""), 4, "{case}");
    }
}

async fn client_of(
    fake: &Fake,
    digest: Digest,
    size: u64,
    content: Arc<Bytes>,
) -> Result<Delivery, RegistryError> {
    client(&fake.host).push_blob(&app(&fake.host), digest, size, content, &[]).await
}

#[tokio::test]
async fn a_blob_is_looked_for_once_after_each_failure() {
    let looked = std::sync::atomic::AtomicU32::new(0);
    let fake = Fake::start(move |request| match request.method.as_str() {
        "HEAD" if looked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 => Reply::new(404),
        "HEAD" => Reply::new(503),
        "POST" | "PATCH" => Reply::new(202).header("location", "/session"),
        _ => Reply::silence(),
    })
    .await;
    let content = Arc::new(Bytes::from_static(b"x"));
    client_of(&fake, Digest::of(b"x"), 1, content).await.unwrap_err();
    assert!(fake.count("HEAD", "") <= 5, "{}", fake.count("HEAD", ""));
}

#[tokio::test]
async fn an_empty_blob_is_a_blob() {
    let (fake, store) = registry(&[]).await;
    let digest = Digest::of(b"");
    let content = Arc::new(Bytes::new());
    client(&fake.host).push_blob(&app(&fake.host), digest, 0, content, &[]).await.unwrap();
    assert!(store.lock().unwrap().blobs.contains_key(&digest.to_string()));
    assert_eq!(fake.count("PATCH", ""), 0);
}

#[tokio::test]
async fn what_is_damaged_or_cut_short_is_not_offered() {
    let whole = noise(100_000);
    let mut damaged = whole.clone();
    damaged[77_777] ^= 1;
    for (case, content) in
        [("one bit is wrong", damaged), ("the last byte is missing", whole[..99_999].to_vec())]
    {
        let (fake, store) = registry(&[]).await;
        let digest = Digest::of(&whole);
        let content = Arc::new(Bytes::from(content));
        let (client, app) = (client(&fake.host), app(&fake.host));
        let error = client.push_blob(&app, digest, 100_000, content, &[]).await.expect_err(case);
        let is_meant = matches!(error, RegistryError::Damaged { .. } | RegistryError::Local { .. });
        assert!(is_meant, "{case}: {error}");
        assert_eq!(fake.count("PUT", ""), 0, "{case}");
        assert_eq!(fake.count("DELETE", ""), 1, "{case}: the session is given back");
        assert!(store.lock().unwrap().blobs.is_empty(), "{case}");
    }
}

#[tokio::test]
async fn a_push_that_may_not_be_is_told_at_once() {
    let fake = Fake::start(|request| match request.method.as_str() {
        "HEAD" => Reply::new(404),
        _ => Reply::new(403).body(r#"{"errors":[{"code":"DENIED","message":"read only"}]}"#),
    })
    .await;
    let content = Arc::new(Bytes::from_static(b"x"));
    let (client, app) = (client(&fake.host), app(&fake.host));
    let error = client.push_blob(&app, Digest::of(b"x"), 1, content, &[]).await.unwrap_err();
    assert!(error.to_string().ends_with("DENIED: read only"), "{error}");
    assert_eq!(fake.received().len(), 2);
}

#[tokio::test]
async fn a_push_that_always_fails_is_given_up() {
    let fake = Fake::start(|request| match request.method.as_str() {
        "HEAD" => Reply::new(404),
        "POST" => Reply::new(202).header("location", "/session"),
        "GET" => Reply::new(204).header("location", "/session").header("range", "0-0"),
        _ => Reply::new(500),
    })
    .await;
    let content = Arc::new(Bytes::from_static(b"x"));
    let (client, app) = (client(&fake.host), app(&fake.host));
    let error = client.push_blob(&app, Digest::of(b"x"), 1, content, &[]).await.unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 500);
    assert_eq!(fake.count("PATCH", ""), 4);
}

#[tokio::test]
async fn a_blob_beside_is_mounted_and_one_that_cannot_be_is_sent() {
    for (case, reply, expected) in [
        ("it is mounted", Reply::new(201), Delivery::Mounted),
        (
            "the registry begins an upload instead",
            Reply::new(202).header("location", "/s"),
            Delivery::Sent,
        ),
        ("the registry does not know the other one", Reply::new(404), Delivery::Sent),
    ] {
        let store = Shared::default();
        let fake = Fake::start(move |request| {
            if request.target.contains("mount=") {
                return reply.clone();
            }
            handle(&mut store.lock().unwrap(), request)
        })
        .await;
        let app = app(&fake.host);
        let other = Repository::new(app.host().clone(), "team/base").unwrap();
        let elsewhere: Repository = "ghcr.io/team/base".parse().unwrap();
        let digest = Digest::of(b"x");
        let content = Arc::new(Bytes::from_static(b"x"));
        let beside = [elsewhere, app.clone(), other];
        let sent = client(&fake.host).push_blob(&app, digest, 1, content, &beside).await;
        assert_eq!(sent.expect(case), expected, "{case}");
        let hex = digest.to_hex();
        let mounts: Vec<_> =
            fake.received().into_iter().filter(|it| it.target.contains("mount=")).collect();
        assert_eq!(mounts.len(), 1, "{case}");
        let target = format!("/v2/team/app/blobs/uploads/?mount=sha256%3A{hex}&from=team%2Fbase");
        assert!(mounts[0].is("POST", &target), "{case}: {}", mounts[0].target);
    }
}

#[tokio::test]
async fn a_blob_is_sent_when_there_is_no_token_for_the_repository_beside() {
    let store = Shared::default();
    let fake = Fake::start(move |request| {
        let host = request.header("host").unwrap();
        if request.target.starts_with("/token") {
            let is_refused = request.target.contains("team%2Fbase");
            return Reply::new(if is_refused { 403 } else { 200 }).body(r#"{"token":"t"}"#);
        }
        if request.header("authorization").is_none() {
            let realm = format!(r#"Bearer realm="http://{host}/token""#);
            return Reply::new(401).header("www-authenticate", &realm);
        }
        handle(&mut store.lock().unwrap(), request)
    })
    .await;
    let app = app(&fake.host);
    let other = Repository::new(app.host().clone(), "team/base").unwrap();
    let content = Arc::new(Bytes::from_static(b"x"));
    let client = client(&fake.host);
    let sent = client.push_blob(&app, Digest::of(b"x"), 1, content, &[other]).await;
    assert_eq!(sent.unwrap(), Delivery::Sent);
    assert_eq!(fake.count("GET", "team%2Fbase"), 1);
}

#[tokio::test]
async fn a_manifest_is_stored_as_it_is_and_looked_for_after() {
    let (fake, store) = registry(&[]).await;
    let (client, app) = (client(&fake.host), app(&fake.host));
    let bytes = index(&[("linux", "amd64")]);
    let digest = Digest::of(&bytes);
    for reference in [Reference::from(digest), Reference::tag("1").unwrap()] {
        let stored = client.put_manifest(&app, &reference, INDEX, &bytes).await.unwrap();
        assert_eq!(stored, digest);
        assert_eq!(store.lock().unwrap().manifests[&reference.to_string()], bytes);
    }
    assert_eq!(fake.received()[0].header("content-type"), Some(INDEX));
    let wrong = Reference::from(Digest::of(b"other"));
    let error = client.put_manifest(&app, &wrong, INDEX, &bytes).await.unwrap_err();
    assert!(matches!(error, RegistryError::Damaged { .. }), "{error}");
    assert_eq!(fake.count("PUT", &wrong.to_string()), 0);
}

impl Store {
    fn takes(&self, document: &[u8]) -> bool {
        let has = |digest: Digest| self.blobs.contains_key(&digest.to_string());
        match self.indexes {
            Indexes::Sparse => true,
            Indexes::OfBlobs => match ImageDocument::from_bytes(document).unwrap() {
                ImageDocument::Index(it) => it.manifests.iter().all(|it| has(it.descriptor.digest)),
                ImageDocument::Manifest(_) => true,
            },
            Indexes::Never => false,
        }
    }
}

#[tokio::test]
async fn manifests_without_content_are_sent_as_blobs_only_to_a_registry_that_misses_them() {
    // As `index` makes their digests.
    let bare = [Bytes::from_static(b"linux/amd64"), Bytes::from_static(b"linux/arm64")];
    let bytes = index(&[("linux", "amd64"), ("linux", "arm64")]);
    let present = Digest::of(&bare[0]).to_string();
    for (case, indexes, given, puts, sent, is_stored) in [
        ("it takes sparse indexes", Indexes::Sparse, &bare[..], 1, 0, true),
        ("it wants all manifests, and has one as a blob", Indexes::OfBlobs, &bare, 2, 1, true),
        ("it is not given all that it misses", Indexes::OfBlobs, &bare[..1], 2, 0, false),
        ("nothing can be given", Indexes::OfBlobs, &[], 1, 0, false),
        ("it refuses whatever it has", Indexes::Never, &bare, 2, 1, false),
    ] {
        let (fake, store) = registry(&[]).await;
        store.lock().unwrap().indexes = indexes;
        store.lock().unwrap().blobs.insert(present.clone(), bare[0].to_vec());
        let (client, app) = (client(&fake.host), app(&fake.host));
        let tag = Reference::tag("1").unwrap();
        let put = client.put_sparse_index(&app, &tag, INDEX, &bytes, given).await;
        assert_eq!(fake.count("PUT", "/manifests/1"), puts, "{case}");
        assert_eq!(store.lock().unwrap().begun, sent, "{case}");
        if is_stored {
            assert_eq!(put.expect(case), Digest::of(&bytes), "{case}");
            assert_eq!(store.lock().unwrap().manifests["1"], bytes, "{case}");
        } else {
            let error = put.expect_err(case);
            assert!(error.to_string().contains("MANIFEST_BLOB_UNKNOWN"), "{case}: {error}");
            let hint = error.hint().expect(case);
            assert!(hint.contains("all its platforms"), "{case}: {hint}");
            assert!(store.lock().unwrap().manifests.is_empty(), "{case}");
        }
    }
}

#[tokio::test]
async fn another_refusal_of_an_index_sends_nothing_more() {
    let fake = Fake::start(|_| Reply::new(403)).await;
    let (client, app) = (client(&fake.host), app(&fake.host));
    let tag = Reference::tag("1").unwrap();
    let bare = [Bytes::from_static(b"linux/amd64")];
    let bytes = index(&[("linux", "amd64")]);
    let error = client.put_sparse_index(&app, &tag, INDEX, &bytes, &bare).await.unwrap_err();
    assert!(error.is_denied(), "{error}");
    assert_eq!(fake.received().len(), 1);
}

#[tokio::test]
async fn a_registry_that_says_it_stored_a_manifest_and_did_not_is_found_out() {
    let other = Digest::of(b"other").to_string();
    for (case, put, head) in [
        ("it has none", Reply::new(201), Reply::new(404)),
        (
            "it has another",
            Reply::new(201),
            Reply::new(200).header("docker-content-digest", &other),
        ),
        ("it says so", Reply::new(201).header("docker-content-digest", &other), Reply::new(200)),
    ] {
        let fake = Fake::start(
            move |request| {
                if request.method == "PUT" { put.clone() } else { head.clone() }
            },
        )
        .await;
        let (client, app) = (client(&fake.host), app(&fake.host));
        let tag = Reference::tag("1").unwrap();
        assert!(client.put_manifest(&app, &tag, INDEX, b"{}").await.is_err(), "{case}");
    }
}
