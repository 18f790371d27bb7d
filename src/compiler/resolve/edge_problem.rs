//! What makes no sense at the edge: what a controller cannot do, or would not heed.

use thiserror::Error;

use crate::{nginx::NginxProblem, suggest};

/// What makes no sense at the edge although every part of it is well-formed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
#[non_exhaustive]
pub enum EdgeProblem {
    /// Something that the Gateway API cannot express.
    #[error("the Gateway API has nothing for `{key}`")]
    NotInGatewayApi {
        /// The key in `[edge]`.
        key: &'static str,
    },
    /// An annotation of ingress-nginx where there is no ingress-nginx.
    #[error("`{name}` says nothing to a controller of the Gateway API")]
    AnnotationOfNginx {
        /// Name of the annotation.
        name: String,
    },
    /// An annotation that ingress-nginx does not take.
    #[error("{problem}")]
    Annotation {
        /// What is wrong with it.
        problem: NginxProblem,
        /// The key that sets what is meant, if one does.
        key: Option<&'static str>,
    },
    /// An annotation that another key sets.
    #[error("annotation `{name}` is what `{key}` sets")]
    AnnotationOfKey {
        /// Name of the annotation.
        name: String,
        /// The key.
        key: &'static str,
    },
    /// Any page may call, with the visitor's cookies.
    #[error("`credentials` with the origin `*`: browsers refuse that")]
    AnyoneWithCredentials,
    /// `*` beside other origins.
    #[error("beside the origin `*` the others say nothing")]
    OriginsBesideAny,
    /// A list that says nothing.
    #[error("`cors.{list}` is empty")]
    Empty {
        /// Name of the list.
        list: &'static str,
    },
    /// Metrics that the edge would show to everyone.
    #[error("everyone could read these metrics at `{path}`")]
    PublicMetrics {
        /// The host and the path outside.
        path: String,
    },
    /// A route that ingress-nginx does not take.
    #[error("ingress-nginx may refuse the route `{route}`: it has `.` or `~`")]
    RouteOfNginx {
        /// The route.
        route: String,
    },
    /// An issuer that issues in no way, or in several.
    #[error("issuer `{name}` must have exactly one of `acme`, `ca` and `self_signed`")]
    Issuance {
        /// Name of the issuer.
        name: String,
    },
    /// A name in a certificate that is too long for one.
    #[error("the common name comes out as `{name}`, which is longer than 64 characters")]
    CommonName {
        /// The expanded name.
        name: String,
    },
    /// An issuer of the release that it does not have.
    #[error("the release has no issuer `{name}`")]
    UnknownIssuer {
        /// The name.
        name: String,
        /// The issuers of the release.
        known: Vec<String>,
    },
}

impl EdgeProblem {
    /// Returns what to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::NotInGatewayApi { key } => Some(format!(
                "set `unset = [\"edge.{key}\"]` if a layer below has it, or `controller = \"ingress-nginx\"`"
            )),
            Self::AnnotationOfNginx { .. } => Some(
                "remove it, or set `unset = [\"edge.annotations\"]` if a layer below has it"
                    .to_owned(),
            ),
            Self::Annotation { problem, key } => {
                let key = key.map(|key| format!(" `{key}` sets it")).unwrap_or_default();
                problem.help().map(|help| help + &key)
            }
            Self::AnnotationOfKey { .. } => Some("say it there only".to_owned()),
            Self::AnyoneWithCredentials => {
                Some("name the origins, or set `credentials = false`".to_owned())
            }
            Self::OriginsBesideAny => Some("remove them, or the `*`".to_owned()),
            Self::Empty { .. } => {
                Some("ingress-nginx would take a list of its own; name at least one".to_owned())
            }
            Self::UnknownIssuer { name, known } => {
                let help = suggest::help(name, known).map(|help| format!("; {help}"));
                let help = help.unwrap_or_default();
                Some(format!("for one of the cluster set `issuer_kind = \"ClusterIssuer\"`{help}"))
            }
            Self::PublicMetrics { .. } => Some(
                "give them a `port` of their own, which no route leads to, or set `public = true` \
                 if they may be read"
                    .to_owned(),
            ),
            Self::RouteOfNginx { .. } => Some(
                "it checks prefixes strictly, by default and depending on its version: use letters, \
                 digits, `-`, `_` and `/`, or `strip_route`"
                    .to_owned(),
            ),
            Self::CommonName { .. } => Some("set a shorter `common_name`".to_owned()),
            Self::Issuance { .. } => None,
        }
    }
}
