//! Objects of Helm and kubectl become objects of a release: nothing restarts, nobody else owns them
//! afterwards, and a failure gives them back as they were.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod kit;

use a4co_bundle::{PART_OF_LABEL, Release};
use kit::{
    BAD_IMAGE, GOOD_IMAGE, OTHER_IMAGE, Ran, Site,
    foreign::{essence, owners},
    path,
    running::until,
};
use serde_json::{Value, json};

/// The objects of a small service, as the release has them.
fn service(site: &Site) -> Vec<(u8, Value)> {
    let (wave, mut web) = site.web();
    web["spec"]["minReadySeconds"] = json!(1);
    let port = json!([{ "port": 80, "targetPort": 8080 }]);
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": site.metadata("web"),
        "spec": { "selector": { "app": "web" }, "ports": port },
    });
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": site.metadata("login"),
        "stringData": { "password": "hunter2" },
    });
    vec![site.config_map("settings", "one"), (2, secret), (3, service), (wave, web)]
}

/// The same objects as others made them: with labels, annotations and a field of their own.
fn foreign_service(site: &Site) -> Vec<Value> {
    let objects = service(site).into_iter().map(|object| site.foreign(object));
    let mut objects: Vec<Value> = objects.collect();
    for object in &mut objects {
        object["metadata"]["labels"] = json!({ "helm.sh/chart": "web-1.0.0" });
        object["metadata"]["annotations"] = json!({ "example.com/team": "web" });
    }
    objects[0]["data"]["extra"] = json!("theirs");
    objects
}

const NAMES: [(&str, &str); 4] =
    [("configmap", "settings"), ("secret", "login"), ("service", "web"), ("deployment", "web")];

fn objects(site: &Site) -> Vec<Value> {
    NAMES.iter().map(|(kind, name)| site.get(kind, name)).collect()
}

fn adopt(site: &Site, release: &Release, more: &[&str]) -> Ran {
    let bundle = site.bundle(release);
    site.run(&[&["adopt", path(&bundle), "--timeout", "60s"], more].concat())
}

/// Who made the objects.
#[derive(Clone, Copy)]
enum Maker {
    Helm(&'static [&'static str]),
    Kubectl(&'static [&'static str]),
}

const MAKERS: [(&str, Maker); 4] = [
    ("helm", Maker::Helm(&[])),
    ("helm-client", Maker::Helm(&["--server-side=false"])),
    ("kubectl-client", Maker::Kubectl(&["apply"])),
    ("kubectl-server", Maker::Kubectl(&["apply", "--server-side"])),
];

/// A namespace in which somebody else has made `objects`.
fn made_by(maker: Maker, site: &Site, objects: &[Value]) {
    site.create_namespace();
    match maker {
        Maker::Helm(options) => site.helm_install("web", objects, options),
        Maker::Kubectl(args) => site.kubectl_with(args, objects),
    }
    site.until_ready("deployment", "web", 1);
}

