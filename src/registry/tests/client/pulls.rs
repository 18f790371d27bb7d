//! Pulls into a cache.

use a4co_bundle::{BlobKind, Digest};
use a4co_registry::{Cache, PullBlob, Pulled, RegistryError, Repository};

use crate::kit::{
    INDEX, app,
    fake::{Fake, Reply},
    index, noise, observed,
};

fn cache() -> (tempfile::TempDir, Cache) {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::open(dir.path()).unwrap();
    (dir, cache)
}

fn layer(repository: &Repository, content: &[u8]) -> PullBlob {
    PullBlob {
        repository: repository.clone(),
        digest: Digest::of(content),
        size: content.len() as u64,
        kind: BlobKind::Layer,
    }
}

/// A registry with these blobs, and these as manifests too, in `team/app` only.
async fn registry(blobs: Vec<Vec<u8>>) -> Fake {
    Fake::start(move |request| {
        if !request.target.starts_with("/v2/team/app/") {
            return Reply::new(404);
        }
        let name = request.target.rsplit('/').next().unwrap();
        let Some(blob) = blobs.iter().find(|it| Digest::of(it).to_string() == name) else {
            return Reply::new(404);
        };
        match request.header("range") {
            None => Reply::new(200).header("content-type", INDEX).body(blob.clone()),
            Some(range) => {
                let from = range.strip_prefix("bytes=").and_then(|it| it.strip_suffix('-'));
                let from: usize = from.unwrap().parse().unwrap();
                let place = format!("bytes {from}-{}/{}", blob.len() - 1, blob.len());
                Reply::new(206).header("content-range", &place).body(blob[from..].to_vec())
            }
        }
    })
    .await
}

#[tokio::test]
async fn every_blob_is_pulled_once_and_the_second_pull_asks_for_nothing() {
    let (a, b, list) = (noise(200_000), noise(300_000), index(&[("linux", "amd64")]));
    let fake = registry(vec![a.clone(), b.clone(), list.clone()]).await;
    let app = app(&fake.host);
    let elsewhere = Repository::new(app.host().clone(), "team/other").unwrap();
    let root = PullBlob { kind: BlobKind::Root, ..layer(&app, &list) };
    // The first repository that is named for `b` does not have it.
    let blobs = [root, layer(&app, &a), layer(&elsewhere, &b), layer(&app, &b), layer(&app, &a)];
    let (_dir, cache) = cache();
    let (client, recorder) = observed(&fake.host);
    let pulled = client.pull(&cache, &blobs, 4).await.unwrap();
    let bytes = (a.len() + b.len() + list.len()) as u64;
    assert_eq!(pulled, Pulled { present: 0, pulled: 3, bytes });
    for content in [&a, &b, &list] {
        assert!(fs_err::read(cache.path(Digest::of(content))).unwrap() == *content);
    }
    assert_eq!(fake.count("GET", "/manifests/"), 1, "an index is asked for as one");
    assert_eq!(recorder.count("Finished"), 3);
    let requests = fake.received().len();
    let again = client.pull(&cache, &blobs, 4).await.unwrap();
    assert_eq!(again, Pulled { present: 3, pulled: 0, bytes: 0 });
    assert_eq!(fake.received().len(), requests);
}

#[tokio::test]
async fn a_pull_that_was_killed_goes_on_by_range() {
    let content = noise(300_000);
    let fake = registry(vec![content.clone()]).await;
    let (dir, cache) = cache();
    // What a killed process leaves behind.
    let hex = Digest::of(&content).to_hex();
    let part = dir.path().join("partial").join(format!("{hex}.part"));
    fs_err::write(&part, &content[..200_000]).unwrap();
    let (client, _) = observed(&fake.host);
    let pulled = client.pull(&cache, &[layer(&app(&fake.host), &content)], 4).await.unwrap();
    assert_eq!(pulled.bytes, 100_000);
    assert_eq!(fake.received()[0].header("range"), Some("bytes=200000-"));
    assert!(cache.contains(Digest::of(&content), 300_000));
    assert!(!part.exists());
}

#[tokio::test]
async fn a_blob_with_another_digest_is_told_and_not_kept() {
    let (wanted, other) = (noise(1000), vec![0; 1000]);
    let fake = Fake::start(move |_| Reply::new(200).body(other.clone())).await;
    let (dir, cache) = cache();
    let (client, _) = observed(&fake.host);
    let digest = Digest::of(&wanted);
    let error = client.pull(&cache, &[layer(&app(&fake.host), &wanted)], 4).await.unwrap_err();
    assert!(matches!(error, RegistryError::Digest { .. }), "{error}");
    assert!(error.to_string().contains(&digest.to_string()), "{error}");
    assert!(!cache.contains(digest, 1000));
    assert_eq!(fs_err::read_dir(dir.path().join("partial")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_damaged_beginning_on_the_disk_is_not_blamed_on_the_registry() {
    let content = noise(300_000);
    for (case, beginning) in [("a part", 1000), ("all of it", 300_000)] {
        let fake = registry(vec![content.clone()]).await;
        let (dir, cache) = cache();
        let hex = Digest::of(&content).to_hex();
        let part = dir.path().join("partial").join(format!("{hex}.part"));
        fs_err::write(part, vec![0; beginning]).unwrap();
        let (client, recorder) = observed(&fake.host);
        let blobs = [layer(&app(&fake.host), &content)];
        let pulled = client.pull(&cache, &blobs, 4).await.expect(case);
        assert_eq!(pulled.bytes, 300_000, "{case}");
        assert!(cache.contains(Digest::of(&content), 300_000), "{case}");
        assert_eq!(recorder.count("Started"), 2, "{case}");
        assert_eq!(fs_err::read_dir(dir.path().join("partial")).unwrap().count(), 0, "{case}");
    }
}

#[tokio::test]
async fn a_damaged_beginning_excuses_no_registry() {
    let fake = Fake::start(|request| {
        let status = if request.header("range").is_some() { 206 } else { 200 };
        let from = if status == 206 { 100 } else { 0 };
        Reply::new(status).header("content-range", "bytes 100-999/1000").body(vec![0; 1000 - from])
    })
    .await;
    let (dir, cache) = cache();
    let content = noise(1000);
    let hex = Digest::of(&content).to_hex();
    fs_err::write(dir.path().join("partial").join(format!("{hex}.part")), vec![0; 100]).unwrap();
    let (client, _) = observed(&fake.host);
    let blobs = [layer(&app(&fake.host), &content)];
    let error = client.pull(&cache, &blobs, 4).await.unwrap_err();
    assert!(matches!(error, RegistryError::Digest { .. }), "{error}");
    assert_eq!(fake.received().len(), 2, "once from there, once from the beginning");
}
