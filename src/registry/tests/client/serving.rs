//! A registry straight from the file of a bundle: asked by skopeo, by our own client, and in ways
//! that nobody should.

use std::{
    io::{self, Cursor, Read, Seek, SeekFrom},
    net::SocketAddr,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use a4co_bundle::{Contents, Digest};
use a4co_registry::{
    CatalogError, Client, HeldImages, Limits, Mirrors, Origin, Reference, Repository, Request,
    Server,
};
use a4co_testenv::{Descriptor, ImageLayout, LayerFile};
use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

use crate::{
    kit,
    node_kit::{ThickBundle, full, image},
};

/// A file of a bundle, of which all layers become damaged when a test says so.
#[derive(Clone)]
struct File {
    bytes: Cursor<Bytes>,
    is_damaged: Arc<AtomicBool>,
}

impl Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = Read::read(&mut self.bytes, buffer)?;
        if self.is_damaged.load(Ordering::Relaxed)
            && let Some(last) = buffer[..count].last_mut()
        {
            *last ^= 1;
        }
        Ok(count)
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

/// Two images of one path at two registries, and one of two platforms.
struct Images {
    layout: ImageLayout,
    web: Descriptor,
    fork: Descriptor,
    db: Descriptor,
    layer: Descriptor,
    dir: tempfile::TempDir,
}

impl Images {
    fn create() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let layout = ImageLayout::create(&dir.path().join("made")).unwrap();
        let layer = |name: &str| layout.layer(&[LayerFile::text(name, name)]).unwrap();
        let large = layout.large_layer(1 << 20, 1).unwrap();
        let manifest = |platform: &str, layers: &[Descriptor]| {
            layout.manifest(platform, layers, &["/x"]).unwrap()
        };
        let amd64 = manifest("linux/amd64", &[layer("shared"), large.clone()]);
        let arm64 = manifest("linux/arm64", &[layer("arm")]);
        let web = layout.index(&[("linux/amd64", amd64), ("linux/arm64", arm64)]).unwrap();
        let fork = manifest("linux/amd64", &[layer("fork")]);
        let db = manifest("linux/amd64", &[layer("shared"), layer("db")]);
        Self { layout, web, fork, db, layer: large, dir }
    }

    fn bundle(&self, contents: &Contents) -> ThickBundle {
        let images = vec![
            image("docker.io/library/db", "15", &self.db),
            image("docker.io/shop/web", "1.0", &self.web),
            image("ghcr.io/shop/web", "1.0", &self.fork),
            image("ghcr.io/shop/web", "1.1", &self.fork),
        ];
        ThickBundle::pack(&self.layout, images, contents)
    }
}

/// A running server.
struct Running {
    address: SocketAddr,
    is_damaged: Arc<AtomicBool>,
    heard: Arc<Mutex<Vec<Request>>>,
    end: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
}

async fn serve(bundle: &ThickBundle, limits: Limits) -> Running {
    let is_damaged = Arc::new(AtomicBool::new(false));
    let bytes = Cursor::new(Bytes::from(bundle.bytes.clone()));
    let file = File { bytes, is_damaged: is_damaged.clone() };
    let release = bundle.bundle.release.config();
    let held = HeldImages::new(&release.images, bundle.bundle.images.as_ref().unwrap(), file);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hear = heard.clone();
    let server =
        Server::new(held, limits, move |it| hear.lock().unwrap().push(it.clone())).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ended) = oneshot::channel();
    let server = tokio::spawn(async move {
        let ended = async {
            let _ = ended.await;
        };
        server.run(listener, ended).await;
    });
    Running { address, is_damaged, heard, end: Some(end), server }
}

