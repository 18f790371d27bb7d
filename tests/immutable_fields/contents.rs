//! Configuration and secrets.

use serde_json::{Value, json};

use crate::stage::{
    Stage, Subject,
    Verdict::{Accepted, Default, Refused},
};

pub(crate) fn contents(stage: &Stage) -> Vec<Subject> {
    let label = || ("a label", json!({ "metadata": { "labels": { "a": "b" } } }), Accepted);
    let config_map = |name: &str, more: Value| stage.manifest("v1", "ConfigMap", name, more);
    let secret = |name: &str, more: Value| stage.manifest("v1", "Secret", name, more);
    vec![
        Subject {
            manifest: config_map("fixed", json!({ "data": { "a": "b" }, "immutable": true })),
            changes: vec![
                ("another value", json!({ "data": { "a": "c" } }), Refused),
                ("another key", json!({ "data": { "c": "d" } }), Refused),
                ("bytes", json!({ "binaryData": { "c": "aGk=" } }), Refused),
                ("not immutable", json!({ "immutable": null }), Refused),
                label(),
            ],
        },
        Subject {
            manifest: config_map("free", json!({ "data": { "a": "b" } })),
            changes: vec![
                ("another value", json!({ "data": { "a": "c" } }), Accepted),
                ("immutable", json!({ "immutable": true }), Accepted),
            ],
        },
        Subject {
            manifest: secret("fixed", json!({ "data": { "a": "aGk=" }, "immutable": true })),
            changes: vec![
                ("another value", json!({ "data": { "a": "aG8=" } }), Refused),
                ("another value in plain text", json!({ "stringData": { "a": "x" } }), Refused),
                ("not immutable", json!({ "immutable": null }), Refused),
                label(),
            ],
        },
        Subject {
            manifest: secret("free", json!({ "data": { "a": "aGk=" } })),
            changes: vec![
                ("another value", json!({ "data": { "a": "aG8=" } }), Accepted),
                ("immutable", json!({ "immutable": true }), Accepted),
                ("another type", json!({ "type": "example.com/x" }), Refused),
                ("the default type", json!({ "type": "Opaque" }), Default),
            ],
        },
        Subject {
            manifest: secret("typed", json!({ "data": { "a": "aGk=" }, "type": "example.com/x" })),
            changes: vec![("no type", json!({ "type": null }), Refused)],
        },
    ]
}
