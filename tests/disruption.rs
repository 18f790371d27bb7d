//! What sites suffer: an API server that restarts, a network that is cut, credentials that end, two
//! people at once, a laptop that sleeps. Whatever it is, the cluster ends with exactly the old or
//! exactly the new release.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod kit;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use a4co_bundle::Release;
use a4co_testenv::ControlPlane;
use kit::{
    BAD_IMAGE, GOOD_IMAGE, OTHER_IMAGE, Ran, Site, path,
    proxy::{Fault, Proxy, Request},
    running::{Running, until},
};
use serde_json::json;

/// A place with an old release, and a new one that changes, adds and drops many objects.
struct Many {
    site: Site,
    old: Release,
    new: Release,
}

const COUNT: usize = 60;

/// How long the network is cut.
const CUT: Duration = Duration::from_secs(30);

impl Many {
    fn on(site: Site) -> Self {
        let release = |from: usize, text: &str, image: &str, seconds: u32| {
            let maps = (from..from + COUNT).map(|n| site.config_map(&format!("c{n}"), text));
            let (wave, mut web) = site.deployment("web", image, Some(1));
            web["spec"]["minReadySeconds"] = json!(seconds);
            site.release(maps.chain([(wave, web)]).collect())
        };
        // However fast the rest is, the new release takes some seconds.
        let (old, new) = (release(0, "old", GOOD_IMAGE, 0), release(10, "new", OTHER_IMAGE, 5));
        site.apply(&old).expect(0);
        Self { site, old, new }
    }

    /// How many of the objects that both releases have are new.
    fn progress(&self) -> usize {
        let template = "{{range .items}}{{.data.text}} {{end}}";
        let texts = ["get", "configmap", "-o", &format!("go-template={template}")];
        self.site.kubectl(&texts).split(' ').filter(|text| *text == "new").count()
    }

    /// Checks that the cluster has what the exit code says.
    #[track_caller]
    fn expect_truth(&self, case: &str, ran: &Ran) {
        let release = match ran.code {
            0 => &self.new,
            1 | 3 => &self.old,
            _ => panic!("{case}: exit code {}\n{}", ran.code, ran.stderr),
        };
        let difference = self.site.difference(Some(release));
        assert_eq!(difference, [] as [&str; 0], "{case}:\n{}", ran.stderr);
    }
}

fn wait_a_minute(site: &Site, kubeconfig: &Path, release: &Release) -> Running {
    let bundle = site.bundle(release);
    let args = ["apply", path(&bundle), "--timeout", "2m", "--wait", "1m"];
    Running::of(&mut site.command(kubeconfig, &args))
}

#[test]
fn an_api_server_that_restarts_in_the_middle_costs_nothing_but_time() {
    let cluster = Box::leak(Box::new(ControlPlane::start().unwrap()));
    for wanted in [1, COUNT / 2] {
        let many = Many::on(Site::on(cluster, "restart"));
        let running = many.site.start(cluster.kubeconfig(), &many.new, "1m");
        until("the first writes", || many.progress() >= wanted);
        let case = format!("after {wanted} writes");
        let is_at_work = many.site.committed() == Some(many.old.id());
        assert!(is_at_work, "{case}: it has ended already");
        cluster.restart_api_server().unwrap();
        let ran = running.end();
        many.expect_truth(&case, &ran);
        ran.expect(0);
    }
    let site = Site::on(cluster, "restart-wait");
    let (wave, mut web) = site.deployment("web", GOOD_IMAGE, Some(1));
    web["spec"]["minReadySeconds"] = json!(8);
    let release = site.release(vec![(wave, web)]);
    let running = site.start(cluster.kubeconfig(), &release, "1m");
    until("the deployment", || !site.get("deployment", "web").is_null());
    cluster.restart_api_server().unwrap();
    running.end().expect(0);
    site.expect_release(Some(&release));
}

#[test]
fn a_network_that_is_cut_for_half_a_minute_costs_nothing_but_time() {
    let many = Many::on(Site::new("cut"));
    let mut seen = 0;
    let cut = Arc::new(OnceLock::new());
    let since = cut.clone();
    let proxy = Proxy::start(&many.site, move |request: &Request| {
        seen += usize::from(request.is_write() && request.path.contains("/configmaps/c"));
        if seen < 20 {
            return None;
        }
        let since: &Instant = since.get_or_init(Instant::now);
        (since.elapsed() < CUT).then_some(Fault::Reset)
    });
    let running = many.site.start(&proxy.kubeconfig, &many.new, "2m");
    let ran = running.end();
    assert!(
        cut.get().is_some_and(|since| since.elapsed() >= CUT),
        "it was over before the cut was"
    );
    many.expect_truth("cut", &ran);
    ran.expect(0);
}

