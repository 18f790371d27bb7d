//! A command that is stopped in the middle leaves nothing mixed: it goes back itself when it is
//! asked to stop, and the next command does it when it was killed.

mod kit;

use std::time::{Duration, Instant};

use a4co_bundle::Release;
use kit::{
    BAD_IMAGE, GOOD_IMAGE, Site, path,
    running::{Running, until},
};

/// A place with an old release, and a new one that waits for ever.
struct Waiting {
    site: Site,
    old: Release,
    new: Release,
}

impl Waiting {
    fn new(name: &str) -> Self {
        let site = Site::new(name);
        let release = |image, text| {
            let settings = site.config_map("settings", text);
            site.release(vec![settings, site.deployment("web", image, Some(1))])
        };
        let (old, new) = (release(GOOD_IMAGE, "old"), release(BAD_IMAGE, "new"));
        site.apply(&old).expect(0);
        Self { site, old, new }
    }

    /// Starts to apply the new release, and returns when its first wave is written.
    fn start(&self) -> Running {
        let running = self.site.start(self.site.cluster.kubeconfig(), &self.new, "2m");
        until("the first wave", || self.site.text("settings") == "new");
        running
    }

    #[track_caller]
    fn expect_old(&self) {
        assert_eq!(self.site.text("settings"), "old");
        assert_eq!(self.site.committed(), Some(self.old.id()));
        assert_eq!(self.site.head()["state"], "idle");
        let web = self.site.get("deployment", "web");
        assert_eq!(web["spec"]["template"]["spec"]["containers"][0]["image"], GOOD_IMAGE);
    }
}

#[test]
fn an_interrupted_command_restores_the_old_release_and_says_so() {
    for name in ["-INT", "-TERM"] {
        let waiting = Waiting::new("interrupt");
        let running = waiting.start();
        running.signal(name);
        running.end().expect(130).expect_told(&["going back to the old release", "again"]);
        waiting.expect_old();
    }
}

#[test]
fn after_a_kill_the_next_command_undoes_what_was_begun() {
    let waiting = Waiting::new("kill");
    let site = &waiting.site;
    // Dropped, it is killed.
    drop(waiting.start());
    assert_eq!(site.head()["state"], "applying");
    let status = site.run(&["status", "-n", &site.namespace]).expect(0);
    assert!(status.stdout.contains("was killed; the next one finishes that"), "{}", status.stdout);

    let bundle = site.bundle(&waiting.old);
    let ran = site.run(&["apply", path(&bundle), "--wait", "0s"]).expect(1);
    ran.expect_told(&["is at work here", "--wait"]);

    // As if that had been a while ago. It is not believed before the lease has stood still.
    let holder = site.lease_holder();
    site.hold_lease(&holder, 85);
    let start = Instant::now();
    let ran = site.apply(&waiting.old).expect(0);
    assert!(start.elapsed() > Duration::from_secs(10), "{:?}", start.elapsed());
    let waited = format!("waiting for `{holder}`");
    ran.expect_told(&[&waited, "stopped while applying; finishing that first"]);
    waiting.expect_old();
}

#[test]
fn a_holder_that_gives_a_sign_of_life_is_not_waited_for() {
    let site = Site::new("alive");
    let release = |text| site.release(vec![site.config_map("a", text)]);
    site.apply(&release("old")).expect(0);
    site.hold_lease("ann@desk/1", 60);
    let running = site.start(site.cluster.kubeconfig(), &release("new"), "1m");
    until("the other holder is waited for", || running.has_told("waiting for `ann@desk/1`"));
    site.hold_lease("ann@desk/1", 0);
    running.end().expect(1).expect_told(&["`ann@desk/1` is at work here"]);
    assert_eq!(site.text("a"), "old");
}

#[test]
fn what_waits_for_another_command_can_be_interrupted() {
    let site = Site::new("impatient");
    let release = |text| site.release(vec![site.config_map("a", text)]);
    site.apply(&release("old")).expect(0);
    site.hold_lease("ann@desk/1", 0);
    for command in [&["gc"][..], &["delete", "--yes"]] {
        let args = [command, &["--namespace", &site.namespace]].concat();
        let running = Running::of(&mut site.command(site.cluster.kubeconfig(), &args));
        until("the other holder is waited for", || running.has_told("waiting for `ann@desk/1`"));
        running.signal("-INT");
        running.end().expect(130).expect_told(&["not touched"]);
    }
}
