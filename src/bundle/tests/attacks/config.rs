//! The release config, below a good signature.

use a4co_bundle::Digest;
use serde_json::{Value, json};

use crate::{Attack, kit::hostile::Documents};

fn config(member: &'static str, value: Value) -> Vec<u8> {
    Documents::good().config(|it| it[member] = value).pack()
}

fn requirement(member: &'static str, value: Value) -> Vec<u8> {
    Documents::good().config(|it| it["requirements"][member] = value).pack()
}

fn image(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let digest = Digest::of(b"");
    let mut image =
        json!({"digest": digest, "name": "docker.io/library/nats", "platforms": {}, "tag": "2"});
    change(&mut image);
    config("images", json!([image]))
}

fn rule(ready: &str) -> Value {
    json!({"group": "example.com", "kind": "Widget", "ready": ready})
}

pub(crate) const ATTACKS: &[Attack] = &[
    (
        "a config from the future",
        || Documents::good().config(|it| *it = json!({"schema": 2, "new": true})).pack(),
        "the release config has schema 2, but only 1 is supported; use a newer a4co-apply",
    ),
    (
        "a config without schema",
        || Documents::good().config(|it| *it = json!({})).pack(),
        "`schema`",
    ),
    ("a config with a member nobody knows", || config("hooks", json!([])), "unknown field `hooks`"),
    (
        "a config with a member left out",
        || Documents::good().config(|it| drop(it.as_object_mut().unwrap().remove("keep"))).pack(),
        "missing field `keep`",
    ),
    (
        "another application in the config",
        || config("app", json!("bank")),
        "the statement says app `shop`, the release says `bank`",
    ),
    (
        "another environment in the config",
        || config("environment", json!("production")),
        "the statement says environment `test`, the release says `production`",
    ),
    (
        "another version in the config",
        || config("version", json!("1.2.4")),
        "the statement says version `1.2.3`, the release says `1.2.4`",
    ),
    (
        "a namespace that is another path",
        || config("namespace", json!("../kube-system")),
        "`namespace` is `../kube-system`, which is not a DNS label",
    ),
    (
        "an image that is not pinned",
        || image(|it| it["digest"] = json!("latest")),
        "a digest starts with `sha256:`",
    ),
    (
        "an image whose name has a digest of its own",
        || image(|it| it["name"] = json!(format!("docker.io/evil@{}", Digest::of(b"evil")))),
        "`images.name` of the release config cannot be `docker.io/evil@sha256:",
    ),
    (
        "an image whose name has no registry",
        || image(|it| it["name"] = json!("library/nats")),
        "`images.name` of the release config cannot be `library/nats`",
    ),
    (
        "an image whose registry is in upper case",
        || image(|it| it["name"] = json!("Docker.io/library/nats")),
        "`images.name` of the release config cannot be `Docker.io/library/nats`",
    ),
    (
        "an image whose repository climbs",
        || image(|it| it["name"] = json!("docker.io/../nats")),
        "`images.name` of the release config cannot be `docker.io/../nats`",
    ),
    (
        "an image tag that begins with a dot",
        || image(|it| it["tag"] = json!(".2")),
        "`images.tag` of the",
    ),
    ("an image tag with a space", || image(|it| it["tag"] = json!("2 x")), "`images.tag` of the"),
    (
        "an image platform that is none",
        || image(|it| it["platforms"]["linux amd64"] = json!(Digest::of(b""))),
        "`images.platforms` of the release config cannot be `linux amd64`",
    ),
    (
        "an image with its size spelt as null",
        || image(|it| it["size"] = Value::Null),
        "the release config is malformed: at byte",
    ),
    (
        "an image with its platforms left out",
        || image(|it| drop(it.as_object_mut().unwrap().remove("platforms"))),
        "the release config is malformed: at byte",
    ),
    (
        "a note that speaks to the terminal",
        || config("notes", json!(["\u{1b}]52;c;cm0gLXJm\u{7}"])),
        "`notes` of the release config cannot be `\\u{1b}]52;c;cm0gLXJm\\u{7}`",
    ),
    (
        "a note that reads backwards",
        || config("notes", json!(["run \u{202e}fr- mr"])),
        "cannot be `run \\u{202e}fr- mr`",
    ),
    (
        "a list that is not sorted",
        || requirement("ingressClasses", json!(["nginx", "haproxy"])),
        "`requirements.ingressClasses` of the release config is not sorted",
    ),
    (
        "a Secret required twice, with other keys",
        || {
            requirement(
                "secrets",
                json!([{"keys": ["a"], "name": "s"}, {"keys": ["b"], "name": "s"}]),
            )
        },
        "`requirements.secrets` of the release config is not sorted, or names something twice",
    ),
    (
        "a required API that is a path",
        || requirement("apis", json!([{"apiVersion": "v1/../../api", "kind": "Pod"}])),
        "`requirements.apis` of the release config cannot be `v1/../../api`",
    ),
    (
        "two readiness rules for one kind",
        || config("readiness", json!([rule("condition=Ready"), rule("none")])),
        "`readiness` of the release config is not sorted, or names something twice",
    ),
    (
        "a readiness rule nobody knows",
        || config("readiness", json!([rule("always")])),
        "readiness `always` is neither `none` nor `condition=TYPE`",
    ),
];
