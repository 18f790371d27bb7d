//! `images export BUNDLE`

use std::{
    fmt::Write as _,
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use a4co_bundle::Bundle;
use a4co_registry::{
    Address, Certificates, ConfigFile, NodeArchive, NodeKind, Transport, human_bytes,
};
use clap::Args;
use fs_err as fs;
use serde::Serialize;

use crate::cli::{
    bundle_file::{self, BUFFER_BYTES, BundleFile},
    global::{Format, GlobalArgs},
    images::nodes::{self, KindArgs},
    output,
    problem::Problem,
};

/// Standard output, as a file.
const STDOUT: &str = "-";

/// Write what nodes need to start pods with the images of a bundle
///
/// Without --registry, that is an archive to import on every node. With it, it is configuration that
/// makes nodes pull from that registry, to which `images push` has brought the images, what pods
/// name by the registries on the internet.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Bundle, or any volume of it
    bundle: PathBuf,
    #[command(flatten)]
    kind: KindArgs,
    /// Write configuration for a registry of the site: HOST[:PORT][/PREFIX]
    #[arg(long, value_name = "REGISTRY", requires = "out")]
    registry: Option<String>,
    /// Certificates of authorities by which nodes trust the registry, in PEM
    #[arg(long, value_name = "FILE", requires = "registry")]
    ca: Option<PathBuf>,
    /// File for the archive, `-` for standard output [default: beside the bundle]; or folder for the
    /// configuration
    #[arg(long, value_name = "FILE|DIR")]
    out: Option<PathBuf>,
}

#[derive(Serialize)]
struct Exported {
    schema: u32,
    command: &'static str,
    release: String,
    nodes: &'static str,
    files: Vec<PathBuf>,
    bytes: u64,
    steps: Vec<String>,
}

