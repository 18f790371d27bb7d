//! A real image registry: Debian's `docker-registry`, on loopback.

mod config;

use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::component;
use crate::error::{Error, Result};
use crate::image::ImageLayout;
use crate::pki::{Authority, Usage};
use crate::program;
use crate::slot::Slot;
use crate::supervisor::Supervisor;
use crate::sweep;

/// Names the registry's program and its files in the state folder.
const NAME: &str = "docker-registry";

/// How a registry is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Without encryption.
    Http,
    /// With a certificate of an authority that only [`Registry::ca`] knows.
    Https,
}

/// Who may use a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Open,
    /// Who says [`USER`] and [`PASSWORD`] (HTTP basic authentication).
    Login,
}

/// The one user of a registry with [`Access::Login`].
pub const USER: &str = config::USER;
/// The password of [`USER`].
pub const PASSWORD: &str = config::PASSWORD;

/// A running registry, empty at first.
///
/// Dropping it ends it and removes what it stored; it ends with its owner too, however that ends.
#[derive(Debug)]
pub struct Registry {
    slot: Slot,
    supervisor: Supervisor,
    transport: Transport,
    access: Access,
}

impl Registry {
    /// Starts a registry.
    ///
    /// # Errors
    ///
    /// Fails if `docker-registry` is not installed, dies or does not answer.
    pub fn start(transport: Transport, access: Access) -> Result<Self, Error> {
        let version = Command::new(NAME).arg("--version").output();
        version.map_err(|source| program::missing(NAME, source))?;
        sweep::sweep()?;
        let slot = Slot::claim()?;
        let supervisor = Supervisor::start(slot.dir())?;
        let registry = Self { slot, supervisor, transport, access };
        if transport == Transport::Https {
            let authority = Authority::create(&registry.dir().join("pki"))?;
            authority.issue("registry", Usage::Server, "registry", &[])?;
            // skopeo takes every file in the folder of its certificates for one.
            fs_err::create_dir(registry.dir().join("skopeo"))?;
            fs_err::copy(registry.dir().join("pki/ca.crt"), registry.dir().join("skopeo/ca.crt"))?;
        }
        if access == Access::Login {
            fs_err::write(registry.dir().join(config::PASSWORD_FILE), config::password_line())?;
        }
        let text = config::render(registry.dir(), registry.port(), transport, access);
        fs_err::write(registry.dir().join(config::FILE), text)?;
        registry.run()?;
        Ok(registry)
    }

    /// Kills the registry and starts it again on the same port with what it has stored.
    ///
    /// # Errors
    ///
    /// Fails if it does not come back.
    pub fn restart(&self) -> Result<(), Error> {
        self.stop()?;
        self.run()
    }

    /// Kills the registry; its port answers nobody until [`Self::restart`].
    ///
    /// # Errors
    ///
    /// Fails if it does not end.
    pub fn stop(&self) -> Result<(), Error> {
        self.supervisor.stop_component(NAME)
    }

    /// Returns host and port, as image names begin: `127.0.0.1:20010`.
    #[must_use]
    pub fn host(&self) -> String {
        format!("{}:{}", Ipv4Addr::LOCALHOST, self.port())
    }

