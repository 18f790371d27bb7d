//! A large bundle with images: how fast it is verified, how much memory anything takes that is done
//! with it, and what a push sends that was killed.

mod bundles;
mod meter;
mod report;

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use a4co_testenv::{Access, Registry, Scratch, Transport};
use clap::Args;

use self::{
    bundles::Bundles,
    meter::Meter,
    report::{Pair, Push, Report},
};
use crate::{
    budget,
    error::{Error, Result},
    machine::{Machine, wait_until_quiet},
    measure::{self, Usage},
    say::{print, say},
};

/// How long to wait for a quiet machine before something is timed.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(2);

/// Kill a push when this many of 8 parts of the bundle were sent.
const KILLS: [u32; 3] = [1, 3, 6];

#[derive(Debug, Args)]
pub(crate) struct ImagesArgs {
    /// Size of the images together, in MiB
    #[arg(long, default_value_t = 2_048)]
    size: u64,
    /// Repetitions
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Succeed even when a budget is missed
    #[arg(long)]
    no_budgets: bool,
    /// The tiny binary
    #[arg(long, default_value = "target/release/a4co-apply")]
    binary: PathBuf,
    /// Where the report goes
    #[arg(long, default_value = "target/bench/images.json")]
    report: PathBuf,
}

impl ImagesArgs {
    pub(crate) fn run(self) -> Result<()> {
        let binary = std::path::absolute(&self.binary)?;
        if !binary.exists() {
            let path = binary.display();
            return Err(Error::other(format!("`{path}` is missing: run `make release`")));
        }
        let scratch = Scratch::create()?;
        let folder = scratch.path();
        say(&format!("makes a bundle with {} MiB of images", self.size));
        let bundles = Bundles::make(folder, self.size << 20)?;
        let bench = Bench { binary, folder, bundles: &bundles };
        let mut report = Report::new(Machine::look()?, bundles.bytes);
        // What is not in memory yet is read from the disk by whoever comes first.
        bench.verify()?;
        for run in 1..=self.runs.max(1) {
            say(&format!("repetition {run} of {}", self.runs));
            report.is_quiet.push(wait_until_quiet(PATIENCE)?);
            report.pairs.push(Pair { verify: bench.verify()?, sha256sum: bench.sha256sum()? });
            report.push.push(bench.push()?);
            report.serve.push(bench.serve()?);
            report.join.push(bench.join()?);
        }
        for part in KILLS {
            say(&format!("kills a push at {part} of 8 parts"));
            report.killed.push(bench.killed(part)?);
        }
        if let Some(folder) = self.report.parent() {
            fs_err::create_dir_all(folder)?;
        }
        fs_err::write(&self.report, serde_json::to_vec_pretty(&report)?)?;
        print(&report.to_markdown())?;
        match budget::missed(&report.judge()).filter(|_| !self.no_budgets) {
            Some(missed) => Err(Error::other(missed)),
            None => Ok(()),
        }
    }
}

struct Bench<'a> {
    binary: PathBuf,
    folder: &'a Path,
    bundles: &'a Bundles,
}

