//! An autoscaler's replica count survives upgrades and rollbacks. The autoscaler is the real one:
//! it raises a workload to its minimum even where there are no metrics.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod kit;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use kit::{GOOD_IMAGE, OTHER_IMAGE, Site};

fn replicas(site: &Site) -> i64 {
    site.get("deployment", "web")["spec"]["replicas"].as_i64().unwrap()
}

#[track_caller]
fn wait_for_replicas(site: &Site, wanted: i64) {
    let start = Instant::now();
    while replicas(site) != wanted {
        assert!(start.elapsed() < Duration::from_mins(1), "{} replicas", replicas(site));
        thread::sleep(Duration::from_millis(200));
    }
}

/// Runs `work` and returns the smallest replica count seen meanwhile.
fn lowest_during(site: &Site, work: impl FnOnce()) -> i64 {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut lowest = replicas(site);
            while !is_over.load(Ordering::SeqCst) {
                lowest = lowest.min(replicas(site));
            }
            lowest.min(replicas(site))
        });
        work();
        is_over.store(true, Ordering::SeqCst);
        watcher.join().unwrap()
    })
}

#[test]
fn an_upgrade_and_a_rollback_leave_the_count_of_the_autoscaler() {
    let site = Site::new("hpa");
    let release =
        |image| site.release(vec![site.deployment("web", image, None), site.autoscaler("web", 3)]);
    let (old, new) = (release(GOOD_IMAGE), release(OTHER_IMAGE));
    site.apply(&old).expect(0);
    wait_for_replicas(&site, 3);
    let lowest = lowest_during(&site, || {
        site.apply(&new).expect(0);
        site.rollback(&old.id().short()).expect(0);
    });
    assert_eq!(lowest, 3);
}

#[test]
fn a_workload_is_handed_to_an_autoscaler_and_back_without_falling_to_one_replica() {
    let site = Site::new("hpa-handover");
    let fixed = site.release(vec![site.deployment("web", GOOD_IMAGE, Some(4))]);
    let scaled =
        site.release(vec![site.deployment("web", GOOD_IMAGE, None), site.autoscaler("web", 5)]);
    site.apply(&fixed).expect(0);
    let lowest = lowest_during(&site, || {
        site.apply(&scaled).expect(0);
        wait_for_replicas(&site, 5);
    });
    assert_eq!(lowest, 4);
    site.rollback(&fixed.id().short()).expect(0);
    wait_for_replicas(&site, 4);
    assert!(site.get("hpa", "web").is_null());
}
