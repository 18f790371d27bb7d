//! What is wrong with an object, in words, and what to do about it.

use thiserror::Error;

use super::Rule;
use crate::suggest;

/// What is wrong with an object. The message goes on after its kind and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
#[non_exhaustive]
pub enum Fault {
    /// A container's image without a digest.
    #[error("runs `{image}`, which has no digest")]
    Unpinned {
        /// The image.
        image: String,
    },
    /// An image in a text that the release does not have.
    #[error("names the image `{image}`, which the release does not have")]
    HiddenImage {
        /// The image.
        image: String,
    },
    /// A reference to an object that nobody has.
    #[error("refers to `{kind}/{name}`, which neither the release nor the site has")]
    NoSuchObject {
        /// Kind of what is referred to.
        kind: String,
        /// Its name.
        name: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// A reference to a key that an object does not have.
    #[error("refers to key `{key}` of `{kind}/{name}`, which has none")]
    NoSuchKey {
        /// Kind of what is referred to.
        kind: &'static str,
        /// Its name.
        name: String,
        /// The key.
        key: String,
        /// The keys that it has.
        known: Vec<String>,
    },
    /// A reference to a port that is not there.
    #[error("refers to port `{port}` of {of}, which has none")]
    NoSuchPort {
        /// The port.
        port: String,
        /// Whose port it would be, in words.
        of: String,
        /// The ports that are there.
        known: Vec<String>,
    },
    /// A selector of nothing.
    #[error("selects no {what} of the release")]
    SelectsNothing {
        /// "pods" or "Services".
        what: &'static str,
    },
    /// A workload that does not select its own pods.
    #[error("does not select its own pods")]
    ForeignPods,
    /// A fixed number of pods that an autoscaler changes.
    #[error("fixes `replicas`, which `{autoscaler}` changes: each apply would undo its work")]
    FixedReplicas {
        /// The autoscaler.
        autoscaler: String,
    },
    /// An autoscaler without the requests that it measures against.
    #[error("scales by {resource}, of which container `{container}` of `{target}` requests none")]
    NoRequest {
        /// "cpu" or "memory".
        resource: String,
        /// The container.
        container: String,
        /// The workload.
        target: String,
    },
    /// A metric that only an adapter has.
    #[error("scales by a metric of type `{metric}`, for which the cluster needs an adapter")]
    CustomMetric {
        /// Type of the metric.
        metric: String,
    },
    /// Two autoscalers of one workload.
    #[error("scales `{target}`, as `{other}` does")]
    TwoAutoscalers {
        /// The workload.
        target: String,
        /// The other autoscaler.
        other: String,
    },
    /// A range of pods that ends before it begins.
    #[error("has `minReplicas` {min}, but `maxReplicas` only {max}")]
    RangeReversed {
        /// Least number.
        min: i64,
        /// Greatest number.
        max: i64,
    },
    /// A disruption budget that lets no pod go.
    #[error("never lets one of its {pods} pods go by `{setting}`, so no node could be drained")]
    BlocksDrains {
        /// What it says.
        setting: String,
        /// How many pods there are.
        pods: i64,
    },
    /// Two ports that are one.
    #[error("has two ports {number} of {protocol}, `{first}` and `{second}`")]
    SamePort {
        /// The number.
        number: i64,
        /// The protocol.
        protocol: String,
        /// Name of one.
        first: String,
        /// Name of the other.
        second: String,
    },
    /// Two ports with one name.
    #[error("has two ports `{name}`")]
    SamePortName {
        /// The name.
        name: String,
    },
    /// One of several ports without a name.
    #[error("has several ports, of which {number} has no name")]
    UnnamedPort {
        /// The number.
        number: i64,
    },
    /// A Service that the quota refuses.
    #[error("is of type `{kind}`, of which `[quota]` allows none")]
    OutsideQuota {
        /// The type.
        kind: String,
    },
    /// A container without a probe.
    #[error("has no `{probe}` in container `{container}`")]
    NoProbe {
        /// The probe.
        probe: &'static str,
        /// The container.
        container: String,
    },
    /// A container without a request or a limit.
    #[error("has no `{field}` in container `{container}`")]
    NoResource {
        /// The field.
        field: String,
        /// The container.
        container: String,
    },
    /// A pod that Pod Security refuses.
    #[error("is not `restricted`: `{field}` of {part} must be {wanted}")]
    NotRestricted {
        /// The pod, or a container of it.
        part: String,
        /// The field.
        field: String,
        /// What it must be.
        wanted: String,
    },
    /// A container that can write to its image.
    #[error("can write to the image of container `{container}`")]
    WritableRoot {
        /// The container.
        container: String,
    },
    /// A pod with the account of everybody.
    #[error("runs as the service account `default`")]
    DefaultAccount,
    /// A token for nothing.
    #[error("mounts a token of `ServiceAccount/{account}`, which has no rights here")]
    Token {
        /// The account.
        account: String,
    },
    /// An API version that is no longer served.
    #[error("is of `{api_version}`, which {program} does not serve since {since}")]
    NotServed {
        /// Group and version.
        api_version: String,
        /// Who served it.
        program: &'static str,
        /// First version that does not.
        since: &'static str,
        /// The one to use.
        instead: Option<&'static str>,
    },
    /// A version that the definition in the release does not serve.
    #[error("is of `{api_version}`, which its definition in the release does not serve")]
    NotDefined {
        /// Group and version.
        api_version: String,
        /// The versions that are served.
        served: Vec<String>,
    },
    /// A pod that may call nobody.
    #[error("may call nobody, not even for names: no network policy but the default selects it")]
    NoEgress,
    /// A pod that nobody may call.
    #[error("may be called by nobody: no network policy but the default lets anyone in")]
    NoIngress,
    /// An HTTPS rule that leads to pods only.
    #[error("lets HTTPS out to pods only: a selector never means the internet")]
    PodsOnly,
    /// Pods that may call others, which do not let them in.
    #[error("lets its pods call port {port} of `{target}`, which does not let them in")]
    OneSided {
        /// What is called.
        target: String,
        /// The port.
        port: String,
    },
    /// An annotation that ingress-nginx does not know.
    #[error("has the annotation `{annotation}`, which ingress-nginx does not know")]
    UnknownAnnotation {
        /// The annotation.
        annotation: String,
        /// The one that is most likely meant.
        nearest: Option<String>,
    },
    /// A value of an annotation that ingress-nginx cannot read.
    #[error("has `{value}` for the annotation `{annotation}`, which takes {expected}")]
    AnnotationValue {
        /// The annotation.
        annotation: String,
        /// Its value.
        value: String,
        /// What it takes, in words.
        expected: String,
    },
    /// An annotation that ingress-nginx refuses by default.
    #[error("has the annotation `{annotation}`, which ingress-nginx refuses by default")]
    Snippet {
        /// The annotation.
        annotation: String,
    },
}

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
            Self::UnknownAnnotation { .. }
            | Self::AnnotationValue { .. }
            | Self::Snippet { .. } => Rule::Annotations,
        })
    }

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
            Self::UnknownAnnotation { nearest, .. } => {
                return nearest.as_ref().map(|nearest| format!("did you mean `{nearest}`?"));
            }
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
            Self::Snippet { .. } => "use the annotation for it, or none".to_owned(),
            Self::NotRestricted { .. }
            | Self::RangeReversed { .. }
            | Self::AnnotationValue { .. } => return None,
        };
        Some(help)
    }
}
