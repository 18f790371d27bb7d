//! Steps of the Go toolchain.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::assets::sources::{KUBERNETES, Upstream};
use crate::error::{Error, Result};
use crate::program;
use crate::text::tail;

/// Builds a program of the Go module in `module` and writes it to `target`.
pub(crate) fn build(module: &Path, name: &str, target: &Path) -> Result<()> {
    let step = format!("build {name}");
    let mut command = program::go();
    command.current_dir(module).args(["build", "-trimpath", "-buildvcs=false", "-ldflags"]);
    command.arg(linker_flags()).arg("-o").arg(target).arg(format!("./cmd/{name}"));
    run(&step, &mut command).map(drop)
}

/// Installs a published program into the folder `bin`. `definitions` are the `-X` flags of the
/// linker that say the version.
pub(crate) fn install(upstream: &Upstream, definitions: &str, bin: &Path) -> Result<()> {
    download(upstream)?;
    let mut command = program::go();
    command.current_dir(bin).env("GOBIN", bin).env("GOFLAGS", "");
    let flags = format!("-ldflags=-s -w {definitions}");
    command.args(["install", "-trimpath", flags.trim_end(), upstream.path]);
    run(&format!("install {}", upstream.module), &mut command).map(drop)
}

/// Downloads a published module, compares its sum and returns its folder.
pub(crate) fn download(upstream: &Upstream) -> Result<PathBuf> {
    let step = format!("download {}", upstream.module);
    let mut command = program::go();
    command.current_dir(std::env::temp_dir()).args(["mod", "download", "-json", upstream.module]);
    let text = run(&step, &mut command)?;
    let answer: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let field = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    if field("Sum") != upstream.sum {
        return Err(Error::ModuleSum {
            module: upstream.module.to_owned(),
            expected: upstream.sum.to_owned(),
            actual: field("Sum"),
        });
    }
    Ok(PathBuf::from(field("Dir")))
}

fn linker_flags() -> String {
    let mut parts = KUBERNETES.trim_start_matches('v').split('.');
    let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let version = "k8s.io/component-base/version";
    format!(
        "-s -w -X {version}.gitVersion={KUBERNETES} -X {version}.gitMajor={major} \
         -X {version}.gitMinor={minor}"
    )
}

fn run(step: &str, command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output().map_err(|source| program::missing("go", source))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let printed = [output.stderr, output.stdout].concat();
    Err(Error::Build { step: step.to_owned(), output: tail(&String::from_utf8_lossy(&printed)) })
}
