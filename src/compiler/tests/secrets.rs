//! Secrets: what is rendered for each backend, and what is refused, where.

mod kit;

use a4co_compiler::Compiled;
use kit::{changed, compile_one, lines};
use serde_json::{Value, json};

const SECRETS: &str = r#"secrets = ["login"]
[secrets.login]
keys = ["USER", "PASSWORD"]
properties = { USER = "username" }
composed = { URL = "db://{{ .USER }}:{{ .PASSWORD | urlquery }}@db" }
[secrets.admin]
keys = ["ADMIN_PASSWORD"]
"#;

const AWS: &str = r#"[secret_store]
backend = "aws-secrets-manager"
[secret_store.aws]
region = "eu-west-1"
role_arn = "arn:aws:iam::1:role/{app}"
"#;

const VAULT: &str = r#"[secret_store]
backend = "vault"
[secret_store.vault]
server = "https://vault.example:8200"
role = "{app}-{environment}"
"#;

const KUBERNETES: &str = r#"[secret_store]
backend = "kubernetes"
[secret_store.kubernetes]
namespace = "vaults"
"#;

fn environment(parts: &[&str]) -> String {
    changed(&[("", &[&[SECRETS], parts].concat().concat())])
}

fn compiled(parts: &[&str]) -> Compiled {
    compile_one(&environment(parts)).expect("a sound environment")
}

fn found(compiled: &Compiled, kind: &str) -> Vec<Value> {
    let objects = compiled.release.objects().iter().map(a4co_bundle::Object::manifest);
    objects.filter(|object| object["kind"] == kind).collect()
}

fn provider(compiled: &Compiled) -> Value {
    let mut stores = found(compiled, "SecretStore");
    assert_eq!(stores.len(), 1);
    let store = stores.remove(0);
    assert_eq!(store["metadata"]["name"], "shop-secrets");
    store["spec"]["provider"].clone()
}

/// Returns the service accounts that are none of a component.
fn accounts(compiled: &Compiled) -> Vec<Value> {
    let mut accounts = found(compiled, "ServiceAccount");
    accounts.retain(|account| {
        account["metadata"]["labels"]["app.kubernetes.io/component"] == "release"
    });
    accounts
}

fn required(compiled: &Compiled) -> Value {
    let config = serde_json::to_value(compiled.release.config()).expect("JSON");
    config["requirements"]["secrets"].clone()
}

#[test]
fn secrets_come_from_aws_with_a_role() {
    let compiled = compiled(&[AWS]);
    assert_eq!(
        provider(&compiled),
        json!({ "aws": {
            "service": "SecretsManager",
            "region": "eu-west-1",
            "auth": { "jwt": { "serviceAccountRef": { "name": "shop-secrets" } } },
        } })
    );
    let accounts = accounts(&compiled);
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0]["automountServiceAccountToken"], false);
    assert_eq!(
        accounts[0]["metadata"]["annotations"],
        json!({ "eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/shop" })
    );
}

#[test]
fn secrets_come_from_vault_with_a_service_account() {
    let plain = compiled(&[VAULT]);
    assert_eq!(
        provider(&plain),
        json!({ "vault": {
            "server": "https://vault.example:8200",
            "path": "secret",
            "version": "v2",
            "auth": { "kubernetes": {
                "mountPath": "kubernetes",
                "role": "shop-live",
                "serviceAccountRef": { "name": "shop-secrets" },
            } },
        } })
    );
    assert_eq!(accounts(&plain)[0]["metadata"].get("annotations"), None);
    let vault = VAULT.replace("\n[", "\nservice_account = \"reader\"\n[");
    let more = r#"path = "kv"
version = "v1"
auth_path = "cluster-1"
audiences = ["vault"]
namespace = "team"
ca = { secret = "vault-ca" }
"#;
    let full = compiled(&[&vault, more]);
    assert_eq!(
        provider(&full),
        json!({ "vault": {
            "server": "https://vault.example:8200",
            "path": "kv",
            "version": "v1",
            "namespace": "team",
            "caProvider": { "type": "Secret", "name": "vault-ca", "key": "ca.crt" },
            "auth": { "kubernetes": {
                "mountPath": "cluster-1",
                "role": "shop-live",
                "serviceAccountRef": { "name": "reader", "audiences": ["vault"] },
            } },
        } })
    );
    assert_eq!(accounts(&full)[0]["metadata"]["name"], "reader");
    assert_eq!(required(&full), json!([{ "name": "vault-ca", "keys": ["ca.crt"] }]));
}

