//! A real registry: Debian's `docker-registry`, and `skopeo` to look from the other side.

use std::{
    io::{self, Read, Seek as _, SeekFrom},
    path::PathBuf,
    process::Command,
    sync::{Arc, Mutex},
};

use a4co_bundle::{BlobKind, Digest, ImageDocument};
use a4co_registry::{
    Cache, Client, Content, Delivery, Environment, Host, Options, PullBlob, Reference, Repository,
};
use a4co_testenv::{
    Access, Descriptor, ImageLayout, LayerFile, PASSWORD, Registry, Transport, USER,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::kit::Recorder;

/// A file to be pushed.
struct File(PathBuf);

impl Content for File {
    fn open(&self, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        let mut file = fs_err::File::open(&self.0)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Box::new(file))
    }
}

/// An image for two platforms that share a layer; one has a layer of several parts.
fn image(layout: &ImageLayout) -> Descriptor {
    let shared = layout.layer(&[LayerFile::text("etc/motd", "hello")]).unwrap();
    let large = layout.large_layer(40 << 20, 1).unwrap();
    let amd64 = layout.manifest("linux/amd64", &[shared.clone(), large], &["/pause"]).unwrap();
    let arm64 = layout.manifest("linux/arm64/v8", &[shared], &["/pause"]).unwrap();
    let index = layout.index(&[("linux/amd64", amd64), ("linux/arm64/v8", arm64)]).unwrap();
    layout.tag("1.0", &index).unwrap();
    index
}

/// A client that may use the registry.
fn client(registry: &Registry, dir: &std::path::Path) -> (Client, Arc<Recorder>) {
    let host: Host = registry.host().parse().unwrap();
    let credentials = dir.join("config.json");
    let login = STANDARD.encode(format!("{USER}:{PASSWORD}"));
    let text = format!(r#"{{"auths":{{"{host}":{{"auth":"{login}"}}}}}}"#);
    fs_err::write(&credentials, text).unwrap();
    let environment = Environment { credential_files: vec![credentials], ..Environment::default() };
    let mut options = Options::new(environment);
    match registry.ca() {
        Some(ca) => options.ca = fs_err::read(ca).unwrap(),
        None => options.allow_plain_http(&host).unwrap(),
    }
    let recorder = Arc::new(Recorder::default());
    options.observer = recorder.clone();
    (Client::new(options).unwrap(), recorder)
}

/// Every blob of the image, that which is referred to first.
async fn blobs(client: &Client, repository: &Repository, root: Digest) -> Vec<PullBlob> {
    let blob = |digest, size, kind| PullBlob { repository: repository.clone(), digest, size, kind };
    let index = client.manifest(repository, &root.into()).await.unwrap();
    let mut all = Vec::new();
    let ImageDocument::Index(document) = ImageDocument::from_bytes(&index.bytes).unwrap() else {
        panic!("not an index")
    };
    for listed in document.manifests {
        let digest = listed.descriptor.digest;
        let found = client.manifest(repository, &digest.into()).await.unwrap();
        let ImageDocument::Manifest(manifest) = ImageDocument::from_bytes(&found.bytes).unwrap()
        else {
            panic!("not a manifest")
        };
        all.push(blob(manifest.config.digest, manifest.config.size, BlobKind::Config));
        all.extend(manifest.layers.iter().map(|it| blob(it.digest, it.size, BlobKind::Layer)));
        all.push(blob(digest, found.bytes.len() as u64, BlobKind::Manifest));
    }
    all.push(blob(root, index.bytes.len() as u64, BlobKind::Root));
    all
}

/// Sends what is in the cache to a repository.
async fn push(
    client: &Client,
    cache: &Cache,
    blobs: &[PullBlob],
    to: &Repository,
) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    for blob in blobs {
        let path = cache.path(blob.digest);
        if blob.kind.is_document() {
            let bytes = fs_err::read(path).unwrap();
            let media_type = ImageDocument::from_bytes(&bytes).unwrap().media_type().to_owned();
            let reference = blob.digest.into();
            client.put_manifest(to, &reference, &media_type, &bytes).await.unwrap();
        } else {
            let content = Arc::new(File(path));
            let beside = [blob.repository.clone()];
            let delivery = client.push_blob(to, blob.digest, blob.size, content, &beside).await;
            deliveries.push(delivery.unwrap());
        }
    }
    deliveries
}

