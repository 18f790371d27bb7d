//! The examples, which are nobody's of ours: each is compiled and applied, and becomes ready.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod kit;

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use a4co_bundle::Release;
use a4co_compiler::{Source, compile};
use a4co_testenv::unique_namespace;
use kit::Site;
use serde_json::Value;

/// Returns the paths of all files below `folder`, relative to `root`, with slashes.
fn files_in(root: &Path, folder: &str) -> Vec<String> {
    let mut files = Vec::new();
    let Ok(entries) = fs_err::read_dir(root.join(folder)) else {
        return files;
    };
    for entry in entries {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            files.extend(files_in(root, &path));
        } else {
            files.push(path);
        }
    }
    files
}

/// Compiles one environment of an example into the namespace of `site`; names of a group become the
/// site's own, so that definitions of several runs do not meet.
fn compiled(site: &Site, example: &str, environment: &str, namespace: &str) -> Release {
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example);
    let own = |text: String| {
        text.replace(
            &format!("namespace = {namespace:?}\n"),
            &format!("namespace = {:?}\n", site.namespace),
        )
        .replace("caching.example.org", &format!("{}.example.org", site.namespace))
    };
    let read = |path: String| (path.clone(), own(fs_err::read_to_string(root.join(path)).unwrap()));
    let paths = ["envs", "lockfiles", "manifests"].into_iter().flat_map(|it| files_in(&root, it));
    let all = compile(&Source::new(paths.map(read))).unwrap();
    all.into_iter().find(|one| one.environment == environment).unwrap().release
}

fn expect_installed(site: &Site, release: &Release) {
    site.apply(release).expect(0);
    let status = site.run(&["status", "-n", &site.namespace, "-o", "json"]).expect(0);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(status["release"], release.id().to_string());
    for object in status["objects"].as_array().unwrap() {
        assert_eq!(object["condition"], "good", "{object}");
    }
    assert_eq!(status["objects"].as_array().unwrap().len(), release.objects().len());
    let again = site.apply(release).expect(0);
    assert!(again.stdout.contains("nothing to do"), "{}", again.stdout);
}

fn give_secrets(site: &Site, secrets: &[(&str, &[&str])]) {
    site.kubectl(&["create", "namespace", &site.namespace]);
    for (name, keys) in secrets {
        give_secret(site, name, keys);
    }
}

fn give_secret(site: &Site, name: &str, keys: &[&str]) {
    let literals: Vec<_> = keys.iter().map(|key| format!("--from-literal={key}=x")).collect();
    let literals = literals.iter().map(String::as_str);
    let args: Vec<_> = ["create", "secret", "generic", name].into_iter().chain(literals).collect();
    site.kubectl(&args);
}

#[test]
fn a_web_service_is_installed() {
    let site = Site::new(&unique_namespace("web"));
    let release = compiled(&site, "web", "test", "guestbook-test");
    let missing = site.apply(&release).expect(1);
    assert!(missing.stderr.contains("guestbook-redis with the key REDIS_PASSWORD"));
    give_secrets(&site, &[("guestbook-redis", &["REDIS_PASSWORD"])]);
    expect_installed(&site, &release);
}

#[test]
fn a_web_service_with_a_certificate_of_the_site_is_installed() {
    let site = Site::new(&unique_namespace("web-live"));
    let release = compiled(&site, "web", "live", "guestbook");
    let tls: (_, &[_]) = ("guestbook-tls", &["tls.crt", "tls.key"]);
    give_secrets(&site, &[tls, ("guestbook-redis", &["REDIS_PASSWORD"])]);
    expect_installed(&site, &release);
}

/// Stands in for the operator, which does not run here: says of the cache that it is ready.
fn say_ready(site: &Site, done: &AtomicBool) {
    let status = "{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}";
    let patch =
        ["patch", "caches", "sessions", "--subresource=status", "--type=merge", "-p", status];
    let args = [&patch[..], &["-n", &site.namespace]].concat();
    while !done.load(Ordering::Relaxed) && !site.cluster.kubectl(&args).success() {
        thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn a_vendored_operator_and_its_custom_resource_are_installed() {
    let site = Site::new(&unique_namespace("vendored"));
    let release = compiled(&site, "vendored", "live", "reports");
    let missing = site.apply(&release).expect(1);
    assert!(missing.stderr.contains("reports-database"), "{}", missing.stderr);
    give_secrets(&site, &[("reports-database", &["DATABASE_URL"])]);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| say_ready(&site, &done));
        let applied = site.apply(&release);
        done.store(true, Ordering::Relaxed);
        applied.expect(0);
    });
    expect_installed(&site, &release);
    let cache = site.get("caches", "sessions");
    let image = cache["spec"]["image"].as_str().unwrap();
    assert!(image.starts_with("docker.io/valkey/valkey@sha256:"), "{image}");
    let definition = format!("caches.{}.example.org", site.namespace);
    let _ =
        site.cluster.kubectl(&["delete", "customresourcedefinition", &definition, "--wait=false"]);
}
