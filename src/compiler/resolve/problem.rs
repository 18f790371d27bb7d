//! What makes no sense although every part of it is well-formed.

use thiserror::Error;

use crate::suggest;

/// What makes no sense although every part of it is well-formed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
#[non_exhaustive]
pub enum MeaningProblem {
    /// A reference to nothing.
    #[error("there is no {what} `{name}`")]
    Unknown {
        /// What is referred to, such as "size".
        what: &'static str,
        /// The name.
        name: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// A placeholder that has no value there.
    #[error("placeholder `{{{name}}}` has no value here")]
    UnknownPlaceholder {
        /// Name of the placeholder.
        name: String,
        /// The placeholders that have one.
        known: Vec<String>,
    },
    /// A name that Kubernetes would refuse.
    #[error("the name comes out as `{name}`, which is not a DNS label")]
    NotADnsLabel {
        /// The expanded name.
        name: String,
    },
    /// A variable that no container could have.
    #[error("the variable comes out as `{name}`, which cannot name an environment variable")]
    NotAVariable {
        /// The expanded name.
        name: String,
    },
    /// A list that says something twice.
    #[error("`{name}` stands here twice")]
    Twice {
        /// What it says twice.
        name: String,
    },
    /// A service that needs itself.
    #[error("service `{name}` needs itself")]
    NeedsItself {
        /// Name of the service.
        name: String,
    },
    /// Two things with one value that must be unique.
    #[error("`{first}` and `{second}` have the same {what}, `{value}`")]
    Clash {
        /// What must be unique, such as "route".
        what: &'static str,
        /// The value.
        value: String,
        /// Path of one.
        first: String,
        /// Path of the other.
        second: String,
    },
    /// Two sources of one environment variable.
    #[error("variable `{name}` comes from {first} and from {second}")]
    VariableClash {
        /// Name of the variable.
        name: String,
        /// One source in words.
        first: String,
        /// The other.
        second: String,
    },
    /// Two folders whose volumes would have the same name.
    #[error("folders `{first}` and `{second}` would be the same volume `{volume}`")]
    VolumeClash {
        /// Name of the volume.
        volume: String,
        /// One path.
        first: String,
        /// The other.
        second: String,
    },
    /// The least number of pods is more than the greatest.
    #[error("`replicas.min` is {min}, but `replicas.max` only {max}")]
    ReplicasReversed {
        /// Least number.
        min: u32,
        /// Greatest number.
        max: u32,
    },
    /// A range of pods, but no rule to move in it.
    #[error("`replicas` is a range, {min} to {max}, but there is no `autoscaling`")]
    NoAutoscaling {
        /// Least number.
        min: u32,
        /// Greatest number.
        max: u32,
    },
    /// A pod that asks for more than it may have.
    #[error("requests {requested} of {what}, which is more than the limit of {limit}")]
    RequestAboveLimit {
        /// "CPU" or "memory".
        what: &'static str,
        /// The request.
        requested: String,
        /// The limit.
        limit: String,
    },
    /// An environment that takes less or more than it may.
    #[error("the environment takes {found} of {what}, and its budget is {} {limit}", if *bound == "min" { "at least" } else { "at most" })]
    OutsideBudget {
        /// "pods", "CPU", "memory" or "storage".
        what: &'static str,
        /// What it takes.
        found: String,
        /// "min" or "max".
        bound: &'static str,
        /// The bound's amount.
        limit: String,
    },
    /// A limit that is none: Kubernetes takes 0 for any amount.
    #[error("a limit of 0 is no limit of {what}")]
    NoLimit {
        /// "CPU" or "memory".
        what: &'static str,
    },
    /// A Deployment that could never replace a pod.
    #[error("no pod could ever be replaced: none may be more, and none may be missing")]
    NoSurge,
    /// A folder whose path makes no name of a volume.
    #[error("the path `{path}` makes no name of a volume")]
    NotAVolume {
        /// The path.
        path: String,
    },
    /// A pod that would be killed while it still drains.
    #[error("drains for {drain} s, but is killed after {grace} s")]
    DrainTooLong {
        /// Time to drain, in seconds.
        drain: u32,
        /// Time to stop, in seconds.
        grace: u32,
    },
    /// An endpoint that is nowhere, or in several places.
    #[error("endpoint `{name}` must have exactly one of `pods`, `addresses` and `internet`")]
    Whereabouts {
        /// Name of the endpoint.
        name: String,
    },
    /// A receiver of alerts that is told in no way, or in several.
    #[error(
        "receiver `{name}` must have exactly one of `slack`, `webhook`, `email` and `pagerduty`"
    )]
    NotOneWay {
        /// Name of the receiver.
        name: String,
    },
    /// A receiver of alerts to which the network lets nobody out.
    #[error("no need of `[alertmanager]` leads to port {port}, on which receiver `{name}` is told")]
    NoWay {
        /// Name of the receiver.
        name: String,
        /// The port.
        port: u16,
    },
    /// A Prometheus of the release's own beside that of an operator.
    #[error("`scraped_by = \"operator\"` contradicts `[{section}]`")]
    Replaced {
        /// Section that would be replaced.
        section: &'static str,
    },
    /// Something that Prometheus needs and cannot scrape.
    #[error("Prometheus cannot scrape `{name}`")]
    NotScraped {
        /// Key of what it needs.
        name: String,
    },
    /// Metrics that are scraped too rarely for the rules.
    #[error("scrapes every {value}, but must at least every {most} s")]
    IntervalTooLong {
        /// Time between two scrapes.
        value: String,
        /// The longest possible, in seconds.
        most: u64,
    },
    /// A label that every object of a release has, or may have, already.
    #[error("label `{label}` is one that the release sets itself")]
    ReservedLabel {
        /// The label.
        label: String,
    },
    /// Something that is needed for something else is not there.
    #[error("{what} needs {needs}")]
    Incomplete {
        /// What is there.
        what: &'static str,
        /// What it needs.
        needs: &'static str,
    },
    /// A name that no Service can have in most versions of Kubernetes.
    #[error("the name comes out as `{name}`, and that of a Service does not begin with a digit")]
    DigitFirst {
        /// The expanded name.
        name: String,
    },
    /// A name of which Kubernetes could not make those that it needs.
    #[error("the name `{name}` is too long for a {kind}, which has at most {most} characters")]
    NameTooLong {
        /// `StatefulSet` or `CronJob`.
        kind: &'static str,
        /// The name.
        name: String,
        /// Most characters of one.
        most: usize,
    },
}

