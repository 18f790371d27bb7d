//! Checks what the environment takes against what it may take.

use super::{MeaningProblem, Resolver};
use crate::{environment::budget::Range, totals::Totals};

impl Resolver<'_, '_> {
    /// Reports everything of which the environment takes less or more than its budget.
    pub(super) fn check_budget(&mut self) {
        let Some(budget) = &self.environment.budget else {
            return;
        };
        let Totals { least, data, .. } = Totals::of(&self.components);
        self.check_range("pods", "pods", &budget.pods, &least.pods);
        self.check_range("cpu", "CPU", &budget.cpu, &least.cpu);
        self.check_range("memory", "memory", &budget.memory, &least.memory);
        self.check_range("storage", "storage", &budget.storage, &data);
    }

    fn check_range<T: Ord + ToString>(
        &mut self,
        key: &str,
        what: &'static str,
        range: &Range<T>,
        found: &T,
    ) {
        let (bound, limit) = match (&range.min, &range.max) {
            (Some(min), _) if found < min => ("min", min),
            (_, Some(max)) if found > max => ("max", max),
            _ => return,
        };
        let (found, limit) = (found.to_string(), limit.to_string());
        let problem = MeaningProblem::OutsideBudget { what, found, bound, limit };
        self.report(&["budget", key, bound], problem);
    }
}
