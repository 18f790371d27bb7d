//! The servers of a datastore: one that is written to, and those that follow it.

use crate::component::{Resolution, pods_name};

/// Which of its servers it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::resolve) enum Rank {
    /// The one to which everything is written.
    Primary,
    /// One of those that follow it.
    Replica,
}

/// Names of a `StatefulSet` and of its Services.
pub(in crate::resolve) struct SetNames {
    /// Of the set, and of its component.
    pub(in crate::resolve) set: String,
    /// Of the Service for clients.
    pub(in crate::resolve) clients: String,
    /// Of the Service that gives each pod a name.
    pub(in crate::resolve) pods: String,
}

impl SetNames {
    /// Returns the names of a set that clients reach by its own.
    pub(in crate::resolve) fn of(name: &str) -> Self {
        Self { set: name.to_owned(), clients: name.to_owned(), pods: pods_name(name) }
    }
}

impl Rank {
    /// Returns how clients find the servers of this rank. A primary is the only one, and something
    /// beside it, such as an exporter that fails, must not take it away from them.
    pub(in crate::resolve) fn resolution(self) -> Resolution {
        match self {
            Self::Primary => Resolution::OnlyPod,
            Self::Replica => Resolution::Balanced,
        }
    }

    /// Returns the names of the servers of the datastore `key` that are of this rank.
    pub(in crate::resolve) fn names(self, key: &str) -> SetNames {
        match self {
            Self::Primary => SetNames::of(key),
            Self::Replica => SetNames {
                clients: format!("{key}-replicas"),
                ..SetNames::of(&format!("{key}-replica"))
            },
        }
    }
}
