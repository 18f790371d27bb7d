//! After a rollback every object is as it was before, or the plan has refused beforehand.
//!
//! Each pair of manifests of an object is measured three ways: the second one over the first is the
//! same as the second one fresh, so that the state depends on nothing but the release; a rollback
//! by command brings the first one back; and so does the way back of a release that fails.

#[path = "../kit/mod.rs"]
mod kit;

mod contents;
mod customs;
mod deployments;
mod networks;
mod pair;
mod refused;
mod services;
mod stage;
mod workloads;

use std::collections::BTreeMap;

use kit::{
    BAD_IMAGE, GOOD_IMAGE, Site, path,
    proxy::{Fault, Proxy, Request, nth},
};
use pair::Pair;
use serde_json::{Value, json};
use stage::{Stage, anonymous, differing, settled};

/// The one pair whose second manifest, fresh, is not what it is as an upgrade: nobody knows who
/// scales a workload that gives up its replica count, so the count that it has is held.
const HELD: &str = "Replicas are given up";

/// The one pair that is the same to the API server: how a release writes a Secret down.
const SAME: &str = "Secret text becomes bytes";

/// Pairs that go both ways.
fn pairs(site: &Site) -> Vec<Pair> {
    [
        deployments::deployments(site),
        workloads::workloads(site),
        services::services(site),
        networks::networks(site),
        contents::contents(site),
        customs::customs(site),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn a_release_is_the_same_whatever_was_there_before_and_after_a_rollback() {
    let mut stage = Stage::new("matrix");
    let pairs = pairs(&stage.site);
    let before = stage.release(pairs.iter().map(|pair| (pair.wave, pair.before.clone())));
    let after = stage.release(pairs.iter().map(|pair| (pair.wave, pair.after.clone())));
    stage.apply(&before);
    let was: BTreeMap<_, _> =
        pairs.iter().map(|pair| (pair.case, stage.look_when_quiet(&pair.before))).collect();
    stage.apply(&after);
    let upgraded: BTreeMap<_, _> =
        pairs.iter().map(|pair| (pair.case, stage.look_when_quiet(&pair.after))).collect();
    let is_same = |pair: &&Pair| (was[pair.case] == upgraded[pair.case]) != (pair.case == SAME);
    let same: Vec<&str> = pairs.iter().filter(is_same).map(|pair| pair.case).collect();
    stage.roll_back(&before);
    let left = stage.differences(&pairs, &was);

    let mut elsewhere = Stage::new("matrix");
    let fresh_pairs = self::pairs(&elsewhere.site);
    let fresh = elsewhere.release(fresh_pairs.iter().map(|pair| (pair.wave, pair.after.clone())));
    elsewhere.apply(&fresh);
    let mut strange = Vec::new();
    for pair in fresh_pairs.iter().filter(|pair| pair.case != HELD) {
        let fresh = elsewhere.look_when_quiet(&pair.after);
        let fresh = anonymous(&fresh, &pair.after, &elsewhere.site);
        let upgraded = anonymous(&upgraded[pair.case], &pair.after, &stage.site);
        strange.extend(differing(pair.case, &fresh, &upgraded));
    }
    assert!(
        same.is_empty() && left.is_empty() && strange.is_empty(),
        "of {} pairs\nthe upgrade changes nothing, or what it should not:\n{}\nafter the rollback:\n{}\nfresh, and as an \
         upgrade:\n{}",
        pairs.len(),
        same.join("\n"),
        left.join("\n"),
        strange.join("\n"),
    );
    assert!(pairs.len() >= 60, "{}", pairs.len());
}

#[test]
fn a_release_that_fails_leaves_every_object_as_it_was() {
    let mut stage = Stage::new("matrix-failed");
    let pairs = pairs(&stage.site);
    let before = stage.release(pairs.iter().map(|pair| (pair.wave, pair.before.clone())));
    stage.apply(&before);
    let was: BTreeMap<_, _> =
        pairs.iter().map(|pair| (pair.case, stage.look_when_quiet(&pair.before))).collect();
    // Everything else is written before this fails, which it does at once.
    let (_, mut failing) = stage.site.deployment("failing", BAD_IMAGE, Some(1));
    failing["spec"]["progressDeadlineSeconds"] = json!(1);
    let after = pairs.iter().map(|pair| (pair.wave, pair.after.clone()));
    let after = stage.release(after.chain([(9, failing)]));
    let ran = stage.run(&["apply", path(&stage.site.bundle(&after))], 3);
    // Nothing else kept it from going on, so all was written.
    ran.expect_told(&["failing"]);
    let left = stage.differences(&pairs, &was);
    assert!(left.is_empty(), "of {} pairs\n{}", pairs.len(), left.join("\n"));
}

#[test]
fn a_stale_default_goes_even_when_answers_are_lost_or_the_command_is_killed() {
    let stage = Stage::new("matrix-killed");
    let site = &stage.site;
    let release = |strategy: Value| {
        let (wave, mut web) = site.deployment("web", GOOD_IMAGE, Some(1));
        web["spec"]["strategy"] = strategy;
        site.release(vec![(wave, web)])
    };
    let was = |site: &Site| site.get("deployment", "web")["spec"]["strategy"].clone();
    let claims = |request: &Request| {
        request.is_about("deployments/web") && request.body.contains("managedFields")
    };
    let (rolling, recreate) =
        (release(json!({ "type": "RollingUpdate" })), release(json!({ "type": "Recreate" })));
    for (case, fault) in [("lost", Fault::LoseAnswer), ("never sent", Fault::Reset)] {
        site.apply(&rolling).expect(0);
        let proxy = Proxy::start(site, nth(0, fault, claims));
        let bundle = site.bundle(&recreate);
        site.run_with(&proxy.kubeconfig, &["apply", path(&bundle)]).expect(0);
        assert_eq!(was(site), json!({ "type": "Recreate" }), "{case}");
        assert!(proxy.requests().iter().any(claims), "{case}");
    }

    site.apply(&rolling).expect(0);
    let before = settled(site.get("deployment", "web"));
    let mut is_claimed = false;
    let proxy = Proxy::start(site, move |request| {
        let is_cut = is_claimed;
        is_claimed |= claims(request);
        is_cut.then_some(Fault::Reset)
    });
    let running = site.start(&proxy.kubeconfig, &recreate, "30s");
    proxy.wait_for(claims);
    proxy.wait_until_idle();
    drop(running);
    site.free_lease();
    let claimed = settled(site.get("deployment", "web"));
    assert_ne!(claimed["metadata"], before["metadata"], "the command came that far");
    assert_eq!(claimed["spec"], before["spec"], "nothing but owners has changed");
    site.run(&["recover", "-n", &site.namespace]).expect(0);
    assert_eq!(settled(site.get("deployment", "web")), before);
}

#[test]
fn what_cannot_be_done_or_taken_back_is_refused_beforehand() {
    let mut stage = Stage::new("matrix-refused");
    let pairs = refused::refused(&stage.site);
    let objects = |changed: Option<usize>| {
        pairs.iter().enumerate().map(move |(index, pair)| {
            let is_changed = changed == Some(index);
            (pair.wave, if is_changed { pair.after.clone() } else { pair.before.clone() })
        })
    };
    let before = stage.release(objects(None));
    stage.apply(&before);
    let was: BTreeMap<_, _> =
        pairs.iter().map(|pair| (pair.case, stage.look_when_quiet(&pair.before))).collect();
    let mut wrong = Vec::new();
    for (index, pair) in pairs.iter().enumerate() {
        let release = stage.release(objects(Some(index)));
        let bundle = stage.site.bundle(&release);
        let ran = stage.site.run(&["apply", path(&bundle), "--timeout", "20s"]);
        if ran.code != 1 {
            wrong.push(format!("{}: exit code {}: {}", pair.case, ran.code, ran.stderr));
            stage.site.rollback(&before.id().short());
        }
        let name = pair.before["metadata"]["name"].as_str().unwrap_or_default();
        if ran.code == 1 && !(ran.stderr.contains(name) && ran.stderr.contains("not touched")) {
            wrong.push(format!("{}: what was refused is not told: {}", pair.case, ran.stderr));
        }
        wrong.extend(differing(pair.case, &was[pair.case], &stage.look(&pair.before)));
    }
    assert!(wrong.is_empty(), "of {} pairs\n{}", pairs.len(), wrong.join("\n"));
}

#[test]
fn what_a_person_accepts_stays_when_everything_else_goes_back() {
    let mut stage = Stage::new("matrix-accepted");
    let namespace = stage.site.namespace.clone();
    // Volumes of this class can grow, but nobody makes them.
    let class = json!({ "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": { "name": namespace }, "provisioner": "x", "allowVolumeExpansion": true });
    let volume = json!({ "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": { "name": namespace },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": { "storage": "1Gi" },
            "claimRef": { "namespace": namespace, "name": "claim" },
            "hostPath": { "path": "/a" },
            "storageClassName": namespace,
        } });
    for fixture in [class, volume] {
        assert_eq!(stage.api.apply(&fixture).code, 201);
        stage.made.push(fixture);
    }
    let group = format!("{namespace}.example.com");
    let objects = |stage: &Stage, storage: &str, versions: &[&str], text: &str| {
        let claim = json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": stage.site.metadata("claim"),
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": { "requests": { "storage": storage } },
                "storageClassName": stage.site.namespace,
            } });
        let versions = versions.iter().map(|name| {
            json!({ "name": name, "served": true, "storage": *name == "v1",
                "schema": { "openAPIV3Schema": { "type": "object" } } })
        });
        let definition = json!({ "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("things.{group}"), "labels": stage.site.labels() },
            "spec": {
                "group": group,
                "scope": "Namespaced",
                "names": { "plural": "things", "kind": "Thing" },
                "versions": versions.collect::<Vec<_>>(),
            } });
        vec![(0, definition), (2, claim), stage.site.config_map("settings", text)]
    };
    let old = objects(&stage, "1Gi", &["v1"], "old");
    let new = objects(&stage, "2Gi", &["v1", "v2"], "new");
    let (definition, claim) = (old[0].1.clone(), old[1].1.clone());
    let (old, new) = (stage.release(old), stage.release(new));
    stage.apply(&old);
    stage.look_when_quiet(&claim);

    let bundle = stage.site.bundle(&new);
    let ran = stage.site.run(&["apply", path(&bundle)]).expect(1);
    ran.expect_told(&["/claim: ", "from 1Gi to 2Gi", "/things.", "v2", "--accept-one-way"]);
    assert_eq!(stage.site.text("settings"), "old");
    stage.run(&["apply", path(&bundle), "--accept-one-way"], 0);
    stage.roll_back(&old);

    assert_eq!(stage.site.text("settings"), "old");
    let live = stage.api.get(&claim);
    assert_eq!(live["spec"]["resources"]["requests"]["storage"], "2Gi");
    let live = stage.api.get(&definition);
    assert_eq!(live["spec"]["versions"].as_array().map(Vec::len), Some(2));
    // And that is what the release has from now on.
    let version = |stage: &mut Stage| stage.api.get(&claim)["metadata"]["resourceVersion"].clone();
    let before = version(&mut stage);
    stage.apply(&old);
    assert_eq!(version(&mut stage), before);
}
