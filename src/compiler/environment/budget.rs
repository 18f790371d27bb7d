//! What an environment may take.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::quantity::{Cpu, Memory};

/// It is counted with every component at its least number of pods. An environment that takes less
/// than a `min` or more than a `max` is refused, so that nobody changes its cost by accident; the
/// default of either is any amount. `a4co check` prints what it takes.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Budget {
    /// Number of pods.
    pub(crate) pods: Range<u32>,
    /// CPU that pods request.
    pub(crate) cpu: Range<Cpu>,
    /// Memory that pods request.
    pub(crate) memory: Range<Memory>,
    /// Storage, counted once for all copies of the same data: 50Gi for a primary and two replicas of
    /// 50Gi each.
    pub(crate) storage: Range<Memory>,
}

/// From where to where an amount may go.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(default)]
pub(crate) struct Range<T> {
    /// Least amount. The default is any.
    pub(crate) min: Option<T>,
    /// Greatest amount. The default is any.
    pub(crate) max: Option<T>,
}

impl fmt::Display for Budget {
    /// Writes every amount that has a bound.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges = [
            ("pods", self.pods.to_text()),
            ("CPU", self.cpu.to_text()),
            ("memory", self.memory.to_text()),
            ("storage", self.storage.to_text()),
        ];
        let ranges = ranges.into_iter().filter_map(|(what, range)| Some((what, range?)));
        let ranges: Vec<_> = ranges.map(|(what, range)| format!("{range} {what}")).collect();
        f.write_str(&ranges.join(", "))
    }
}

impl<T: ToString> Range<T> {
    fn to_text(&self) -> Option<String> {
        match (&self.min, &self.max) {
            (Some(min), Some(max)) => Some(format!("{}–{}", min.to_string(), max.to_string())),
            (Some(min), None) => Some(format!("at least {}", min.to_string())),
            (None, Some(max)) => Some(format!("at most {}", max.to_string())),
            (None, None) => None,
        }
    }
}

impl<T> Default for Range<T> {
    fn default() -> Self {
        Self { min: None, max: None }
    }
}
