//! Whole pushes of a bundle's images.

use std::{
    collections::BTreeSet,
    io::{self, Cursor, Read, Seek, SeekFrom},
    sync::Mutex,
};

use a4co_bundle::{Contents, Digest};
use a4co_registry::{
    Address, HeldImages, ImagePush, ImagePushError, Pushed, Reference, Repository, Tags,
};
use a4co_testenv::{Access, Descriptor, ImageLayout, LayerFile, Registry, Transport};
use bytes::Bytes;

use crate::{
    kit::{
        self,
        fake::{Fake, Reply},
    },
    node_kit::{ThickBundle, full, image},
};

type File = Cursor<Bytes>;

/// Two images that share a layer; `web` has two platforms, and one layer of several pieces.
struct Images {
    layout: ImageLayout,
    web: Descriptor,
    db: Descriptor,

    dir: tempfile::TempDir,
}

impl Images {
    fn create() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let layout = ImageLayout::create(&dir.path().join("made")).unwrap();
        let layer = |name: &str| layout.layer(&[LayerFile::text(name, name)]).unwrap();
        let (shared, large) = (layer("shared"), layout.large_layer(3 << 20, 1).unwrap());
        let layers = [shared.clone(), large];
        let amd64 = layout.manifest("linux/amd64", &layers, &["/web"]).unwrap();
        let arm64 = layout.manifest("linux/arm64", &[layer("arm")], &["/web"]).unwrap();
        let web = layout.index(&[("linux/amd64", amd64), ("linux/arm64", arm64)]).unwrap();
        let db = layout.manifest("linux/amd64", &[shared, layer("db")], &["/db"]).unwrap();
        Self { layout, web, db, dir }
    }

    fn held(&self, contents: &Contents) -> HeldImages<File> {
        let images = vec![
            image("docker.io/library/db", "15", &self.db),
            image("ghcr.io/shop/web", "1.0", &self.web),
        ];
        held(&ThickBundle::pack(&self.layout, images, contents))
    }
}

fn held(bundle: &ThickBundle) -> HeldImages<File> {
    let images = &bundle.bundle.release.config().images;
    let file = Cursor::new(Bytes::from(bundle.bytes.clone()));
    HeldImages::new(images, bundle.bundle.images.as_ref().unwrap(), file)
}

async fn push(
    held: HeldImages<File>,
    host: &str,
    prefix: &str,
    tags: Tags,
) -> Result<Pushed, ImagePushError> {
    let site = Address::parse(&format!("http://{host}{prefix}")).unwrap();
    ImagePush::new(held, &site, tags)?.run(&kit::client(host), 4).await
}

fn layer_of(held: &HeldImages<File>, size: u64) -> Digest {
    held.stored().set().blobs().iter().find(|blob| blob.size > size).unwrap().digest
}