#[test]
fn secrets_come_from_another_namespace_or_cluster() {
    let here = compiled(&[KUBERNETES]);
    assert_eq!(
        provider(&here),
        json!({ "kubernetes": {
            "remoteNamespace": "vaults",
            "server": {
                "url": "https://kubernetes.default.svc",
                "caProvider": { "type": "ConfigMap", "name": "kube-root-ca.crt", "key": "ca.crt" },
            },
            "auth": { "serviceAccount": { "name": "shop-secrets" } },
        } })
    );
    let there = r#"server = "https://10.0.0.1:6443"
ca = { config_map = "other-ca", key = "root.pem" }
token = { secret = "other" }
"#;
    let there = compiled(&[KUBERNETES, there]);
    assert_eq!(
        provider(&there),
        json!({ "kubernetes": {
            "remoteNamespace": "vaults",
            "server": {
                "url": "https://10.0.0.1:6443",
                "caProvider": { "type": "ConfigMap", "name": "other-ca", "key": "root.pem" },
            },
            "auth": { "token": { "bearerToken": { "name": "other", "key": "token" } } },
        } })
    );
    assert_eq!(accounts(&there), [json!(null); 0], "the token needs no account");
    assert_eq!(required(&there), json!([{ "name": "other", "keys": ["token"] }]));
}

#[test]
fn secrets_that_are_there_are_required_with_their_keys() {
    let compiled = compiled(&["[secret_store]\nbackend = \"existing\"\n"]);
    for kind in ["SecretStore", "ExternalSecret"] {
        assert_eq!(found(&compiled, kind), [json!(null); 0]);
    }
    assert_eq!(accounts(&compiled), [json!(null); 0]);
    assert_eq!(
        required(&compiled),
        json!([
            { "name": "shop-admin", "keys": ["ADMIN_PASSWORD"] },
            { "name": "shop-login", "keys": ["PASSWORD", "URL", "USER"] },
        ])
    );
}

#[test]
fn values_are_found_by_what_the_backend_calls_them() {
    let keys = |store: &str, secrets: &str| -> Vec<String> {
        let compiled = compiled(&[secrets, store]);
        let secrets = found(&compiled, "ExternalSecret");
        let data = secrets.iter().flat_map(|it| it["spec"]["data"].as_array().expect("data"));
        data.map(|data| {
            let remote = &data["remoteRef"];
            [&data["secretKey"], &remote["key"], &remote["property"]]
                .map(|text| text.as_str().expect("text"))
                .join(" ")
        })
        .collect()
    };
    assert_eq!(
        keys(VAULT, ""),
        [
            "ADMIN_PASSWORD shop/live/admin ADMIN_PASSWORD",
            "USER shop/live/login username",
            "PASSWORD shop/live/login PASSWORD",
        ]
    );
    assert_eq!(keys(KUBERNETES, "")[0], "ADMIN_PASSWORD shop-admin ADMIN_PASSWORD");
    // `admin` is the last table of the fixture.
    let shared = "key = \"{app}/database\"\nproperties = { ADMIN_PASSWORD = \"root\" }\n";
    assert_eq!(keys(AWS, shared)[0], "ADMIN_PASSWORD shop/database root");
}

