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
