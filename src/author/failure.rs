//! Why a command failed, and how that is told.

use std::{error::Error, io, path::PathBuf};

use a4co_bundle::{BundleError, CanonicalError, ImageError, TrustError, VolumeError};
use a4co_compiler::{Finding, Findings, PublishError, ReadError, SignError, to_line};
use a4co_registry::{OptionsError, ParseNameError, RegistryError, SettingsError};
use thiserror::Error;

use crate::{bundle_file::FileError, fetch::MissingPlatform, kit::ToolError, update::UpdateError};

/// Why a command failed.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("{}", count(.0))]
    Findings(#[from] Findings),
    #[error("there is no `envs` folder here or above; go there, or give `--root`")]
    NoWorkspace,
    #[error("`{}` has no `envs` folder", path.display())]
    NotAWorkspace { path: PathBuf },
    #[error("there is no environment `{name}`; there are {}", known.join(", "))]
    NoEnvironment { name: String, known: Vec<String> },
    #[error("`{}` is not a bundle that can be read", path.display())]
    Bundle { path: PathBuf, source: BundleError },
    #[error("`{}` is not a trust file", path.display())]
    Trust { path: PathBuf, source: TrustError },
    #[error("`{}` is there already; a key is never written over", path.display())]
    KeyExists { path: PathBuf },
    #[error("the new key cannot be written down")]
    Key(#[from] ssh_key::Error),
    #[error("the new key does not work")]
    UnusableKey,
    #[error("give a key with `--key`, or name one in `A4CO_SIGNING_KEY`")]
    NoKey,
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Publish(#[from] PublishError),
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    #[error(transparent)]
    TrustFile(#[from] TrustError),
    #[error("the image `{name}` cannot be asked for")]
    Repository { name: String, source: ParseNameError },
    #[error("there is no home folder to keep blobs in; give one with `--cache`")]
    NoCache,
    #[error("`{}` holds no images; `--since` needs a bundle that was built with `--thick`", path.display())]
    NoImages { path: PathBuf },
    #[error("`{}` is itself a delta: `--since` needs the whole bundle; make it with `a4co-apply images join`", path.display())]
    DeltaBase { path: PathBuf },
    #[error("`{}` is this very release, so nothing would be left to put in; leave `--since` away", path.display())]
    SameRelease { path: PathBuf },
    #[error("{} is not signed, and volumes cannot be signed later; give a key with `--key`, or build it without `--volume-size` and sign that first", environments.join(", "))]
    UnsignedVolumes { environments: Vec<String> },
    #[error("there is no space for a kit at `{}`: the bundle alone has {bundle}; nothing is left there", path.display())]
    KitDiskFull { path: PathBuf, bundle: String },
    #[error(transparent)]
    BundleFile(#[from] FileError),
    #[error("{}", missing(.0))]
    MissingPlatforms(Vec<MissingPlatform>),
    #[error(transparent)]
    Volume(#[from] VolumeError),
    #[error(transparent)]
    Update(#[from] UpdateError),
    #[error("an image of {} cannot be pinned", environments.join(", "))]
    InEnvironments { environments: Vec<String>, source: Box<Self> },
    #[error("interrupted; what was fetched is kept")]
    Interrupted,
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error("{}", several(.0))]
    Several(Vec<Self>),
    #[error(transparent)]
    RegistrySettings(#[from] SettingsError),
    #[error(transparent)]
    RegistryOptions(#[from] OptionsError),
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error(transparent)]
    Tool(#[from] ToolError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Failure {
    /// Makes one failure of those of many things that were tried side by side.
    pub(crate) fn of_all(mut failures: Vec<Self>) -> Result<(), Self> {
        match (failures.pop(), failures.is_empty()) {
            (None, _) => Ok(()),
            (Some(only), true) => Err(only),
            (Some(last), false) => {
                failures.push(last);
                Err(Self::Several(failures))
            }
        }
    }

    /// Returns the exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Update(_) => 2,
            // A file that cannot be read is not a command that was written wrong.
            Self::RegistrySettings(error) if !matches!(error, SettingsError::Ca(_)) => 2,
            Self::Interrupted => 130,
            _ => 1,
        }
    }

    /// Returns the text for people.
    pub(crate) fn report(&self) -> String {
        match self {
            Self::Findings(findings) => format!("{findings}\nerror: {self}"),
            Self::Several(failures) => {
                let reports: Vec<_> = failures.iter().map(Self::report).collect();
                format!("{}\nerror: {self}", reports.join("\n"))
            }
            Self::MissingPlatforms(missing) => {
                let lines: Vec<_> = missing.iter().map(|it| format!("{it}\n")).collect();
                format!("{}error: {self}", lines.concat())
            }
            _ => {
                let hint = self.hint().map(|hint| format!("\n  help: {hint}"));
                format!("error: {}{}", to_line(self as &dyn Error), hint.unwrap_or_default())
            }
        }
    }

    /// Returns what led to it, the nearest first.
    pub(crate) fn because(&self) -> Vec<String> {
        match self {
            Self::Findings(findings) => findings.iter().map(Finding::to_line).collect(),
            Self::Several(failures) => {
                failures.iter().map(|failure| to_line(failure as &dyn Error)).collect()
            }
            Self::MissingPlatforms(missing) => missing.iter().map(ToString::to_string).collect(),
            _ => {
                let causes = std::iter::successors(self.source(), |&error| error.source());
                causes.map(ToString::to_string).collect()
            }
        }
    }

    /// Returns what to do.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Registry(error) => error.hint(),
            Self::Update(error) => error.hint(),
            Self::InEnvironments { source, .. } => source.hint(),
            _ => None,
        }
    }
}

fn several(failures: &[Failure]) -> String {
    format!("{} of them failed; nothing was written", failures.len())
}

fn missing(missing: &[MissingPlatform]) -> String {
    let what = "not there for a platform that was asked for; no layer was fetched";
    match missing.len() {
        1 => format!("1 image is {what}"),
        many => format!("{many} images are {what}"),
    }
}

fn count(findings: &Findings) -> String {
    match findings.len() {
        1 => "1 finding; nothing was written".to_owned(),
        many => format!("{many} findings; nothing was written"),
    }
}
