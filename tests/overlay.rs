//! The site overlay: where images come from is part of what is committed, shown and gone back to.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod kit;

use std::collections::BTreeMap;

use a4co_bundle::{Image, Overlay, Release, ReleaseConfig};
use kit::{BAD_IMAGE, GOOD_IMAGE, Ran, Site, path, running::until};
use serde_json::{Value, json};

impl Site {
    /// Names of the stored contents of a kind.
    fn contents(&self, kind: &str) -> Vec<String> {
        let selector = format!("a4co.dev/content={kind}");
        let list = self.kubectl(&["get", "secrets", "-l", &selector, "-o", "name"]);
        list.lines().map(|line| line.trim_start_matches("secret/").to_owned()).collect()
    }
}

/// The image of this reference, as a release config has it.
fn pin(reference: &str) -> Image {
    let (name, digest) = reference.split_once('@').unwrap();
    Image {
        name: name.to_owned(),
        tag: "1".to_owned(),
        digest: digest.parse().unwrap(),
        size: None,
        platforms: BTreeMap::new(),
    }
}

/// A release that runs `image`, and names it in a text besides.
fn release(site: &Site, version: &str, image: &str) -> Release {
    let config = ReleaseConfig {
        version: version.parse().unwrap(),
        images: vec![pin(image)],
        ..site.config()
    };
    let text = format!("run {image} please");
    let objects = vec![site.config_map("settings", &text), site.deployment("web", image, Some(1))];
    site.release_of(config, objects)
}

fn overlay(to: &str) -> Overlay {
    Overlay::new([("registry.example".to_owned(), to.to_owned())]).unwrap()
}

/// The reference at the registry of a site.
fn at(registry: &str, reference: &str) -> String {
    reference.replace("registry.example", registry)
}

#[track_caller]
fn apply(site: &Site, release: &Release, more: &[&str]) -> Ran {
    let bundle = site.bundle(release);
    site.run(&[&["apply", path(&bundle), "--timeout", "30s"], more].concat())
}

fn json_of(site: &Site, command: &[&str]) -> Value {
    let ran = site.run(&[command, &["-n", &site.namespace, "-o", "json"]].concat()).expect(0);
    serde_json::from_str(&ran.stdout).unwrap()
}

/// Checks that the cluster runs `image`, from the registry of `to` if there is one, and says so.
#[track_caller]
fn expect_images(site: &Site, release: &Release, image: &str, to: Option<&str>) {
    let image = to.map_or_else(|| image.to_owned(), |to| at(to, image));
    assert_eq!(site.image("web"), image);
    assert_eq!(site.text("settings"), format!("run {image} please"));
    assert_eq!(site.committed(), Some(release.id()));
    let digest = to.map(|to| overlay(to).digest().to_string());
    let head = site.head();
    assert_eq!(head["committedOverlay"].as_str(), digest.as_deref(), "{head}");
    assert_eq!(head["state"], "idle");
    let status = json_of(site, &["status"]);
    assert_eq!(status["release"], release.id().to_string());
    assert_eq!(status["overlay"].as_str(), digest.as_deref(), "{status}");
    assert_eq!(status["registries"]["registry.example"].as_str(), to, "{status}");
    let objects = status["objects"].as_array().unwrap();
    assert!(objects.iter().all(|object| object["condition"] == "good"), "{status}");
    let history = json_of(site, &["history"]);
    assert_eq!(history["committedOverlay"].as_str(), digest.as_deref());
    assert_eq!(history["entries"][0]["overlay"].as_str(), digest.as_deref(), "{history}");
}