#[test]
fn an_adopted_object_is_the_releases_alone_and_nothing_restarts() {
    for (case, maker) in MAKERS {
        let site = Site::new(case);
        made_by(maker, &site, &foreign_service(&site));
        let pods = site.pods();
        let release = site.release(service(&site));
        let refused = site.apply(&release).expect(1);
        refused.expect_told(&["was not made by a release", "a4co-apply adopt BUNDLE"]);

        let ran = adopt(&site, &release, &[]).expect(0);
        assert_eq!(site.pods(), pods, "{case}: the same pods run");
        for ((kind, name), object) in NAMES.iter().zip(objects(&site)) {
            let metadata = &object["metadata"];
            assert_eq!(metadata["labels"], site.labels(), "{case} {kind}/{name}");
            let annotations = metadata["annotations"].as_object().into_iter().flatten();
            let annotations: Vec<_> = annotations.map(|(name, _)| name.as_str()).collect();
            let controllers = ["deployment.kubernetes.io/revision"];
            assert_eq!(annotations, controllers[..usize::from(*kind == "deployment")], "{case}");
            let expected: &[&str] = match *kind {
                "deployment" => &["a4co Apply", "kube-controller-manager Update"],
                _ => &["a4co Apply"],
            };
            let found = owners(&object);
            // The controllers of a deployment write its annotations with the status.
            let is_controller = |owner: &&String| owner.starts_with("kube-controller-manager");
            let others: Vec<_> = found.iter().filter(|owner| !is_controller(owner)).collect();
            assert_eq!(others, [expected[0]], "{case} {kind}/{name}: {found:?}");
        }
        assert_eq!(site.get("configmap", "settings")["data"], json!({ "text": "one" }), "{case}");
        assert_eq!(site.head()["state"], "idle", "{case}");
        let history = site.run(&["history", "-n", &site.namespace]).expect(0).stdout;
        assert!(history.contains("adopt"), "{case}: {history}");

        let forget = format!("kubectl delete secret -n {} -l owner=helm,name=web", site.namespace);
        assert_eq!(ran.stdout.contains(&forget), matches!(maker, Maker::Helm(_)), "{case}");
        if matches!(maker, Maker::Helm(_)) {
            assert!(site.helm(&["list", "-q"]).stdout.contains("web"), "{case}");
            site.kubectl(&["delete", "secret", "-l", "owner=helm,name=web"]);
            assert_eq!(site.helm(&["list", "-q"]).stdout.trim(), "", "{case}");
            assert_eq!(site.pods(), pods, "{case}: forgetting deletes nothing else");
        }
        site.apply(&release).expect(0);

        let mut dropped = service(&site);
        dropped[3].1["spec"].as_object_mut().unwrap().remove("minReadySeconds");
        dropped[0].1["data"] = json!({ "other": "x" });
        site.apply(&site.release(dropped)).expect(0);
        let min_ready = &site.get("deployment", "web")["spec"]["minReadySeconds"];
        assert!(min_ready.is_null(), "{case}: a field that a release drops goes: {min_ready}");
        assert_eq!(site.get("configmap", "settings")["data"], json!({ "other": "x" }), "{case}");
    }
}

#[test]
fn an_adoption_that_fails_gives_the_objects_back_exactly() {
    for (case, maker) in MAKERS {
        let site = Site::new(case);
        made_by(maker, &site, &foreign_service(&site));
        let (pods, before) = (site.pods(), objects(&site));
        let mut failing = service(&site);
        failing.push(site.deployment("bad", BAD_IMAGE, Some(1)));
        let bundle = site.bundle(&site.release(failing));
        let ran = site.run(&["adopt", path(&bundle), "--timeout", "3s"]).expect(3);
        ran.expect_told(&["no release, as before"]);
        for (before, after) in before.into_iter().zip(objects(&site)) {
            let name = before["metadata"]["name"].clone();
            assert_eq!(essence(after), essence(before), "{case}: {name}");
        }
        assert_eq!(site.pods(), pods, "{case}");
        assert!(site.get("deployment", "bad").is_null(), "{case}");

        let mut changed = foreign_service(&site);
        changed[0]["data"]["text"] = json!("two");
        match maker {
            Maker::Helm(_) => site.helm_upgrade("web", &changed),
            Maker::Kubectl(args) => site.kubectl_with(args, &changed),
        }
        assert_eq!(site.text("settings"), "two", "{case}: they go on as if nothing had been");
    }
}

