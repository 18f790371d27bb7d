//! Registries as the command line describes them.

use std::{path::PathBuf, sync::Arc};

use a4co_bundle::{Digest, Image};
use a4co_compiler::ImageReference;
use a4co_registry::{Client, Environment, Head, Origin, Reference, Repository, Resolved, Settings};

use crate::{failure::Failure, interrupt::or_interrupt, progress::Progress};

/// How registries are reached
///
/// Credentials are those of `docker login` and `podman login`, also from credential helpers.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Registries")]
pub(crate) struct RegistryArguments {
    /// Ask URL for what HOST has, and HOST itself last; may be given several times, the first that
    /// helps counts (in the variable: separated by commas)
    #[arg(long = "mirror", value_name = "HOST=URL", env = "A4CO_MIRRORS", value_delimiter = ',')]
    mirrors: Vec<String>,
    /// Never ask a registry itself, whether it has a mirror or not
    #[arg(long)]
    mirrors_only: bool,
    /// Certificates of authorities to trust besides those of the machine, in PEM
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Speak to a registry of this machine without encryption; may be given several times
    #[arg(long, value_name = "HOST[:PORT]")]
    insecure: Vec<String>,
    /// How many things are asked for at once
    #[arg(long, value_name = "N", default_value = "8", value_parser = clap::value_parser!(u8).range(1..=64))]
    jobs: u8,
}

/// Registries, and how many things to ask them for at once.
pub(crate) struct Registries {
    pub(crate) client: Client,
    pub(crate) jobs: usize,
}

impl RegistryArguments {
    pub(crate) fn connect(&self, progress: &Arc<Progress>) -> Result<Registries, Failure> {
        let settings = Settings {
            mirrors: self.mirrors.clone(),
            mirrors_only: self.mirrors_only,
            ca: self.ca.clone(),
            insecure: self.insecure.clone(),
        };
        let mut options = settings.to_options(Environment::read())?;
        if self.mirrors_only {
            options.without_mirror = Origin::Never;
        }
        options.observer = Arc::<Progress>::clone(progress);
        let client = Client::new(options)?;
        Ok(Registries { client, jobs: usize::from(self.jobs) })
    }
}

impl Registries {
    /// Asks what `reference` of the image stands for, as its pin.
    pub(crate) async fn resolve(
        &self,
        image: &ImageReference,
        reference: &Reference,
    ) -> Result<Image, Failure> {
        let repository = repository_of(image.name())?;
        let Resolved { digest, size, platforms, .. } =
            self.client.resolve(&repository, reference).await?;
        let manifests =
            platforms.into_iter().map(|(platform, it)| (platform.to_string(), it.digest));
        let (name, tag) = (image.name().to_owned(), image.tag().to_owned());
        Ok(Image { name, tag, digest, size: Some(size), platforms: manifests.collect() })
    }

    /// Asks for no more than the digest that `reference` of the image stands for; Docker Hub does not
    /// count that as a pull.
    pub(crate) async fn digest(
        &self,
        image: &ImageReference,
        reference: &Reference,
    ) -> Result<Digest, Failure> {
        let repository = repository_of(image.name())?;
        match self.client.head(&repository, reference).await? {
            Some(Head { digest: Some(digest), .. }) => Ok(digest),
            // Gone, and then this says so; or the registry tells no digest.
            _ => Ok(self.client.manifest(&repository, reference).await?.digest),
        }
    }
}

/// Reads the name of an image.
pub(crate) fn repository_of(name: &str) -> Result<Repository, Failure> {
    name.parse().map_err(|source| Failure::Repository { name: name.to_owned(), source })
}

/// Runs what asks registries to its end, or until somebody interrupts it.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(or_interrupt(work));
    // Whatever still looks for an address, or for a file, is not waited for.
    runtime.shutdown_background();
    result
}
