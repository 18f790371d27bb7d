//! A registry that lies, or talks too much.

use a4co_bundle::Digest;
use a4co_registry::{Reference, RegistryError};

use crate::kit::{
    INDEX, MANIFEST, app, client,
    fake::{Fake, Reply},
    index,
};

fn tag() -> Reference {
    Reference::tag("1").unwrap()
}

fn manifest() -> Reply {
    Reply::new(200).header("content-type", INDEX).body(index(&[("linux", "amd64")]))
}

#[tokio::test]
async fn a_manifest_is_what_its_digest_says_or_an_error() {
    let other = Digest::of(b"other");
    let told = other.to_string();
    for (case, reference, reply, is_refused) in [
        ("asked for by digest, other bytes", Reference::Digest(other), manifest(), true),
        ("told another digest", tag(), manifest().header("docker-content-digest", &told), true),
        (
            "told a digest that commands a terminal",
            tag(),
            manifest().header("docker-content-digest", "sha256:a\tb"),
            true,
        ),
        (
            "told a digest of another kind",
            tag(),
            manifest().header("docker-content-digest", "sha512:00"),
            false,
        ),
    ] {
        let fake = Fake::start(move |_| reply.clone()).await;
        match client(&fake.host).manifest(&app(&fake.host), &reference).await {
            Ok(_) => assert!(!is_refused, "{case}"),
            Err(error) => {
                assert!(is_refused, "{case}: {error}");
                assert!(matches!(error, RegistryError::Digest { .. }), "{case}: {error}");
                assert!(!error.to_string().contains('\t'), "{case}: {error}");
                assert_eq!(fake.received().len(), 1, "{case}: it does not get better");
            }
        }
    }
}

#[tokio::test]
async fn a_manifest_of_ten_gigabytes_is_not_read() {
    // Some is in the buffers of the connection.
    let most = 16 << 20;
    for (case, reply) in [
        ("promised", manifest().endless().header("content-length", "10000000000")),
        ("not promised", manifest().endless()),
    ] {
        let fake = Fake::start(move |_| reply.clone()).await;
        let error = client(&fake.host).manifest(&app(&fake.host), &tag()).await.unwrap_err();
        assert!(
            matches!(error, RegistryError::TooLarge { limit: 4_194_304, .. }),
            "{case}: {error}"
        );
        assert!(fake.sent() < most, "{case}: {}", fake.sent());
        assert_eq!(fake.received().len(), 1, "{case}");
    }
}

#[tokio::test]
async fn what_is_no_image_is_told() {
    let schema_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    let only_unknown = index(&[("unknown", "unknown")]);
    for (case, media_type, body, why) in [
        ("Docker's first kind", schema_1, b"{}".to_vec(), "manifest.v1+prettyjws"),
        ("a page", "text/html", b"<html>".to_vec(), "text/html"),
        ("no JSON", INDEX, b"{".to_vec(), "EOF"),
        ("an index of attestations", INDEX, only_unknown, "no image for any platform"),
        ("an empty index", INDEX, index(&[]), "no image for any platform"),
        (
            "an index that is a manifest too (CVE-2021-41190)",
            MANIFEST,
            br#"{"schemaVersion":2,"manifests":[],"config":{"mediaType":"a/b","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":1}}"#.to_vec(),
            "",
        ),
        (
            "a config of a terabyte",
            MANIFEST,
            br#"{"schemaVersion":2,"config":{"mediaType":"a/b","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":1099511627776},"layers":[]}"#.to_vec(),
            "larger than",
        ),
    ] {
        let fake =
            Fake::start(move |_| Reply::new(200).header("content-type", media_type).body(body.clone()))
                .await;
        let error = client(&fake.host).resolve(&app(&fake.host), &tag()).await.expect_err(case);
        assert!(error.to_string().contains(why), "{case}: {error}");
        assert_eq!(fake.received().len(), 1, "{case}");
    }
}

