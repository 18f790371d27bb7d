//! Steps that cannot be taken back are named and need consent; what comes after them keeps what
//! cannot be undone, and says so.

mod kit;

use a4co_bundle::Release;
use kit::{BAD_IMAGE, GOOD_IMAGE, Ran, Site, path};
use serde_json::{Value, json};

fn claim(site: &Site, storage: &str) -> (u8, Value) {
    let manifest = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": site.metadata("data"),
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "standard",
            "resources": { "requests": { "storage": storage } },
        },
    });
    (2, manifest)
}

fn migration(site: &Site, name: &str) -> (u8, Value) {
    let mut metadata = site.metadata(name);
    metadata["annotations"] = json!({ "a4co.dev/irreversible": "true" });
    let container = json!({ "name": "migrate", "image": GOOD_IMAGE });
    let manifest = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": { "template": { "spec": { "restartPolicy": "Never", "containers": [container] } } },
    });
    (4, manifest)
}

fn apply(site: &Site, release: &Release, more: &[&str]) -> Ran {
    let bundle = site.bundle(release);
    site.run(&[&["apply", path(&bundle), "--timeout", "3s"][..], more].concat())
}

fn rollback(site: &Site, more: &[&str]) -> Ran {
    let args = ["rollback", "-n", &site.namespace, "--timeout", "30s"];
    site.run(&[&args[..], more].concat())
}

fn size(site: &Site) -> Value {
    site.get("pvc", "data")["spec"]["resources"]["requests"]["storage"].clone()
}

#[test]
fn a_claim_grows_by_consent_and_stays_large_when_the_release_goes() {
    let site = Site::new("growth");
    let release = |size, text| site.release(vec![claim(&site, size), site.config_map("c", text)]);
    let (small, large) = (release("1Gi", "small"), release("2Gi", "large"));
    site.apply(&small).expect(0);
    let refused = apply(&site, &large, &[]).expect(1);
    refused.expect_told(&["cannot be taken back", "grows from 1Gi to 2Gi", "--accept-one-way"]);
    site.expect_release(Some(&small));
    assert_eq!(size(&site), "1Gi");

    apply(&site, &large, &["--accept-one-way"]).expect(0);
    assert_eq!(size(&site), "2Gi");
    rollback(&site, &[]).expect(0);
    site.expect_release(Some(&small));
    assert_eq!(size(&site), "2Gi", "a claim cannot shrink");
    let again = site.apply(&small).expect(0);
    assert!(again.stdout.contains("nothing to do"), "{}", again.stdout);
}

#[test]
fn a_claim_that_grew_stays_large_when_the_release_fails() {
    let site = Site::new("growth-back");
    let small = site.release(vec![claim(&site, "1Gi"), site.config_map("c", "small")]);
    site.apply(&small).expect(0);
    let failing = site.deployment("web", BAD_IMAGE, Some(1));
    let large = site.release(vec![claim(&site, "2Gi"), site.config_map("c", "large"), failing]);
    apply(&site, &large, &["--accept-one-way"]).expect(3);
    site.expect_release(Some(&small));
    assert_eq!(size(&site), "2Gi", "a claim cannot shrink");
}

#[test]
fn after_an_irreversible_job_the_only_way_is_forward() {
    let site = Site::new("irreversible");
    let release = |replicas, jobs: &[&str]| {
        let jobs = jobs.iter().map(|name| migration(&site, name));
        site.release(jobs.chain([site.deployment("web", GOOD_IMAGE, Some(replicas))]).collect())
    };
    let (old, new) = (release(1, &[]), release(3, &["migrate-1"]));
    site.apply(&old).expect(0);
    apply(&site, &new, &[]).expect(1).expect_told(&["cannot be taken back", "Job/", "migrate-1"]);
    site.expect_release(Some(&old));

    site.kubectl(&["create", "quota", "two", "--hard=pods=2"]);
    let failed = apply(&site, &new, &["--accept-one-way"]).expect(4);
    failed.expect_told(&["cannot be undone", "forward", "recover"]);
    assert_eq!(site.head()["state"], "stuck");
    let replicas = site.get("deployment", "web")["spec"]["replicas"].clone();
    assert_eq!(replicas, 3, "nothing went back behind the migration");
    site.run(&["recover", "-n", &site.namespace, "--timeout", "3s"]).expect(4);

    // A person mends what keeps the release from becoming ready.
    site.kubectl(&["delete", "quota", "two"]);
    let recovered = site.run(&["recover", "-n", &site.namespace, "--timeout", "30s"]).expect(0);
    assert!(recovered.stdout.contains("finished"), "{}", recovered.stdout);
    site.expect_release(Some(&new));

    rollback(&site, &[]).expect(1).expect_told(&["cannot be taken back", "migrate-1"]);
    site.expect_release(Some(&new));
    rollback(&site, &["--accept-one-way"]).expect(0);
    site.expect_release(Some(&old));
}

