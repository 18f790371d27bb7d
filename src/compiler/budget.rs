//! Checks what an environment takes against what it may take.

use crate::{
    environment::budget::{Budget, Range},
    finding::Findings,
    layers::Stack,
    resolve::MeaningProblem,
    totals::Totals,
};

/// Adds everything of which `totals` are less or more than `budget`, which stands in `stack`, to
/// `findings`.
pub(crate) fn check(stack: &Stack, budget: &Budget, totals: &Totals, findings: &mut Findings) {
    let Totals { least, data, .. } = totals;
    let mut check = Check { stack, findings };
    check.range("pods", "pods", &budget.pods, &least.pods);
    check.range("cpu", "CPU", &budget.cpu, &least.cpu);
    check.range("memory", "memory", &budget.memory, &least.memory);
    check.range("storage", "storage", &budget.storage, data);
}

struct Check<'a> {
    stack: &'a Stack,
    findings: &'a mut Findings,
}

impl Check<'_> {
    fn range<T: Ord + ToString>(
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
        let place = self.stack.tree.place_of(&["budget", key, bound]);
        self.findings.add(place, MeaningProblem::OutsideBudget { what, found, bound, limit });
    }
}
