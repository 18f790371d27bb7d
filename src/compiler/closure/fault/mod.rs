//! What is wrong with an object, in words.

mod help;
mod rule;

use thiserror::Error;

use crate::nginx::NginxProblem;

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
    #[error("is of type `{kind}`, of which the quota of its namespace allows none")]
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
    /// An annotation that ingress-nginx does not take.
    #[error("has a wrong annotation: {0}")]
    Annotation(NginxProblem),
}
