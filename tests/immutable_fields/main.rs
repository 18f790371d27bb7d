//! The table of immutable fields is what the API server does: every row is measured, and so are the
//! fields next to it.
//!
//! A field is immutable when the API server takes an object with the new value under another name,
//! but not as a change of the object that has the old one.

#[path = "../kit/mod.rs"]
mod kit;

mod contents;
mod jobs;
mod rest;
mod services;
mod stage;
mod storage;
mod workloads;

use std::collections::BTreeSet;

use a4co_cluster::{Answer, immutable_changes, immutable_fields};
use kit::api::merge;
use serde_json::{Value, json};
use stage::{
    Stage, Subject,
    Verdict::{self, Accepted, Default, Ignored, Refused},
};

#[test]
fn the_table_of_immutable_fields_is_what_the_api_server_does() {
    let mut stage = Stage::new();
    let mut unseen: BTreeSet<_> = immutable_fields().collect();
    let mut wrong = Vec::new();
    let mut count = 0;
    for Subject { manifest, changes } in subjects(&stage) {
        stage.make(&manifest);
        for (case, patch, expected) in changes {
            let mut changed = manifest.clone();
            merge(&mut changed, patch);
            let found = immutable_changes(&manifest, &changed);
            unseen.retain(|(kind, field)| {
                manifest["kind"] != *kind || found.iter().all(|found| found.field != *field)
            });
            let is_told = matches!(
                (found.first().map(|found| found.answer), expected),
                (None, Accepted | Default)
                    | (Some(Answer::Refused), Refused)
                    | (Some(Answer::Ignored), Ignored)
            );
            let done = measure(&mut stage, &manifest, &changed);
            let is_done = match expected {
                Default => done == Ok(Ignored),
                _ => done == Ok(expected),
            };
            if !is_told || !is_done {
                let kind = &manifest["kind"];
                wrong.push(format!("{kind}, {case}: {expected:?} expected, {found:?}, {done:?}"));
            }
            count += 1;
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(unseen.is_empty(), "rows that no case is about: {unseen:?}");
}

/// What the API server does when `manifest` becomes `changed`, which has to be good in itself.
fn measure(stage: &mut Stage, manifest: &Value, changed: &Value) -> Result<Verdict, String> {
    // The name of a definition is made of other fields, so there is no other one for it.
    if manifest["kind"] != "CustomResourceDefinition" {
        let mut fresh = changed.clone();
        let name = format!("{}-fresh", fresh["metadata"]["name"].as_str().unwrap_or_default());
        fresh["metadata"]["name"] = json!(name);
        let answer = stage.api.dry_run(&fresh);
        if answer.code != 201 {
            return Err(format!("not even a new object may have this: {}", answer.body["message"]));
        }
    }
    let live = stage.api.get(manifest);
    let answer = stage.api.dry_run(changed);
    match (answer.code, answer.body["reason"].as_str()) {
        (422, Some("Invalid")) => Ok(Refused),
        (200, _) if content(&answer.body) == content(&live) => Ok(Ignored),
        (200, _) => Ok(Accepted),
        _ => Err(answer.body["message"].to_string()),
    }
}

/// What a person wrote into an object.
fn content(object: &Value) -> Value {
    let mut content = object.clone();
    let nothing = json!({
        "metadata": { "managedFields": null, "resourceVersion": null, "generation": null },
        "status": null,
    });
    merge(&mut content, nothing);
    content
}

fn subjects(stage: &Stage) -> Vec<Subject> {
    [
        workloads::workloads(stage),
        jobs::jobs(stage),
        services::services(stage),
        storage::storage(stage),
        contents::contents(stage),
        rest::rest(stage),
    ]
    .into_iter()
    .flatten()
    .collect()
}
