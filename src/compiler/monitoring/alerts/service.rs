//! How services answer: availability, errors, latency.

use super::super::{Watched, rule::Rule};
use crate::{component::Role, environment::monitoring::Severity};

/// Failed requests of a service as a share of all, over the last five minutes.
pub(crate) const ERRORS: &str = "job:http_errors:ratio_rate5m";

/// Time within which 95 % of the requests of a service were answered, over the last five minutes.
pub(crate) const LATENCY: &str = "job:http_request_duration_seconds:p95_5m";

/// Spans over which the share of failed requests is recorded.
const SPANS: [&str; 7] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"];

pub(super) fn rules(watched: &Watched) -> Vec<Rule> {
    let services = watched.with_role(&[Role::Service]);
    if services.is_empty() {
        return Vec::new();
    }
    let matchers = watched.matchers(&services);
    let http = &watched.monitoring.http;
    let (requests, status, duration) = (&http.requests, &http.status, &http.duration);
    let errors = |span: &str| {
        let rate = |more: &str| {
            format!("sum by (namespace, job) (rate({requests}{{{matchers}{more}}}[{span}]))")
        };
        let failed = rate(&format!(",{status}=~\"5..\""));
        Rule::record(
            format!("job:http_errors:ratio_rate{span}"),
            format!("{failed} / {}", rate("")),
        )
    };
    let buckets = format!("rate({duration}_bucket{{{matchers}}}[5m])");
    let latency = format!("histogram_quantile(0.95, sum by (namespace, job, le) ({buckets}))");
    let mut rules: Vec<_> = SPANS.iter().map(|span| errors(span)).collect();
    rules.push(Rule::record(LATENCY, latency));
    rules.extend(alerts(watched, &matchers));
    rules
}

fn alerts(watched: &Watched, matchers: &str) -> [Rule; 4] {
    let thresholds = &watched.monitoring.thresholds;
    let availability = thresholds.availability.number();
    // The budget of 30 days goes in 30 days / `factor`; the short span ends the alert soon after
    // the failures end. See "Alerting on SLOs" in the SRE workbook, table 5-8.
    let burns = |factor: &str, long: &str, short: &str| {
        let above = |span: &str| {
            let series = format!("job:http_errors:ratio_rate{span}{{{matchers}}}");
            format!("{series} > {factor} * (1 - {availability} / 100)")
        };
        format!("({} and {})", above(long), above(short))
    };
    let fast = [burns("14.4", "1h", "5m"), burns("6", "6h", "30m")].join(" or ");
    let slow = [burns("3", "1d", "2h"), burns("1", "3d", "6h")].join(" or ");
    let (latency, errors) = (thresholds.latency_milliseconds, thresholds.error_percent);
    [
        Rule::alert("AvailabilityBudgetBurnsFast", Severity::Critical, fast).pending("2m").says(
            &format!("{{{{ $labels.job }}}} fails so often that {availability} % cannot be held"),
            "At this rate the failures that a month allows are used up within five days. Look at \
             the service's errors, and at its last release.",
        ),
        Rule::alert("AvailabilityBudgetBurnsSlowly", Severity::Warning, slow).pending("15m").says(
            &format!("{{{{ $labels.job }}}} will not hold {availability} % this month"),
            "At this rate the failures that a month allows are used up before it ends.",
        ),
        Rule::alert(
            "ErrorRateHigh",
            Severity::Warning,
            format!("{ERRORS}{{{matchers}}} > {errors} / 100"),
        )
        .pending("5m")
        .says(
            &format!("More than {errors} % of the requests to {{{{ $labels.job }}}} fail"),
            "It is {{ $value | humanizePercentage }}, over five minutes.",
        ),
        Rule::alert(
            "LatencyHigh",
            Severity::Warning,
            format!("{LATENCY}{{{matchers}}} > {latency} / 1000"),
        )
        .pending("10m")
        .says(
            &format!("One in twenty requests to {{{{ $labels.job }}}} takes over {latency} ms"),
            "The 95th percentile is {{ $value | humanizeDuration }}, over five minutes.",
        ),
    ]
}