#[tokio::test]
async fn images_come_to_a_real_registry_under_their_own_digests_each_blob_once() {
    let images = Images::create();
    for (case, contents, prefix) in [
        ("all platforms", full(&[]), ""),
        ("one platform of the index", full(&["linux/amd64"]), ""),
        ("below a prefix", full(&["linux/amd64"]), "/team/hub"),
    ] {
        let site = Registry::start(Transport::Http, Access::Open).expect(case);
        let held = images.held(&contents);
        let content = held.stored().set().blobs().iter().filter(|it| !it.kind.is_document());
        let count = content.count();
        let pushed = push(held.clone(), &site.host(), prefix, Tags::None).await.expect(case);
        assert_eq!((pushed.sent, pushed.mounted, pushed.present), (count, 1, 0), "{case}");
        let path = |name: &str| format!("{prefix}/{name}").trim_start_matches('/').to_owned();
        let web = format!("{}@{}", path("shop/web"), images.web.digest);
        let db = format!("{}@{}", path("library/db"), images.db.digest);
        for (reference, root) in [(&web, &images.web), (&db, &images.db)] {
            let expected = fs_err::read(images.layout.blob(&root.digest)).unwrap();
            assert_eq!(site.inspect_raw(reference).expect(case), expected, "{case}: {reference}");
        }
        let dir = images.dir.path().join(case);
        site.pull(&db, &dir).expect(case);
        if contents.platforms.is_empty() {
            site.pull(&web, &dir).expect(case);
        }
        // What keeps the registry from deleting them.
        let tag = format!("{}:a4co-{}", path("shop/web"), &images.web.digest[7..19]);
        assert_eq!(Digest::of(&site.inspect_raw(&tag).expect(case)).to_string(), images.web.digest);
        assert!(site.inspect_raw(&format!("{}:1.0", path("shop/web"))).is_err(), "{case}");

        let again = push(held.clone(), &site.host(), prefix, Tags::Release).await.expect(case);
        assert_eq!((again.sent, again.mounted, again.bytes), (0, 0, 0), "{case}");
        let manifests = if contents.platforms.is_empty() { 4 } else { 3 };
        assert_eq!((again.present, again.manifests), (count + 1, manifests), "{case}");
        let raw = site.inspect_raw(&format!("{}:1.0", path("shop/web"))).expect(case);
        assert_eq!(Digest::of(&raw).to_string(), images.web.digest, "{case}");
    }
}

#[tokio::test]
async fn a_delta_needs_what_it_leaves_out_to_be_anywhere_in_the_registry() {
    let images = Images::create();
    let all = full(&[]);
    let base_images = vec![image("quay.io/other/db", "14", &images.db)];
    let base = ThickBundle::pack(&images.layout, base_images, &all);
    let whole = images.held(&all);
    let id = base.bundle.release.id();
    let stored = base.bundle.images.as_ref().unwrap();
    let delta = Contents::delta([], whole.stored().set(), id, stored);
    assert!(!delta.is_full());
    let delta = images.held(&delta);
    let site = Registry::start(Transport::Http, Access::Open).unwrap();

    let error = push(delta.clone(), &site.host(), "", Tags::None).await.unwrap_err();
    assert!(matches!(error, ImagePushError::Absent { base: Some(found), .. } if found == id));
    assert!(error.to_string().contains(&id.to_string()), "{error}");
    assert!(error.hint().unwrap().contains("first"), "{:?}", error.hint());

    push(held(&base), &site.host(), "/library", Tags::None).await.unwrap();
    // The other repository has it under a name that is none of this push.
    let error = push(delta.clone(), &site.host(), "", Tags::None).await.unwrap_err();
    assert!(matches!(error, ImagePushError::Absent { .. }), "{error}");

    let base_images = vec![image("docker.io/library/db", "14", &images.db)];
    let base = ThickBundle::pack(&images.layout, base_images, &all);
    push(held(&base), &site.host(), "", Tags::None).await.unwrap();
    // The shared layer is in one of its repositories, and is mounted in the other.
    let pushed = push(delta, &site.host(), "", Tags::None).await.unwrap();
    assert_eq!(pushed.mounted, 1, "{pushed:?}");
    for (name, root) in [("library/db", &images.db), ("shop/web", &images.web)] {
        let reference = format!("{name}@{}", root.digest);
        site.pull(&reference, &images.dir.path().join(name.replace('/', "-"))).unwrap();
    }
}

/// A file of which something changed after it was verified.
#[derive(Clone)]
struct Changed {
    file: File,
    at: u64,
}

impl Read for Changed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let from = self.file.position();
        let count = self.file.read(buffer)?;
        if let Some(within) = self.at.checked_sub(from).filter(|it| *it < count as u64) {
            buffer[usize::try_from(within).unwrap()] ^= 1;
        }
        Ok(count)
    }
}