impl MeaningProblem {
    /// Returns what to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::Unknown { name, known, .. } | Self::UnknownPlaceholder { name, known } => {
                suggest::help(name, known)
            }
            Self::NotADnsLabel { .. } => {
                Some("use a-z, 0-9 and `-` inside, at most 63 characters".to_owned())
            }
            Self::DigitFirst { .. } => Some("begin it with a letter".to_owned()),
            Self::VariableClash { .. } => {
                Some("only `[settings]` may be replaced; rename one, or remove it".to_owned())
            }
            Self::OutsideBudget { .. } => {
                Some("change what it takes, or the budget, if that is wanted".to_owned())
            }
            Self::NoSurge => Some("let it be at least `\"1\"`".to_owned()),
            Self::NotAVolume { .. } => {
                Some("use a path with letters or digits, shorter than 63 characters".to_owned())
            }
            Self::NoAutoscaling { min, .. } => {
                Some(format!("set `replicas.max = {min}` for a fixed number"))
            }
            Self::NoWay { port, .. } => {
                Some(format!("add an endpoint with `port = {port}` to `alertmanager.needs`"))
            }
            Self::Replaced { .. } => {
                let help = "remove it; what a lower layer has goes by \
                            `unset = [\"prometheus\", \"alertmanager\"]`";
                Some(help.to_owned())
            }
            Self::NotScraped { .. } => {
                let help = "name endpoints with `metrics`; what the release runs is scraped anyway";
                Some(help.to_owned())
            }
            Self::ReservedLabel { .. } => Some("take another label".to_owned()),
            Self::IntervalTooLong { .. } => {
                Some("alert rules look back five minutes, and need a few samples there".to_owned())
            }
            _ => None,
        }
    }
}
