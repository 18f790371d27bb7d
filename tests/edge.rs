//! The edge, issuers and secret stores in every variant, compiled and applied: custom resources are
//! accepted by their real definitions, are stored as they were sent, and become ready.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod kit;

use a4co_bundle::{Object, Release};
use a4co_compiler::{Source, compile};
use a4co_testenv::unique_namespace;
use kit::Site;
use serde_json::Value;

/// One service with a route, without edge and secrets.
const SHOP: &str = r#"
[release]
app = "shop"
version = "1.0.0"
namespace = "NAMESPACE"

[services.web]
image = "registry.example/web:1"
port = 8080
route = "/web"
replicas = { min = 1 }
requests = { cpu = "10m", memory = "16Mi" }
limits = { cpu = "100m", memory = "64Mi" }
probes = { liveness = { path = "/live" }, readiness = { path = "/ready" } }

[network.ingress_controller]
namespace = "edge"

[edge]
host = "shop.example.com"
strip_route = true
timeout_seconds = 30

[edge.cors]
origins = ["https://shop.example.com", "https://*.example.com:8443"]
methods = ["GET", "POST"]
headers = ["Content-Type"]
expose_headers = ["X-Total"]
credentials = true
"#;

const LOCK: &str = r#"
version = 1

[[image]]
name = "registry.example/web"
tag = "1"
digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
"#;

const NGINX: &str = r#"
edge.class = "nginx"
edge.force_https = true
edge.firewall = true
edge.max_body = "10Mi"
edge.rate_limit = { requests_per_second = 100, connections = 10 }
edge.annotations = { "nginx.ingress.kubernetes.io/limit-burst-multiplier" = "3" }
"#;

const GATEWAY: &str = r#"
edge.class = "some"
edge.controller = "gateway-api"
edge.force_https = true
"#;

const PLAIN: &str = "[edge.tls]\nsource = \"none\"\n";

const ACME: &str = r#"
edge.tls = { source = "cert-manager", issuer = "public" }
issuers.public.acme = { server = "letsencrypt-staging", email = "ops@{public_host}" }
"#;

const CA: &str = r#"
edge.tls = { source = "cert-manager", issuer = "site" }
issuers.site.ca.secret = "site-ca"
"#;

const SELF_SIGNED: &str = r#"
edge.tls = { source = "cert-manager", issuer = "own" }
issuers.own.self_signed = {}
"#;

const SECRETS: &str = r#"
[secrets.login]
keys = ["USER", "PASSWORD"]
composed = { URL = "db://{{ .USER }}:{{ .PASSWORD | urlquery }}@db" }

[secrets.admin]
keys = ["ADMIN_PASSWORD"]
key = "{app}-login"
properties = { ADMIN_PASSWORD = "root" }
"#;

/// Compiles [`SHOP`] with `top` before it, where dotted keys can stand, and `more` behind it.
fn compiled(site: &Site, top: &str, more: &str) -> Release {
    let shop = SHOP.replace("NAMESPACE", &site.namespace);
    // What is written as `edge.x` stands in a layer of its own: a table can be opened only once.
    let live = format!("extends = \"shop\"\n{top}");
    let files = [
        ("envs/shop.toml", format!("layer = true\n{shop}{more}")),
        ("envs/live.toml", live),
        ("lockfiles/live.lock", LOCK.to_owned()),
    ];
    let files = files.iter().map(|(path, text)| (*path, text.as_str()));
    compile(&Source::new(files)).unwrap().remove(0).release
}

/// Applies `release` twice: all of it is good, stored as it was sent, and then there is nothing to
/// do.
#[track_caller]
fn expect_applied(site: &Site, release: &Release) {
    site.apply(release).expect(0);
    let status = site.run(&["status", "-n", &site.namespace, "-o", "json"]).expect(0);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    let objects = status["objects"].as_array().unwrap();
    assert_eq!(objects.len(), release.objects().len());
    for object in objects {
        assert_eq!(object["condition"], "good", "{object}");
    }
    for manifest in release.objects().iter().map(Object::manifest) {
        let api_version = manifest["apiVersion"].as_str().unwrap();
        let Some((group, _)) = api_version.split_once('/').filter(|(group, _)| is_custom(group))
        else {
            continue;
        };
        let kind = format!("{}.{group}", manifest["kind"].as_str().unwrap());
        let live = site.get(&kind, manifest["metadata"]["name"].as_str().unwrap());
        assert_eq!(live["spec"], manifest["spec"], "{kind}: the server fills in nothing");
    }
    let again = site.apply(release).expect(0);
    assert!(again.stdout.contains("nothing to do"), "{}", again.stdout);
}

