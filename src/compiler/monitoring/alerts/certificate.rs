//! Certificates, as cert-manager's controller tells of them.

use super::super::{Watched, rule::Rule};
use crate::environment::monitoring::Severity;

const SERIES: &str = "certmanager_certificate_expiration_timestamp_seconds";

pub(super) fn rules(watched: &Watched) -> Vec<Rule> {
    near_expiry(watched).into_iter().collect()
}

fn near_expiry(watched: &Watched) -> Option<Rule> {
    if !watched.has_certificate {
        return None;
    }
    let days = watched.monitoring.thresholds.certificate_days;
    let namespace = watched.namespace;
    // The label is the certificate's namespace, unless whoever scrapes has put the controller's
    // own in its place.
    let ends = format!(
        "({SERIES}{{exported_namespace=\"{namespace}\"}} or \
         {SERIES}{{namespace=\"{namespace}\",exported_namespace=\"\"}})"
    );
    let expr = format!("{ends} - time() < {days} * 86400");
    Some(Rule::alert("CertificateNearExpiry", Severity::Warning, expr).pending("1h").says(
        "Certificate {{ $labels.name }} ends soon",
        "It ends in {{ $value | humanizeDuration }}, and should have been renewed by now. \
         `kubectl describe certificate` tells why it was not.",
    ))
}
