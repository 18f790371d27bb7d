//! Signed bundles with images in a folder, and the program under test.

use std::{
    collections::BTreeMap,
    io::{self, Cursor, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use a4co_bundle::{
    Attestation, BlobSource, CONFIG_SCHEMA, Contents, Image, PART_OF_LABEL, Platform, Purpose,
    Release, ReleaseConfig, Requirements, Signature, Split, Statement, Step, TrustFile,
    VerifyingKey, applyset_id, pack, pack_thick, volume_name,
};
use a4co_testenv::{Descriptor, ImageLayout, LayerFile};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder with images, and what is built of them.
pub(crate) struct Desk {
    pub(crate) layout: ImageLayout,
    folder: TempDir,
    key: SigningKey,
}

/// What the program said.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

struct Files<'a>(&'a ImageLayout);

impl BlobSource for Files<'_> {
    fn open(&mut self, step: &Step) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(fs_err::File::open(self.0.blob(&step.digest.to_string()))?))
    }
}

pub(crate) fn image(name: &str, tag: &str, root: &Descriptor) -> Image {
    let (name, tag) = (name.to_owned(), tag.to_owned());
    let digest = root.digest.parse().unwrap();
    Image { name, tag, digest, size: Some(root.size), platforms: BTreeMap::new() }
}

pub(crate) fn full(platforms: &[&str]) -> Contents {
    Contents::full(platforms.iter().map(|text| text.parse::<Platform>().unwrap()))
}

impl Desk {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let layout = ImageLayout::create(&folder.path().join("layout")).unwrap();
        let key = SigningKey::from_bytes(&[7; 32]);
        let public = VerifyingKey::from_bytes(key.verifying_key().as_bytes()).unwrap();
        let trust = TrustFile::first([public]).to_bytes().unwrap();
        fs_err::write(folder.path().join("trust.json"), trust).unwrap();
        Self { layout, folder, key }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn layer(&self, name: &str) -> Descriptor {
        self.layout.layer(&[LayerFile::text(name, name)]).unwrap()
    }

    /// An image for amd64.
    pub(crate) fn manifest(&self, platform: &str, layers: &[Descriptor]) -> Descriptor {
        self.layout.manifest(platform, layers, &["/x"]).unwrap()
    }

    /// Writes the signed bundle of a release with these images, all of them in it if there are
    /// `contents`.
    pub(crate) fn bundle(
        &self,
        name: &str,
        images: Vec<Image>,
        contents: Option<&Contents>,
    ) -> PathBuf {
        let release = release(images);
        let statement = Statement::new(&release, Vec::new(), 0).to_bytes().unwrap();
        let signed = Signature::signed_data(Purpose::Release, &statement);
        let public = VerifyingKey::from_bytes(self.key.verifying_key().as_bytes()).unwrap();
        let signature = Signature::new(Purpose::Release, public, self.key.sign(&signed).to_bytes());
        let attestation = Attestation { statement, signatures: vec![signature], trust: Vec::new() };
        let path = self.path(name);
        let out = io::BufWriter::new(fs_err::File::create(&path).unwrap());
        match contents {
            None => pack(out, &attestation, &release).map(drop).unwrap(),
            Some(contents) => {
                let mut blobs = Files(&self.layout);
                pack_thick(out, &attestation, &release, contents, &mut blobs).map(drop).unwrap();
            }
        }
        path
    }

    /// Splits a bundle into volumes of 64 KiB in a folder of their own; returns the last.
    pub(crate) fn split(&self, bundle: &Path) -> PathBuf {
        let name = bundle.file_name().unwrap().to_str().unwrap();
        let bytes = fs_err::read(bundle).unwrap();
        let mut split = Split::new(Cursor::new(&bytes), name, 64 << 10).unwrap();
        let folder = self.path("volumes");
        fs_err::create_dir(&folder).unwrap();
        let count = split.count();
        for number in 1..=count {
            let volume = split.write(number, Vec::new()).unwrap();
            fs_err::write(folder.join(volume_name(name, number, count)), volume).unwrap();
        }
        folder.join(volume_name(name, count, count))
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_a4co-apply"));
        command.args(args).env("A4CO_TRUST", self.path("trust.json")).current_dir(&self.folder);
        // No credentials of whoever runs the tests.
        command.env("HOME", self.folder.path()).env_remove("DOCKER_CONFIG");
        command.env_remove("REGISTRY_AUTH_FILE").env_remove("XDG_RUNTIME_DIR");
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.command(args).output().unwrap().into()
    }

    pub(crate) fn start(&self, args: &[&str]) -> Running {
        let mut command = self.command(args);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        Running { child }
    }
}

fn release(images: Vec<Image>) -> Release {
    let config = ReleaseConfig {
        schema: CONFIG_SCHEMA,
        app: "shop".to_owned(),
        environment: "test".to_owned(),
        version: "1.2.3".parse().unwrap(),
        namespace: "shop-test".to_owned(),
        images,
        requirements: Requirements::default(),
        readiness: Vec::new(),
        keep: Vec::new(),
        notes: Vec::new(),
    };
    let labels = json!({ PART_OF_LABEL: applyset_id("shop", "shop-test") });
    let object = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": "motd", "namespace": "shop-test", "labels": labels },
    });
    Release::new(config, vec![(0, object)]).unwrap()
}

/// A running program; it is killed when it is dropped.
pub(crate) struct Running {
    pub(crate) child: Child,
}

impl Running {
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// The most memory that it had until now, in KiB; nothing when it has ended.
    pub(crate) fn peak(&self) -> Option<u64> {
        let status = fs_err::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.trim().parse().ok()
    }

    /// Watches how much memory it takes until it has ended well.
    pub(crate) fn peak_until_end(mut self) -> u64 {
        let mut most = 0;
        while self.is_running() {
            most = most.max(self.peak().unwrap_or(0));
            thread::sleep(Duration::from_millis(2));
        }
        assert!(self.child.wait().unwrap().success());
        most
    }

    /// Asks it to end, and waits for that.
    pub(crate) fn terminate(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let code = output.status.code().unwrap_or(-1);
        let stderr = String::from_utf8(output.stderr).unwrap();
        Self { code, stdout: output.stdout, stderr }
    }
}

impl Ran {
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        let stdout = String::from_utf8_lossy(&self.stdout);
        assert_eq!(self.code, code, "stdout:\n{stdout:.4000}\nstderr:\n{}", self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn expect_told(&self, fragments: &[&str]) {
        for fragment in fragments {
            assert!(self.stderr.contains(fragment), "`{fragment}` is not in:\n{}", self.stderr);
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout).unwrap()
    }
}

/// Waits until `condition` holds.
#[track_caller]
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_mins(1), "{what} does not come");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Runs skopeo against a registry without encryption.
pub(crate) fn skopeo_copy(from: &str, to: &Path) {
    let mut skopeo = Command::new("skopeo");
    skopeo.args(["--insecure-policy", "copy", "--quiet", "--all", "--preserve-digests"]);
    skopeo.args(["--src-tls-verify=false", from, &format!("oci:{}:copied", to.display())]);
    let output = skopeo.output().unwrap();
    assert!(output.status.success(), "{from}: {}", String::from_utf8_lossy(&output.stderr));
}
