//! What keeps objects from becoming ready: the fail-fast table.
//!
//! A trouble is known by a one-word reason that Kubernetes gives for programs, never by a message.
//! A rule of the table says how long it has to stand before it is believed that the object will
//! never become ready, and what a person can do about it. The timeout of the command caps it all.

use std::time::Duration;

use crate::{log::LogSource, text};

/// Where a reason stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// At a container that waits to start: `state.waiting.reason`.
    Waiting,
    /// At a container that started and ended: `terminated.reason`, or that it is started again.
    Ended,
    /// In the condition `PodScheduled` of a pod.
    Scheduling,
    /// In the condition `ReplicaFailure` of a workload, or in an event about it.
    Controller,
    /// In an event about a pod.
    Pod,
    /// In an event about a claim that a pod uses.
    Claim,
}

/// When a trouble is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Belief {
    /// Never: it is told, and the timeout decides.
    Never,
    /// After it has stood for this long, without the workload getting on in any way.
    After(Duration),
    /// Like `After`, and after a container has ended [`CRASHES`] times, of which once after the
    /// last other object of the wave became ready: it may have been what the container needs.
    AfterCrashes(Duration),
}

/// How often a container has to end before it is said to crash again and again.
pub(crate) const CRASHES: u64 = 3;

/// A row of the table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    source: Source,
    reasons: &'static [&'static str],
    pub(crate) belief: Belief,
    /// What a person can do.
    pub(crate) remedy: &'static str,
}

/// The reason that stands for a container that runs without being ready.
pub(crate) const NOT_READY: &str = "NotReady";
/// The reason that stands for a pod of a Job that failed. The Job decides whether it tries again.
pub(crate) const JOB_POD: &str = "JobPodFailed";
/// The reason that stands for a claim without a volume of which no event tells why.
pub(crate) const UNBOUND: &str = "Unbound";

/// The table, what is surest first: of two troubles of one object, the earlier is told.
static TABLE: [Rule; 15] = [
    // The name cannot be parsed. No time heals that; a second look makes sure.
    Rule {
        source: Source::Waiting,
        reasons: &["InvalidImageName"],
        belief: Belief::After(Duration::from_secs(5)),
        remedy: "correct the name of the image in the environment",
    },
    // Somebody may be loading the image onto the node by hand at this moment.
    Rule {
        source: Source::Waiting,
        reasons: &["ErrImageNeverPull"],
        belief: Belief::After(Duration::from_secs(30)),
        remedy: "load the image onto the nodes first, or allow pulling it (imagePullPolicy)",
    },
    // The kubelet tries at 0, 10, 30 and 70 s. A registry that is away for a moment has had three
    // chances by then, and so has a pull secret that an operator writes.
    Rule {
        source: Source::Waiting,
        reasons: &[
            "ErrImagePull",
            "ImagePullBackOff",
            "ImageInspectError",
            "RegistryUnavailable",
            "SignatureValidationFailed",
        ],
        belief: Belief::After(Duration::from_mins(1)),
        remedy: "check that the registry has the image and that the nodes can reach it and may \
                 pull from it (imagePullSecrets)",
    },
    // A Secret, a ConfigMap or a key of one is missing. An operator, such as External Secrets, may
    // still write it; it does so within seconds.
    Rule {
        source: Source::Waiting,
        reasons: &["CreateContainerConfigError"],
        belief: Belief::After(Duration::from_mins(1)),
        remedy: "create what the message says is missing: a Secret, a ConfigMap, or a key of one",
    },
    // The container runtime refuses. It may be busy for a moment with a pod that is going.
    Rule {
        source: Source::Waiting,
        reasons: &["CreateContainerError", "PreCreateHookError", "PreStartHookError"],
        belief: Belief::After(Duration::from_mins(1)),
        remedy: "the container runtime refuses the container; the message says why",
    },
    Rule {
        source: Source::Ended,
        reasons: &["OOMKilled"],
        belief: Belief::AfterCrashes(Duration::from_secs(30)),
        remedy: "it needs more memory than its limit; raise the limit in the environment",
    },
    // Something that it needs may be starting beside it.
    Rule {
        source: Source::Ended,
        reasons: &["CrashLoopBackOff", "RunContainerError", "PostStartHookError"],
        belief: Belief::AfterCrashes(Duration::from_secs(30)),
        remedy: "its last lines, where it left some, say why it ends; do the settings and the \
                 services that it needs exist?",
    },
    // A Job starts failed pods again as often as it says; when it gives up, it fails itself.
    Rule {
        source: Source::Ended,
        reasons: &[JOB_POD],
        belief: Belief::Never,
        remedy: "its last lines, where it left some, say why it failed",
    },
    // A quota is used up, or an admission rule says no. Old pods that go free some of the quota;
    // while they do, the workload gets on.
    Rule {
        source: Source::Controller,
        reasons: &["FailedCreate"],
        belief: Belief::After(Duration::from_secs(30)),
        remedy: "the message says what refuses its pods: raise the quota, or change what breaks \
                 the rule",
    },
    // The kubelet waits two minutes for volumes before it tries from the start.
    Rule {
        source: Source::Pod,
        reasons: &["FailedMount", "FailedMapVolume"],
        belief: Belief::After(Duration::from_mins(2)),
        remedy: "create what the message says is missing: a Secret, a ConfigMap or a volume",
    },
    // Provisioners try again within seconds.
    Rule {
        source: Source::Claim,
        reasons: &["ProvisioningFailed", "FailedBinding"],
        belief: Belief::After(Duration::from_mins(1)),
        remedy: "create the storage class, or a volume that fits the claim, or name another class",
    },
    // Only when the events of the pod can be read and none tells that a node is coming, which an
    // autoscaler tells within seconds.
    Rule {
        source: Source::Scheduling,
        reasons: &["Unschedulable"],
        belief: Belief::After(Duration::from_mins(1)),
        remedy: "no node takes the pod; the message counts the reasons: add nodes, or ask for less",
    },
    Rule {
        source: Source::Claim,
        reasons: &[UNBOUND, "ExternalProvisioning"],
        belief: Belief::Never,
        remedy: "look at what provisions volumes in this cluster",
    },
    // Nodes and networks come up, and volumes leave a dead node after six minutes.
    Rule {
        source: Source::Pod,
        reasons: &[
            "FailedAttachVolume",
            "FailedCreatePodSandBox",
            "FailedPrepareDynamicResources",
            "NetworkNotReady",
        ],
        belief: Belief::Never,
        remedy: "look at the node that runs the pod: its volumes and its network",
    },
    // How long an application takes to warm up, nobody can know.
    Rule {
        source: Source::Pod,
        reasons: &["Unhealthy", NOT_READY],
        belief: Belief::Never,
        remedy: "its last lines, where it left some, may say what it waits for; if it only needs \
                 more time, raise --timeout",
    },
];

