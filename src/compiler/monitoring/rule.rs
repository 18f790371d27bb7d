//! Rules of Prometheus, in the form that both its rule files and `PrometheusRule` have.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::environment::monitoring::Severity;

/// Rules that are evaluated together, one after the other.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) rules: Vec<Rule>,
}

/// A rule file.
#[derive(Serialize)]
pub(crate) struct RuleFile<'a> {
    pub(crate) groups: &'a [Group],
}

/// A rule: it records a series, or it is an alert.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Rule {
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<String>,
    expr: String,
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pending: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'static str, String>,
}

impl Rule {
    /// Records what `expr` gives as the series `name`.
    pub(crate) fn record(name: impl Into<String>, expr: impl Into<String>) -> Self {
        Self {
            record: Some(name.into()),
            alert: None,
            expr: expr.into(),
            pending: None,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
        }
    }

    /// Alerts as soon as `expr` gives anything.
    pub(crate) fn alert(name: &str, severity: Severity, expr: impl Into<String>) -> Self {
        let labels = [("severity", severity.as_str().to_owned())].into();
        Self {
            record: None,
            alert: Some(name.to_owned()),
            labels,
            ..Self::record(String::new(), expr)
        }
    }

    /// Alerts only after `time` of that.
    pub(crate) fn pending(mut self, time: &str) -> Self {
        self.pending = Some(time.to_owned());
        self
    }

    /// Says what is wrong, in one line, and what to do about it.
    pub(crate) fn says(mut self, summary: &str, description: &str) -> Self {
        let annotations = [("summary", summary), ("description", description)];
        self.annotations = annotations.map(|(key, text)| (key, text.to_owned())).into();
        self
    }

    /// Adds a label, or replaces it.
    pub(crate) fn label(mut self, key: &'static str, value: &str) -> Self {
        self.labels.insert(key, value.to_owned());
        self
    }

    /// Returns the name, if this is an alert.
    pub(crate) fn alert_name(&self) -> Option<&str> {
        self.alert.as_deref()
    }
}
