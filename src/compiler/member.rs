//! An object of the release, with where it comes from.

use serde_json::Value;

use crate::{place::Place, tree::Node};

/// An object of the release.
pub(crate) struct Member {
    /// The object.
    pub(crate) manifest: Value,
    /// Where it comes from.
    pub(crate) origin: Origin,
    /// The last patch of it.
    pub(crate) patch: Option<Place>,
}

/// Where an object comes from.
pub(crate) enum Origin {
    /// The environment, from what stands at this place.
    Rendered(Place),
    /// A file of the team.
    Own {
        /// The document.
        document: Node,
        /// Position of its entry in `[[manifests]]`.
        entry: usize,
    },
}

impl Member {
    /// Returns the API version.
    pub(crate) fn api_version(&self) -> &str {
        self.manifest["apiVersion"].as_str().unwrap_or_default()
    }

    /// Returns the API group; empty for the core group.
    pub(crate) fn group(&self) -> &str {
        group_of(self.api_version())
    }

    /// Returns the kind.
    pub(crate) fn kind(&self) -> &str {
        self.manifest["kind"].as_str().unwrap_or_default()
    }

    /// Returns the name.
    pub(crate) fn name(&self) -> &str {
        self.manifest["metadata"]["name"].as_str().unwrap_or_default()
    }

    /// Returns the namespace; empty for an object of the cluster.
    pub(crate) fn namespace(&self) -> &str {
        self.manifest["metadata"]["namespace"].as_str().unwrap_or_default()
    }

    /// Returns kind and name, for messages.
    pub(crate) fn title(&self) -> String {
        format!("{}/{}", self.kind(), self.name())
    }

    /// Returns the labels, or null.
    pub(crate) fn labels(&self) -> &Value {
        &self.manifest["metadata"]["labels"]
    }

    /// Returns whether it is a `kind` of `group`, in whatever version.
    pub(crate) fn is(&self, group: &str, kind: &str) -> bool {
        self.kind() == kind && self.group() == group
    }

    /// Returns whether both would be one object in the cluster.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        (self.kind(), self.group(), self.namespace(), self.name())
            == (other.kind(), other.group(), other.namespace(), other.name())
    }

    /// Returns where the value at `path`, or the nearest value around it, is said.
    pub(crate) fn place_of(&self, path: &[&str]) -> Place {
        match &self.origin {
            Origin::Own { document, .. } => document.place_of(path),
            Origin::Rendered(place) => self.patch.as_ref().unwrap_or(place).clone(),
        }
    }
}

/// Returns the group of an API version; empty for the core group.
pub(crate) fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}
