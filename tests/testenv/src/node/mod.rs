//! A real container runtime: containerd, asked as a kubelet asks it.

mod config;
mod pod;

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::assets::NodeAssets;
use crate::component::Component;
use crate::error::{Error, Result};
use crate::image::{ImageLayout, LayerFile};
use crate::program;
use crate::progress;
use crate::slot::Slot;
use crate::supervisor::Supervisor;
use crate::sweep;

/// Names the program and its files in the state folder.
const NAME: &str = "containerd";
const DEADLINE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(50);

/// What a node can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Nothing but itself: a network namespace with a loopback device.
    Isolated,
    /// What the machine reaches, such as a [`Registry`](crate::Registry) of the same test.
    Machine,
}

/// A running containerd with its own state, in namespaces of its own, that has no image but the one
/// for sandboxes.
///
/// Its processes, containers, mounts and control groups end with it, and it with its owner, however
/// that ends: it is the first process of a process namespace.
#[derive(Debug)]
pub struct Containerd {
    slot: Slot,
    supervisor: Supervisor,
    assets: NodeAssets,
}

impl Containerd {
    /// Starts a containerd, building it first if need be; or says that it was skipped and returns
    /// `None` to who is not root, or is it only inside a container.
    ///
    /// # Errors
    ///
    /// Fails if the Go toolchain, `runc` or `unshare` is missing, or containerd does not answer.
    pub fn start(network: Network) -> Result<Option<Self>, Error> {
        if !may_make_namespaces()? {
            progress::say("skipped: containers need root, and the right to make namespaces");
            return Ok(None);
        }
        let version = Command::new("runc").arg("--version").output();
        version.map_err(|source| program::missing("runc", source))?;
        let assets = NodeAssets::prepare()?;
        sweep::sweep()?;
        let slot = Slot::claim()?;
        fs_err::write(slot.dir().join("clean.sh"), config::clean_script(&slot))?;
        fs_err::write(slot.dir().join("containerd.toml"), config::render(&slot))?;
        fs_err::write(slot.dir().join("crictl.yaml"), config::crictl(&slot))?;
        for folder in ["certs.d", "logs"] {
            fs_err::create_dir(slot.dir().join(folder))?;
        }
        let supervisor = Supervisor::start(slot.dir())?;
        let node = Self { slot, supervisor, assets };
        node.supervisor.start_component(&node.component(network))?;
        node.supervisor.wait_for(NAME, || Ok(node.crictl(&["info"]).is_ok()))?;
        node.import_sandbox_image()?;
        Ok(Some(node))
    }

    /// Runs `ctr`, as on the node, in the namespace of Kubernetes, and returns what it printed.
    ///
    /// # Errors
    ///
    /// Fails if `ctr` does.
    pub fn ctr(&self, args: &[&str]) -> Result<String, Error> {
        let mut command = Command::new(&self.assets.ctr);
        command.arg("--address").arg(config::socket(&self.slot)).args(["--namespace", "k8s.io"]);
        run(command.args(args))
    }

    /// Imports an archive as k3s and RKE2 import what lies in their image folders.
    ///
    /// # Errors
    ///
    /// Fails if they would report an error.
    pub fn import_as_k3s(&self, archive: &Path) -> Result<(), Error> {
        let mut command = Command::new(&self.assets.k3s_import);
        run(command.arg(config::socket(&self.slot)).arg(archive)).map(drop)
    }

    /// Runs `crictl`, which says to containerd what a kubelet says, and returns what it printed.
    ///
    /// # Errors
    ///
    /// Fails if `crictl` does.
    pub fn crictl(&self, args: &[&str]) -> Result<String, Error> {
        let mut command = Command::new(&self.assets.crictl);
        run(command.arg("--config").arg(self.dir().join("crictl.yaml")).args(args))
    }

    /// Returns what the runtime tells a kubelet about an image, which may come a moment after its
    /// import.
    ///
    /// # Errors
    ///
    /// Fails if it has no such image within a minute.
    pub fn image(&self, reference: &str) -> Result<Value, Error> {
        let start = Instant::now();
        loop {
            match self.crictl(&["inspecti", "--output", "json", reference]) {
                Ok(text) => return Ok(parse(&text)["status"].take()),
                Err(error) if start.elapsed() > DEADLINE => return Err(error),
                Err(_) => thread::sleep(POLL),
            }
        }
    }