/// Reasons of events about a pod that cannot be scheduled: a node is on its way. The cluster
/// autoscaler gives the first, Karpenter the second.
const NODE_COMES: [&str; 2] = ["TriggeredScaleUp", "Nominated"];

/// Tells whether an event with this reason excuses that a pod is not scheduled.
pub(crate) fn is_node_coming(reason: &str) -> bool {
    NODE_COMES.contains(&reason)
}

/// What speaks against believing a trouble now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excuse {
    /// Nothing.
    None,
    /// Nobody asked this time whether there is an excuse.
    Unasked,
    /// Something does, such as a node that is coming; its time begins anew when that is over.
    Holds,
}

/// Reasons of events about a claim that has no volume because its pod has no node.
const WAITS_FOR_POD: [&str; 2] = ["WaitForFirstConsumer", "WaitForPodScheduled"];

/// Tells whether an event with this reason says that a claim waits for the scheduler.
pub(crate) fn waits_for_pod(reason: &str) -> bool {
    WAITS_FOR_POD.contains(&reason)
}

/// Reasons of events by which a controller or a kubelet tells that it is past what may have held it
/// up: the pod exists, or its volumes and its network do.
const PAST: [&str; 5] = ["SuccessfulCreate", "Pulling", "Pulled", "Created", "Started"];

/// Tells whether an event with this reason says that earlier trouble is over.
pub(crate) fn is_past(reason: &str) -> bool {
    PAST.contains(&reason)
}

/// Something that keeps an object from becoming ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) rule: &'static Rule,
    /// What it is, such as `pod web-1: ImagePullBackOff: …`.
    pub(crate) text: String,
    /// How often the container has ended.
    pub(crate) ends: u64,
    /// What speaks against believing it.
    pub(crate) excuse: Excuse,
    /// Where the last words of the container are.
    pub(crate) log: Option<LogSource>,
}

/// Tells whether the table has this reason of this source.
pub(crate) fn is_of(source: Source, reason: &str) -> bool {
    rule(source, reason).is_some()
}

fn rule(source: Source, reason: &str) -> Option<&'static Rule> {
    TABLE.iter().find(|rule| rule.source == source && rule.reasons.contains(&reason))
}

impl Trouble {
    /// The trouble of `who` for `reason`, if the table has it.
    pub(crate) fn new(source: Source, reason: &str, who: &str, words: &str) -> Option<Self> {
        let rule = rule(source, reason)?;
        // Nobody knows the reasons that only stand here.
        let is_ours = [NOT_READY, JOB_POD, UNBOUND].contains(&reason);
        let parts = [who, if is_ours { "" } else { reason }, words.trim_end()];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let text = text::clean(&parts.join(": "));
        Some(Self { rule, text, ends: 0, excuse: Excuse::None, log: None })
    }

    /// Its place in the table; of two troubles of one object, the lesser is told.
    pub(crate) fn rank(&self) -> usize {
        TABLE.iter().position(|rule| std::ptr::eq(rule, self.rule)).unwrap_or(TABLE.len())
    }

    /// Whether the reason stands there.
    pub(crate) fn is_from(&self, source: Source) -> bool {
        self.rule.source == source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_one_rule() {
        let mut seen = std::collections::BTreeSet::new();
        for rule in &TABLE {
            for reason in rule.reasons {
                assert!(seen.insert(format!("{:?} {reason}", rule.source)), "{reason}");
                let trouble = Trouble::new(rule.source, reason, "pod x", "").unwrap();
                assert_eq!(trouble.rule, rule, "{reason}");
                let is_ours = trouble.text == "pod x";
                assert!(is_ours || trouble.text == format!("pod x: {reason}"), "{trouble:?}");
            }
        }
    }

    #[test]
    fn what_every_pod_passes_through_is_no_trouble() {
        for reason in ["ContainerCreating", "PodInitializing", "Completed", ""] {
            assert_eq!(Trouble::new(Source::Waiting, reason, "pod x", ""), None, "{reason}");
        }
    }

    #[test]
    fn the_surest_trouble_comes_first() {
        let rank = |source, reason| Trouble::new(source, reason, "x", "").unwrap().rank();
        let ranks = [
            rank(Source::Waiting, "InvalidImageName"),
            rank(Source::Waiting, "ImagePullBackOff"),
            rank(Source::Ended, "CrashLoopBackOff"),
            rank(Source::Scheduling, "Unschedulable"),
            rank(Source::Pod, NOT_READY),
        ];
        assert!(ranks.is_sorted_by(|a, b| a < b), "{ranks:?}");
    }
}
