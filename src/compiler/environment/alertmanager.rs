//! Who is told of alerts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    monitoring::Severity,
    program::{Program, SecretKey, Storage},
};
use crate::text::HostPort;

/// URLs, keys and passwords of receivers are values of secrets, of which the release has only the
/// names.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Alertmanager {
    /// How it runs.
    #[serde(flatten)]
    pub(crate) program: Program,
    /// How many pods; more than one tell each other what people were told. The default is 1.
    #[serde(default = "default_replicas")]
    #[schemars(range(min = 1, max = 5))]
    pub(crate) replicas: u32,
    /// Where each pod keeps silences, and what people were told.
    pub(crate) storage: Storage,
    /// Endpoints through which receivers are reached, such as one with `internet = true`: with port
    /// 443 for Slack and PagerDuty, with that of its `smarthost` for a mailbox, and any for a
    /// webhook. Required if there are receivers.
    #[serde(default)]
    pub(crate) needs: Vec<String>,
    /// Who is told, by name. Without any, alerts are seen only by those who look.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "dns-label"}))]
    pub(crate) receivers: BTreeMap<String, Receiver>,
}

/// Someone who is told of alerts, in exactly one way.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Receiver {
    /// Of which alerts. The default is `critical` and `warning`. One with `none` gets `Watchdog`,
    /// every few minutes, and can tell when it stays away.
    #[serde(default = "default_severities")]
    pub(crate) severities: Vec<Severity>,
    /// A channel of Slack.
    #[serde(default)]
    pub(crate) slack: Option<Slack>,
    /// A program that takes Alertmanager's JSON by HTTP.
    #[serde(default)]
    pub(crate) webhook: Option<Webhook>,
    /// A mailbox.
    #[serde(default)]
    pub(crate) email: Option<Email>,
    /// A service of PagerDuty.
    #[serde(default)]
    pub(crate) pagerduty: Option<Pagerduty>,
}

/// A channel of Slack.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Slack {
    /// URL of an incoming webhook.
    pub(crate) url: SecretKey,
    /// Channel, such as `#operations`.
    pub(crate) channel: String,
}

/// A program that takes Alertmanager's JSON by HTTP.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Webhook {
    /// Its URL.
    pub(crate) url: SecretKey,
}

/// A mailbox.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Email {
    /// Address of the receiver.
    pub(crate) to: String,
    /// Address of the sender.
    pub(crate) from: String,
    /// Host and port of the mail server, such as `smtp.example.com:587`.
    pub(crate) smarthost: HostPort,
    /// Name by which to log in there. The default is not to.
    #[serde(default)]
    pub(crate) username: Option<String>,
    /// Password for that; required with a username.
    #[serde(default)]
    pub(crate) password: Option<SecretKey>,
    /// Whether the connection must be encrypted. The default is true.
    #[serde(default = "default_true")]
    pub(crate) require_tls: bool,
}

impl Email {
    /// Returns the port of the mail server.
    pub(crate) fn port(&self) -> u16 {
        // The constructor of the text took this very number.
        let port = self.smarthost.as_ref().rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        port.unwrap_or_default()
    }
}

/// A service of PagerDuty.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Pagerduty {
    /// Integration key (Events API v2).
    pub(crate) routing_key: SecretKey,
}

fn default_replicas() -> u32 {
    1
}

fn default_severities() -> Vec<Severity> {
    vec![Severity::Critical, Severity::Warning]
}

fn default_true() -> bool {
    true
}
