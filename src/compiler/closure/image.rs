//! Containers run images by digest.

use super::{Fault, Faults, View};

pub(super) fn check(view: &View<'_>, faults: &mut Faults<'_, '_>) {
    for pods in view.pods() {
        for container in pods.all_containers() {
            let image = container.value["image"].as_str().unwrap_or_default();
            if !image.contains("@sha256:") {
                let fault = Fault::Unpinned { image: image.to_owned() };
                faults.add(pods.member, &container.at(&pods, &["image"]), fault);
            }
        }
    }
}