/// A kubeconfig with the token of a service account that may do everything.
fn kubeconfig_of_account(site: &Site) -> PathBuf {
    site.kubectl(&["create", "serviceaccount", "operator"]);
    let (namespace, user) = (&site.namespace, format!("{}:operator", site.namespace));
    let admin = ["--clusterrole=cluster-admin", "--serviceaccount", &user];
    let binding = [&["create", "clusterrolebinding", namespace][..], &admin].concat();
    site.cluster.kubectl(&binding).expect_success();
    let token = site.kubectl(&["create", "token", "operator"]).trim().to_owned();
    let file = site.path("account.kubeconfig");
    fs_err::copy(site.cluster.kubeconfig(), &file).unwrap();
    let set = |args: &[&str]| {
        let args = [&["config", "--kubeconfig", path(&file)][..], args].concat();
        site.cluster.kubectl(&args).expect_success();
    };
    set(&["set-credentials", "operator", "--token", &token]);
    set(&["set-context", "--current", "--user", "operator"]);
    file
}

#[test]
fn credentials_that_end_in_the_middle_leave_the_rest_to_the_next_command() {
    let site = Site::new("expired");
    let release = |image, text| {
        let settings = site.config_map("settings", text);
        site.release(vec![settings, site.deployment("web", image, Some(1))])
    };
    let old = release(GOOD_IMAGE, "old");
    site.apply(&old).expect(0);
    let kubeconfig = kubeconfig_of_account(&site);
    // Nothing but the end of the credentials ends this.
    let running = site.start(&kubeconfig, &release(BAD_IMAGE, "new"), "10m");
    until("the first wave", || site.text("settings") == "new");
    site.kubectl(&["delete", "serviceaccount", "operator"]);
    let ran = running.end().expect(4);
    ran.expect_told(&["Unauthorized", "recover"]);
    site.cluster.kubectl(&["delete", "clusterrolebinding", &site.namespace]).expect_success();

    assert_eq!(site.text("settings"), "new", "it is in the middle");
    site.free_lease();
    site.run(&["recover", "-n", &site.namespace]).expect(0);
    site.expect_release(Some(&old));
}

#[test]
fn of_two_operators_at_once_one_waits() {
    let site = Site::new("two");
    let release = |text| {
        let maps = (0..COUNT).map(|n| site.config_map(&format!("c{n}"), text));
        let (wave, mut web) = site.deployment("web", GOOD_IMAGE, Some(1));
        // Long enough for the other one to come.
        web["spec"]["minReadySeconds"] = json!(8);
        site.release(maps.chain([(wave, web)]).collect())
    };
    let (one, other) = (release("one"), release("other"));
    let kubeconfig = site.cluster.kubeconfig();
    let first = wait_a_minute(&site, kubeconfig, &one);
    until("the first one to write", || !site.get("configmap", "c0").is_null());
    let second = wait_a_minute(&site, kubeconfig, &other);
    first.end().expect(0);
    second.end().expect(0).expect_told(&["waiting for `"]);
    site.expect_release(Some(&other));
}

#[test]
fn a_command_that_slept_while_another_took_over_changes_nothing_when_it_wakes() {
    let site = Site::new("asleep");
    let release = |image, text| {
        let settings = site.config_map("settings", text);
        site.release(vec![settings, site.deployment("web", image, Some(1))])
    };
    let (old, new) = (release(GOOD_IMAGE, "old"), release(BAD_IMAGE, "new"));
    site.apply(&old).expect(0);
    let asleep = site.start(site.cluster.kubeconfig(), &new, "2m");
    until("the first wave", || site.text("settings") == "new");
    asleep.signal("-STOP");

    let bundle = site.bundle(&old);
    let ran = site.run(&["apply", path(&bundle), "--wait", "0s"]).expect(1);
    ran.expect_told(&["is at work here", " s ago"]);
    site.free_lease();
    site.run(&["recover", "-n", &site.namespace]).expect(0);
    site.expect_release(Some(&old));
    let before = site.head();

    // It finds out by itself.
    asleep.signal("-CONT");
    let ran = asleep.end().expect(4);
    ran.expect_told(&["another command took over"]);
    site.expect_release(Some(&old));
    assert_eq!(site.head(), before);
}

#[test]
fn a_second_interrupt_leaves_the_journal_to_the_next_command() {
    let site = Site::new("insist");
    let release = |image, text| {
        let settings = site.config_map("settings", text);
        site.release(vec![settings, site.deployment("web", image, Some(1))])
    };
    let old = release(GOOD_IMAGE, "old");
    site.apply(&old).expect(0);
    let is_restored = |request: &Request| {
        request.is_write()
            && request.is_about("configmaps/a4co.shop")
            && request.body.contains("rolling-back")
    };
    let slow = move |request: &Request| {
        is_restored(request).then_some(Fault::Delay(Duration::from_secs(5)))
    };
    let proxy = Proxy::start(&site, slow);
    let running = site.start(&proxy.kubeconfig, &release(BAD_IMAGE, "new"), "2m");
    until("the first wave", || site.text("settings") == "new");
    running.signal("-INT");
    proxy.wait_for(is_restored);
    running.signal("-INT");
    running.end().expect(4).expect_told(&["recover"]);
    proxy.wait_until_idle();
    site.free_lease();
    site.run(&["recover", "-n", &site.namespace]).expect(0);
    site.expect_release(Some(&old));
}