fn is_custom(group: &str) -> bool {
    ["cert-manager.io", "external-secrets.io", "gateway.networking.k8s.io"].contains(&group)
}

fn create_secret(site: &Site, name: &str, keys: &[&str]) {
    let values: Vec<_> = keys.iter().map(|key| format!("--from-literal={key}=x")).collect();
    let mut args = vec!["create", "secret", "generic", name];
    args.extend(values.iter().map(String::as_str));
    site.kubectl(&args);
}

/// Applies an edge with a certificate of each issuer.
fn with_every_issuer(case: &str, edge: &str) {
    for (issuer, text) in [("acme", ACME), ("ca", CA), ("own", SELF_SIGNED)] {
        let site = Site::new(&unique_namespace(&format!("{case}-{issuer}")));
        let release = compiled(&site, &[edge, text].concat(), "");
        if issuer == "ca" {
            site.create_namespace();
            let refused = site.apply(&release).expect(1);
            refused.expect_told(&["site-ca", "tls.crt", "tls.key"]);
            create_secret(&site, "site-ca", &["tls.crt", "tls.key"]);
        }
        expect_applied(&site, &release);
    }
}

#[test]
fn an_ingress_is_installed_with_every_issuer() {
    with_every_issuer("nginx", NGINX);
}

#[test]
fn a_gateway_is_installed_with_every_issuer() {
    with_every_issuer("gateway", GATEWAY);
}

#[test]
fn an_edge_moves_to_a_gateway_and_back() {
    let site = Site::new("moves");
    let nginx = compiled(&site, &NGINX.replace("force_https = true", "force_https = false"), PLAIN);
    let gateway = GATEWAY.replace("force_https = true", "force_https = false");
    let gateway = compiled(&site, &gateway, PLAIN);
    expect_applied(&site, &nginx);
    expect_applied(&site, &gateway);
    assert_eq!(site.get("ingress", "shop"), Value::Null);
    site.rollback(&nginx.id().short()).expect(0);
    assert_eq!(site.get("gateways.gateway.networking.k8s.io", "shop"), Value::Null);
    assert_eq!(site.get("ingress", "shop")["spec"]["ingressClassName"], "nginx");
}

/// Applies an environment without certificates whose secrets come from `store`.
fn with_store(case: &str, store: &str, provided: &[(&str, &[&str])]) {
    let site = Site::new(&unique_namespace(case));
    let more = [PLAIN, SECRETS, store].concat();
    let release = compiled(&site, "edge.class = \"nginx\"\n", &more);
    if !provided.is_empty() {
        site.create_namespace();
        let refused = site.apply(&release).expect(1);
        for (name, keys) in provided {
            refused.expect_told(&[name]);
            create_secret(&site, name, keys);
        }
    }
    expect_applied(&site, &release);
}

#[test]
fn secrets_of_aws_are_installed() {
    let store = "[secret_store]\nbackend = \"aws-secrets-manager\"\n\
                 aws = { region = \"eu-west-1\", role_arn = \"arn:aws:iam::1:role/x\" }\n";
    with_store("aws", store, &[]);
}

#[test]
fn secrets_of_vault_are_installed() {
    let plain = "[secret_store]\nbackend = \"vault\"\n[secret_store.vault]\n\
                 server = \"https://vault.example.com:8200\"\nrole = \"{app}\"\n";
    with_store("vault", plain, &[]);
    let more = "path = \"kv\"\nversion = \"v1\"\nauth_path = \"here\"\naudiences = [\"vault\"]\n\
                namespace = \"team\"\nca.secret = \"vault-ca\"\n";
    with_store("vault-ca", &[plain, more].concat(), &[("vault-ca", &["ca.crt"])]);
}

#[test]
fn secrets_of_another_namespace_or_cluster_are_installed() {
    let here = "[secret_store]\nbackend = \"kubernetes\"\n[secret_store.kubernetes]\n\
                namespace = \"vaults\"\n";
    with_store("namespace", here, &[]);
    let there = "server = \"https://192.0.2.1:6443\"\nca.config_map = \"other-ca\"\n\
                 token.secret = \"other\"\n";
    with_store("cluster", &[here, there].concat(), &[("other", &["token"])]);
}

#[test]
fn secrets_that_are_there_are_used() {
    let store = "[secret_store]\nbackend = \"existing\"\n";
    let login: (&str, &[&str]) = ("shop-login", &["USER", "PASSWORD", "URL"]);
    with_store("existing", store, &[login, ("shop-admin", &["ADMIN_PASSWORD"])]);
}
