//! What is wrong with objects that a team brings itself, and with patches.

use thiserror::Error;

use crate::{
    image::{ImageReference, corrected},
    suggest,
};

/// What is wrong with objects that a team brings itself, or with a patch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
#[non_exhaustive]
pub enum ManifestProblem {
    /// A path at which nothing is.
    #[error("there is no file or folder `{path}` with objects")]
    NoFile {
        /// The path.
        path: String,
        /// The files that exist.
        known: Vec<String>,
    },
    /// A file that two entries have.
    #[error("`{path}` is in two entries of `[[manifests]]`")]
    FileTwice {
        /// The path.
        path: String,
    },
    /// A document that is no object.
    #[error("an object must have `{field}`, a text")]
    NoObject {
        /// The field that it lacks.
        field: &'static str,
    },
    /// An object that Kubernetes names.
    #[error("`generateName` makes another object at every apply")]
    GeneratedName,
    /// An object that a hook of Helm is.
    #[error("`{object}` is a hook of Helm, `{hook}`, and there is no Helm here to run it")]
    HelmHook {
        /// The object.
        object: String,
        /// What the annotation says.
        hook: String,
    },
    /// A template that Helm would render.
    #[error("`{text}` is a template of Helm, which is not rendered here")]
    HelmTemplate {
        /// Where it starts.
        text: String,
    },
    /// A secret value.
    #[error("`{object}` has a secret value, which would stand in the bundle")]
    SecretValue {
        /// The object.
        object: String,
    },
    /// A field that the API server writes.
    #[error("`{field}` is written by the API server or by another tool")]
    ServerField {
        /// The field.
        field: String,
    },
    /// A kind of which nothing is known.
    #[error("whether `{kind}` of `{api_version}` has a namespace cannot be told")]
    UnknownKind {
        /// The kind.
        kind: String,
        /// Its group and version.
        api_version: String,
    },
    /// A kind that its group does not have.
    #[error("`{api_version}` has no kind `{kind}`")]
    NoSuchKind {
        /// The kind.
        kind: String,
        /// Its group and version.
        api_version: String,
        /// The kinds that the group has.
        known: Vec<String>,
    },
    /// A namespace for an object that can have none.
    #[error("`{object}` belongs to the cluster, so it cannot have a namespace")]
    ClusterObject {
        /// The object.
        object: String,
    },
    /// Another namespace than the release's.
    #[error("`{object}` is in namespace `{found}`, not in the release's, `{namespace}`")]
    OtherNamespace {
        /// The object.
        object: String,
        /// Its namespace.
        found: String,
        /// The release's.
        namespace: String,
    },
    /// An object that is there twice.
    #[error("`{object}` is in the release twice")]
    Twice {
        /// The object.
        object: String,
        /// Where the other is.
        other: String,
    },
    /// A text that is used as an image and names none.
    #[error("`{text}` is not {}", ImageReference::EXPECTED)]
    NotAnImage {
        /// The text.
        text: String,
    },
    /// An image that is put together from several texts.
    #[error("image `{image}` is in parts, so it cannot be pinned where it stands")]
    ImageInParts {
        /// The image.
        image: String,
    },
    /// An exemption of a text that does not occur.
    #[error("`{text}` looks like an image nowhere")]
    NoSuchText {
        /// The text.
        text: String,
    },
    /// A readiness rule for a kind that does not occur.
    #[error("there is no `{kind}` here to wait for")]
    NothingToWaitFor {
        /// The kind.
        kind: String,
        /// The kinds that occur.
        known: Vec<String>,
    },
    /// Two readiness rules for one kind.
    #[error("`{kind}` has two rules of readiness")]
    TwoReadinessRules {
        /// The kind.
        kind: String,
    },
    /// A patch of nothing.
    #[error("there is no `{target}` to patch")]
    NoTarget {
        /// Kind and name.
        target: String,
        /// The objects of the kind.
        known: Vec<String>,
    },
    /// A patch of what has another API version or namespace.
    #[error("`{target}` is not of the API version and in the namespace of the `target`")]
    TargetElsewhere {
        /// Kind and name.
        target: String,
        /// Where there is one, in words.
        known: Vec<String>,
    },
    /// A patch of one of several.
    #[error("there are several `{target}`")]
    ManyTargets {
        /// Kind and name.
        target: String,
    },
    /// A patch that changes nothing.
    #[error("the patch of `{target}` changes nothing")]
    Unchanged {
        /// Kind and name.
        target: String,
    },
    /// A patch that changes what an object is.
    #[error("the patch changes `{field}` of `{target}`, by which it is known")]
    Identity {
        /// The field.
        field: String,
        /// Kind and name.
        target: String,
    },
    /// A pointer to nothing.
    #[error("`{target}` has no `{pointer}`")]
    NoValue {
        /// Kind and name.
        target: String,
        /// The pointer.
        pointer: String,
    },
}

