//! The rules that a team may break on purpose.

use schemars::JsonSchema;
use serde::Deserialize;

/// A rule that objects must keep, unless the team says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Rule {
    /// Whatever an object refers to is in the release or is the site's.
    References,
    /// Ports that an object refers to exist.
    Ports,
    /// What selects something selects something of the release.
    Selectors,
    /// Autoscalers can work: requests are there, `replicas` is not, metrics need no adapter.
    Autoscaling,
    /// Disruption budgets let nodes be drained.
    Disruption,
    /// Containers that run for ever have liveness and readiness probes.
    Probes,
    /// Containers have requests and limits of CPU and memory.
    Resources,
    /// Pods are what Pod Security `restricted` allows.
    Security,
    /// Containers cannot write to their image.
    ReadOnlyRoot,
    /// Pods have a service account of their own.
    ServiceAccount,
    /// Pods have a token only if their account has rights.
    Token,
    /// Network policies say what pods may do: the default of denying cuts none off, both ends of a
    /// connection allow it, and HTTPS leads to the internet.
    Traffic,
    /// Annotations for ingress-nginx are ones that it knows.
    Annotations,
}

impl Rule {
    /// Returns the name that the team writes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::References => "references",
            Self::Ports => "ports",
            Self::Selectors => "selectors",
            Self::Autoscaling => "autoscaling",
            Self::Disruption => "disruption",
            Self::Probes => "probes",
            Self::Resources => "resources",
            Self::Security => "security",
            Self::ReadOnlyRoot => "read-only-root",
            Self::ServiceAccount => "service-account",
            Self::Token => "token",
            Self::Traffic => "traffic",
            Self::Annotations => "annotations",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_read_by_the_name_that_messages_say() {
        let schema = schemars::schema_for!(Rule).to_value();
        let names = schema["oneOf"].as_array().expect("documented choices");
        for name in names {
            let name = name["const"].as_str().expect("a name");
            let rule: Rule = serde_json::from_value(name.into()).expect(name);
            assert_eq!(rule.as_str(), name);
        }
        assert_eq!(names.len(), 13);
    }
}