#[test]
fn an_overlay_stays_until_another_one_is_given_or_it_is_dropped() {
    let site = Site::new("overlay");
    let first = release(&site, "1.0.0", GOOD_IMAGE);
    let ran = apply(&site, &first, &["--registry", "a.site:5000"]).expect(0);
    let name = overlay("a.site:5000").digest().short();
    ran.expect_told(&[&format!("images come from a.site:5000, by the site overlay {name}")]);
    expect_images(&site, &first, GOOD_IMAGE, Some("a.site:5000"));

    let ran = apply(&site, &first, &[]).expect(0);
    assert!(ran.stdout.contains("nothing to do"), "{}", ran.stdout);
    ran.expect_told(&["images come from a.site:5000"]);
    assert_eq!(json_of(&site, &["history"])["entries"].as_array().unwrap().len(), 1);

    let file = site.path("site.json");
    let written = json!({ "schema": 1, "registries": { "registry.example": "b.site/mirror" } });
    fs_err::write(&file, serde_json::to_vec_pretty(&written).unwrap()).unwrap();
    let bundle = site.bundle(&first);
    let plan = site.run(&["plan", path(&bundle), "--site", path(&file), "-o", "json"]).expect(0);
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!(plan["from"], plan["to"]);
    assert_eq!(plan["fromOverlay"], overlay("a.site:5000").digest().to_string());
    assert_eq!(plan["toOverlay"], overlay("b.site/mirror").digest().to_string());
    let steps = plan["steps"].as_array().unwrap().iter();
    let web = steps.clone().find(|step| step["object"]["kind"] == "Deployment").unwrap();
    assert_eq!(web["fields"][0]["old"], at("a.site:5000", GOOD_IMAGE));
    assert_eq!(web["fields"][0]["new"], at("b.site/mirror", GOOD_IMAGE));
    assert_eq!(web["wayBack"], "update");
    expect_images(&site, &first, GOOD_IMAGE, Some("a.site:5000"));

    let ran = apply(&site, &first, &["--site", path(&file)]).expect(0);
    let before = format!("before it was {}+{name}", first.id().short());
    assert!(ran.stdout.contains(&before), "{}", ran.stdout);
    ran.expect_told(&[&format!("until now by {name}")]);
    expect_images(&site, &first, GOOD_IMAGE, Some("b.site/mirror"));

    let second = release(&site, "1.1.0", kit::OTHER_IMAGE);
    apply(&site, &second, &[]).expect(0);
    expect_images(&site, &second, kit::OTHER_IMAGE, Some("b.site/mirror"));

    // A file is compared as it would be applied beside the release that the cluster holds.
    let diff = json_of(&site, &["diff", &first.id().short(), path(&site.bundle(&second))]);
    let changed = diff["changed"].as_array().unwrap();
    let web = changed.iter().find(|change| change["object"]["kind"] == "Deployment").unwrap();
    assert_eq!(web["fields"][0]["old"], at("b.site/mirror", GOOD_IMAGE));
    assert_eq!(web["fields"][0]["new"], at("b.site/mirror", kit::OTHER_IMAGE));

    let ran = apply(&site, &second, &["--no-site"]).expect(0);
    ran.expect_told(&["from the registries that the release names", "is dropped"]);
    expect_images(&site, &second, kit::OTHER_IMAGE, None);
    site.expect_release(Some(&second));
    let ran = apply(&site, &second, &["--no-site"]).expect(0);
    assert!(ran.stdout.contains("nothing to do"), "{}", ran.stdout);
}

#[test]
fn a_rollback_returns_to_the_release_with_its_overlay() {
    let site = Site::new("overlay-back");
    let [old, new] = [("1.0.0", GOOD_IMAGE), ("1.1.0", kit::OTHER_IMAGE)]
        .map(|(version, image)| release(&site, version, image));
    apply(&site, &old, &[]).expect(0);
    apply(&site, &old, &["--registry", "registry.example=a.site"]).expect(0);
    let bundle = site.bundle(&old);
    let plan = site.run(&["plan", path(&bundle), "--no-site"]).expect(0);
    let name = format!("{}+{}", old.id().short(), overlay("a.site").digest().short());
    assert!(plan.stdout.contains(&format!("`a4co-apply rollback {name}`")), "{}", plan.stdout);
    apply(&site, &new, &["--registry", "b.site"]).expect(0);
    let shown = site.run(&["history", "-n", &site.namespace]).expect(0).stdout;
    assert!(shown.contains(&name), "{shown}");

    site.rollback(&old.id().short()).expect(0);
    expect_images(&site, &old, GOOD_IMAGE, Some("a.site"));
    // Without a name: what was there before.
    site.run(&["rollback", "-n", &site.namespace]).expect(0);
    expect_images(&site, &new, kit::OTHER_IMAGE, Some("b.site"));
    site.rollback(&format!("{}+none", old.id().short())).expect(0);
    expect_images(&site, &old, GOOD_IMAGE, None);
    site.rollback(&name).expect(0);
    expect_images(&site, &old, GOOD_IMAGE, Some("a.site"));
    let ran = site.rollback(&format!("{}+none", new.id().short())).expect(1);
    ran.expect_told(&["no release in the history begins with"]);

    // Overlays that no line of the history names go with their releases.
    assert_eq!(site.contents("overlay").len(), 2);
    apply(&site, &old, &["--registry", "c.site"]).expect(0);
    assert_eq!(site.contents("overlay").len(), 3);
    site.run(&["gc", "-n", &site.namespace, "--keep", "1"]).expect(0);
    let kept: Vec<_> = json_of(&site, &["history"])["entries"].as_array().unwrap().clone();
    let named: std::collections::BTreeSet<_> =
        kept.iter().filter_map(|entry| entry["overlay"].as_str()).collect();
    assert!(!named.contains(overlay("b.site").digest().to_string().as_str()), "{kept:?}");
    assert_eq!(site.contents("overlay").len(), named.len());
    let doctor = json_of(&site, &["doctor"]);
    let findings = doctor["findings"].as_array().unwrap();
    let history = findings.iter().find(|finding| finding["check"] == "history").unwrap();
    assert_eq!(history["level"], "ok", "{history}");
}

