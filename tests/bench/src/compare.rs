//! The comparison: sizes, repetitions, and the report.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use a4co_testenv::{ControlPlane, Setup};
use clap::Args;
use tempfile::TempDir;

use crate::{
    api, budget,
    error::{Error, Result},
    machine::Machine,
    measure,
    repetition::{Bench, Samples},
    report::{Report, Size, ToolVersion},
    say::{print, say},
    table,
    tool::{Programs, Tool},
    workload::{Content, Workload},
};

/// Repetitions of workloads up to this size have to be many, because they are short.
const SMALL: usize = 1_000;

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Numbers of objects
    #[arg(long, value_delimiter = ',', default_value = "100,1000,4000")]
    sizes: Vec<usize>,
    /// Repetitions [default: 5 up to 1,000 objects, 3 above]
    #[arg(long)]
    runs: Option<usize>,
    /// Only these tools [default: all]
    #[arg(long, value_delimiter = ',')]
    tools: Vec<Tool>,
    /// Seconds to wait for a quiet machine before each command
    #[arg(long, default_value_t = 20)]
    patience: u64,
    /// Succeed even when a budget is missed
    #[arg(long)]
    no_budgets: bool,
    /// The tiny binary
    #[arg(long, default_value = "target/release/a4co-apply")]
    binary: PathBuf,
    /// Where the report goes
    #[arg(long, default_value = "target/bench/report.json")]
    report: PathBuf,
}

impl CompareArgs {
    pub(crate) async fn run(self) -> Result<()> {
        let home = TempDir::new()?;
        let programs = programs(&self.binary, home.path())?;
        let mut report = Report {
            schema: 2,
            machine: Machine::look()?,
            kubernetes: String::new(),
            tools: versions(&programs)?,
            sizes: Vec::new(),
            drift: BTreeMap::new(),
            budgets: Vec::new(),
        };
        for size in &self.sizes {
            self.measure(*size, &programs, &mut report).await?;
            report.budgets = budget::judge(&report.sizes);
            // What is measured must not be lost when a later size fails.
            self.write(&report)?;
        }
        print(&table::render(&report))?;
        say(&format!("every sample is in {}", self.report.display()));
        match budget::missed(&report.budgets).filter(|_| !self.no_budgets) {
            Some(missed) => Err(Error::other(missed)),
            None => Ok(()),
        }
    }

    fn write(&self, report: &Report) -> Result<()> {
        if let Some(folder) = self.report.parent() {
            fs_err::create_dir_all(folder)?;
        }
        Ok(fs_err::write(&self.report, serde_json::to_vec_pretty(report)?)?)
    }

    /// Measures one size on control planes of its own: one that counts requests, one that is timed.
    async fn measure(&self, size: usize, programs: &Programs, report: &mut Report) -> Result<()> {
        let runs = self.runs.unwrap_or(if size <= SMALL { 5 } else { 3 }).max(1);
        let bytes = Workload::new(size, "shop", Content::Old).bytes();
        let counted = self.repeat(size, programs, true, 0..1, report).await?;
        let timed = self.repeat(size, programs, false, 1..runs + 1, report).await?;
        let counted = counted.into_iter().next().unwrap_or_default();
        let processors = Machine::look()?.processors;
        report.sizes.push(Size::new(size, bytes, &counted, &timed, processors));
        Ok(())
    }

    async fn repeat(
        &self,
        size: usize,
        programs: &Programs,
        audit: bool,
        numbers: std::ops::Range<usize>,
        report: &mut Report,
    ) -> Result<Vec<Samples>> {
        let cluster = ControlPlane::start_with(Setup { controllers: false, audit })?;
        let client = api::connect(cluster.kubeconfig()).await?;
        report.kubernetes = api::version(&client).await?;
        let users = users(&cluster)?;
        let patience = Duration::from_secs(self.patience);
        let bench = Bench {
            cluster: &cluster,
            client: &client,
            programs,
            tools: if self.tools.is_empty() { &Tool::ALL } else { &self.tools },
            users: &users,
            patience,
        };
        report.drift = bench.warm_up().await?;
        let mut all = Vec::new();
        for number in numbers {
            all.push(bench.repeat(size, number).await?);
        }
        Ok(all)
    }
}

/// Finds the programs, building what is missing.
pub(crate) fn programs(ours: &Path, homes: &Path) -> Result<Programs> {
    for tool in Tool::ALL {
        fs_err::create_dir_all(homes.join(tool.short()))?;
    }
    let ours = std::path::absolute(ours)?;
    if !ours.exists() {
        return Err(Error::other(format!("`{}` is missing: run `make release`", ours.display())));
    }
    let kubectl = a4co_testenv::build()?.join("bin/kubectl");
    Ok(Programs { ours, helm: a4co_testenv::helm()?, kubectl, homes: homes.to_owned() })
}

/// Makes each tool a user of its own, with all rights.
pub(crate) fn users(cluster: &ControlPlane) -> Result<BTreeMap<Tool, PathBuf>> {
    let mut users = BTreeMap::new();
    for tool in Tool::ALL {
        users.insert(tool, cluster.kubeconfig_as(tool.short(), &["system:masters"])?);
    }
    Ok(users)
}

/// Asks the tools for their versions.
pub(crate) fn versions(programs: &Programs) -> Result<Vec<ToolVersion>> {
    let mut versions = Vec::new();
    for tool in Tool::ALL {
        let Some(mut command) = tool.version(programs) else { continue };
        let program = PathBuf::from(command.get_program());
        let version = first_line(&mut command)?;
        let program_bytes = fs_err::metadata(program)?.len();
        versions.push(ToolVersion { tool, version, program_bytes });
    }
    Ok(versions)
}

fn first_line(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(Error::Tool {
            command: measure::shown(command),
            status: output.status.to_string(),
            output: String::from_utf8_lossy(&output.stderr).into_owned(),
        });
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let first = text.lines().next().unwrap_or_default();
    // `Client Version: v1.36.3`, `a4co-apply 0.1.0`, `v4.3.1`
    Ok(first.split_whitespace().next_back().unwrap_or_default().to_owned())
}
