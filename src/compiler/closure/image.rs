//! Containers run images by digest, and every image that the environment tells them of is in the
//! bundle.

use std::collections::BTreeSet;

use super::{Fault, Faults, Pods, View, pods::Container};
use crate::{
    manifests::{Mention, mentions},
    member::Origin,
};

pub(super) fn check(view: &View<'_>, faults: &mut Faults<'_, '_>) {
    let patches = view.environment.patches.iter();
    let exempt = patches.flat_map(|patch| &patch.not_images).chain(&view.environment.not_images);
    let exempt: BTreeSet<_> = exempt.map(String::as_str).collect();
    for pods in view.pods() {
        for container in pods.all_containers() {
            let image = container.value["image"].as_str().unwrap_or_default();
            if !image.contains("@sha256:") {
                let fault = Fault::Unpinned { image: image.to_owned() };
                faults.add(pods.member, &container.at(&pods, &["image"]), fault);
            }
            // Those in objects of the team have been found where they stand.
            if matches!(pods.member.origin, Origin::Rendered(_)) {
                for image in hidden(view, &pods, &container, &exempt) {
                    let fault = Fault::HiddenImage { image };
                    faults.add(pods.member, &container.at(&pods, &["env"]), fault);
                }
            }
        }
    }
}

/// Returns the images that texts of a container name and that the release does not have.
fn hidden(
    view: &View<'_>,
    pods: &Pods<'_>,
    container: &Container<'_>,
    exempt: &BTreeSet<&str>,
) -> BTreeSet<String> {
    let texts = container.texts().into_iter().chain(view.settings_of(pods.member, container));
    let texts = texts.filter(|text| !exempt.contains(text));
    let named = texts.flat_map(mentions).filter(|(text, mention)| {
        let is_held = match mention {
            Mention::Tag(_) => false,
            Mention::Digest { digest, .. } => view.images.iter().any(|it| it.digest == *digest),
        };
        !is_held && !exempt.contains(text)
    });
    named.map(|(text, _)| text.to_owned()).collect()
}