#[test]
fn a_change_of_the_overlay_that_fails_or_is_killed_ends_with_the_old_one() {
    let site = Site::new("overlay-undo");
    let old = release(&site, "1.0.0", GOOD_IMAGE);
    apply(&site, &old, &["--registry", "a.site"]).expect(0);
    let bad = release(&site, "1.1.0", BAD_IMAGE);
    let bundle = site.bundle(&bad);

    let failing = ["apply", path(&bundle), "--registry", "b.site", "--timeout", "2s"];
    site.run(&failing).expect(3);
    expect_images_undone(&site, &old);

    let kubeconfig = site.cluster.kubeconfig();
    let waiting = ["apply", path(&bundle), "--registry", "b.site", "--timeout", "2m"];
    let running = kit::running::Running::of(&mut site.command(kubeconfig, &waiting));
    until("the new image", || site.image("web") == at("b.site", BAD_IMAGE));
    drop(running);
    site.free_lease();
    let head = site.head();
    assert_eq!(head["toOverlay"], overlay("b.site").digest().to_string());
    assert_eq!(head["fromOverlay"], overlay("a.site").digest().to_string());
    let status = json_of(&site, &["status"]);
    assert_eq!(status["toOverlay"], overlay("b.site").digest().to_string());
    site.run(&["recover", "-n", &site.namespace]).expect(0);
    expect_images_undone(&site, &old);
}

/// As before, and the history tells of what failed.
#[track_caller]
fn expect_images_undone(site: &Site, old: &Release) {
    let image = at("a.site", GOOD_IMAGE);
    assert_eq!(
        (site.image("web"), site.text("settings")),
        (image.clone(), format!("run {image} please"))
    );
    let head = site.head();
    assert_eq!(head["committed"], old.id().to_string());
    assert_eq!(head["committedOverlay"], overlay("a.site").digest().to_string());
    assert_eq!(
        (&head["state"], &head["toOverlay"], &head["fromOverlay"]),
        (&json!("idle"), &Value::Null, &Value::Null)
    );
    let entry = &json_of(site, &["history"])["entries"][0];
    assert_eq!(entry["outcome"], "rolled-back");
    assert_eq!(entry["overlay"], overlay("b.site").digest().to_string());
}