    /// Runs a pod with one container to its end, without pulling anything, and returns what the
    /// container printed.
    ///
    /// # Errors
    ///
    /// Fails if the runtime does not have the image, or the container does not end.
    pub fn run_pod(&self, image: &str, args: &[&str]) -> Result<String, Error> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("pod-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let sandbox_file = self.dir().join(format!("{name}.json"));
        let container_file = self.dir().join(format!("{name}-container.json"));
        fs_err::write(&sandbox_file, pod::sandbox(&self.slot, &name).to_string())?;
        fs_err::write(&container_file, pod::container(&name, image, args).to_string())?;
        let (sandbox_file, container_file) =
            (sandbox_file.display().to_string(), container_file.display().to_string());
        let sandbox = self.crictl(&["runp", &sandbox_file])?;
        let create = ["create", "--no-pull", sandbox.trim(), &container_file, &sandbox_file];
        let container = self.crictl(&create)?;
        self.crictl(&["start", container.trim()])?;
        self.wait_for_end(container.trim())?;
        let log = fs_err::read_to_string(pod::log_file(&self.slot, &name))?;
        self.crictl(&["rmp", "--force", sandbox.trim()])?;
        Ok(pod::output(&log))
    }

    /// Returns the address at which a kubelet or `crictl` finds the runtime.
    #[must_use]
    pub fn endpoint(&self) -> String {
        config::endpoint(&self.slot)
    }

    /// Returns the folder of `ctr` and `crictl`.
    #[must_use]
    pub fn programs(&self) -> &Path {
        &self.assets.bin
    }

    /// Returns the folder of registry configuration, `/etc/containerd/certs.d` on a real node.
    #[must_use]
    pub fn registry_config(&self) -> PathBuf {
        self.dir().join("certs.d")
    }

    /// Returns a program for images, which needs nothing else in them: it prints its arguments, or
    /// without any waits until it is told to end.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read.
    pub fn hello(&self) -> Result<Vec<u8>, Error> {
        Ok(fs_err::read(&self.assets.hello)?)
    }

    fn component(&self, network: Network) -> Component {
        let namespaces: &[&str] = match network {
            Network::Isolated => &["--net"],
            Network::Machine => &[],
        };
        let mut args: Vec<_> = namespaces.iter().map(|&it| it.to_owned()).collect();
        args.extend(config::UNSHARE.map(str::to_owned));
        args.extend(["sh", "-c", config::LAUNCH, NAME].map(str::to_owned));
        args.extend(
            [&self.assets.bin, &self.dir().join("containerd.toml")]
                .map(|path| path.display().to_string()),
        );
        Component::new(NAME, "unshare".into(), args)
    }

    /// A site's nodes have that image since their kubelet was installed.
    fn import_sandbox_image(&self) -> Result<()> {
        let layout = ImageLayout::create(&self.dir().join("sandbox"))?;
        let layer = layout.layer(&[LayerFile::program("hello", self.hello()?)])?;
        let image = layout.manifest(pod::PLATFORM, &[layer], &["/hello"])?;
        layout.tag(config::SANDBOX_IMAGE, &image)?;
        let archive = self.dir().join("sandbox.tar");
        let mut builder = tar::Builder::new(fs_err::File::create(&archive)?);
        builder.append_dir_all("", layout.dir())?;
        builder.finish()?;
        self.ctr(&["images", "import", &archive.display().to_string()])?;
        self.image(config::SANDBOX_IMAGE).map(drop)
    }

    fn wait_for_end(&self, container: &str) -> Result<()> {
        let start = Instant::now();
        loop {
            let status = parse(&self.crictl(&["inspect", "--output", "json", container])?);
            if status["status"]["state"] == "CONTAINER_EXITED" {
                return Ok(());
            }
            if start.elapsed() > DEADLINE {
                let what = format!("has a container that does not end: {}", status["status"]);
                return Err(Error::Component { component: NAME, what, log: String::new() });
            }
            thread::sleep(POLL);
        }
    }

    fn dir(&self) -> &Path {
        self.slot.dir()
    }
}

/// Root inside a container often may not.
fn may_make_namespaces() -> Result<bool> {
    if fs_err::metadata("/proc/self")?.uid() != 0 {
        return Ok(false);
    }
    let output = Command::new("unshare").arg("--net").args(config::UNSHARE).arg("true").output();
    let output = output.map_err(|source| program::missing("unshare", source))?;
    Ok(output.status.success())
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(Error::Node {
        command: format!("{command:?}"),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// An answer that is no JSON has none of the members that are asked for next.
fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}