impl ManifestProblem {
    /// Returns what to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        let help = match self {
            Self::NoFile { path, known } => return suggest::help(path, known),
            Self::NoTarget { target, known } => return suggest::help(target, known),
            Self::NoSuchKind { kind, known, .. } | Self::NothingToWaitFor { kind, known } => {
                return suggest::help(kind, known);
            }
            Self::TargetElsewhere { known, .. } => format!("it is {}", known.join(", and ")),
            Self::GeneratedName => "give it a `name`".to_owned(),
            Self::HelmHook { .. } => {
                "remove the annotation: jobs are applied before the workloads anyway".to_owned()
            }
            Self::HelmTemplate { .. } => "bring what `helm template` prints".to_owned(),
            Self::SecretValue { .. } => {
                "declare its name and keys in `[secrets]`, so that the values come from the \
                 secret store"
                    .to_owned()
            }
            Self::UnknownKind { kind, .. } => format!(
                "bring its CustomResourceDefinition along, or say `scopes.{kind} = \"Namespaced\"` \
                 or `\"Cluster\"` in the entry of `[[manifests]]`"
            ),
            Self::OtherNamespace { found, .. } => format!(
                "remove it to have it in the release's, or say `namespaces = [\"{found}\"]` in \
                 the entry of `[[manifests]]`"
            ),
            Self::Twice { other, .. } => format!("the other is at {other}; remove one of them"),
            Self::NotAnImage { text } => {
                format!("write `{}`, or if it is no image, add it to `not_images`", completed(text))
            }
            Self::ImageInParts { image } => format!(
                "add `{}` to `images` in the entry, so that it is in the bundle",
                completed(image)
            ),
            Self::TwoReadinessRules { .. } => "keep one of them".to_owned(),
            Self::ManyTargets { .. } => "add `api_version` or `namespace` to `target`".to_owned(),
            Self::ServerField { .. } | Self::NoSuchText { .. } | Self::Unchanged { .. } => {
                "remove it".to_owned()
            }
            Self::ClusterObject { .. } => "remove `metadata.namespace`".to_owned(),
            Self::FileTwice { .. } => "let only one of them have it".to_owned(),
            Self::NoObject { .. } | Self::Identity { .. } | Self::NoValue { .. } => return None,
        };
        Some(help)
    }
}

/// Returns `text` with what it lacks to be an image, as Docker would understand it.
fn completed(text: &str) -> String {
    if let Some(image) = corrected(text) {
        return image;
    }
    let (name, tag) = match text.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (text, "TAG"),
    };
    let name = match name.split_once('/') {
        None => format!("docker.io/library/{name}"),
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => name.to_owned(),
        Some(_) => format!("docker.io/{name}"),
    };
    format!("{name}:{tag}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_completes_an_image_as_docker_would_understand_it() {
        for (text, expected) in [
            ("nginx", "docker.io/library/nginx:TAG"),
            ("nginx:1", "docker.io/library/nginx:1"),
            ("grafana/loki:3", "docker.io/grafana/loki:3"),
            ("docker.io/nginx:1", "docker.io/library/nginx:1"),
            ("Quay.io/a/b:1", "quay.io/a/b:1"),
            ("quay.io/a/b", "quay.io/a/b:TAG"),
            ("localhost:5000/a", "localhost:5000/a:TAG"),
        ] {
            assert_eq!(completed(text), expected);
        }
    }
}
