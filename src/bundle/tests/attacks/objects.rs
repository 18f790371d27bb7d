//! Objects, below a good signature.

use serde_json::{Value, json};

use crate::{
    Attack,
    kit::hostile::{Documents, Tar, blob},
};

fn object(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    Documents::good().object(change).pack()
}

fn metadata(member: &'static str, value: Value) -> Vec<u8> {
    object(|it| it["metadata"][member] = value)
}

fn bytes(change: impl FnOnce(String) -> String) -> Vec<u8> {
    let documents = Documents::good();
    let text = String::from_utf8(documents.objects[0].clone()).unwrap();
    documents.object_bytes(change(text).as_bytes()).pack()
}

fn without_body(index: usize) -> Vec<u8> {
    let mut tar = Tar::good();
    let body = tar.entries[index].body.clone();
    tar.entries[index].body.fill(0);
    assert_ne!(tar.entries[index].body, body);
    tar.pack()
}

pub(crate) const ATTACKS: &[Attack] = &[
    (
        "an object emptied in place",
        || without_body(4),
        "(ConfigMap/shop-test/a) is not what its name says",
    ),
    (
        "the bytes of two objects swapped below their names",
        || {
            let mut tar = Tar::good();
            let body = tar.entries[4].body.clone();
            tar.entries[4].body = std::mem::replace(&mut tar.entries[5].body, body);
            tar.pack()
        },
        "(ConfigMap/shop-test/a) is not what its name says",
    ),
    (
        "the bytes of another object under a new digest",
        || {
            let documents = Documents::good();
            let other = documents.objects[1].clone();
            documents.object_bytes(&other).pack()
        },
        "the manifest lists `ConfigMap/shop-test/a`, but its bytes are of `ConfigMap/shop-test/b`",
    ),
    (
        "an object listed in another namespace",
        || {
            let mut documents = Documents::good();
            for layer in &mut documents.layers {
                layer["annotations"]["dev.a4co.namespace"] = json!("kube-system");
            }
            documents.pack()
        },
        "lists `ConfigMap/kube-system/a`, but its bytes are of `ConfigMap/shop-test/a`",
    ),
    (
        "a namespaced object listed as one of the cluster",
        || {
            let mut documents = Documents::good();
            for layer in &mut documents.layers {
                let annotations = layer["annotations"].as_object_mut().unwrap();
                annotations.remove("dev.a4co.namespace");
            }
            documents.pack()
        },
        "lists `ConfigMap/a`, but its bytes are of `ConfigMap/shop-test/a`",
    ),
    (
        "an object that is not in the archive",
        || {
            let tar = Tar::of(&Documents::good().pack());
            tar.change(|it| it.entries[4] = blob(b"{}")).pack()
        },
        "blobs/sha256/44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a` with 2",
    ),
    (
        "an object that is no JSON",
        || bytes(|_| "kind: ConfigMap".into()),
        "`ConfigMap/shop-test/a` is",
    ),
    ("an object that is a list", || bytes(|_| "[]".into()), "`kind` is missing or malformed in []"),
    (
        "an object with white space",
        || bytes(|it| it.replacen(':', ": ", 1)),
        "`ConfigMap/shop-test/a` is malformed: not in canonical form",
    ),
    // What a reader does that takes the last member, or the first, is not what was reviewed.
    (
        "an object with a member twice",
        || bytes(|it| it.replacen("\"kind\":", "\"kind\":\"Secret\",\"kind\":", 1)),
        "`ConfigMap/shop-test/a` is malformed: not in canonical form",
    ),
    (
        "an object with members out of order",
        || {
            bytes(|it| {
                let (_, rest) = it.split_once(',').unwrap();
                format!("{{{},\"apiVersion\":\"v1\"}}", rest.strip_suffix('}').unwrap())
            })
        },
        "not in canonical form",
    ),
    (
        "an object with a number that readers round",
        || object(|it| it["data"] = json!({"n": 0.1})),
        "number 0.1 is not an integer within ±(2^53 − 1)",
    ),
    (
        "an object with an integer that readers round",
        || object(|it| it["data"] = json!({"n": u64::MAX})),
        "number 18446744073709551615 is not an integer",
    ),
    (
        "an object with a lone surrogate",
        || bytes(|it| it.replacen("one", "\\ud800", 1)),
        "`ConfigMap/shop-test/a` is malformed",
    ),
    (
        "an object nested 101 deep",
        || bytes(|_| "[".repeat(101) + &"]".repeat(101)),
        "arrays and objects are nested deeper than 100",
    ),
    (
        "an object nested a hundred thousand deep",
        || bytes(|_| "[".repeat(100_000) + &"]".repeat(100_000)),
        "are nested deeper than 100",
    ),
    (
        "an object with a resource version",
        || metadata("resourceVersion", json!("1")),
        "`ConfigMap/shop-test/a` sets `metadata.resourceVersion`, which belongs to the API server",
    ),
    ("an object with a uid", || metadata("uid", json!("x")), "sets `metadata.uid`"),
    (
        "an object with managed fields",
        || metadata("managedFields", json!([])),
        "sets `metadata.managedFields`",
    ),
    (
        "an object with a creation time of null",
        || metadata("creationTimestamp", Value::Null),
        "sets `metadata.creationTimestamp`",
    ),
    (
        "an object whose name the API server would make up",
        || metadata("generateName", json!("a-")),
        "sets `metadata.generateName`",
    ),
    ("an object with a status", || object(|it| it["status"] = json!({})), "sets `status`"),
    (
        "an object without labels",
        || object(|it| drop(it["metadata"].as_object_mut().unwrap().remove("labels"))),
        "`ConfigMap/shop-test/a` lacks the label `applyset.kubernetes.io/part-of: applyset-",
    ),
    (
        "an object that belongs to another set",
        || {
            object(|it| {
                it["metadata"]["labels"]["applyset.kubernetes.io/part-of"] =
                    json!(a4co_bundle::applyset_id("shop", "other"));
            })
        },
        "lacks the label `applyset.kubernetes.io/part-of: applyset-",
    ),
    (
        "an object whose namespace is a number",
        || metadata("namespace", json!(5)),
        "`metadata.namespace` is missing or malformed",
    ),
    (
        "an object whose namespace is null",
        || metadata("namespace", Value::Null),
        "`metadata.namespace` is missing or malformed",
    ),
    (
        "an object without a name",
        || object(|it| drop(it["metadata"].as_object_mut().unwrap().remove("name"))),
        "not a Kubernetes object: `metadata.name` is missing or malformed",
    ),
    (
        "an object whose name is a path",
        || metadata("name", json!("../secrets/x")),
        "`metadata.name` is missing or malformed",
    ),
    (
        "an object whose name is a query",
        || metadata("name", json!("a?dryRun=All")),
        "`metadata.name` is missing or malformed",
    ),
    (
        "an object whose kind speaks to the terminal",
        || object(|it| it["kind"] = json!("\u{9b}2J")),
        "`kind` is missing or malformed in {\"apiVersion\":\"v1\"",
    ),
];
