//! What has been done is not done again: jobs that ran, and releases that the cluster has.

mod kit;

use a4co_bundle::Release;
use kit::{BAD_IMAGE, GOOD_IMAGE, Site};
use serde_json::{Value, json};

fn job(site: &Site, name: &str) -> (u8, Value) {
    let manifest = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": site.metadata(name),
        "spec": { "template": { "spec": {
            "restartPolicy": "Never",
            "containers": [{ "name": "migrate", "image": GOOD_IMAGE }],
        } } },
    });
    (4, manifest)
}

#[test]
fn a_job_that_ran_and_is_gone_is_not_run_again() {
    let site = Site::new("job");
    let old =
        site.release(vec![job(&site, "migrate-1"), site.deployment("web", GOOD_IMAGE, Some(1))]);
    let new =
        site.release(vec![job(&site, "migrate-2"), site.deployment("web", BAD_IMAGE, Some(1))]);
    site.apply(&old).expect(0);
    site.expect_release(Some(&old));
    site.kubectl(&["delete", "job", "migrate-1"]);

    site.apply(&old).expect(0);
    assert_eq!(site.members("job"), [] as [&str; 0], "by the same release");
    site.apply_within(&new, "4s").expect(3);
    assert_eq!(site.members("job"), [] as [&str; 0], "by the way back");
    assert_eq!(site.committed(), Some(old.id()));
    assert_eq!(site.image("web"), GOOD_IMAGE);
}

fn versioned(site: &Site, version: &str) -> Release {
    let mut config = site.config();
    config.version = version.parse().unwrap_or(config.version);
    site.release_of(config, vec![site.config_map("a", version)])
}

#[test]
fn applying_the_release_that_the_cluster_went_back_to_writes_nothing() {
    let site = Site::new("after-rollback");
    let [old, new] = ["1.0.0", "1.1.0"].map(|version| versioned(&site, version));
    site.apply(&old).expect(0);
    site.apply(&new).expect(0);
    site.rollback(&old.id().short()).expect(0);
    let head = site.head();
    let ran = site.apply(&old).expect(0);
    assert!(ran.stdout.contains("nothing to do"), "{}", ran.stdout);
    assert_eq!(site.head(), head);
    site.apply(&versioned(&site, "1.0.9")).expect(1);
    site.expect_release(Some(&old));
}

#[test]
fn build_metadata_makes_a_version_neither_older_nor_newer() {
    let site = Site::new("metadata");
    for version in ["1.0.0+gff", "1.0.0+g01", "1.0.0", "1.0.0+g02"] {
        let release = versioned(&site, version);
        site.apply(&release).expect(0);
        site.expect_release(Some(&release));
    }
}
