//! The three environments of `envs/`, compiled and applied: every object is accepted, custom
//! resources by their real definitions, and becomes ready under Pod Security `restricted`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod kit;

use std::path::Path;

use a4co_bundle::Release;
use a4co_compiler::{Source, compile};
use a4co_testenv::unique_namespace;
use kit::{Ran, Site, path};
use serde_json::Value;

/// Compiles one environment into a namespace of this test, with `change` made to its file.
fn compiled(site: &Site, environment: &str, change: impl Fn(String) -> String) -> Release {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["envs", "lockfiles"] {
        for entry in fs_err::read_dir(root.join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let mut text = fs_err::read_to_string(root.join(folder).join(&name)).unwrap();
            if name == format!("{environment}.toml") {
                let namespace = format!("namespace = \"a4co-{environment}\"");
                assert!(text.contains(&namespace));
                text =
                    change(text.replace(&namespace, &format!("namespace = {:?}", site.namespace)));
            }
            files.push((format!("{folder}/{name}"), text));
        }
    }
    let all = compile(&Source::new(files)).unwrap();
    all.into_iter().find(|one| one.environment == environment).unwrap().release
}

fn expect_all_good(site: &Site, release: &Release) {
    let status = site.run(&["status", "-n", &site.namespace, "-o", "json"]).expect(0);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(status["release"], release.id().to_string());
    let objects = status["objects"].as_array().unwrap();
    assert_eq!(objects.len(), release.objects().len());
    for object in objects {
        assert_eq!(object["condition"], "good", "{object}");
    }
}

fn install(environment: &str) -> (Site, Release) {
    let site = Site::new(&unique_namespace(environment));
    let release = compiled(&site, environment, |text| text);
    site.apply(&release).expect(0);
    expect_all_good(&site, &release);
    let running =
        site.kubectl(&["get", "pods", "--field-selector=status.phase=Running", "-o", "name"]);
    assert!(running.lines().count() >= 5, "{running}");
    let again: Ran = site.apply(&release).expect(0);
    assert!(again.stdout.contains("nothing to do"), "{}", again.stdout);
    (site, release)
}

#[test]
fn dev_is_installed_changed_and_rolled_back_by_hash() {
    let (site, release) = install("dev");
    let changed = compiled(&site, "dev", |text| text.replace("\"debug\"", "\"info\""));
    let bundle = site.bundle(&changed);
    let plan = site.run(&["plan", path(&bundle)]).expect(0);
    assert!(plan.stdout.contains("1 to create, 5 to update, 1 to prune"), "{}", plan.stdout);
    site.apply(&changed).expect(0);
    expect_all_good(&site, &changed);
    site.rollback(&release.id().short()).expect(0);
    expect_all_good(&site, &release);
}

#[test]
fn staging_is_installed() {
    install("staging");
}

#[test]
fn production_is_installed() {
    install("production");
}