impl Bench<'_> {
    fn verify(&self) -> Result<Usage> {
        self.measure(self.command(&["verify"]).arg(&self.bundles.first))
    }

    fn sha256sum(&self) -> Result<Usage> {
        self.measure(Command::new("sha256sum").arg(&self.bundles.first))
    }

    fn join(&self) -> Result<Usage> {
        let joined = self.folder.join("joined.tar.gz");
        let mut command = self.command(&["images", "join"]);
        command.arg(&self.bundles.delta).arg("--base").arg(&self.bundles.first);
        let usage = self.measure(command.arg("--out").arg(&joined))?;
        fs_err::remove_file(joined)?;
        Ok(usage)
    }

    /// Pushes to an empty registry, and again.
    fn push(&self) -> Result<Push> {
        let registry = Registry::start(Transport::Http, Access::Open)?;
        let first = self.measure(&mut self.push_to(&registry.host()))?;
        let meter = Meter::before(&registry.host())?;
        let again = self.measure(&mut self.push_to(&meter.host()))?;
        Ok(Push { first, again, again_sent: meter.sent() })
    }

    /// Serves what skopeo copies, all of it; tells how long that took, and of the server the memory.
    fn serve(&self) -> Result<Usage> {
        let mut command = self.command(&["images", "serve"]);
        command.arg(&self.bundles.first).args(["--listen", "127.0.0.1:0"]);
        let mut server = Server(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?);
        let stdout = server.0.stdout.take().ok_or_else(|| Error::other("no standard output"))?;
        let mut url = String::new();
        BufReader::new(stdout).read_line(&mut url)?;
        let host = url.trim().trim_start_matches("http://");
        let copy = self.folder.join("copy");
        let script: Vec<_> = self
            .bundles
            .references
            .iter()
            .map(|reference| {
                format!(
                    "skopeo --insecure-policy copy --all --preserve-digests --src-tls-verify=false \
                     docker://{host}/{reference} oci:{}:copied",
                    copy.display()
                )
            })
            .collect();
        let usage = self.measure(Command::new("/bin/sh").args(["-euc", &script.join("\n")]))?;
        fs_err::remove_dir_all(copy)?;
        Ok(Usage { peak_bytes: server.peak()?, ..usage })
    }

    /// Kills a push once `part` of 8 parts of the bundle were sent, and pushes again; tells how much
    /// was sent in all.
    fn killed(&self, part: u32) -> Result<report::Killed> {
        let registry = Registry::start(Transport::Http, Access::Open)?;
        let meter = Meter::before(&registry.host())?;
        let mut command = self.push_to(&meter.host());
        let mut push = Server(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
        while meter.sent() < self.bundles.bytes / 8 * u64::from(part) {
            if let Some(status) = push.0.try_wait()? {
                return Err(Error::other(format!("the push ended too early: {status}")));
            }
            thread::sleep(POLL);
        }
        drop(push);
        let before = finished(&registry)?.len();
        self.measure(&mut self.push_to(&meter.host()))?;
        let mut blobs = finished(&registry)?;
        let all = blobs.len();
        blobs.sort_unstable();
        blobs.dedup();
        let twice = u32::try_from(all - blobs.len()).unwrap_or(u32::MAX);
        Ok(report::Killed { part, finished: before, sent: meter.sent(), twice })
    }

    fn push_to(&self, host: &str) -> Command {
        let mut command = self.command(&["images", "push"]);
        command.arg(&self.bundles.first).args([host, "--insecure"]);
        command
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(args).env("A4CO_TRUST", &self.bundles.trust).env("HOME", self.folder);
        for name in ["DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR"] {
            command.env_remove(name);
        }
        command
    }

    fn measure(&self, command: &mut Command) -> Result<Usage> {
        Ok(measure::run(command, self.folder)?.usage)
    }
}

/// A process that is killed when nobody needs it any more.
struct Server(Child);

impl Server {
    /// The most memory that was resident at once, so far.
    fn peak(&self) -> Result<u64> {
        let status = fs_err::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
        let kibibytes = kibibytes.ok_or_else(|| Error::other("no VmHWM in the status"))?;
        Ok(kibibytes * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Digests of the blobs that a registry was given in whole, as often as it was.
fn finished(registry: &Registry) -> Result<Vec<String>> {
    let log = registry.log()?;
    let finished = log.lines().filter_map(|line| {
        let (_, request) = line.split_once("\"PUT /v2/")?;
        let (request, answer) = request.split_once("\" ")?;
        let (_, digest) = request.split_once("digest=")?;
        let digest = digest.split(['&', ' ']).next()?;
        answer.starts_with("201").then(|| digest.to_owned())
    });
    Ok(finished.collect())
}
