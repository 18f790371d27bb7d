//! One repetition: every tool brings the same workload through all phases, side by side.
//!
//! Within a phase the tools take turns, and who begins moves on from phase to phase and from
//! repetition to repetition, so that what slows the machine down for a while hits all of them.
//! After each command it is checked, by labels, that the cluster has what it should have.

use std::{collections::BTreeMap, path::Path, time::Duration};

use a4co_testenv::ControlPlane;
use serde::Serialize;
use serde_json::json;
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
    workload::Kind,
};

/// Objects of the workload that warms everything up.
const WARMING: usize = 100;

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
    /// Whether the machine was quiet before.
    pub(crate) is_quiet: bool,
    /// Only where requests are counted, and then times are not to be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) requests: Option<Requests>,
}

/// What a tool makes of a change by hand to an object whose release has not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Drift {
    /// The object is as the release has it.
    SetBack,
    /// It stays as it is, and nobody is told.
    Left,
    /// It stays as it is, and the command fails.
    Refused,
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
    /// Lets every tool install and upgrade once, without a clock: the first one to come would
    /// otherwise fill caches for all. Returns what each does about a change made by hand.
    pub(crate) async fn warm_up(&self) -> Result<BTreeMap<Tool, Drift>> {
        let folder = TempDir::new()?;
        let mut drifts = BTreeMap::new();
        for tool in self.tools.iter().copied() {
            let namespace = format!("bench-{}-warm", tool.short());
            let fixture = Fixture::new(folder.path(), &namespace, WARMING)?;
            tool.prepare(&fixture)?;
            for phase in [Phase::Install, Phase::Unchanged] {
                let command = tool.command(phase, self.programs, &fixture, self.user(tool))?;
                measure::run(&command, &fixture.folder)?;
            }
            drifts.insert(tool, self.drift(tool, &fixture).await?);
            api::empty(self.client, &namespace).await?;
        }
        Ok(drifts)
    }

    /// Changes an object by hand, and tells what the same upgrade makes of it.
    async fn drift(&self, tool: Tool, fixture: &Fixture) -> Result<Drift> {
        let phase = Phase::Unchanged;
        let items = fixture.workload(phase.content()).items;
        let Some(item) = items.iter().find(|item| item.kind == Kind::ConfigMap) else {
            return Ok(Drift::Left);
        };
        let path = item.path(&fixture.namespace);
        let wanted = &item.manifest["data"];
        let keys = wanted.as_object().into_iter().flatten().map(|(key, _)| key);
        let damaged: BTreeMap<&String, &str> = keys.map(|key| (key, "by hand")).collect();
        api::merge(self.client, &path, &json!({ "data": damaged })).await?;
        let command = tool.command(phase, self.programs, fixture, self.user(tool))?;
        let ended = measure::run(&command, &fixture.folder);
        let found = api::get(self.client, &path).await?;
        Ok(match ended {
            _ if found["data"] == *wanted => Drift::SetBack,
            Ok(_) => Drift::Left,
            Err(Error::Tool { .. }) => Drift::Refused,
            Err(error) => return Err(error),
        })
    }

    fn user(&self, tool: Tool) -> &Path {
        self.users.get(&tool).map_or(Path::new(""), |path| path.as_path())
    }

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
        let command = tool.command(phase, self.programs, fixture, self.user(tool))?;
        let is_quiet = match &mut log {
            Some(log) => {
                log.skip()?;
                false
            }
            None => machine::wait_until_quiet(self.patience)?,
        };
        let (busy, servers) = (machine::busy_seconds()?, self.server_seconds());
        let ran = measure::run(&command, &fixture.folder)?;
        let (busy, servers) = (machine::busy_seconds()? - busy, self.server_seconds() - servers);
        let requests = log.map(|log| log.count(tool.short())).transpose()?;
        self.check(tool, phase, fixture).await?;
        Ok(Sample {
            usage: ran.usage,
            server_cpu_seconds: servers,
            foreign_cpu_seconds: (busy - servers - ran.usage.cpu_seconds).max(0.0),
            is_quiet,
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
