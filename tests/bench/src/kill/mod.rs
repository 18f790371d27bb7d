//! What is left when a tool is killed in the middle of an upgrade, and what the next command makes
//! of it.
//!
//! For each write of an upgrade there are two cases: killed before the API server gets it, and
//! killed after it was done but before the answer arrives. Each case has a namespace of its own in
//! which the old release is installed. All cases are killed first; then the upgrade is run again in
//! each, as a person or a pipeline would.

mod case;
mod proxy;
mod report;

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Instant,
};

use a4co_testenv::{ControlPlane, Setup};
use clap::Args;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tempfile::TempDir;
use tokio::process::Command;

use crate::{
    api, compare,
    error::{Error, Result},
    fixture::Fixture,
    machine::Machine,
    measure,
    say::{print, say},
    tool::{Phase, Programs, Tool},
};
use case::{Case, Moment, Next, Target};
use proxy::Proxy;
use report::{Report, Totals};

/// Objects of the release.
const OBJECTS: usize = 10;

/// Next commands at once: as many as there are, for they wait for leases and hardly work.
const AT_ONCE: usize = 64;

/// What the tools say when they take a killed command for one at work.
const IN_PROGRESS: [&str; 2] =
    ["another operation (install/upgrade/rollback) is in progress", "is at work here"];

#[derive(Debug, Args)]
pub(crate) struct KillArgs {
    /// The tiny binary
    #[arg(long, default_value = "target/release/a4co-apply")]
    binary: PathBuf,
    /// Where the report goes
    #[arg(long, default_value = "target/bench/kill.json")]
    report: PathBuf,
}

impl KillArgs {
    pub(crate) async fn run(self) -> Result<()> {
        let home = TempDir::new()?;
        let programs = compare::programs(&self.binary, home.path())?;
        let cluster = ControlPlane::start_with(Setup { controllers: false, audit: false })?;
        let client = api::connect(cluster.kubeconfig()).await?;
        let bench = KillBench { programs: &programs, client: &client, cluster: &cluster };
        let (mut cases, mut totals) = (Vec::new(), Vec::new());
        for tool in [Tool::Helm, Tool::Ours] {
            let (writes, killed) = bench.run(tool).await?;
            totals.push(Totals::of(tool, writes, &killed));
            cases.extend(killed);
        }
        let faults: Vec<String> = totals.iter().flat_map(Totals::faults).collect();
        let report = Report {
            schema: 2,
            machine: Machine::look()?,
            kubernetes: api::version(&client).await?,
            tools: compare::versions(&programs)?,
            objects: OBJECTS,
            totals,
            cases,
        };
        if let Some(folder) = self.report.parent() {
            fs_err::create_dir_all(folder)?;
        }
        fs_err::write(&self.report, serde_json::to_vec_pretty(&report)?)?;
        print(&report.to_markdown())?;
        say(&format!("every case is in {}", self.report.display()));
        if faults.is_empty() { Ok(()) } else { Err(Error::other(faults.join("; "))) }
    }
}

/// A control plane and what is killed on it.
struct KillBench<'a> {
    programs: &'a Programs,
    client: &'a kube::Client,
    cluster: &'a ControlPlane,
}

