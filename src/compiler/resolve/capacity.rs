//! Checks what a service gets and how its pods are replaced.

use super::{MeaningProblem, Resolver};
use crate::environment::{
    capacity::{Capacity, Resources},
    service::Service,
};

impl Resolver<'_, '_> {
    /// Checks the capacity that stands at `path`.
    pub(super) fn check_capacity(&mut self, path: &[&str], capacity: &Capacity) {
        let (min, max) = (capacity.replicas.min, capacity.replicas.most());
        if min > max {
            let path = [path, &["replicas", "min"]].concat();
            self.report(&path, MeaningProblem::ReplicasReversed { min, max });
        } else if max > min && capacity.autoscaling.is_none() {
            let path = [path, &["replicas", "max"]].concat();
            self.report(&path, MeaningProblem::NoAutoscaling { min, max });
        }
        self.check_limits(path, &capacity.requests, &capacity.limits);
    }

    /// Checks that nothing of what stands at `path` asks for more than it may have.
    pub(super) fn check_limits(&mut self, path: &[&str], requests: &Resources, limits: &Resources) {
        for (what, name, is_above, requested, limit) in [
            (
                "CPU",
                "cpu",
                requests.cpu > limits.cpu,
                requests.cpu.to_string(),
                limits.cpu.to_string(),
            ),
            (
                "memory",
                "memory",
                requests.memory > limits.memory,
                requests.memory.to_string(),
                limits.memory.to_string(),
            ),
        ] {
            if limit == "0" {
                let path = [path, &["limits", name]].concat();
                self.report(&path, MeaningProblem::NoLimit { what });
            } else if is_above {
                let path = [path, &["requests", name]].concat();
                self.report(&path, MeaningProblem::RequestAboveLimit { what, requested, limit });
            }
        }
    }

    pub(super) fn check_rollout(&mut self, key: &str, service: &Service) {
        let rollout = &service.rollout;
        if rollout.max_surge.is_zero() {
            let path = ["services", key, "rollout", "max_surge"];
            self.report(&path, MeaningProblem::NoSurge);
        }
        let (drain, grace) = (rollout.drain_seconds, rollout.termination_grace_period_seconds);
        if drain >= grace {
            let path = ["services", key, "rollout"];
            self.report(&path, MeaningProblem::DrainTooLong { drain, grace });
        }
    }
}
