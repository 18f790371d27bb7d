//! Which rule a fault breaks.

use super::{super::Rule, Fault};

impl Fault {
    /// Returns the rule that is broken, if a team may break it.
    pub(crate) fn rule(&self) -> Option<Rule> {
        Some(match self {
            Self::Unpinned { .. }
            | Self::HiddenImage { .. }
            | Self::ForeignPods
            | Self::SamePort { .. }
            | Self::SamePortName { .. }
            | Self::UnnamedPort { .. }
            | Self::RangeReversed { .. }
            | Self::OutsideQuota { .. }
            | Self::NotServed { .. }
            | Self::NotDefined { .. } => return None,
            Self::NoSuchObject { .. } | Self::NoSuchKey { .. } => Rule::References,
            Self::NoSuchPort { .. } => Rule::Ports,
            Self::SelectsNothing { .. } => Rule::Selectors,
            Self::FixedReplicas { .. }
            | Self::NoRequest { .. }
            | Self::CustomMetric { .. }
            | Self::TwoAutoscalers { .. } => Rule::Autoscaling,
            Self::BlocksDrains { .. } => Rule::Disruption,
            Self::NoProbe { .. } => Rule::Probes,
            Self::NoResource { .. } => Rule::Resources,
            Self::NotRestricted { .. } => Rule::Security,
            Self::WritableRoot { .. } => Rule::ReadOnlyRoot,
            Self::DefaultAccount => Rule::ServiceAccount,
            Self::Token { .. } => Rule::Token,
            Self::NoEgress | Self::NoIngress | Self::PodsOnly | Self::OneSided { .. } => {
                Rule::Traffic
            }
            Self::Annotation(_) => Rule::Annotations,
        })
    }
}
