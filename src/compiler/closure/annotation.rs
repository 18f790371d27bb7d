//! Annotations for ingress-nginx are ones that it knows: others have no effect, and nobody says so.

use super::{Fault, Faults, View};
use crate::nginx;

pub(super) fn check(view: &View<'_>, faults: &mut Faults<'_, '_>) {
    for ingress in view.of_kind("networking.k8s.io", "Ingress") {
        let annotations = ingress.manifest["metadata"]["annotations"].as_object();
        for (annotation, value) in annotations.into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            let name = annotation.strip_prefix(nginx::PREFIX);
            if let Some(Err(problem)) = name.map(|name| nginx::check(name, value)) {
                let path = ["metadata", "annotations", annotation];
                faults.add(ingress, &path, Fault::Annotation(problem));
            }
        }
    }
}
