//! The names that a program takes.

use super::SetNames;
use crate::resolve::{MeaningProblem, Resolver};

/// Most characters of the name of a `StatefulSet` and of a `CronJob`: Kubernetes makes names and
/// labels of it with a hash or a time behind, of at most 63 characters.
const MOST_OF_LONG_NAME: usize = 52;

impl Resolver<'_, '_> {
    /// Takes `name`, which is also that of a Service, as [`Self::take_name`] does. Most versions of
    /// Kubernetes want it to begin with a letter.
    pub(in crate::resolve) fn take_service_name(
        &mut self,
        name: &str,
        owner: &[&str],
        path: &[&str],
    ) {
        self.take_name(name, owner, path);
        if name.starts_with(|first: char| first.is_ascii_digit()) {
            self.report(path, MeaningProblem::DigitFirst { name: name.to_owned() });
        }
    }

    /// Takes the names of a `StatefulSet` and of its Services for what stands at `owner`.
    pub(in crate::resolve) fn take_set_names(&mut self, names: &SetNames, owner: &[&str]) {
        let SetNames { set, clients, pods } = names;
        self.take_service_name(set, owner, owner);
        self.check_length("StatefulSet", set, owner);
        // They begin with that of the set, or of another.
        for name in [clients, pods] {
            if name != set {
                self.take_name(name, owner, owner);
            }
        }
    }

    /// Takes the name of a `CronJob` for what stands at `owner`.
    pub(in crate::resolve) fn take_cron_job_name(&mut self, name: &str, owner: &[&str]) {
        self.take_name(name, owner, owner);
        self.check_length("CronJob", name, owner);
    }

    fn check_length(&mut self, kind: &'static str, name: &str, owner: &[&str]) {
        if name.len() > MOST_OF_LONG_NAME {
            let (name, most) = (name.to_owned(), MOST_OF_LONG_NAME);
            self.report(owner, MeaningProblem::NameTooLong { kind, name, most });
        }
    }
}
