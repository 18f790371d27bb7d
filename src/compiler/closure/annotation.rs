//! Annotations for ingress-nginx are ones that it knows: others have no effect, and nobody says so.

use super::{Fault, Faults, View};
use crate::nginx::{self, PREFIX, Takes};

pub(super) fn check(view: &View<'_>, faults: &mut Faults<'_, '_>) {
    for ingress in view.of_kind("networking.k8s.io", "Ingress") {
        let annotations = ingress.manifest["metadata"]["annotations"].as_object();
        for (annotation, value) in annotations.into_iter().flatten() {
            let Some(name) = annotation.strip_prefix(PREFIX) else {
                continue;
            };
            let text = value.as_str().unwrap_or_default();
            let fault = match nginx::takes(name) {
                Some(Takes::Snippet) => Fault::Snippet { annotation: annotation.clone() },
                Some(takes) if takes.accepts(text) => continue,
                Some(takes) => {
                    let (annotation, value) = (annotation.clone(), text.to_owned());
                    Fault::AnnotationValue { annotation, value, expected: takes.words() }
                }
                None => {
                    let nearest = nginx::nearest(name).map(|nearest| format!("{PREFIX}{nearest}"));
                    Fault::UnknownAnnotation { annotation: annotation.clone(), nearest }
                }
            };
            faults.add(ingress, &["metadata", "annotations", annotation], fault);
        }
    }
}
