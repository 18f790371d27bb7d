//! One repetition: every tool brings the same workload through all phases, side by side.
//!
//! Within a phase the tools take turns, and who begins moves on from phase to phase and from
//! repetition to repetition, so that what slows the machine down for a while hits all of them.
//! After each command it is checked, by labels, that the cluster has what it should have.

use std::{collections::BTreeMap, path::Path, time::Duration};

use a4co_testenv::ControlPlane;
use serde::Serialize;
use tempfile::TempDir;

use crate::{
    api,
    error::{Error, Result},
    fixture::Fixture,
    machine,
    measure::{self, Usage},
    requests::{Log, Requests},
    say::say,
    tool::{Phase, Programs, Tool},
};

/// What one command took.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sample {
    #[serde(flatten)]
    pub(crate) usage: Usage,
    /// Processor time that the API server and etcd took meanwhile.
    pub(crate) server_cpu_seconds: f64,
    /// Processor time that everybody else took meanwhile: a measure of how disturbed it was.
    pub(crate) foreign_cpu_seconds: f64,
    /// Only where requests are counted, and then times are not to be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) requests: Option<Requests>,
}

/// Samples of one repetition.
pub(crate) type Samples = BTreeMap<(Phase, Tool), Sample>;

/// A control plane and what is measured on it.
pub(crate) struct Bench<'a> {
    pub(crate) cluster: &'a ControlPlane,
    pub(crate) client: &'a kube::Client,
    pub(crate) programs: &'a Programs,
    pub(crate) tools: &'a [Tool],
    /// A kubeconfig for each tool, under its own user.
    pub(crate) users: &'a BTreeMap<Tool, std::path::PathBuf>,
    /// How long to wait for a quiet machine before each command.
    pub(crate) patience: Duration,
}

impl Bench<'_> {
    /// Runs repetition `number` of a workload of `size` objects.
    pub(crate) async fn repeat(&self, size: usize, number: usize) -> Result<Samples> {
        let folder = TempDir::new()?;
        let mut tools = Vec::new();
        for tool in self.tools.iter().copied().filter(|tool| tool.takes_part(size, number)) {
            let namespace = format!("bench-{}-{size}-{number}", tool.short());
            let fixture = Fixture::new(folder.path(), &namespace, size)?;
            tool.prepare(&fixture)?;
            tools.push((tool, fixture));
        }
        let mut log = self.cluster.audit_log().map(|path| Log::new(&path));
        let mut samples = Samples::new();
        for (index, phase) in Phase::ALL.into_iter().enumerate() {
            let count = tools.len().max(1);
            tools.rotate_left(if index == 0 { number % count } else { 1 % count });
            for (tool, fixture) in &tools {
                if !tool.does(phase, size) {
                    continue;
                }
                let sample = self.measure(*tool, phase, fixture, log.as_mut()).await?;
                say(&format!(
                    "{size} objects, #{number}, {}, {}: {:.3} s",
                    phase.title(),
                    tool.title(),
                    sample.usage.wall_seconds
                ));
                samples.insert((phase, *tool), sample);
            }
        }
        for (_, fixture) in &tools {
            api::empty(self.client, &fixture.namespace).await?;
        }
        Ok(samples)
    }

    async fn measure(
        &self,
        tool: Tool,
        phase: Phase,
        fixture: &Fixture,
        mut log: Option<&mut Log>,
    ) -> Result<Sample> {
        let kubeconfig = self.users.get(&tool).map_or(Path::new(""), |path| path.as_path());
        let command = tool.command(phase, self.programs, fixture, kubeconfig)?;
        if let Some(log) = &mut log {
            log.skip()?;
        } else {
            machine::wait_until_quiet(self.patience)?;
        }
        let (busy, servers) = (machine::busy_seconds()?, self.server_seconds());
        let ran = measure::run(&command, &fixture.folder)?;
        let (busy, servers) = (machine::busy_seconds()? - busy, self.server_seconds() - servers);
        let requests = log.map(|log| log.count(tool.short())).transpose()?;
        self.check(tool, phase, fixture).await?;
        Ok(Sample {
            usage: ran.usage,
            server_cpu_seconds: servers,
            foreign_cpu_seconds: (busy - servers - ran.usage.cpu_seconds).max(0.0),
            requests,
        })
    }

    /// Checks that the tool did what it said.
    async fn check(&self, tool: Tool, phase: Phase, fixture: &Fixture) -> Result<()> {
        let expected = phase.content().versions(fixture.size);
        let found = api::versions(self.client, &fixture.namespace).await?;
        for (version, count) in expected {
            let has = found.get(&version).copied().unwrap_or_default();
            if has != count {
                return Err(Error::NotDone {
                    tool: tool.title().to_owned(),
                    phase: phase.title().to_owned(),
                    found: has,
                    expected: count,
                    version,
                });
            }
        }
        Ok(())
    }

    fn server_seconds(&self) -> f64 {
        let servers = ["kube-apiserver", "etcd"];
        let numbers = servers.into_iter().filter_map(|name| self.cluster.process_number(name));
        numbers.map(machine::process_seconds).sum()
    }
}

impl Tool {
    /// Whether the tool is in this repetition. `kubectl apply` on the client side is slow, and its
    /// time hardly varies.
    fn takes_part(self, size: usize, number: usize) -> bool {
        self != Self::KubectlClientSide || size <= 100 || (size <= 1_000 && number <= 1)
    }

    /// Whether the tool does this phase.
    fn does(self, phase: Phase, size: usize) -> bool {
        let is_short = matches!(phase, Phase::Install | Phase::Unchanged);
        self != Self::KubectlClientSide || size <= 100 || is_short
    }
}