    /// Returns the address with its scheme: `http://127.0.0.1:20010`.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = match self.transport {
            Transport::Http => "http",
            Transport::Https => "https",
        };
        format!("{scheme}://{}", self.host())
    }

    /// Returns the file with the certificate of the authority, in PEM, of a registry with
    /// [`Transport::Https`].
    #[must_use]
    pub fn ca(&self) -> Option<PathBuf> {
        (self.transport == Transport::Https).then(|| self.dir().join("pki/ca.crt"))
    }

    /// Returns what the registry logged: among other things a line for each request, with
    /// method, path and status, in the form of Apache's logs.
    ///
    /// # Errors
    ///
    /// Fails if the log cannot be read.
    pub fn log(&self) -> Result<String, Error> {
        Ok(fs_err::read_to_string(self.dir().join(format!("{NAME}.log")))?)
    }

    /// Returns the folder in which the registry stores.
    #[must_use]
    pub fn storage(&self) -> PathBuf {
        self.dir().join(config::STORAGE)
    }

    /// Pushes the image called `tag` in `layout`, with all platforms, as `REPOSITORY:TAG`; with
    /// `skopeo`, so that no code of ours is on both sides.
    ///
    /// # Errors
    ///
    /// Fails if `skopeo` is not installed or says no.
    pub fn push(&self, layout: &ImageLayout, tag: &str, repository: &str) -> Result<(), Error> {
        let source = format!("oci:{}:{tag}", layout.dir().display());
        let destination = format!("docker://{}/{repository}:{tag}", self.host());
        let mut args = self.skopeo_options(&["copy", "--all", "--preserve-digests"], "dest-");
        args.extend([source, destination]);
        skopeo(&args).map(drop)
    }

    /// Pulls `reference`, such as `team/app@sha256:…`, with all platforms into a new image layout
    /// in `dir`, with `skopeo`, which checks every digest.
    ///
    /// # Errors
    ///
    /// Fails if `skopeo` is not installed, or misses or does not believe something.
    pub fn pull(&self, reference: &str, dir: &Path) -> Result<(), Error> {
        let mut args = self.skopeo_options(&["copy", "--all", "--preserve-digests"], "src-");
        args.push(format!("docker://{}/{reference}", self.host()));
        args.push(format!("oci:{}:pulled", dir.display()));
        skopeo(&args).map(drop)
    }

    /// Pulls what `platform`, such as `linux/amd64`, has of `reference` into a new image layout in
    /// `dir`, as a node of that platform does; with `skopeo`, which checks every digest.
    ///
    /// # Errors
    ///
    /// Like [`Self::pull`].
    pub fn pull_platform(&self, reference: &str, platform: &str, dir: &Path) -> Result<(), Error> {
        let (os, architecture) = platform.split_once('/').unwrap_or((platform, ""));
        let platform = [format!("--override-os={os}"), format!("--override-arch={architecture}")];
        let mut args = self.skopeo_options(&["copy", "--preserve-digests"], "src-");
        args.splice(1..1, platform);
        args.push(format!("docker://{}/{reference}", self.host()));
        args.push(format!("oci:{}:pulled", dir.display()));
        skopeo(&args).map(drop)
    }

    /// Returns the bytes of the index or manifest that `reference` names, by `skopeo`.
    ///
    /// # Errors
    ///
    /// Fails if `skopeo` is not installed or the registry has no such image.
    pub fn inspect_raw(&self, reference: &str) -> Result<Vec<u8>, Error> {
        let mut args = self.skopeo_options(&["inspect", "--raw"], "");
        args.push(format!("docker://{}/{reference}", self.host()));
        skopeo(&args)
    }

    fn run(&self) -> Result<()> {
        self.supervisor.start_component(&component::docker_registry(NAME, &self.slot))?;
        let address = (Ipv4Addr::LOCALHOST, self.port());
        self.supervisor.wait_for(NAME, || Ok(TcpStream::connect(address).is_ok()))
    }

    fn skopeo_options(&self, command: &[&str], side: &str) -> Vec<String> {
        let mut args = vec!["--insecure-policy".to_owned()];
        args.extend(command.iter().map(|&word| word.to_owned()));
        match self.transport {
            Transport::Http => args.push(format!("--{side}tls-verify=false")),
            Transport::Https => {
                args.push(format!("--{side}cert-dir={}", self.dir().join("skopeo").display()));
            }
        }
        if self.access == Access::Login {
            args.push(format!("--{side}creds={USER}:{PASSWORD}"));
        }
        args
    }

    fn dir(&self) -> &Path {
        self.slot.dir()
    }

    fn port(&self) -> u16 {
        self.slot.api_port()
    }
}

fn skopeo(args: &[String]) -> Result<Vec<u8>> {
    let output = Command::new("skopeo").args(args).output();
    let output = output.map_err(|source| program::missing("skopeo", source))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(Error::Build {
        step: format!("run `skopeo {}`", args.join(" ")),
        output: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
