//! `a4co check`

use std::{collections::BTreeMap, process::ExitCode};

use a4co_compiler::{Compiled, Demand, Finding, Findings};
use serde::Serialize;

use crate::{arguments::Format, failure::Failure, output, workspace::Workspace};

/// Check environments and lockfiles, and show what they come to
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArguments {
    /// Environment to show [default: all]
    environment: Option<String>,
}

/// The result as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    environments: Vec<Summary>,
    findings: Vec<Found>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    environment: String,
    app: String,
    version: String,
    namespace: String,
    release: String,
    objects: BTreeMap<String, usize>,
    images: Vec<String>,
    least: Amount,
    most: Amount,
    /// Storage in bytes, counted once for all copies of the same data.
    data_bytes: u64,
    /// What it may take, in words.
    budget: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Amount {
    pods: u32,
    cpu_millicores: u64,
    memory_bytes: u64,
    claims: u32,
    storage_bytes: u64,
}

#[derive(Serialize)]
struct Found {
    file: String,
    line: usize,
    column: usize,
    message: String,
    help: Option<String>,
}

impl CheckArguments {
    pub(crate) fn run(self, workspace: &Workspace, format: Format) -> Result<ExitCode, Failure> {
        match workspace.compile(self.environment.as_deref()) {
            Ok(compiled) if format == Format::Json => {
                let environments = compiled.iter().map(summary).collect();
                output::print_json("check", &Report { environments, findings: Vec::new() })?;
            }
            Ok(compiled) => {
                let texts: Vec<_> = compiled.iter().map(text).collect();
                output::print(&texts.join("\n"))?;
            }
            Err(Failure::Findings(findings)) if format == Format::Json => {
                output::print_json("check", &report(&findings))?;
                return Ok(ExitCode::from(1));
            }
            Err(failure) => return Err(failure),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn report(findings: &Findings) -> Report {
    let found = |finding: &Finding| {
        let (line, column) = finding.line_and_column();
        let (file, message) = (finding.file().to_owned(), finding.problem().to_string());
        Found { file, line, column, message, help: finding.help() }
    };
    Report { environments: Vec::new(), findings: findings.iter().map(found).collect() }
}

fn summary(compiled: &Compiled) -> Summary {
    let config = compiled.release.config();
    let amount = |demand: &Demand| Amount {
        pods: demand.pods,
        cpu_millicores: demand.cpu.millicores(),
        memory_bytes: demand.memory.bytes(),
        claims: demand.claims,
        storage_bytes: demand.storage.bytes(),
    };
    Summary {
        environment: compiled.environment.clone(),
        app: config.app.clone(),
        version: config.version.to_string(),
        namespace: config.namespace.clone(),
        release: compiled.release.id().to_string(),
        objects: count(compiled),
        images: images(compiled),
        least: amount(&compiled.totals.least),
        most: amount(&compiled.totals.most),
        data_bytes: compiled.totals.data.bytes(),
        budget: compiled.budget.clone(),
    }
}

fn text(compiled: &Compiled) -> String {
    let summary = summary(compiled);
    let kinds: Vec<_> = summary.objects.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    let Summary { environment, app, version, namespace, release, images, .. } = &summary;
    let mut lines = vec![
        format!("{environment}: {app} {version} in namespace {namespace}"),
        format!("  release  {release}"),
        format!("  objects  {}", compiled.release.objects().len()),
    ];
    lines.extend(kinds.chunks(5).map(|some| format!("           {}", some.join(", "))));
    lines.push(format!("  least    {}", compiled.totals.least));
    lines.push(format!("  most     {}", compiled.totals.most));
    if let Some(budget) = &compiled.budget {
        lines.push(format!("  budget   {budget}"));
    }
    if compiled.totals.data.bytes() > 0 {
        lines.push(format!("  data     {}, each copied to its replicas", compiled.totals.data));
    }
    lines.extend(images.iter().map(|image| format!("  image    {image}")));
    lines.join("\n") + "\n"
}

fn count(compiled: &Compiled) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for object in compiled.release.objects() {
        *kinds.entry(object.reference().kind.clone()).or_default() += 1;
    }
    kinds
}

fn images(compiled: &Compiled) -> Vec<String> {
    let images = compiled.release.config().images.iter();
    images.map(|image| format!("{}:{}@{}", image.name, image.tag, image.digest)).collect()
}
