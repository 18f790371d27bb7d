//! Labels of the environment stand beside those of the release, not in their place.

use super::{MeaningProblem, Resolver};

/// Beginnings of labels by which the objects of a release, and pods of a component, are found.
const RESERVED: [&str; 2] = ["app.kubernetes.io/", "applyset.kubernetes.io/"];

impl Resolver<'_, '_> {
    pub(super) fn check_labels(&mut self) {
        let labels = self.environment.monitoring.iter().flat_map(|it| it.labels.keys());
        for label in labels.map(AsRef::<str>::as_ref) {
            if RESERVED.iter().any(|reserved| label.starts_with(reserved)) {
                let problem = MeaningProblem::ReservedLabel { label: label.to_owned() };
                self.report(&["monitoring", "labels", label], problem);
            }
        }
    }
}
