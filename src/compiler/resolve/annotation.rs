//! Checks the annotations that an environment adds at the edge.

use super::{EdgeProblem, Resolver};
use crate::{
    environment::edge::{Edge, EdgeController},
    nginx::{self, NginxProblem},
};

/// Annotations by which cert-manager and the API server are told what other keys tell them.
const OF_OTHERS: [(&str, &str); 3] = [
    ("cert-manager.io/", "edge.tls"),
    ("acme.cert-manager.io/", "edge.tls"),
    ("kubernetes.io/ingress.class", "edge.class"),
];

impl Resolver<'_, '_> {
    pub(super) fn check_annotations(&mut self, edge: &Edge) {
        for (name, value) in
            edge.annotations.iter().map(|(name, value)| (name.as_ref(), value.as_str()))
        {
            if let Some(problem) = problem(edge.controller, name, value) {
                self.report(&["edge", "annotations", name], problem);
            }
        }
    }
}

/// Returns what is wrong with the annotation `name`, if anything is.
fn problem(controller: EdgeController, name: &str, value: &str) -> Option<EdgeProblem> {
    let of_other = OF_OTHERS.iter().find(|(other, _)| name.starts_with(other));
    if let Some((_, key)) = of_other {
        return Some(EdgeProblem::AnnotationOfKey { name: name.to_owned(), key });
    }
    let option = name.strip_prefix(nginx::PREFIX)?;
    if controller == EdgeController::GatewayApi {
        return Some(EdgeProblem::AnnotationOfNginx { name: name.to_owned() });
    }
    if let Some(key) = key_of(option) {
        return Some(EdgeProblem::AnnotationOfKey { name: option.to_owned(), key });
    }
    let problem = nginx::check(option, value).err()?;
    let key = match &problem {
        NginxProblem::Unknown { nearest, .. } => nearest.and_then(key_of),
        _ => None,
    };
    Some(EdgeProblem::Annotation { problem, key })
}

/// Returns the key of the environment that sets an option of ingress-nginx.
fn key_of(option: &str) -> Option<&'static str> {
    Some(match option {
        "ssl-redirect" | "force-ssl-redirect" => "edge.force_https",
        "use-regex" | "rewrite-target" => "edge.strip_route",
        "limit-rps" | "limit-connections" => "edge.rate_limit",
        "proxy-body-size" => "edge.max_body",
        "proxy-read-timeout" => "edge.timeout_seconds",
        "enable-modsecurity" | "enable-owasp-core-rules" => "edge.firewall",
        "enable-cors" => "edge.cors",
        option if option.starts_with("cors-") && nginx::is_known(option) => "edge.cors",
        _ => return None,
    })
}
