//! `images join`: make one whole bundle of what came in pieces.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use a4co_bundle::{Bundle, join};
use a4co_registry::human_bytes;
use clap::Args;
use serde::Serialize;

use crate::cli::{
    bundle_file::{self, BundleFile},
    global::{Format, GlobalArgs},
    output,
    problem::Problem,
};

/// Make one whole bundle of volumes, or of a delta and the bundle that it was made against
///
/// The result is byte for byte the bundle that was split, or that would have been built whole.
/// Volumes need not be joined to be used; deltas only for `images export` and `images serve`.
#[derive(Debug, Args)]
pub(crate) struct JoinArgs {
    /// Bundle that leaves something out, or any volume
    bundle: PathBuf,
    /// Bundle that has what is left out
    #[arg(long, value_name = "BUNDLE")]
    base: Option<PathBuf>,
    /// File to write; it must not be there
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

const UNFIT: &str =
    "give the bundle that has what is missing: --base BUNDLE; if the disk is full, make space";

#[derive(Serialize)]
struct Joined {
    schema: u32,
    command: &'static str,
    release: String,
    path: PathBuf,
    bytes: u64,
}

impl JoinArgs {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<ExitCode, Problem> {
        let (bundle, file) = bundle_file::open_file(&self.bundle, global)?;
        let contents = bundle.images().map(a4co_bundle::StoredImages::contents);
        let base = match (contents.and_then(|contents| contents.base), &self.base) {
            (Some(base), None) => {
                return Err(Problem::refused(
                    &format!("the bundle leaves out what the bundle of release {base} has"),
                    "name that one: --base BUNDLE",
                ));
            }
            (None, Some(_)) => {
                return Err(Problem::refused(
                    "the bundle leaves nothing out, so there is nothing to take from another",
                    "leave --base away",
                ));
            }
            (None, None) if matches!(file, BundleFile::Whole(_)) => {
                return Err(Problem::refused(
                    "the bundle is whole, so there is nothing to join",
                    "give a volume, or a bundle that was built with --since and --base",
                ));
            }
            (_, base) => base.as_deref(),
        };
        let base = base.map(|path| bundle_file::open_file(path, global)).transpose()?;
        let bytes = write(&self.out, &self.bundle, (&bundle, file), base)?;
        let release = bundle.release().id().to_string();
        match global.output {
            Format::Json => output::print_json(&Joined {
                schema: 1,
                command: "images join",
                release,
                path: self.out,
                bytes,
            })?,
            Format::Text => {
                output::print(&format!("{}: {}", self.out.display(), human_bytes(bytes)))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes the whole bundle to a new file, all of it or none.
fn write(
    path: &Path,
    given: &Path,
    (bundle, mut file): (&Bundle, BundleFile),
    base: Option<(Bundle, BundleFile)>,
) -> Result<u64, Problem> {
    let out = fs_err::File::create_new(path).map_err(Problem::unreadable)?;
    let written = match base {
        None => copy(&mut file, &out),
        Some((base, base_file)) => {
            let out = io::BufWriter::with_capacity(bundle_file::BUFFER_BYTES, &out);
            join((&base, base_file), (bundle, file), out)
                .map(drop)
                .map_err(|error| Problem::bundle(given.to_owned(), error, UNFIT))
        }
    };
    let written = written.and_then(|()| Ok(out.sync_all()?));
    if written.is_err() {
        let _ = fs_err::remove_file(path);
    }
    written?;
    Ok(out.metadata()?.len())
}

fn copy(file: &mut BundleFile, mut out: &fs_err::File) -> Result<(), Problem> {
    use io::Seek as _;
    file.rewind()?;
    io::copy(file, &mut out)?;
    Ok(())
}