#[test]
fn a_plan_tells_what_an_adoption_changes_and_where_pods_restart() {
    let site = Site::new("foreseen");
    let mut theirs = foreign_service(&site);
    theirs[3]["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] =
        json!("IfNotPresent");
    made_by(Maker::Helm(&[]), &site, &theirs);
    let pods = site.pods();
    let plan = |release: &Release| -> Value {
        let bundle = site.bundle(release);
        let ran = site.run(&["plan", path(&bundle), "--adopt", "-o", "json"]).expect(0);
        assert!(!ran.stdout.contains("hunter2") && !ran.stdout.contains("aHVudGVyMg"));
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let step = |plan: &Value, kind: &str| -> Value {
        let steps = plan["steps"].as_array().unwrap().iter();
        steps.clone().find(|step| step["object"]["kind"] == kind).unwrap().clone()
    };
    let paths = |step: &Value| -> Vec<String> {
        let fields = step["fields"].as_array().unwrap().iter();
        fields.map(|field| field["path"].as_str().unwrap().to_owned()).collect()
    };
    let labels = ["annotations", "labels[\"app.kubernetes.io/managed-by\"]"];
    let labels = labels.map(|field| format!("metadata.{field}"));
    let equal = site.release(service(&site));
    let found = plan(&equal);
    let settings = step(&found, "ConfigMap");
    assert_eq!(settings["change"], "adopt");
    let found_paths = paths(&settings);
    let part_of = format!("metadata.labels[\"{PART_OF_LABEL}\"]");
    for expected in [&labels[0], &labels[1], &"data.extra".to_owned(), &part_of] {
        assert!(found_paths.contains(expected), "{expected} is not in {found_paths:?}");
    }
    assert!(!found_paths.contains(&"data.text".to_owned()), "{found_paths:?}");
    let web = step(&found, "Deployment");
    assert_eq!(web["restartsPods"], false, "a field that falls back to an equal default: {web}");
    assert_eq!(site.pods(), pods, "a plan changes nothing");

    let mut other = service(&site);
    other[3].1["spec"]["template"]["metadata"]["labels"]["more"] = json!("x");
    let other = site.release(other);
    let web = step(&plan(&other), "Deployment");
    assert_eq!(web["restartsPods"], true, "{web}");
    assert!(paths(&web).contains(&"spec.template.metadata.labels.more".to_owned()), "{web}");
    let ran = adopt(&site, &other, &[]).expect(0);
    ran.expect_told(&["to adopt", "restarts pods"]);
    assert!(site.pods().keys().all(|uid| !pods.contains_key(uid)), "these did restart");
}

#[test]
fn a_restart_by_kubectl_is_not_repeated() {
    let site = Site::new("restarted");
    made_by(Maker::Kubectl(&["apply"]), &site, &foreign_service(&site));
    site.kubectl(&["rollout", "restart", "deployment/web"]);
    until("the restart", || site.get("deployment", "web")["metadata"]["generation"] != 1);
    site.until_ready("deployment", "web", 1);
    let pods = site.pods();
    adopt(&site, &site.release(service(&site)), &[]).expect(0);
    assert_eq!(site.pods(), pods);
    let web = site.get("deployment", "web");
    let annotations = &web["spec"]["template"]["metadata"]["annotations"];
    assert!(annotations["kubectl.kubernetes.io/restartedAt"].is_string(), "{annotations}");
}

#[test]
fn a_third_manager_is_named_with_the_field_and_both_values() {
    let site = Site::new("third-manager");
    site.create_namespace();
    let mut theirs = site.foreign(site.config_map("settings", "theirs"));
    theirs["data"]["more"] = json!("theirs");
    let apply = ["apply", "--server-side", "--field-manager=argocd"];
    site.kubectl_with(&apply, std::slice::from_ref(&theirs));
    let before = site.get("configmap", "settings");
    let release = site.release(vec![site.config_map("settings", "ours")]);
    let bundle = site.bundle(&release);
    for command in [&["plan", path(&bundle), "--adopt"], &["adopt", path(&bundle), "--verbose"]] {
        let ran = site.run(command).expect(1);
        ran.expect_told(&[
            ".data.text: `argocd` has \"theirs\", the release has \"ours\"",
            "--from MANAGER",
            "not touched",
        ]);
    }
    assert_eq!(site.get("configmap", "settings"), before);
    adopt(&site, &release, &["--from", "argocd"]).expect(0);
    let settings = site.get("configmap", "settings");
    assert_eq!(settings["data"], json!({ "text": "ours" }));
    assert_eq!(owners(&settings), ["a4co Apply"]);
}

#[test]
fn what_a_person_changed_in_a_release_is_named_and_can_be_taken_back() {
    let site = Site::new("hotfixed");
    let release = |image| site.release(vec![site.deployment("web", image, Some(1))]);
    site.apply(&release(GOOD_IMAGE)).expect(0);
    let hotfix = "registry.example/web:hotfix";
    site.kubectl(&["set", "image", "deployment/web", &format!("web={hotfix}")]);
    let before = site.get("deployment", "web")["spec"].clone();
    let new = release(OTHER_IMAGE);
    let bundle = site.bundle(&new);
    let conflict = format!(
        ".spec.template.spec.containers[name=\"web\"].image: `kubectl-set` has \"{hotfix}\", the \
         release has \"{}",
        &OTHER_IMAGE[..30]
    );
    for command in ["plan", "apply"] {
        let ran = site.run(&[command, path(&bundle)]).expect(1);
        ran.expect_told(&[&conflict, "adopt", "in the environment", "not touched"]);
    }
    assert_eq!(site.get("deployment", "web")["spec"], before);
    adopt(&site, &new, &[]).expect(0);
    assert_eq!(site.image("web"), OTHER_IMAGE);
    let others = owners(&site.get("deployment", "web"));
    assert!(!others.iter().any(|owner| owner.starts_with("kubectl")), "{others:?}");
}

#[test]
fn a_claim_that_grows_by_being_taken_over_needs_consent_and_none_ever_shrinks() {
    let site = Site::new("claims");
    site.create_namespace();
    let claim = |name: &str, storage: &str| {
        let manifest = json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": site.metadata(name),
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": "standard",
                "resources": { "requests": { "storage": storage } },
            },
        });
        (2, manifest)
    };
    let theirs = [claim("grows", "1Gi"), claim("stays", "2Gi")].map(|claim| site.foreign(claim));
    site.kubectl_with(&["apply"], &theirs);
    for name in ["grows", "stays"] {
        until("a bound claim", || site.get("pvc", name)["status"]["phase"] == "Bound");
    }
    let release = site.release(vec![claim("grows", "2Gi"), claim("stays", "1Gi")]);
    let asked =
        |name: &str| site.get("pvc", name)["spec"]["resources"]["requests"]["storage"].clone();
    let plan = site.run(&["plan", path(&site.bundle(&release)), "--adopt"]).expect(0).stdout;
    assert!(plan.contains("its storage grows from 1Gi to 2Gi"), "{plan}");
    assert_eq!(plan.matches("storage: ").count(), 1, "the other one keeps what it has: {plan}");
    let ran = adopt(&site, &release, &[]).expect(1);
    ran.expect_told(&["cannot be taken back", "--accept-one-way", "not touched"]);
    assert_eq!(asked("grows"), "1Gi");
    adopt(&site, &release, &["--accept-one-way"]).expect(0);
    assert_eq!(asked("grows"), "2Gi");
    assert_eq!(asked("stays"), "2Gi");
    assert_eq!(owners(&site.get("pvc", "stays"))[0], "a4co Apply");
}