impl ExportArgs {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<ExitCode, Problem> {
        let kind = self.kind.kind();
        match &self.registry {
            Some(registry) => {
                let exported = self.config(kind, registry, global)?;
                tell(&exported, "with it, for every node, as root:", global)?;
            }
            None if self.is_stdout() => {
                self.archive_to_stdout(kind, global)?;
            }
            None => {
                let exported = self.archive(kind, global)?;
                tell(&exported, "with it, on every node, as root:", global)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn is_stdout(&self) -> bool {
        self.out.as_deref() == Some(Path::new(STDOUT))
    }

    fn config(
        &self,
        kind: NodeKind,
        registry: &str,
        global: &GlobalArgs,
    ) -> Result<Exported, Problem> {
        let site = Address::of_site(registry, Transport::Encrypted)
            .map_err(|error| Problem::unfit(error, "nodes need a registry with TLS"))?;
        let ca = self.ca.as_deref().map(read_certificates).transpose()?;
        // A thin bundle has the names too.
        let bundle = bundle_file::open(&self.bundle, global)?;
        let folder = self
            .out
            .as_deref()
            .filter(|_| !self.is_stdout())
            .ok_or_else(|| Problem::usage("configuration is written to a folder: --out DIR"))?;
        let mut bytes = 0;
        let mut files = Vec::new();
        for ConfigFile { path, text } in nodes::config(kind, &bundle, &site, ca.as_ref())? {
            let path = folder.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            replace(&path, |file| Ok(io::Write::write_all(file, text.as_bytes())?))?;
            bytes += text.len() as u64;
            files.push(path);
        }
        let steps = nodes::config_steps(kind, &quoted(folder));
        Ok(exported(&bundle, kind, files, bytes, steps))
    }

    fn archive(&self, kind: NodeKind, global: &GlobalArgs) -> Result<Exported, Problem> {
        let (bundle, archive, source) = self.plan(kind, global)?;
        let path = self.out.clone().unwrap_or_else(|| beside(&self.bundle));
        let is_bundle = fs::canonicalize(&path)
            .is_ok_and(|path| fs::canonicalize(&self.bundle).is_ok_and(|bundle| bundle == path));
        if is_bundle {
            return Err(Problem::refused("--out names the bundle itself", "name another file"));
        }
        replace(&path, |file| {
            let file = io::BufWriter::with_capacity(BUFFER_BYTES, file);
            archive.write(source, file).map(drop).map_err(refuse)
        })?;
        let steps = nodes::archive_steps(kind, &quoted(&path));
        Ok(exported(&bundle, kind, vec![path], archive.size(), steps))
    }

    fn archive_to_stdout(&self, kind: NodeKind, global: &GlobalArgs) -> Result<(), Problem> {
        if global.output == Format::Json {
            return Err(Problem::usage("standard output is for the archive or for JSON, not both"));
        }
        if io::stdout().is_terminal() {
            return Err(Problem::usage("an archive is nothing for a terminal: send it to a pipe"));
        }
        let (_, archive, source) = self.plan(kind, global)?;
        let out = io::BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock());
        archive.write(source, out).map_err(refuse)?;
        Ok(())
    }

    /// Opens the bundle and plans the archive.
    fn plan(
        &self,
        kind: NodeKind,
        global: &GlobalArgs,
    ) -> Result<(Bundle, NodeArchive, BundleFile), Problem> {
        let (bundle, source) = bundle_file::open_file(&self.bundle, global)?;
        let stored = bundle.images().ok_or_else(super::none_held)?;
        let archive = NodeArchive::new(kind, &bundle.release().config().images, stored);
        let archive = archive.map_err(refuse)?;
        Ok((bundle, archive, source))
    }
}

fn exported(
    bundle: &Bundle,
    kind: NodeKind,
    files: Vec<PathBuf>,
    bytes: u64,
    steps: Vec<String>,
) -> Exported {
    let release = bundle.release().id().to_string();
    let (command, nodes) = ("images export", nodes::word(kind));
    Exported { schema: 1, command, release, nodes, files, bytes, steps }
}

fn tell(exported: &Exported, then: &str, global: &GlobalArgs) -> Result<(), Problem> {
    if global.output == Format::Json {
        return Ok(output::print_json(exported)?);
    }
    for file in &exported.files {
        output::print(&file.display().to_string())?;
    }
    let mut text = format!("{} in all; {then}", human_bytes(exported.bytes));
    for step in &exported.steps {
        let _ = write!(text, "\n  {step}");
    }
    output::talk(&text);
    Ok(())
}

fn refuse(error: a4co_registry::NodeArchiveError) -> Problem {
    Problem::unfit(error, "see `a4co-apply images export --help`")
}

fn read_certificates(path: &Path) -> Result<Certificates, Problem> {
    let text = fs::read_to_string(path).map_err(Problem::unreadable)?;
    text.parse().map_err(|error: a4co_registry::ParseCertificatesError| {
        Problem::unfit(error, "give the certificate of the registry's authority: --ca FILE")
    })
}

/// Returns where an archive of `bundle` goes if nobody says.
fn beside(bundle: &Path) -> PathBuf {
    let name = bundle.file_name().unwrap_or_default().to_string_lossy();
    let name = name.split_once(".vol-").map_or(&*name, |(name, _)| name);
    let name = name.strip_suffix(".tar.gz").unwrap_or(name);
    bundle.with_file_name(format!("{name}.images.tar"))
}

/// Writes a file under another name and renames it when it is complete, so that under its own it is
/// never there in part.
fn replace(
    path: &Path,
    write: impl FnOnce(&mut fs::File) -> Result<(), Problem>,
) -> Result<(), Problem> {
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        let message = format!("`{}` is there and is no file", path.display());
        return Err(Problem::refused(&message, "name another, or `-` for standard output"));
    }
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.draft", std::process::id()));
    let draft = PathBuf::from(draft);
    let mut file = fs::File::create_new(&draft).map_err(Problem::unreadable)?;
    let written = write(&mut file)
        .and_then(|()| Ok(file.sync_all()?))
        .and_then(|()| Ok(fs::rename(&draft, path)?));
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}

/// Returns a path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+:@".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_stands_beside_the_bundle_and_has_its_name() {
        for (bundle, expected) in [
            ("shop.tar.gz", "shop.images.tar"),
            ("/media/usb/shop-1.0.tar.gz", "/media/usb/shop-1.0.images.tar"),
            ("a/shop.tar.gz.vol-1-of-2.tar", "a/shop.images.tar"),
            ("shop", "shop.images.tar"),
        ] {
            assert_eq!(beside(Path::new(bundle)), Path::new(expected), "{bundle}");
        }
    }

    #[test]
    fn a_shell_takes_a_path_as_one_word() {
        for (path, expected) in [
            ("/media/a_b-1.tar", "/media/a_b-1.tar"),
            ("a b.tar", "'a b.tar'"),
            ("$(x).tar", "'$(x).tar'"),
            ("it's", r"'it'\''s'"),
        ] {
            assert_eq!(quoted(Path::new(path)), expected);
        }
    }
}