#[test]
fn stores_and_secrets_must_fit_each_other() {
    let existing = "[secret_store]\nbackend = \"existing\"\n";
    for (case, parts, expected) in [
        (
            "no access to Vault",
            vec!["[secret_store]\nbackend = \"vault\"\n"],
            vec!["31:11: `backend = \"vault\"` needs `[secret_store.vault]`"],
        ),
        (
            "no access to the other namespace",
            vec!["[secret_store]\nbackend = \"kubernetes\"\n"],
            vec!["31:11: `backend = \"kubernetes\"` needs `[secret_store.kubernetes]`"],
        ),
        (
            "a backend that is none",
            vec!["[secret_store]\nbackend = \"aws-secret-manager\"\n"],
            vec![
                "31:11: `secret_store.backend` cannot be `aws-secret-manager` (help: did you mean `aws-secrets-manager`?)",
            ],
        ),
        (
            "a key that cannot name a Secret",
            vec![
                "[secret_store]\nkey = \"{app}/{secret}\"\n",
                &KUBERNETES["[secret_store]".len()..],
            ],
            vec![
                "31:7: the key comes out as `shop/admin`, which cannot name a Secret in the other namespace (help: use a-z, 0-9, `-` and `.`, for example `key = \"{app}-{secret}\"`)",
                "31:7: the key comes out as `shop/login`, which cannot name a Secret in the other namespace (help: use a-z, 0-9, `-` and `.`, for example `key = \"{app}-{secret}\"`)",
            ],
        ),
        (
            "the namespace of the release itself",
            vec![
                "[secret_store]\nbackend = \"kubernetes\"\nkubernetes.namespace = \"{namespace}\"\n",
            ],
            vec![
                "32:24: `namespace` is that of the release itself (help: if the Secrets are there already, set `backend = \"existing\"`)",
            ],
        ),
        (
            "another cluster that nobody vouches for",
            vec![KUBERNETES, "server = \"https://a\"\n"],
            vec!["32:15: `server` needs `ca`, which vouches for it"],
        ),
        (
            "certificates that are nowhere",
            vec![VAULT, "ca = { }\n"],
            vec!["35:1: `ca` must have exactly one of `config_map` and `secret`"],
        ),
        (
            "certificates in two places",
            vec![VAULT, "ca = { secret = \"a\", config_map = \"b\" }\n"],
            vec!["35:1: `ca` must have exactly one of `config_map` and `secret`"],
        ),
        (
            "a key whose other name leads nowhere",
            vec!["properties = { ADMIN_PASWORD = \"root\" }\n", existing],
            vec!["30:32: there is no key `ADMIN_PASWORD` (help: did you mean `ADMIN_PASSWORD`?)"],
        ),
        (
            "a template with a value that is not there",
            vec!["composed = { DSN = \"{{ .ADMIN_PASWORD }}\" }\n", existing],
            vec![
                "30:20: the template names `.ADMIN_PASWORD`, which is no key of the secret (help: did you mean `ADMIN_PASSWORD`?)",
            ],
        ),
        (
            "two secrets with one name",
            vec![existing, "name = \"{app}\"\n"],
            vec!["24:10: `secrets.admin` and `secrets.login` have the same Secret, `shop`"],
        ),
        (
            "a service account with the name of a service's",
            vec![AWS, "[services.shop-secrets]\nport = 1\n"],
            vec![
                "30:2: `services.shop-secrets` and `secret_store.service_account` have the same name, `shop-secrets`",
            ],
        ),
    ] {
        let found = lines(compile_one(&environment(&parts)));
        let expected: Vec<_> =
            expected.iter().map(|line| format!("envs/live.toml:{line}")).collect();
        assert_eq!(found, expected, "{case}");
    }
}

#[test]
fn a_server_is_named_by_its_url() {
    let vault = VAULT.replace("https://", "");
    assert_eq!(
        lines(compile_one(&environment(&[&vault]))),
        [
            "envs/live.toml:33:10: the server comes out as `vault.example:8200`, which is no URL (help: begin with `https://` and the name of the host)"
        ]
    );
    let tls = r#"[secrets.tls]
keys = ["X"]
[edge]
host = "shop.example"
class = "nginx"
tls = { source = "cert-manager", issuer = "a" }
[network.ingress_controller]
namespace = "ingress"
"#;
    assert_eq!(
        lines(compile_one(&environment(&[tls, AWS]))),
        ["envs/live.toml:35:1: `secrets.tls` and `edge.tls` have the same Secret, `shop-tls`"]
    );
}