#[test]
fn an_object_that_can_never_become_what_the_release_has_is_not_taken_over() {
    let site = Site::new("selectors");
    made_by(Maker::Helm(&[]), &site, &foreign_service(&site));
    let before = objects(&site);
    let (wave, mut web) = site.web();
    let labels = json!({ "app": "web", "side": "ours" });
    web["spec"]["selector"]["matchLabels"] = labels.clone();
    web["spec"]["template"]["metadata"]["labels"] = labels;
    // To delete what others made takes more than this.
    web["metadata"]["annotations"]["a4co.dev/on-immutable-change"] = json!("recreate");
    let mut release = service(&site);
    release[3] = (wave, web);
    let bundle = site.bundle(&site.release(release));
    for command in [&["plan", path(&bundle), "--adopt"], &["adopt", path(&bundle), "--verbose"]] {
        let ran = site.run(command).expect(1);
        ran.expect_told(&[
            &format!("Deployment/{}/web cannot be taken over", site.namespace),
            "spec.selector.matchLabels.side: \"ours\" is new",
            "or delete them, and the release creates them",
            "not touched",
        ]);
    }
    let essences = |objects: Vec<Value>| objects.into_iter().map(essence).collect::<Vec<_>>();
    assert_eq!(essences(objects(&site)), essences(before));
}

#[test]
fn objects_of_another_release_are_never_taken_over() {
    let site = Site::new("another");
    site.create_namespace();
    let (_, mut theirs) = site.config_map("settings", "theirs");
    theirs["metadata"]["labels"][PART_OF_LABEL] = json!("applyset-another-v1");
    site.kubectl_with(&["apply"], &[theirs]);
    let before = site.get("configmap", "settings");
    let release = site.release(vec![site.config_map("settings", "ours")]);
    let ran = adopt(&site, &release, &["--from", "kubectl-client-side-apply"]).expect(1);
    ran.expect_told(&["belongs to another set of objects (applyset-another-v1)", "not touched"]);
    assert_eq!(site.get("configmap", "settings"), before);
}

