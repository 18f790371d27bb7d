//! Whether pods get their images: asked before anything is written.

use a4co_bundle::{Bundle, Image};
use a4co_cluster::{Client, Finding, Level, OverlayChoice, Supply};
use clap::Args;

use super::{
    image_check::{ImagesIn, Judgement, Question},
    image_source::ImageSource,
    output,
    problem::Problem,
    registries::RegistryArgs,
};

/// Where images have to be.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SupplyArgs {
    /// Where the images of the release have to be before anything is changed
    ///
    /// That takes the right to list nodes, but for `registry` and `none`. In any case but `none`, a
    /// release is refused that has nothing for the platform of any node.
    #[arg(long, value_name = "WHERE", default_value = "auto")]
    images: ImagesIn,
    #[command(flatten)]
    registries: RegistryArgs,
}

const HINT: &str =
    "bring the images there (`a4co-apply images` has the ways), or ask for less: --images";

impl SupplyArgs {
    /// Refuses the release of `bundle` when its images are not where they have to be, and says what a
    /// person may want to know.
    pub(crate) async fn require(
        &self,
        client: &Client,
        bundle: &Bundle,
        overlay: &OverlayChoice,
    ) -> Result<(), Problem> {
        if !self.has_a_question(bundle) {
            return Ok(());
        }
        let supply = a4co_cluster::supply(client, bundle, overlay).await?;
        let Judgement { refusals, remarks } = self.judge(&supply, &self.registries).await?;
        if !refusals.is_empty() {
            let message = format!("pods would not get their images:{}", output::list(&refusals));
            return Err(Problem::refused(&message, HINT));
        }
        // What the cluster has already was said when it came.
        if !supply.is_committed {
            for remark in remarks {
                output::talk(&remark);
            }
        }
        Ok(())
    }

    /// The same as findings.
    pub(crate) async fn examine(
        &self,
        client: &Client,
        bundle: &Bundle,
        overlay: &OverlayChoice,
    ) -> Vec<Finding> {
        if !self.has_a_question(bundle) {
            return Vec::new();
        }
        // Whatever keeps this from being told is a finding of its own already.
        let Ok(supply) = a4co_cluster::supply(client, bundle, overlay).await else {
            return Vec::new();
        };
        let judgement = self.judge(&supply, &self.registries).await;
        let Judgement { refusals, remarks } = judgement.unwrap_or_else(|problem| Judgement {
            refusals: vec![problem.to_string()],
            remarks: Vec::new(),
        });
        let finding = |level, text, remedy: Option<&str>| Finding {
            check: "images",
            level,
            text,
            remedy: remedy.map(str::to_owned),
        };
        let may_list = match &supply.nodes {
            Err(error) if error.is_forbidden() => Some(finding(
                Level::Good,
                "you may not list nodes, which is optional: it tells which images they have"
                    .to_owned(),
                None,
            )),
            _ => None,
        };
        // What is optional is no warning.
        let remarks = if may_list.is_some() { Vec::new() } else { remarks };
        let mut findings: Vec<Finding> = refusals
            .into_iter()
            .map(|text| finding(Level::Error, text, Some(HINT)))
            .chain(remarks.into_iter().map(|text| finding(Level::Warning, text, None)))
            .chain(may_list)
            .collect();
        if findings.is_empty() {
            let text = "the images of the release are where they have to be".to_owned();
            findings.push(finding(Level::Good, text, None));
        }
        findings
    }

    fn has_a_question(&self, bundle: &Bundle) -> bool {
        self.images != ImagesIn::None && !bundle.release().config().images.is_empty()
    }

    async fn judge(
        &self,
        supply: &Supply,
        source: &impl ImageSource,
    ) -> Result<Judgement, Problem> {
        let images: Vec<Image> = supply.release.images().collect();
        let why = supply.nodes.as_ref().err().map(|error| {
            if error.is_forbidden() {
                "you may not list nodes".to_owned()
            } else {
                error.to_string()
            }
        });
        let nodes = match (&supply.nodes, &why) {
            (Ok(nodes), _) => Ok(nodes.as_slice()),
            (Err(_), why) => Err(why.as_deref().unwrap_or_default()),
        };
        let question = Question { wanted: self.images, images: &images, nodes };
        let wanted = question.of_registries();
        let found = source.look(&wanted).await?;
        Ok(question.judge(&wanted.into_iter().zip(found).collect::<Vec<_>>()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use a4co_bundle::{CONFIG_SCHEMA, Digest, Overlay, Release, ReleaseConfig, Requirements};
    use a4co_cluster::SiteRelease;

    use super::*;
    use crate::cli::image_source::{Found, Wanted};

    /// A registry that has the images of these names.
    struct Registry(Vec<&'static str>);

    impl ImageSource for Registry {
        async fn look(&self, wanted: &[Wanted]) -> Result<Vec<Found>, Problem> {
            let look = |wanted: &Wanted| {
                let has = self.0.contains(&&*wanted.image.name);
                if has { Found::There } else { Found::Lacks("its index".to_owned()) }
            };
            Ok(wanted.iter().map(look).collect())
        }
    }

    fn supply() -> Supply {
        let image = |name: &str| Image {
            name: name.to_owned(),
            tag: "1".to_owned(),
            digest: Digest::of(name.as_bytes()),
            size: None,
            platforms: BTreeMap::new(),
        };
        let config = ReleaseConfig {
            schema: CONFIG_SCHEMA,
            app: "shop".to_owned(),
            environment: "test".to_owned(),
            version: "1.0.0".parse().unwrap(),
            namespace: "shop".to_owned(),
            images: vec![image("docker.io/library/nats"), image("ghcr.io/x/tool")],
            requirements: Requirements::default(),
            readiness: Vec::new(),
            keep: Vec::new(),
            notes: Vec::new(),
        };
        let overlay = Overlay::new([("docker.io".to_owned(), "r.site:5000".to_owned())]).unwrap();
        let release = Release::new(config, Vec::new()).unwrap();
        let release = SiteRelease::new(release, Some(overlay)).unwrap();
        Supply { release, is_committed: false, nodes: Ok(Vec::new()) }
    }

    #[test]
    fn registries_are_asked_by_the_names_that_pods_have() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for (case, has, refused) in [
            ("both are there", vec!["r.site:5000/library/nats", "ghcr.io/x/tool"], vec![]),
            (
                "one is where the release says, but not where nodes look",
                vec!["docker.io/library/nats", "ghcr.io/x/tool"],
                vec!["r.site:5000/library/nats@"],
            ),
            ("none is there", vec![], vec!["r.site:5000/library/nats@", "ghcr.io/x/tool@"]),
        ] {
            let args = SupplyArgs { images: ImagesIn::Registry, ..SupplyArgs::default() };
            let judgement = runtime.block_on(args.judge(&supply(), &Registry(has))).unwrap();
            assert_eq!(judgement.refusals.len(), refused.len(), "{case}: {judgement:?}");
            for (told, image) in judgement.refusals.iter().zip(refused) {
                assert!(told.starts_with(image), "{case}: {told}");
                assert!(told.ends_with("the registry lacks its index"), "{case}: {told}");
            }
        }
    }
}