#[test]
fn a_job_is_not_run_again_because_its_image_comes_from_elsewhere() {
    let site = Site::new("overlay-job");
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": site.metadata("migration"),
        "spec": { "suspend": true, "template": { "spec": { "restartPolicy": "Never",
            "containers": [{ "name": "x", "image": GOOD_IMAGE }] } } },
    });
    let config = ReleaseConfig { images: vec![pin(GOOD_IMAGE)], ..site.config() };
    let objects = vec![(3, job), site.deployment("web", GOOD_IMAGE, Some(1))];
    let release = site.release_of(config, objects);
    apply(&site, &release, &["--registry", "a.site"]).expect(0);
    let job = || site.get("job", "migration");
    let image = |job: &Value| job["spec"]["template"]["spec"]["containers"][0]["image"].clone();
    let before = job();
    assert_eq!(image(&before), at("a.site", GOOD_IMAGE));
    apply(&site, &release, &["--registry", "b.site"]).expect(0);
    assert_eq!(site.image("web"), at("b.site", GOOD_IMAGE));
    assert_eq!(job()["metadata"]["uid"], before["metadata"]["uid"]);
    assert_eq!(image(&job()), at("a.site", GOOD_IMAGE));
    let ran = apply(&site, &release, &[]).expect(0);
    assert!(ran.stdout.contains("nothing to do"), "{}", ran.stdout);
}

#[test]
fn an_overlay_that_cannot_be_meant_is_refused_before_anything_is_sent() {
    let site = Site::new("overlay-typo");
    let bundle = site.bundle(&release(&site, "1.0.0", GOOD_IMAGE));
    let file = site.path("site.json");
    fs_err::write(&file, r#"{"schema":1,"registries":{"registry.exmaple":"a.site"}}"#).unwrap();
    for (case, options, told) in [
        (
            "a file with a misspelt host",
            vec!["--site", path(&file)],
            "no image of the release is at `registry.exmaple`; its images are at registry.example",
        ),
        (
            "an option with a misspelt host",
            vec!["--registry", "docker.io=a.site"],
            "no image of the release is at `docker.io`",
        ),
        ("a URL", vec!["--registry", "https://a.site"], "`https://a.site` is not a registry"),
        (
            "two registries for one host",
            vec!["--registry", "a.site", "--registry", "registry.example=b.site"],
            "is given twice",
        ),
        ("no file", vec!["--site", "/nonexistent.json"], "/nonexistent.json"),
        ("a folder", vec!["--site", "/"], "directory"),
    ] {
        let nowhere = site.path("no-kubeconfig");
        let args = [&["apply", path(&bundle)], options.as_slice()].concat();
        let ran = site.run_with(&nowhere, &args).expect(1);
        assert!(ran.stderr.contains(told), "{case}: {}", ran.stderr);
        assert!(ran.stderr.contains("not touched"), "{case}: {}", ran.stderr);
    }
}

#[test]
fn where_images_come_from_is_about_a_bundle() {
    let site = Site::new("overlay-none");
    let ran = site.run(&["doctor", "-n", &site.namespace, "--registry", "a.site"]).expect(2);
    ran.expect_told(&["about a bundle"]);
}

#[test]
fn a_lost_overlay_is_stored_again_by_applying_with_it() {
    let site = Site::new("overlay-lost");
    let release = release(&site, "1.0.0", GOOD_IMAGE);
    apply(&site, &release, &["--registry", "a.site"]).expect(0);
    let [name] = site.contents("overlay").try_into().unwrap();
    site.kubectl(&["delete", "secret", &name]);
    let ran = apply(&site, &release, &[]).expect(1);
    ran.expect_told(&[&name, "with the same site overlay"]);
    apply(&site, &release, &["--registry", "a.site"]).expect(0);
    assert_eq!(site.contents("overlay"), [name]);
    expect_images(&site, &release, GOOD_IMAGE, Some("a.site"));
}

#[test]
fn what_can_never_change_has_one_overlay_for_ever() {
    let site = Site::new("overlay-immutable");
    let (wave, mut settings) = site.config_map("settings", GOOD_IMAGE);
    settings["immutable"] = json!(true);
    let config = ReleaseConfig { images: vec![pin(GOOD_IMAGE)], ..site.config() };
    let objects = vec![(wave, settings), site.deployment("web", GOOD_IMAGE, Some(1))];
    let release = site.release_of(config, objects);
    apply(&site, &release, &["--registry", "a.site"]).expect(0);
    let ran = apply(&site, &release, &["--registry", "b.site"]).expect(1);
    let name = format!("ConfigMap/{}/settings", site.namespace);
    ran.expect_told(&[&name, "data.text", "not touched", "a4co.dev/on-immutable-change: recreate"]);
    assert_eq!(site.image("web"), at("a.site", GOOD_IMAGE));
    assert_eq!(site.head()["committedOverlay"], overlay("a.site").digest().to_string());
}