impl KillBench<'_> {
    /// The number of writes of an upgrade, and all cases of one tool.
    async fn run(&self, tool: Tool) -> Result<(usize, Vec<Case>)> {
        let folder = TempDir::new()?;
        let writes = self.count_writes(tool, folder.path()).await?;
        say(&format!("{}: an upgrade of {OBJECTS} objects makes {writes} writes", tool.title()));
        let mut cases = Vec::new();
        for number in 1..=writes {
            for moment in [Moment::Before, Moment::After] {
                let target = Target { number, moment };
                let namespace = format!("kill-{}-{number}-{}", tool.short(), moment.name());
                let fixture = self.install(tool, folder.path(), &namespace)?;
                let case = self.kill(tool, &fixture, target).await?;
                cases.push((fixture, case));
            }
        }
        // They wait for leases to run out more than they work.
        let repeated = stream::iter(cases).map(|(fixture, case)| self.repeat(tool, fixture, case));
        Ok((writes, repeated.buffered(AT_ONCE).try_collect().await?))
    }

    /// How many writes an upgrade makes.
    async fn count_writes(&self, tool: Tool, folder: &Path) -> Result<usize> {
        let namespace = format!("kill-{}-count", tool.short());
        let fixture = self.install(tool, folder, &namespace)?;
        let proxy = Proxy::start(self.client.clone(), &fixture.folder, None).await?;
        let mut command: Command = self.upgrade(tool, &fixture, proxy.kubeconfig())?.into();
        let output = command.output().await?;
        let after = case::mix(self.client, &fixture).await?;
        if !output.status.success() || after.new != OBJECTS {
            return Err(Error::other(format!(
                "an upgrade by {} through the proxy failed: {}",
                tool.title(),
                String::from_utf8_lossy(&output.stderr)
            )));
        }
        Ok(proxy.writes().len())
    }

    fn install(&self, tool: Tool, folder: &Path, namespace: &str) -> Result<Fixture> {
        let fixture = Fixture::new(folder, namespace, OBJECTS)?;
        tool.prepare(&fixture)?;
        let kubeconfig = self.cluster.kubeconfig();
        let command = tool.command(Phase::Install, self.programs, &fixture, kubeconfig)?;
        measure::run(&command, &fixture.folder)?;
        Ok(fixture)
    }

    fn upgrade(
        &self,
        tool: Tool,
        fixture: &Fixture,
        kubeconfig: &Path,
    ) -> Result<std::process::Command> {
        tool.command(Phase::Everything, self.programs, fixture, kubeconfig)
    }

    /// Starts an upgrade and kills it at `target`.
    async fn kill(&self, tool: Tool, fixture: &Fixture, target: Target) -> Result<Case> {
        let proxy = Proxy::start(self.client.clone(), &fixture.folder, Some(target)).await?;
        let mut command: Command = self.upgrade(tool, fixture, proxy.kubeconfig())?.into();
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.kill_on_drop(true).spawn()?;
        let killed = tokio::select! {
            _ = child.wait() => false,
            () = proxy.reached() => {
                // SIGKILL while the proxy holds the request or its answer.
                child.kill().await?;
                true
            }
        };
        let write = proxy.writes().get(target.number - 1).cloned().unwrap_or_default();
        // What the API server has got it does, whether anybody waits for the answer or not.
        proxy.idle().await;
        drop(proxy);
        let after_kill = case::mix(self.client, fixture).await?;
        Ok(Case { tool, target, killed, write, after_kill, next: None, rollback_helps: None })
    }

    /// Runs the same upgrade again, and for Helm, where that is refused, a rollback.
    async fn repeat(&self, tool: Tool, fixture: Fixture, mut case: Case) -> Result<Case> {
        let kubeconfig = self.cluster.kubeconfig();
        let start = Instant::now();
        let mut upgrade: Command = self.upgrade(tool, &fixture, kubeconfig)?.into();
        let output = upgrade.output().await?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let is_refused = IN_PROGRESS.iter().any(|words| said.contains(words));
        case.next = Some(Next {
            code: output.status.code().unwrap_or(-1),
            seconds: start.elapsed().as_secs_f64(),
            is_refused,
            said: measure::tail(&said),
            left: case::mix(self.client, &fixture).await?,
        });
        say(&format!("{}: {case}", tool.title()));
        if tool == Tool::Helm && is_refused {
            let rollback = tool.command(Phase::Rollback, self.programs, &fixture, kubeconfig)?;
            let is_done = Command::from(rollback).output().await?.status.success();
            let left = case::mix(self.client, &fixture).await?;
            case.rollback_helps = Some(is_done && left.old == OBJECTS);
        }
        Ok(case)
    }
}