impl Running {
    /// Sends text and returns all that comes until the connection ends.
    async fn say(&self, text: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // It may have ended before all was sent.
        let _ = stream.write_all(text.as_bytes()).await;
        let mut answer = Vec::new();
        let read = timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await;
        let _ = read.expect("the connection ends");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Returns status, head in lower case, and body.
    async fn ask(&self, method: &str, target: &str, headers: &str) -> (u16, String, String) {
        let request =
            format!("{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
        let answer = self.say(&request).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or(0);
        (status, head.to_ascii_lowercase(), body.to_owned())
    }

    fn client(&self) -> Client {
        kit::client(&self.address.to_string())
    }
}

#[tokio::test]
async fn skopeo_copies_every_image_with_all_platforms() {
    let images = Images::create();
    let server = serve(&images.bundle(&full(&[])), Limits::default()).await;
    for (case, name, root) in [
        ("as a mirror is asked", "library/db", &images.db),
        ("an index with all its platforms", "docker.io/shop/web", &images.web),
        ("the same path of another registry", "ghcr.io/shop/web", &images.fork),
        ("where the digest tells which", "shop/web", &images.fork),
    ] {
        let target = images.dir.path().join(case.replace(' ', "-"));
        let from = format!("docker://{}/{name}@{}", server.address, root.digest);
        let to = format!("oci:{}:copied", target.display());
        let output = tokio::task::spawn_blocking(move || {
            let mut skopeo = Command::new("skopeo");
            skopeo.args(["--insecure-policy", "copy", "--quiet", "--all"]);
            skopeo.args(["--preserve-digests", "--src-tls-verify=false", &from, &to]);
            skopeo.output().unwrap()
        });
        let output = output.await.unwrap();
        assert!(output.status.success(), "{case}: {}", String::from_utf8_lossy(&output.stderr));
        let blob = |dir: &std::path::Path| {
            fs_err::read(dir.join("blobs").join(root.digest.replacen(':', "/", 1))).unwrap()
        };
        assert_eq!(blob(&target), blob(images.layout.dir()), "{case}");
    }
    assert!(!server.heard.lock().unwrap().is_empty());
}

#[tokio::test]
async fn our_own_client_pulls_through_it_as_through_a_mirror() {
    let images = Images::create();
    let server = serve(&images.bundle(&full(&[])), Limits::default()).await;
    let mut options = kit::options(&[]);
    for host in ["docker.io", "ghcr.io"] {
        let url = format!("http://{}", server.address);
        let addresses = vec![a4co_registry::Address::parse(&url).unwrap()];
        let mirrors = Mirrors { addresses, origin: Origin::Never };
        options.mirrors.insert(host.parse().unwrap(), mirrors);
    }
    let client = Client::new(options).unwrap();
    let tag = Reference::tag("1.0").unwrap();
    // Two registries have this path and tag: `ns` says which is meant.
    for (name, root) in [("docker.io/shop/web", &images.web), ("ghcr.io/shop/web", &images.fork)] {
        let repository: Repository = name.parse().unwrap();
        let manifest = client.manifest(&repository, &tag).await.unwrap();
        assert_eq!(manifest.digest.to_string(), root.digest, "{name}");
        assert_eq!(manifest.media_type, root.media_type, "{name}");
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn requests_are_answered_as_the_specification_says() {
    let images = Images::create();
    let server = serve(&images.bundle(&full(&["linux/amd64"])), Limits::default()).await;
    let Images { web, fork, db, layer, .. } = &images;
    let (w, d, l) = (&web.digest, &db.digest, &layer.digest);
    let none = Digest::of(b"none");
    let size = layer.size;
    let head_of = |it: &Descriptor| {
        format!("docker-content-digest: {}\r\ncontent-type: {}\r\n", it.digest, it.media_type)
    };
    for (case, method, target, headers, status, says) in [
        (
            "the version",
            "GET",
            "/v2/".to_owned(),
            "",
            200,
            "docker-distribution-api-version: registry/2.0".to_owned(),
        ),
        (
            "the version without a slash",
            "HEAD",
            "/v2".to_owned(),
            "",
            200,
            "content-length: 2".to_owned(),
        ),
        (
            "a manifest by digest",
            "GET",
            format!("/v2/library/db/manifests/{d}"),
            "",
            200,
            head_of(db),
        ),
        (
            "a manifest by tag",
            "GET",
            "/v2/library/db/manifests/15".to_owned(),
            "",
            200,
            head_of(db),
        ),
        ("an index", "HEAD", format!("/v2/shop/web/manifests/{w}"), "", 200, head_of(web)),
        (
            "a name with its registry",
            "HEAD",
            "/v2/ghcr.io/shop/web/manifests/1.0".to_owned(),
            "",
            200,
            head_of(fork),
        ),
        (
            "the registry by `ns`",
            "HEAD",
            "/v2/shop/web/manifests/1.0?ns=ghcr.io".to_owned(),
            "",
            200,
            head_of(fork),
        ),
        (
            "`ns` among others",
            "HEAD",
            "/v2/shop/web/manifests/1.0?a=b&ns=docker.io".to_owned(),
            "",
            200,
            head_of(web),
        ),
        (
            "a tag of one of them",
            "HEAD",
            "/v2/shop/web/manifests/1.1".to_owned(),
            "",
            200,
            head_of(fork),
        ),
        (
            "a tag of both",
            "GET",
            "/v2/shop/web/manifests/1.0".to_owned(),
            "",
            404,
            "several registries".to_owned(),
        ),
        (
            "another registry",
            "GET",
            "/v2/shop/web/manifests/1.0?ns=quay.io".to_owned(),
            "",
            404,
            "NAME_UNKNOWN".to_owned(),
        ),
        (
            "another name",
            "GET",
            format!("/v2/library/web/manifests/{w}"),
            "",
            404,
            "NAME_UNKNOWN".to_owned(),
        ),
        (
            "a manifest of another name",
            "GET",
            format!("/v2/library/db/manifests/{w}"),
            "",
            404,
            "MANIFEST_UNKNOWN".to_owned(),
        ),
        (
            "an unknown tag",
            "GET",
            "/v2/library/db/manifests/16".to_owned(),
            "",
            404,
            "MANIFEST_UNKNOWN".to_owned(),
        ),
        (
            "a manifest that is none",
            "GET",
            format!("/v2/shop/web/manifests/{l}"),
            "",
            404,
            "MANIFEST_UNKNOWN".to_owned(),
        ),
        (
            "a blob",
            "HEAD",
            format!("/v2/shop/web/blobs/{l}"),
            "",
            200,
            format!("content-length: {size}\r\n"),
        ),
        (
            "a manifest as a blob",
            "HEAD",
            format!("/v2/shop/web/blobs/{w}"),
            "",
            200,
            format!("content-length: {}\r\n", web.size),
        ),
        (
            "a blob of another name",
            "GET",
            format!("/v2/library/db/blobs/{l}"),
            "",
            404,
            "BLOB_UNKNOWN".to_owned(),
        ),
        (
            "a blob of nobody",
            "GET",
            format!("/v2/shop/web/blobs/{none}"),
            "",
            404,
            "BLOB_UNKNOWN".to_owned(),
        ),
        (
            "a blob by tag",
            "GET",
            "/v2/shop/web/blobs/1.0".to_owned(),
            "",
            400,
            "DIGEST_INVALID".to_owned(),
        ),
        (
            "a digest of another kind",
            "GET",
            "/v2/shop/web/blobs/sha512:00".to_owned(),
            "",
            400,
            "DIGEST_INVALID".to_owned(),
        ),
        (
            "a part",
            "HEAD",
            format!("/v2/shop/web/blobs/{l}"),
            "range: bytes=10-19\r\n",
            206,
            format!("content-range: bytes 10-19/{size}\r\n"),
        ),
        (
            "a part beyond the end",
            "GET",
            format!("/v2/shop/web/blobs/{l}"),
            "range: bytes=99999999-\r\n",
            416,
            format!("content-range: bytes */{size}\r\n"),
        ),
        (
            "several parts",
            "HEAD",
            format!("/v2/shop/web/blobs/{l}"),
            "range: bytes=0-1,5-6\r\n",
            200,
            format!("content-length: {size}\r\n"),
        ),
        (
            "tags",
            "GET",
            "/v2/ghcr.io/shop/web/tags/list".to_owned(),
            "",
            200,
            r#"{"name":"ghcr.io/shop/web","tags":["1.0","1.1"]}"#.to_owned(),
        ),
        ("tags of nobody", "GET", "/v2/x/tags/list".to_owned(), "", 404, "NAME_UNKNOWN".to_owned()),
        (
            "another list",
            "GET",
            "/v2/library/db/tags/all".to_owned(),
            "",
            404,
            "NAME_UNKNOWN".to_owned(),
        ),
        ("the catalog", "GET", "/v2/_catalog".to_owned(), "", 404, "NAME_UNKNOWN".to_owned()),
        ("another version", "GET", "/v1/".to_owned(), "", 404, "NAME_UNKNOWN".to_owned()),
        ("the root", "GET", "/".to_owned(), "", 404, "NAME_UNKNOWN".to_owned()),
        (
            "a climbing path",
            "GET",
            "/v2/library/db/manifests/../../../../etc/passwd".to_owned(),
            "",
            404,
            "NAME_UNKNOWN".to_owned(),
        ),
        (
            "a file as a manifest",
            "GET",
            "/v2/../../etc/manifests/passwd".to_owned(),
            "",
            404,
            "NAME_UNKNOWN".to_owned(),
        ),
        (
            "an escaped slash",
            "GET",
            "/v2/library%2fdb/manifests/15".to_owned(),
            "",
            404,
            "NAME_UNKNOWN".to_owned(),
        ),
        (
            "an empty name",
            "GET",
            "/v2//manifests/15".to_owned(),
            "",
            404,
            "NAME_UNKNOWN".to_owned(),
        ),
        ("slashes only", "GET", "/v2/////".to_owned(), "", 404, "NAME_UNKNOWN".to_owned()),
        (
            "an upload",
            "POST",
            "/v2/library/db/blobs/uploads/".to_owned(),
            "content-length: 0\r\n",
            405,
            "allow: get, head".to_owned(),
        ),
        (
            "a manifest to store",
            "PUT",
            "/v2/library/db/manifests/15".to_owned(),
            "content-length: 0\r\n",
            405,
            "UNSUPPORTED".to_owned(),
        ),
        (
            "a deletion",
            "DELETE",
            format!("/v2/library/db/manifests/{d}"),
            "",
            405,
            "UNSUPPORTED".to_owned(),
        ),
        ("a made-up method", "BREW", "/v2/".to_owned(), "", 405, "UNSUPPORTED".to_owned()),
    ] {
        let (found, head, body) = server.ask(method, &target, headers).await;
        assert_eq!(found, status, "{case}: {head}");
        let whole = format!("{head}\r\n\r\n{body}");
        for says in says.split_inclusive("\r\n") {
            assert!(whole.contains(says), "{case}: `{says}` is not in {whole}");
        }
        assert!(method != "HEAD" || body.is_empty(), "{case}");
    }
}

#[tokio::test]
async fn the_bytes_of_a_part_are_those_of_the_blob() {
    let images = Images::create();
    let server = serve(&images.bundle(&full(&[])), Limits::default()).await;
    let bytes = fs_err::read(images.layout.blob(&images.layer.digest)).unwrap();
    let repository: Repository = format!("{}/shop/web", server.address).parse().unwrap();
    let (digest, size): (Digest, _) = (images.layer.digest.parse().unwrap(), images.layer.size);
    for offset in [0, 1, 65_535, 65_536, 500_000, size - 1] {
        let client = server.client();
        let mut blob = client.blob(&repository, digest, size, offset);
        let mut found = Vec::new();
        while let Some(more) = blob.next().await.unwrap() {
            found.extend_from_slice(&more);
        }
        assert!(found == bytes[usize::try_from(offset).unwrap()..], "from {offset} on");
    }
}

#[tokio::test]
async fn a_damaged_blob_never_comes_to_its_end() {
    let images = Images::create();
    let server = serve(&images.bundle(&full(&[])), Limits::default()).await;
    server.is_damaged.store(true, Ordering::Relaxed);
    for target in [
        format!("/v2/shop/web/blobs/{}", images.layer.digest),
        format!("/v2/shop/web/manifests/{}", images.web.digest),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n");
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // It was not asked to close.
        let read = timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await;
        let _ = read.expect("the connection breaks");
        let text = String::from_utf8_lossy(&answer).to_ascii_lowercase();
        let (head, _) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let promised = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if let Some(promised) = promised {
            let came = answer.len() - head.len() - 4;
            assert!(came < promised.parse().unwrap(), "{target}: {came} of {promised}");
        }
    }
}

#[tokio::test]
async fn whoever_is_hostile_or_slow_takes_little() {
    let images = Images::create();
    let limits = Limits { connections: 2, idle: Duration::from_millis(300) };
    let server = serve(&images.bundle(&full(&[])), limits).await;
    for (case, text) in [
        ("a head without end", format!("GET /v2/ HTTP/1.1\r\nx: {}", "x".repeat(1 << 20))),
        ("headers without number", format!("GET /v2/ HTTP/1.1\r\n{}", "x: y\r\n".repeat(10_000))),
        ("a target without end", format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(1 << 20))),
        ("no HTTP at all", "\x16\x03\x01\x02\r\n\r\n".to_owned()),
        ("half a head, and then nothing", "GET /v2/ HT".to_owned()),
        ("nothing", String::new()),
        ("a request, and then nothing", "GET /v2/ HTTP/1.1\r\nhost: x\r\n\r\n".to_owned()),
        (
            "a body that never comes",
            "PUT /v2/library/db/manifests/1 HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n"
                .to_owned(),
        ),
    ] {
        let answer = server.say(&text).await;
        assert!(answer.len() < 1000, "{case}: {answer}");
    }
    // Two that ask for much and take nothing are sent away, and then others are attended to.
    let target = format!("/v2/shop/web/blobs/{}", images.layer.digest);
    let mut takers = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n").repeat(20);
        stream.write_all(request.as_bytes()).await.unwrap();
        takers.push(stream);
    }
    let (status, ..) = server.ask("GET", "/v2/", "").await;
    assert_eq!(status, 200);
    drop(takers);
}

#[tokio::test]
async fn an_end_closes_every_connection() {
    let images = Images::create();
    let mut server = serve(&images.bundle(&full(&[])), Limits::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /v2/ HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(stream.read(&mut [0; 64]).await.unwrap() > 0);
    server.end.take().unwrap().send(()).unwrap();
    let server = timeout(Duration::from_secs(30), server.server).await;
    server.expect("it ends").unwrap();
    let mut rest = Vec::new();
    let read = timeout(Duration::from_secs(30), stream.read_to_end(&mut rest)).await;
    let _ = read.expect("the connection is closed");
}

#[tokio::test]
async fn a_delta_is_not_served() {
    let images = Images::create();
    let whole = images.bundle(&full(&[]));
    let stored = whole.bundle.images.as_ref().unwrap();
    let contents = Contents::delta([], stored.set(), whole.bundle.release.id(), stored);
    let delta = images.bundle(&contents);
    let stored = delta.bundle.images.as_ref().unwrap();
    let release = delta.bundle.release.config();
    let held = HeldImages::new(&release.images, stored, Cursor::new(Bytes::new()));
    let error = Server::new(held, Limits::default(), |_| {}).err().unwrap();
    assert!(matches!(error, CatalogError::Delta { .. }), "{error}");
}
