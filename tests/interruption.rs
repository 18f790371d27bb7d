//! A command that is stopped in the middle leaves nothing mixed: it goes back itself when it is
//! asked to stop, and the next command does it when it was killed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod kit;

use std::{
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use a4co_bundle::Release;
use kit::{BAD_IMAGE, GOOD_IMAGE, Ran, Site, path};

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
    fn start(&self) -> Child {
        let bundle = self.site.bundle(&self.new);
        let args = ["apply", path(&bundle), "--timeout", "2m"];
        let mut command = self.site.command(self.site.cluster.kubeconfig(), &args);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let start = Instant::now();
        while self.settings() != "new" {
            assert!(start.elapsed() < Duration::from_secs(30), "the first wave is not written");
            thread::sleep(Duration::from_millis(50));
        }
        child
    }

    fn settings(&self) -> String {
        self.site.get("configmap", "settings")["data"]["text"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn expect_old(&self) {
        assert_eq!(self.settings(), "old");
        assert_eq!(self.site.committed(), Some(self.old.id()));
        assert_eq!(self.site.head()["state"], "idle");
        let web = self.site.get("deployment", "web");
        assert_eq!(web["spec"]["template"]["spec"]["containers"][0]["image"], GOOD_IMAGE);
    }
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn an_interrupted_command_restores_the_old_release_and_says_so() {
    for name in ["-INT", "-TERM"] {
        let waiting = Waiting::new("interrupt");
        let child = waiting.start();
        signal(&child, name);
        let ran: Ran = child.wait_with_output().unwrap().into();
        ran.expect(130).expect_told(&["going back to the old release", "again"]);
        waiting.expect_old();
    }
}

#[test]
fn after_a_kill_the_next_command_undoes_what_was_begun() {
    let waiting = Waiting::new("kill");
    let site = &waiting.site;
    let mut child = waiting.start();
    signal(&child, "-KILL");
    child.wait().unwrap();
    assert_eq!(site.head()["state"], "applying");
    let status = site.run(&["status", "-n", &site.namespace]).expect(0);
    assert!(status.stdout.contains("was killed; the next one finishes that"), "{}", status.stdout);

    // Its lease would expire in 90 s.
    let ran = site.apply(&waiting.old).expect(1);
    ran.expect_told(&["is at work here", "expires 90 s after"]);
    site.free_lease();

    let ran = site.apply(&waiting.old).expect(0);
    ran.expect_told(&["stopped while applying; finishing that first"]);
    waiting.expect_old();
}