#[tokio::test]
async fn an_image_goes_out_of_a_real_registry_and_into_another_unchanged() {
    for (transport, access) in [
        (Transport::Http, Access::Open),
        (Transport::Http, Access::Login),
        (Transport::Https, Access::Login),
    ] {
        let case = format!("{transport:?}, {access:?}");
        let dir = tempfile::tempdir().unwrap();
        let layout = ImageLayout::create(&dir.path().join("made")).unwrap();
        let index = image(&layout);
        let root: Digest = index.digest.parse().unwrap();
        let source = Registry::start(transport, access).expect(&case);
        source.push(&layout, "1.0", "team/app").expect(&case);
        let (client_of_source, _) = client(&source, dir.path());
        let app: Repository = format!("{}/team/app", source.host()).parse().unwrap();

        let tag = Reference::tag("1.0").unwrap();
        let resolved = client_of_source.resolve(&app, &tag).await.expect(&case);
        assert_eq!((resolved.digest, resolved.size), (root, index.size), "{case}");
        let platforms: Vec<_> = resolved.platforms.keys().map(ToString::to_string).collect();
        assert_eq!(platforms, ["linux/amd64", "linux/arm64"], "{case}");
        let head = client_of_source.head(&app, &tag).await.expect(&case).unwrap();
        assert_eq!(head.digest, Some(root), "{case}");
        let missing = Reference::tag("2.0").unwrap();
        assert_eq!(client_of_source.head(&app, &missing).await.expect(&case), None, "{case}");

        let cache = Cache::open(&dir.path().join("cache")).unwrap();
        let all = blobs(&client_of_source, &app, root).await;
        let pulled = client_of_source.pull(&cache, &all, 4).await.expect(&case);
        // The shared layer counts once.
        assert_eq!(pulled.pulled, all.len() - 1, "{case}");

        let site = Registry::start(transport, access).expect(&case);
        let (client_of_site, _) = client(&site, dir.path());
        let host: Host = site.host().parse().unwrap();
        let there = app.in_registry(host.clone());
        let sent = push(&client_of_site, &cache, &all, &there).await;
        assert_eq!(sent.iter().filter(|it| **it == Delivery::Sent).count(), 4, "{case}: {sent:?}");
        site.pull(&format!("team/app@{root}"), &dir.path().join("pulled")).expect(&case);
        let expected = fs_err::read(layout.blob(&index.digest)).unwrap();
        assert_eq!(site.inspect_raw(&format!("team/app@{root}")).expect(&case), expected, "{case}");

        let again = push(&client_of_site, &cache, &all, &there).await;
        assert!(again.iter().all(|it| *it == Delivery::Present), "{case}: {again:?}");
        // Beside what is there, nothing is sent.
        let beside: Vec<_> =
            all.iter().map(|it| PullBlob { repository: there.clone(), ..it.clone() }).collect();
        let other = Repository::new(host, "team/other").unwrap();
        let mounted = push(&client_of_site, &cache, &beside, &other).await;
        assert!(!mounted.contains(&Delivery::Sent), "{case}: {mounted:?}");
        site.pull(&format!("team/other@{root}"), &dir.path().join("mounted")).expect(&case);
    }
}