impl Seek for Changed {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[tokio::test]
async fn a_file_that_changed_after_it_was_verified_is_not_offered() {
    let images = Images::create();
    let bundle = ThickBundle::pack(
        &images.layout,
        vec![image("ghcr.io/shop/web", "1.0", &images.web)],
        &full(&[]),
    );
    let whole = held(&bundle);
    let large = layer_of(&whole, 1 << 20);
    let blob = whole.stored().stored(large).unwrap();
    // Somewhere inside the large layer: blocks only add to the offset.
    let at = blob.offset + blob.size / 2;
    let file = Changed { file: Cursor::new(Bytes::from(bundle.bytes.clone())), at };
    let changed = HeldImages::new(whole.images(), whole.stored(), file);
    let site = Registry::start(Transport::Http, Access::Open).unwrap();
    let address = Address::parse(&site.url()).unwrap();
    let client = kit::client(&site.host());
    let push = ImagePush::new(changed, &address, Tags::None).unwrap();
    let error = push.run(&client, 4).await.unwrap_err();
    assert!(error.to_string().contains("what is to be sent is damaged"), "{error}");
    let web = Repository::new(address.host().unwrap(), "shop/web").unwrap();
    assert!(!client.has_blob(&web, large).await.unwrap());
    let root: Digest = images.web.digest.parse().unwrap();
    assert_eq!(client.head(&web, &Reference::from(root)).await.unwrap(), None);
}

#[tokio::test]
async fn a_manifest_that_the_registry_deletes_meanwhile_is_missed_at_the_end() {
    let images = Images::create();
    let seen = Mutex::new(BTreeSet::new());
    // Every blob is there. A manifest is there only at the second look, which is that after its PUT.
    let fake = Fake::start(move |request| {
        let mut seen = seen.lock().unwrap();
        match (request.method.as_str(), request.target.contains("/manifests/")) {
            ("HEAD", false) => Reply::new(200),
            ("HEAD", true) if seen.remove(&request.target) => Reply::new(200),
            ("PUT", true) => {
                let digest = Digest::of(&request.body);
                let (path, _) = request.target.rsplit_once('/').unwrap();
                seen.insert(format!("{path}/{digest}"));
                Reply::new(201)
            }
            _ => Reply::new(404),
        }
    })
    .await;
    let error = push(images.held(&full(&[])), &fake.host, "", Tags::None).await.unwrap_err();
    assert!(matches!(error, ImagePushError::Vanished { .. }), "{error}");
    assert!(error.hint().unwrap().contains("a4co-"), "{:?}", error.hint());
}

#[tokio::test]
async fn one_tag_cannot_be_two_images() {
    let images = Images::create();
    let two = || {
        held(&ThickBundle::pack(
            &images.layout,
            vec![
                image("docker.io/shop/web", "1", &images.db),
                image("ghcr.io/shop/web", "1", &images.web),
            ],
            &full(&[]),
        ))
    };
    let site = Registry::start(Transport::Http, Access::Open).unwrap();
    let error = push(two(), &site.host(), "", Tags::Release).await.unwrap_err();
    assert!(matches!(error, ImagePushError::Tag { .. }), "{error}");
    assert!(!site.log().unwrap().contains("/shop/web"), "nothing was sent");
    // By digest both can be there.
    push(two(), &site.host(), "", Tags::None).await.unwrap();
    for root in [&images.db, &images.web] {
        let reference = format!("shop/web@{}", root.digest);
        site.pull(&reference, &images.dir.path().join(&root.digest[7..])).unwrap();
    }
}

#[tokio::test]
async fn a_prefix_that_makes_a_name_too_long_is_refused_before_anything_is_sent() {
    let images = Images::create();
    let long = "a/".repeat(124) + "a";
    let site = Address::parse(&format!("https://registry.invalid/{long}")).unwrap();
    let error = ImagePush::new(images.held(&full(&[])), &site, Tags::None).unwrap_err();
    assert!(matches!(error, ImagePushError::Name(_)), "{error}");
}