#[tokio::test]
async fn an_index_is_resolved_to_its_platforms_without_what_is_none() {
    let list = [("linux", "amd64"), ("unknown", "unknown"), ("linux", "arm64"), ("linux", "amd64")];
    let bytes = index(&list);
    let body = bytes.clone();
    let fake =
        Fake::start(move |_| Reply::new(200).header("content-type", INDEX).body(body.clone()))
            .await;
    let found = client(&fake.host).resolve(&app(&fake.host), &tag()).await.unwrap();
    assert_eq!((found.digest, found.size), (Digest::of(&bytes), bytes.len() as u64));
    let platforms: Vec<_> = found.platforms.keys().map(ToString::to_string).collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
}

#[tokio::test]
async fn a_manifest_alone_has_the_platform_of_its_config() {
    for (case, config, expected) in [
        ("an image", r#"{"os":"linux","architecture":"arm64","variant":"v8"}"#, Ok("linux/arm64")),
        ("something else", r#"{"name":"chart"}"#, Err("no container image")),
    ] {
        let digest = Digest::of(config.as_bytes());
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "config": { "mediaType": "a/b", "digest": digest, "size": config.len() },
            "layers": [],
        });
        let manifest = manifest.to_string();
        let fake = Fake::start(move |request| {
            if request.target.contains("/blobs/") {
                return Reply::new(200).body(config);
            }
            Reply::new(200).header("content-type", MANIFEST).body(manifest.clone())
        })
        .await;
        let found = client(&fake.host).resolve(&app(&fake.host), &tag()).await;
        match (found, expected) {
            (Ok(found), Ok(expected)) => {
                let platforms: Vec<_> = found.platforms.keys().map(ToString::to_string).collect();
                assert_eq!(platforms, [expected], "{case}");
            }
            (Err(error), Err(why)) => assert!(error.to_string().contains(why), "{case}: {error}"),
            (found, _) => panic!("{case}: {found:?}"),
        }
    }
}

#[tokio::test]
async fn a_blob_of_another_length_or_part_is_refused() {
    let digest = Digest::of(b"hello");
    for (case, offset, reply, why) in [
        ("a longer one", 0, Reply::new(200).body("hello!"), "it has 6 bytes where 5"),
        ("a shorter one", 0, Reply::new(200).body("hell"), "it has 4 bytes where 5"),
        ("one without end", 0, Reply::new(200).endless(), "larger than 5 bytes"),
        ("another part", 2, Reply::new(206).header("content-range", "bytes 1-4/5"), "another part"),
        ("a part without place", 2, Reply::new(206).body("llo"), "another part"),
        ("a part that nobody asked for", 0, Reply::new(206).body("hello"), "strange kind"),
        ("nothing", 0, Reply::new(204), "strange kind"),
        (
            "a compressed one",
            0,
            Reply::new(200).header("content-encoding", "gzip").body("hello"),
            "encoded",
        ),
    ] {
        let fake = Fake::start(move |_| reply.clone()).await;
        let mut stream = client(&fake.host).blob(&app(&fake.host), digest, 5, offset);
        let error = loop {
            match stream.next().await {
                Ok(bytes) => assert!(bytes.is_some(), "{case}: it ended well"),
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains(why), "{case}: {error}");
        assert_eq!(fake.received().len(), 1, "{case}");
    }
}

#[tokio::test]
async fn what_a_registry_says_commands_no_terminal() {
    for (case, body) in [
        (
            "in its words",
            r#"{"errors":[{"code":"A\u001b[2J","message":"b\u0007\u202e"}]}"#.to_owned(),
        ),
        ("in malformed JSON", "{\"errors\":[\u{1b}]0;pwned\u{7}".to_owned()),
        ("without end", format!(r#"{{"errors":[{{"code":"{}"}}]}}"#, "a".repeat(50_000))),
    ] {
        let fake = Fake::start(move |_| Reply::new(404).body(body.clone())).await;
        let error = client(&fake.host).manifest(&app(&fake.host), &tag()).await.unwrap_err();
        let text = error.to_string();
        assert!(!text.chars().any(char::is_control), "{case}: {text:?}");
        assert!(!text.contains('\u{202e}') && text.len() < 1000, "{case}: {text:?}");
    }
}
