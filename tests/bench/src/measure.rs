//! Runs a command and tells what it took.
//!
//! The kernel adds up what the ended children of a process have used (`getrusage(2)`), so each
//! command gets a parent of its own: this program again, which is small. That matters for memory: a
//! command starts as a copy of its parent, and its peak is at least what its parent had.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike as _,
};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What a command took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Usage {
    /// From start to end.
    pub(crate) wall_seconds: f64,
    /// Time on processors, in user code and in the kernel.
    pub(crate) cpu_seconds: f64,
    /// Most memory that was resident at once.
    pub(crate) peak_bytes: u64,
}

/// What the parent of a measured command hands back.
#[derive(Serialize, Deserialize)]
struct Ended {
    code: i32,
    usage: Usage,
}

/// A command that has ended, as it was asked to.
pub(crate) struct Ran {
    pub(crate) usage: Usage,
}

/// Runs a command with this program as its parent. One that fails is an error.
pub(crate) fn run(command: &Command, folder: &Path) -> Result<Ran> {
    let (result, log) = (folder.join("usage.json"), folder.join("output.log"));
    let file = fs_err::File::create(&log)?.into_file();
    let mut parent = Command::new(std::env::current_exe()?);
    parent.arg("measure").arg(&result).arg("--").arg(command.get_program());
    parent.args(command.get_args()).current_dir(folder);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => parent.env(name, value),
            None => parent.env_remove(name),
        };
    }
    let status = parent.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).status()?;
    let failed = |status: String| -> Result<Ran> {
        let output = fs_err::read_to_string(&log).unwrap_or_default();
        Err(Error::Tool { command: shown(command), status, output: tail(&output) })
    };
    if !status.success() {
        return failed(status.to_string());
    }
    let ended: Ended = serde_json::from_slice(&fs_err::read(&result)?)?;
    if ended.code != 0 {
        failed(format!("code {}", ended.code))
    } else {
        Ok(Ran { usage: ended.usage })
    }
}

/// Is the parent of a command: runs it and writes what it took to `result`.
pub(crate) fn be_parent(result: &Path, program: &str, args: &[String]) -> Result<()> {
    let start = Instant::now();
    let status = Command::new(program).args(args).status()?;
    let wall_seconds = start.elapsed().as_secs_f64();
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(std::io::Error::from)?;
    let cpu = used.user_time().num_microseconds() + used.system_time().num_microseconds();
    let usage = Usage {
        wall_seconds,
        cpu_seconds: seconds(cpu),
        peak_bytes: u64::try_from(used.max_rss()).unwrap_or_default() * 1024,
    };
    let ended = Ended { code: status.code().unwrap_or(-1), usage };
    Ok(fs_err::write(result, serde_json::to_vec(&ended)?)?)
}

#[expect(clippy::cast_precision_loss, reason = "no command runs for years")]
fn seconds(microseconds: i64) -> f64 {
    microseconds as f64 / 1e6
}

/// The command line, for people.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// The last lines of what a command printed.
pub(crate) fn tail(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
