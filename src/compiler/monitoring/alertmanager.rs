//! The configuration of Alertmanager: who is told of what.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    environment::{alertmanager::Receiver, monitoring::Severity, program::SecretKey},
    yaml::to_document,
};

/// Name of the configuration file.
pub(crate) const CONFIG_FILE: &str = "alertmanager.yml";

/// The receiver of what nobody wants to be told of. No receiver of an environment can be called so.
const NO_ONE: &str = "no_one";

#[derive(Serialize)]
struct Config<'a> {
    route: Route<'a>,
    inhibit_rules: [Inhibition; 1],
    receivers: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Route<'a> {
    receiver: &'a str,
    group_by: [&'static str; 3],
    group_wait: &'static str,
    group_interval: &'static str,
    repeat_interval: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    routes: Vec<Branch<'a>>,
}

#[derive(Serialize)]
struct Branch<'a> {
    receiver: &'a str,
    matchers: [String; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat_interval: Option<&'static str>,
    #[serde(rename = "continue")]
    goes_on: bool,
}

#[derive(Serialize)]
struct Inhibition {
    source_matchers: [String; 1],
    target_matchers: [String; 1],
    equal: [&'static str; 2],
}

#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    slack_configs: Option<[Slack<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_configs: Option<[Webhook; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_configs: Option<[Email<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pagerduty_configs: Option<[Pagerduty; 1]>,
}

#[derive(Serialize)]
struct Slack<'a> {
    send_resolved: bool,
    api_url_file: String,
    channel: &'a str,
    title: &'static str,
    text: &'static str,
}

#[derive(Serialize)]
struct Webhook {
    send_resolved: bool,
    url_file: String,
}

#[derive(Serialize)]
struct Email<'a> {
    send_resolved: bool,
    to: &'a str,
    from: &'a str,
    smarthost: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_password_file: Option<String>,
    require_tls: bool,
}

#[derive(Serialize)]
struct Pagerduty {
    send_resolved: bool,
    routing_key_file: String,
}

/// Returns the configuration by which `receivers` are told. `file_of` gives the path of the file
/// with a secret value.
pub(crate) fn config(
    receivers: &BTreeMap<String, Receiver>,
    file_of: &dyn Fn(&SecretKey) -> String,
) -> String {
    let told = receivers.iter().map(|(name, receiver)| entry(name, receiver, file_of));
    to_document(&Config {
        route: Route {
            receiver: NO_ONE,
            group_by: ["namespace", "alertname", "job"],
            group_wait: "30s",
            group_interval: "5m",
            repeat_interval: "4h",
            routes: receivers.iter().map(|(name, receiver)| branch(name, receiver)).collect(),
        },
        // Who must act at once on a component need not be told the rest of it too.
        inhibit_rules: [Inhibition {
            source_matchers: [is_one_of(&[Severity::Critical])],
            target_matchers: [is_one_of(&[Severity::Warning, Severity::Info])],
            equal: ["namespace", "job"],
        }],
        receivers: [nobody()].into_iter().chain(told).collect(),
    })
}

/// Every receiver is asked, whoever else is told.
fn branch<'a>(name: &'a str, receiver: &Receiver) -> Branch<'a> {
    let is_watchdog = receiver.severities.iter().all(|severity| *severity == Severity::None);
    Branch {
        receiver: name,
        matchers: [is_one_of(&receiver.severities)],
        repeat_interval: is_watchdog.then_some("5m"),
        goes_on: true,
    }
}

fn is_one_of(severities: &[Severity]) -> String {
    let names: Vec<_> = severities.iter().map(|severity| severity.as_str()).collect();
    format!("severity=~\"{}\"", names.join("|"))
}

fn nobody() -> Entry<'static> {
    let (slack_configs, webhook_configs) = (None, None);
    let (email_configs, pagerduty_configs) = (None, None);
    Entry { name: NO_ONE, slack_configs, webhook_configs, email_configs, pagerduty_configs }
}

fn entry<'a>(
    name: &'a str,
    receiver: &'a Receiver,
    file_of: &dyn Fn(&SecretKey) -> String,
) -> Entry<'a> {
    let send_resolved = true;
    Entry {
        name,
        slack_configs: receiver.slack.as_ref().map(|slack| {
            [Slack {
                send_resolved,
                api_url_file: file_of(&slack.url),
                channel: &slack.channel,
                title: "{{ .Status | toUpper }}: {{ .CommonAnnotations.summary }}",
                text: "{{ range .Alerts }}{{ .Annotations.description }}\n{{ end }}",
            }]
        }),
        webhook_configs: receiver
            .webhook
            .as_ref()
            .map(|webhook| [Webhook { send_resolved, url_file: file_of(&webhook.url) }]),
        email_configs: receiver.email.as_ref().map(|email| {
            [Email {
                send_resolved,
                to: &email.to,
                from: &email.from,
                smarthost: email.smarthost.as_ref(),
                auth_username: email.username.as_deref(),
                auth_password_file: email.password.as_ref().map(file_of),
                require_tls: email.require_tls,
            }]
        }),
        pagerduty_configs: receiver.pagerduty.as_ref().map(|pagerduty| {
            [Pagerduty { send_resolved, routing_key_file: file_of(&pagerduty.routing_key) }]
        }),
    }
}