#[tokio::test]
async fn a_registry_that_wants_all_manifests_of_an_index_takes_the_others_as_blobs() {
    let dir = tempfile::tempdir().unwrap();
    let layout = ImageLayout::create(&dir.path().join("made")).unwrap();
    let index = image(&layout);
    let root: Digest = index.digest.parse().unwrap();
    let source = Registry::start(Transport::Http, Access::Open).unwrap();
    source.push(&layout, "1.0", "team/app").unwrap();
    let (client_of_source, _) = client(&source, dir.path());
    let app: Repository = format!("{}/team/app", source.host()).parse().unwrap();
    // The last platform goes: its config and manifest, not the layer that both have.
    let all = blobs(&client_of_source, &app, root).await;
    let (first, rest) = all.split_at(4);
    let other = rest[rest.len() - 2].digest;
    let only: Vec<_> = first.iter().chain(rest.last()).cloned().collect();
    let cache = Cache::open(&dir.path().join("cache")).unwrap();
    client_of_source.pull(&cache, &only, 4).await.unwrap();
    let site = Registry::start(Transport::Http, Access::Open).unwrap();
    let (client_of_site, _) = client(&site, dir.path());
    let there = app.in_registry(site.host().parse().unwrap());
    let result = push_result(&client_of_site, &cache, &only, &there).await;
    // This one wants all manifests; what it says is told, with the remedy.
    let error = result.unwrap_err();
    assert!(error.to_string().contains("MANIFEST_BLOB_UNKNOWN"), "{error}");
    assert!(error.hint().unwrap().contains("platform"), "{:?}", error.hint());
    // The platform that is there can be had by its own digest.
    let manifest = only[3].digest;
    site.pull(&format!("team/app@{manifest}"), &dir.path().join("pulled")).unwrap();

    let bytes = fs_err::read(cache.path(root)).unwrap();
    let media_type = ImageDocument::from_bytes(&bytes).unwrap().media_type().to_owned();
    let bare = [fs_err::read(layout.blob(&other.to_string())).unwrap().into()];
    let put = async |reference: &Reference| {
        client_of_site.put_sparse_index(&there, reference, &media_type, &bytes, &bare).await
    };
    for reference in [root.into(), Reference::tag("1.0").unwrap()] {
        assert_eq!(put(&reference).await.unwrap(), root);
    }
    // What nodes and people see of it: the index as it was, and the platform that is there.
    assert_eq!(site.inspect_raw(&format!("team/app@{root}")).unwrap(), bytes);
    let copy = |architecture: &str| {
        let mut skopeo = Command::new("skopeo");
        skopeo.args(["--insecure-policy", "--override-os=linux", "--override-arch", architecture]);
        skopeo.args(["copy", "--quiet", "--src-tls-verify=false"]);
        skopeo.arg(format!("docker://{}/team/app@{root}", site.host()));
        let output =
            skopeo.arg(format!("dir:{}", dir.path().join(architecture).display())).output();
        let output = output.unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (is_there, said) = copy("amd64");
    assert!(is_there, "{said}");
    let (is_there, said) = copy("arm64");
    assert!(!is_there && said.contains("404"), "{said}");
}

async fn push_result(
    client: &Client,
    cache: &Cache,
    blobs: &[PullBlob],
    to: &Repository,
) -> Result<(), a4co_registry::RegistryError> {
    let (root, parts) = blobs.split_last().unwrap();
    push(client, cache, parts, to).await;
    let bytes = fs_err::read(cache.path(root.digest)).unwrap();
    let media_type = ImageDocument::from_bytes(&bytes).unwrap().media_type().to_owned();
    client.put_manifest(to, &root.digest.into(), &media_type, &bytes).await.map(drop)
}

#[tokio::test]
async fn a_wrong_password_is_told_with_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::start(Transport::Http, Access::Login).unwrap();
    let host: Host = registry.host().parse().unwrap();
    let mut options = Options::new(Environment::default());
    options.allow_plain_http(&host).unwrap();
    let path = dir.path().join("config.json");
    let text = format!(r#"{{"auths":{{"{host}":{{"username":"{USER}","password":"wrong"}}}}}}"#);
    fs_err::write(&path, text).unwrap();
    options.environment.credential_files = vec![path];
    let client = Client::new(options).unwrap();
    let app = Repository::new(host, "team/app").unwrap();
    let error = client.has_blob(&app, Digest::of(b"x")).await.unwrap_err();
    assert!(error.is_denied(), "{error}");
    assert!(error.hint().unwrap().contains("docker login"), "{:?}", error.hint());
}

#[tokio::test]
async fn a_registry_that_restarts_in_the_middle_of_a_push_gets_all_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let layout = ImageLayout::create(&dir.path().join("made")).unwrap();
    let large = layout.large_layer(64 << 20, 2).unwrap();
    let registry = Registry::start(Transport::Http, Access::Open).unwrap();
    let (client, recorder) = client(&registry, dir.path());
    let app: Repository = format!("{}/team/app", registry.host()).parse().unwrap();
    let digest: Digest = large.digest.parse().unwrap();
    let registry = Arc::new(registry);
    let content = Restarting {
        file: File(layout.blob(&large.digest)),
        registry: Mutex::new(Some(registry.clone())),
    };
    let sent = client.push_blob(&app, digest, large.size, Arc::new(content), &[]).await.unwrap();
    assert_eq!(sent, Delivery::Sent);
    assert!(recorder.count("Retrying") > 0, "{:?}", recorder.events());
    let stored = registry.storage().join(format!(
        "docker/registry/v2/blobs/sha256/{}/{}/data",
        &digest.to_hex()[..2],
        digest.to_hex()
    ));
    assert!(fs_err::read(stored).unwrap() == fs_err::read(layout.blob(&large.digest)).unwrap());
}

/// A file in whose second part the registry is killed, once.
struct Restarting {
    file: File,
    registry: Mutex<Option<Arc<Registry>>>,
}

impl Content for Restarting {
    fn open(&self, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        let source = self.file.open(offset)?;
        let is_second = offset == 16 << 20;
        let registry = if is_second { self.registry.lock().unwrap().take() } else { None };
        Ok(Box::new(Killing { source, read: 0, registry }))
    }
}

struct Killing {
    source: Box<dyn Read + Send>,
    read: usize,
    registry: Option<Arc<Registry>>,
}

impl Read for Killing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.read += count;
        if self.read > 8 << 20
            && let Some(registry) = self.registry.take()
        {
            registry.restart().map_err(io::Error::other)?;
        }
        Ok(count)
    }
}
