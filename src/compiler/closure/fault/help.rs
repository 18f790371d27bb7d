//! What to do about a fault.

use super::Fault;
use crate::suggest;

impl Fault {
    /// Returns what to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        let help = match self {
            Self::NoSuchObject { kind, name, known } => {
                let known = known.iter().map(String::as_str);
                return Some(match (suggest::nearest(name, known), kind.as_str()) {
                    (Some(nearest), _) => format!("did you mean `{nearest}`?"),
                    (None, "Secret") => {
                        format!("if the site has it, say `site.secrets.{name} = [\"KEY\"]`")
                    }
                    (None, "ConfigMap") => {
                        format!("if the site has it, say `site.config_maps.{name} = [\"KEY\"]`")
                    }
                    (None, _) => {
                        format!("if the site has it, say `site.objects = [\"{kind}/{name}\"]`")
                    }
                });
            }
            Self::NoSuchKey { key, known, .. } => return suggest::help(key, known),
            Self::NoSuchPort { port, known, .. } => return suggest::help(port, known),
            Self::Annotation(problem) => return problem.help(),
            Self::NotServed { instead, .. } => {
                return instead.map(|instead| format!("use `{instead}`"));
            }
            Self::NotDefined { served, .. } => {
                format!("use {}", suggest::list(served.iter().map(String::as_str)))
            }
            Self::HiddenImage { .. } => "write it without placeholders and with its tag where the \
                environment says it, or if it is no image, add it to `not_images`"
                .to_owned(),
            Self::OutsideQuota { .. } => {
                "let an Ingress or a route lead to it, or go without `[quota]`".to_owned()
            }
            Self::Unpinned { .. } => "write the image with registry and tag".to_owned(),
            Self::ForeignPods => "make the labels of the template match the selector".to_owned(),
            Self::SelectsNothing { .. } => "compare it with the labels there".to_owned(),
            Self::FixedReplicas { .. } => "remove `replicas`".to_owned(),
            Self::NoRequest { resource, .. } => format!("add `resources.requests.{resource}`"),
            Self::CustomMetric { .. } => {
                "if the site has one, say `site.custom_metrics = true`".to_owned()
            }
            Self::BlocksDrains { .. } => "say `maxUnavailable: 1`".to_owned(),
            Self::SamePort { .. } | Self::TwoAutoscalers { .. } => "remove one".to_owned(),
            Self::SamePortName { .. } => "rename one".to_owned(),
            Self::UnnamedPort { .. } => "name it".to_owned(),
            Self::NoProbe { .. } | Self::NoResource { .. } => "add it".to_owned(),
            Self::WritableRoot { .. } => "say `readOnlyRootFilesystem: true` in its \
                `securityContext`, and mount an `emptyDir` where it writes"
                .to_owned(),
            Self::DefaultAccount => "bring a ServiceAccount, and name it".to_owned(),
            Self::Token { .. } => "say `automountServiceAccountToken: false`".to_owned(),
            Self::NoEgress => "bring a NetworkPolicy with `egress` for it, which may be empty if \
                it calls nobody"
                .to_owned(),
            Self::NoIngress => "bring a NetworkPolicy with `ingress` for it".to_owned(),
            Self::PodsOnly => "use an `ipBlock`, such as 0.0.0.0/0 except the private ranges, or \
                name the pods"
                .to_owned(),
            Self::OneSided { .. } => "declare the need, or bring a NetworkPolicy with `ingress` \
                for what is called"
                .to_owned(),
            Self::NotRestricted { .. } | Self::RangeReversed { .. } => return None,
        };
        Some(help)
    }
}