#[test]
fn content_that_became_immutable_stays_when_the_release_fails() {
    let site = Site::new("immutable-back");
    let content = |text: &str, is_immutable: bool| {
        let (wave, mut manifest) = site.config_map("content", text);
        if is_immutable {
            manifest["immutable"] = json!(true);
        }
        (wave, manifest)
    };
    let old = site.release(vec![content("old", false), site.config_map("c", "old")]);
    site.apply(&old).expect(0);
    let failing = site.deployment("web", BAD_IMAGE, Some(1));
    let new = site.release(vec![content("new", true), site.config_map("c", "new"), failing]);
    apply(&site, &new, &[]).expect(1).expect_told(&["cannot be taken back", "cannot change back"]);

    let failed = apply(&site, &new, &["--accept-one-way"]).expect(3);
    failed.expect_told(&["this stays", "ConfigMap/", "content"]);
    assert_eq!(site.head()["state"], "idle");
    assert_eq!(site.text("content"), "new", "immutable content cannot change");
    assert_eq!(site.text("c"), "old", "the rest goes back");
}

#[test]
fn a_claim_is_never_asked_to_shrink_by_mistake() {
    let site = Site::new("shrinking");
    let release = |size, text| site.release(vec![claim(&site, size), site.config_map("c", text)]);
    let (large, small) = (release("2Gi", "large"), release("1Gi", "small"));
    site.apply(&large).expect(0);
    apply(&site, &small, &[]).expect(1).expect_told(&["cannot shrink from 2Gi to 1Gi"]);
    site.expect_release(Some(&large));
}

#[test]
fn an_irreversible_job_that_has_run_is_no_bar_to_going_back() {
    let site = Site::new("has-run");
    let job = |stage: &str| {
        let (wave, mut manifest) = migration(&site, "migrate");
        manifest["metadata"]["labels"]["stage"] = json!(stage);
        (wave, manifest)
    };
    let old = site.release(vec![job("old"), site.config_map("c", "old")]);
    apply(&site, &old, &["--accept-one-way"]).expect(0);
    let failing = site.deployment("web", BAD_IMAGE, Some(1));
    let new = site.release(vec![job("new"), site.config_map("c", "new"), failing]);
    apply(&site, &new, &[]).expect(3);
    site.expect_release(Some(&old));
}

#[test]
fn an_irreversible_job_that_is_created_anew_needs_consent_again() {
    let site = Site::new("runs-again");
    let job = |command: &str| {
        let (wave, mut manifest) = migration(&site, "migrate");
        manifest["metadata"]["annotations"]["a4co.dev/on-immutable-change"] = json!("recreate");
        manifest["spec"]["template"]["spec"]["containers"][0]["command"] = json!([command]);
        (wave, manifest)
    };
    let (old, new) = (site.release(vec![job("one")]), site.release(vec![job("two")]));
    apply(&site, &old, &["--accept-one-way"]).expect(0);
    apply(&site, &new, &[]).expect(1).expect_told(&["cannot be taken back", "Job/", "migrate"]);
    site.expect_release(Some(&old));
    apply(&site, &new, &["--accept-one-way"]).expect(0);
    site.expect_release(Some(&new));
}
