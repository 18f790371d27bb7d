//! A build of `a4co-apply` for one platform of the site.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    str::FromStr,
};

use fs_err as fs;
use thiserror::Error;

/// Machine of an ELF header (System V ABI, `e_machine`) for each architecture as OCI names it.
const MACHINES: [(&str, u16); 6] =
    [("386", 3), ("amd64", 62), ("arm", 40), ("arm64", 183), ("ppc64le", 21), ("riscv64", 243)];

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
}

impl Tool {
    /// Returns the name that the program has in a kit.
    pub(crate) fn file_name(&self) -> String {
        format!("a4co-apply-linux-{}", self.architecture)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
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
}