/// What a plan to adopt `release` says of the object of a kind.
fn foreseen(site: &Site, release: &Release, kind: &str) -> Vec<String> {
    let bundle = site.bundle(release);
    let ran = site.run(&["plan", path(&bundle), "--adopt", "-o", "json"]).expect(0);
    let plan: Value = serde_json::from_str(&ran.stdout).unwrap();
    let mut steps = plan["steps"].as_array().unwrap().iter();
    let step = steps.find(|step| step["object"]["kind"] == kind).unwrap();
    assert_eq!(step["change"], "adopt", "{step}");
    let fields = step["fields"].as_array().unwrap().iter();
    fields.map(|field| field["path"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_plain_text_of_a_secret_is_foreseen_as_what_it_becomes() {
    let site = Site::new("plain");
    let (secret, other) = (service(&site).remove(1), service(&site).remove(0));
    site.create_namespace();
    site.kubectl_with(&["apply"], &[site.foreign(secret.clone())]);
    let release = site.release(vec![secret, other]);
    let paths = foreseen(&site, &release, "Secret");
    assert!(paths.iter().all(|path| path.starts_with("metadata.")), "{paths:?}");
    adopt(&site, &release, &[]).expect(0);
    assert_eq!(site.get("secret", "login")["data"], json!({ "password": "aHVudGVyMg==" }));
}

#[test]
fn what_nobody_owns_is_taken_over_as_well_and_given_back_to_nobody() {
    let site = Site::new("nobodys");
    let (wave, settings) = site.config_map("settings", "one");
    let mut theirs = site.foreign((wave, settings.clone()));
    theirs["data"] = json!({ "text": "theirs", "extra": "theirs" });
    site.create_namespace();
    site.kubectl_with(&["apply"], &[theirs]);
    let patch = r#"{"metadata":{"managedFields":[{}]}}"#;
    site.kubectl(&["patch", "configmap", "settings", "--type=merge", "-p", patch]);
    let before = site.get("configmap", "settings");
    assert_eq!(owners(&before), [] as [&str; 0]);

    let release = site.release(vec![(wave, settings.clone())]);
    let paths = foreseen(&site, &release, "ConfigMap");
    for expected in ["data.text", "data.extra"] {
        assert!(paths.iter().any(|path| path == expected), "{expected} is not in {paths:?}");
    }
    let failing = vec![(wave, settings), site.deployment("bad", BAD_IMAGE, Some(1))];
    let bundle = site.bundle(&site.release(failing));
    site.run(&["adopt", path(&bundle), "--timeout", "3s"]).expect(3);
    let after = site.get("configmap", "settings");
    assert_eq!(owners(&after), [] as [&str; 0]);
    assert_eq!(essence(after), essence(before));

    adopt(&site, &release, &[]).expect(0);
    let after = site.get("configmap", "settings");
    assert_eq!(owners(&after), ["a4co Apply"]);
    assert_eq!(after["data"], json!({ "text": "one" }));
}

#[test]
fn a_headless_service_is_not_taken_over_by_a_release_that_wants_an_address() {
    let site = Site::new("headless");
    let service = |metadata: Value, address: Option<&str>| {
        let spec = json!({ "selector": { "app": "web" }, "ports": [{ "port": 80 }], "clusterIP": address });
        let mut service =
            json!({ "apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec });
        if address.is_none() {
            service["spec"].as_object_mut().unwrap().remove("clusterIP");
        }
        service
    };
    site.create_namespace();
    let theirs = site.foreign((3, service(site.metadata("web"), Some("None"))));
    site.kubectl_with(&["apply"], &[theirs]);
    let release = site.release(vec![(3, service(site.metadata("web"), None))]);
    let ran = adopt(&site, &release, &[]).expect(1);
    ran.expect_told(&["cannot be taken over", "spec.clusterIP", "not touched"]);
    let equal = site.release(vec![(3, service(site.metadata("web"), Some("None")))]);
    adopt(&site, &equal, &[]).expect(0);
}

#[test]
fn an_older_release_is_not_adopted() {
    let site = Site::new("older");
    let mut config = site.config();
    config.version = "2.0.0".parse().unwrap();
    site.apply(&site.release_of(config, vec![site.config_map("settings", "two")])).expect(0);
    let old = site.release(vec![site.config_map("settings", "one")]);
    adopt(&site, &old, &[]).expect(1).expect_told(&["1.0.0 is older than 2.0.0", "not touched"]);
    let bundle = site.bundle(&old);
    site.run(&["plan", path(&bundle), "--adopt"]).expect(1).expect_told(&["is older than"]);
}
