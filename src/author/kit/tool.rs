//! A build of `a4co-apply` for one platform of the site.

use std::{
    env,
    io::{self, Read as _},
    path::{self, Path, PathBuf},
    process::{Command, Stdio},
    str::FromStr,
    thread,
    time::{Duration, Instant},
};

use fs_err as fs;
use thiserror::Error;

/// Machine of an ELF header (System V ABI, `e_machine`) for each architecture as OCI names it.
const MACHINES: [(&str, u16); 6] =
    [("386", 3), ("amd64", 62), ("arm", 40), ("arm64", 183), ("ppc64le", 21), ("riscv64", 243)];

/// Most bytes that are read of what a program says.
const MAX_WORDS: u64 = 4096;
/// How long to wait before looking again whether a program has ended.
const PAUSE: Duration = Duration::from_millis(20);

/// A program and the platform that it is for, written `linux/arm64=PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tool {
    architecture: &'static str,
    machine: u16,
    path: PathBuf,
}

/// Why a program cannot travel.
#[derive(Debug, Error)]
pub(crate) enum ToolError {
    #[error("`{text}` is not PLATFORM=PATH, such as `linux/arm64=target/release/a4co-apply`")]
    Form { text: String },
    #[error("no site runs `{platform}`; there are {}", known())]
    Platform { platform: String },
    #[error("`{}` is not a program for linux/{architecture}: {found}", path.display())]
    Machine { path: PathBuf, architecture: &'static str, found: String },
    #[error("two programs are for linux/{architecture}; which one is meant?")]
    Twice { architecture: &'static str },
    #[error("`{}` cannot be run here; make it executable: chmod +x {0}", path.display())]
    NotRun { path: PathBuf, source: io::Error },
    #[error("`{}` cannot verify this bundle, so the site could not either; it says: {says}", path.display())]
    Refuses { path: PathBuf, says: String },
    #[error("`{}` was still verifying the bundle after {} s, and was stopped", path.display(), deadline.as_secs())]
    TooSlow { path: PathBuf, deadline: Duration },
}

impl Tool {
    /// Returns the name that the program has in a kit.
    pub(crate) fn file_name(&self) -> String {
        format!("a4co-apply-linux-{}", self.architecture)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that no two are for one platform.
    pub(crate) fn check_different(tools: &[Self]) -> Result<(), ToolError> {
        let twice = tools.iter().enumerate().find(|(index, tool)| {
            tools[..*index].iter().any(|other| other.architecture == tool.architecture)
        });
        match twice {
            Some((_, Self { architecture, .. })) => Err(ToolError::Twice { architecture }),
            None => Ok(()),
        }
    }

    /// Lets the program verify the bundle, if this machine is one that it is for: whether it knows
    /// this form of bundle, nothing else tells.
    pub(crate) fn try_out(
        &self,
        bundle: &Path,
        trust: &Path,
        deadline: Duration,
    ) -> Result<(), ToolError> {
        if self.architecture != here() {
            return Ok(());
        }
        let path = self.path.clone();
        let not_run = |source| ToolError::NotRun { path: path.clone(), source };
        // A name without a slash is looked up elsewhere.
        let mut command = Command::new(path::absolute(&self.path).map_err(not_run)?);
        command.arg("verify").arg(bundle).arg("--trust").arg(trust);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(not_run)?;
        let stderr = child.stderr.take();
        let words = thread::spawn(move || {
            let mut words = Vec::new();
            if let Some(stderr) = stderr {
                let _ = stderr.take(MAX_WORDS).read_to_end(&mut words);
            }
            words
        });
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().map_err(not_run)? {
                break status;
            }
            if begin.elapsed() >= deadline {
                child.kill().and_then(|()| child.wait()).map_err(not_run)?;
                return Err(ToolError::TooSlow { path, deadline });
            }
            thread::sleep(PAUSE);
        };
        if status.success() {
            return Ok(());
        }
        let words = words.join().unwrap_or_default();
        let words = String::from_utf8_lossy(&words);
        let safe = |it: char| if it.is_control() { ' ' } else { it };
        let words: String = words.chars().map(safe).collect();
        let says = match words.trim() {
            "" => format!("nothing ({status})"),
            words => words.to_owned(),
        };
        Err(ToolError::Refuses { path, says })
    }

    /// Checks that the program is one for its platform: at the site it would be too late.
    pub(crate) fn check(&self) -> Result<(), crate::failure::Failure> {
        let mut header = Vec::new();
        fs::File::open(&self.path)?.take(20).read_to_end(&mut header)?;
        let found = match header.as_slice() {
            [0x7f, b'E', b'L', b'F', _, 1, .., low, high] if header.len() == 20 => {
                match u16::from_le_bytes([*low, *high]) {
                    machine if machine == self.machine => return Ok(()),
                    machine => describe(machine),
                }
            }
            _ => "it is no little-endian ELF file".to_owned(),
        };
        let (path, architecture) = (self.path.clone(), self.architecture);
        Err(ToolError::Machine { path, architecture, found }.into())
    }
}

impl FromStr for Tool {
    type Err = ToolError;

    fn from_str(text: &str) -> Result<Self, ToolError> {
        let form = || ToolError::Form { text: text.to_owned() };
        let (platform, path) =
            text.split_once('=').filter(|(_, path)| !path.is_empty()).ok_or_else(form)?;
        let known =
            MACHINES.into_iter().find(|(name, _)| platform.strip_prefix("linux/") == Some(name));
        let unknown = || ToolError::Platform { platform: platform.to_owned() };
        let (architecture, machine) = known.ok_or_else(unknown)?;
        Ok(Self { architecture, machine, path: path.into() })
    }
}

/// Returns the architecture of this machine, as OCI names it.
fn here() -> &'static str {
    match env::consts::ARCH {
        "x86" => "386",
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn describe(machine: u16) -> String {
    match MACHINES.into_iter().find(|(_, known)| *known == machine) {
        Some((architecture, _)) => format!("it is for linux/{architecture}"),
        None => format!("it is for machine {machine} (ELF)"),
    }
}

fn known() -> String {
    MACHINES.map(|(name, _)| format!("linux/{name}")).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elf(machine: u16) -> Vec<u8> {
        let mut header = vec![0; 64];
        header[..6].copy_from_slice(b"\x7fELF\x02\x01");
        header[18..20].copy_from_slice(&machine.to_le_bytes());
        header
    }

    #[test]
    fn a_tool_is_a_platform_and_a_path() {
        for (text, expected) in [
            ("linux/arm64=a/b=c", Ok(("a4co-apply-linux-arm64", "a/b=c"))),
            ("linux/amd64", Err("is not PLATFORM=PATH")),
            ("linux/amd64=", Err("is not PLATFORM=PATH")),
            ("windows/amd64=x", Err("no site runs `windows/amd64`; there are linux/386")),
            ("linux/sparc=x", Err("no site runs `linux/sparc`")),
        ] {
            match (text.parse::<Tool>(), expected) {
                (Ok(tool), Ok((name, path))) => {
                    assert_eq!((tool.file_name().as_str(), tool.path()), (name, Path::new(path)));
                }
                (Err(error), Err(says)) => assert!(error.to_string().contains(says), "{error}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_program_for_another_machine_stays_at_home() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tool");
        for (case, bytes, says) in [
            ("the right one", elf(183), None),
            ("another architecture", elf(62), Some("it is for linux/amd64")),
            ("a machine that we do not know", elf(2), Some("machine 2 (ELF)")),
            ("a script", b"#!/bin/sh\nexit 0 # long enough".to_vec(), Some("no little-endian ELF")),
            ("an empty file", Vec::new(), Some("no little-endian ELF")),
        ] {
            fs::write(&path, bytes).unwrap();
            let tool: Tool = format!("linux/arm64={}", path.display()).parse().unwrap();
            let found = tool.check().err().map(|error| error.to_string());
            assert_eq!(found.is_some(), says.is_some(), "{case}");
            assert!(found.unwrap_or_default().contains(says.unwrap_or_default()), "{case}");
        }
    }

    #[test]
    fn a_program_has_to_verify_the_bundle_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tool");
        let nothing = Path::new("/nothing");
        for (case, script, says) in [
            ("one that can", "exit 0", None),
            ("one that cannot", "echo 'schema 9?' >&2; exit 1", Some("it says: schema 9?")),
            ("one without a word", "exit 3", Some("it says: nothing (exit status: 3)")),
            ("one that never ends", "exec sleep 600", Some("was still verifying")),
        ] {
            // Written by a shell: a file that this process has open for writing cannot be run.
            let text = "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\"; chmod 755 \"$2\"";
            let mut shell = Command::new("/bin/sh");
            shell.args(["-euc", text, "sh", script]).arg(&path);
            assert!(shell.status().unwrap().success());
            let tool: Tool = format!("linux/{}={}", here(), path.display()).parse().unwrap();
            let deadline = Duration::from_secs(if script.contains("sleep") { 1 } else { 99 });
            let found = tool.try_out(nothing, nothing, deadline).map_err(|it| it.to_string());
            assert_eq!(found.is_err(), says.is_some(), "{case}: {found:?}");
            let found = found.err().unwrap_or_default();
            assert!(found.contains(says.unwrap_or_default()), "{case}: {found}");
        }
    }
}
