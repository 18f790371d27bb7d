//! Connections that break at every place. Whatever happens to a request, the cluster ends with
//! exactly the old or exactly the new release; with the new one where only an answer was lost, or
//! time.

mod kit;

use std::time::{Duration, Instant};

use a4co_bundle::Release;
use kit::{
    GOOD_IMAGE, Ran, Site, path,
    proxy::{Fault, Proxy, Request, nth},
};
use serde_json::json;

/// A place, what it has, and what it gets.
struct Case {
    site: Site,
    old: Option<Release>,
    new: Release,
}

impl Case {
    /// A first release.
    fn install() -> Self {
        let site = Site::new("install");
        let new = site.release(vec![site.config_map("changed", "new"), added(&site)]);
        Self { site, old: None, new }
    }

    /// A release that changes one object, adds one and drops one.
    fn change() -> Self {
        let mut case = Self::install();
        let site = &case.site;
        let old = site
            .release(vec![site.config_map("changed", "old"), site.config_map("dropped", "old")]);
        site.apply(&old).expect(0);
        case.old = Some(old);
        case
    }

    /// Applies the new release with `fault` at one write, which is absent when there are fewer.
    fn fail_at(&self, index: usize, fault: Fault, proxy: &Proxy) -> (Option<Request>, Ran) {
        proxy.restart(nth(index, fault, Request::is_write));
        let ran = apply_through(proxy, &self.site, &self.new);
        (proxy.requests().into_iter().filter(Request::is_write).nth(index), ran)
    }
}

fn added(site: &Site) -> (u8, serde_json::Value) {
    (3, site.config_map("added", "new").1)
}

fn apply_through(proxy: &Proxy, site: &Site, release: &Release) -> Ran {
    let bundle = site.bundle(release);
    site.run_with(&proxy.kubeconfig, &["apply", path(&bundle), "--timeout", "30s"])
}

/// Applies releases with `fault` at each write in turn; `judge` says what is wrong then.
fn expect_good_at_every_write(fault: Fault, judge: fn(&Case, &Ran) -> Vec<String>) {
    let home = Site::new("proxy");
    let proxy = Proxy::start(&home, |_: &Request| None);
    let mut problems = Vec::new();
    for start in [Case::install, Case::change] {
        for index in 0.. {
            let case = start();
            let (request, ran) = case.fail_at(index, fault, &proxy);
            let found = judge(&case, &ran).join("\n  ");
            let Some(Request { method, path, .. }) = request else {
                assert!(index >= 8, "there were only {index} writes");
                assert!(found.is_empty(), "without a fault: {found}");
                break;
            };
            if !found.is_empty() {
                let Ran { code, stderr, .. } = ran;
                let title = format!("{fault:?} at {method} {path} gives exit code {code}");
                problems.push(format!("{title}:\n  {found}\n{stderr}"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// What is wrong when only time may be lost.
fn has_the_new_release(Case { site, new, .. }: &Case, ran: &Ran) -> Vec<String> {
    let mut problems = site.difference(Some(new));
    if ran.code != 0 {
        problems.push("the exit code is wrong".to_owned());
    }
    problems
}

#[test]
fn an_answer_that_is_lost_costs_nothing_but_time() {
    expect_good_at_every_write(Fault::LoseAnswer, has_the_new_release);
}

#[test]
fn a_gateway_that_gives_up_too_early_costs_nothing_but_time() {
    expect_good_at_every_write(Fault::GiveUp, has_the_new_release);
}

#[test]
fn an_api_server_that_has_too_much_to_do_is_asked_again() {
    for (case, fault) in [("overloaded", Fault::Refuse), ("restarting", Fault::Unavailable)] {
        let Case { site, new, .. } = Case::change();
        let mut known = std::collections::BTreeSet::new();
        let proxy = Proxy::start(&site, move |request: &Request| {
            let key = (request.method.clone(), request.path.clone(), request.query.clone());
            let is_refused = matches!(fault, Fault::Refuse) || request.method == "GET";
            // A server that never answered is more likely misnamed.
            let is_first = known.is_empty();
            (known.insert(key) && is_refused && !is_first).then_some(fault)
        });
        let ran = apply_through(&proxy, &site, &new);
        assert_eq!(ran.code, 0, "{case}: {}", ran.stderr);
        site.expect_release(Some(&new));
    }
}

#[test]
fn a_request_that_is_lost_leaves_exactly_the_old_or_the_new_release() {
    expect_good_at_every_write(Fault::Reset, |Case { site, old, new }, ran| match ran.code {
        0 => site.difference(Some(new)),
        1 | 3 => site.difference(old.as_ref()),
        _ => vec!["the exit code is wrong".to_owned()],
    });
}

/// Installs a Deployment that is ready `seconds` after its pods, with the faults of `rule`.
fn install_slowly(seconds: u32, rule: impl FnMut(&Request) -> Option<Fault> + Send + 'static) {
    let site = Site::new("waiting");
    let (wave, mut web) = site.deployment("web", GOOD_IMAGE, Some(1));
    web["spec"]["minReadySeconds"] = json!(seconds);
    let release = site.release(vec![(wave, web)]);
    let proxy = Proxy::start(&site, rule);
    apply_through(&proxy, &site, &release).expect(0);
    site.expect_release(Some(&release));
}

/// A rule for the time since the Deployment was written.
fn while_waiting(
    mut rule: impl FnMut(&Request, Duration) -> Option<Fault> + Send,
) -> impl FnMut(&Request) -> Option<Fault> + Send {
    let mut start: Option<Instant> = None;
    move |request| {
        let fault = start.and_then(|start| rule(request, start.elapsed()));
        if request.is_write() && request.is_about("deployments/web") {
            start.get_or_insert_with(Instant::now);
        }
        fault
    }
}

#[test]
fn a_read_that_fails_once_does_not_fail_the_wait() {
    let is_read =
        |request: &Request| request.method == "GET" && request.is_about("deployments/web");
    let mut first = nth(0, Fault::Reset, is_read);
    install_slowly(1, while_waiting(move |request, _| first(request)));
}

#[test]
fn an_api_server_that_is_away_for_five_seconds_does_not_fail_the_wait() {
    let is_away = |elapsed| elapsed < Duration::from_secs(5);
    install_slowly(1, while_waiting(move |_, elapsed| is_away(elapsed).then_some(Fault::Reset)));
}

#[test]
fn a_renewal_of_the_lease_whose_answer_is_lost_is_no_loss_of_the_lease() {
    let is_lease = |request: &Request| request.is_about("leases/a4co.shop");
    // The lease is renewed every 10 s.
    let mut first = nth(0, Fault::LoseAnswer, is_lease);
    install_slowly(21, while_waiting(move |request, _| first(request)));
}

#[test]
fn a_write_that_is_under_way_when_a_person_interrupts_is_undone_too() {
    let case = Case::change();
    let Case { site, old, new } = &case;
    let is_addition =
        |request: &Request| request.is_write() && request.is_about("configmaps/added");
    let proxy = Proxy::start(site, nth(0, Fault::Delay(Duration::from_secs(2)), is_addition));
    let running = site.start(&proxy.kubeconfig, new, "30s");
    proxy.wait_for(is_addition);
    running.signal("-INT");
    let ran = running.end();
    proxy.wait_until_idle();
    assert_eq!(site.difference(old.as_ref()), [] as [&str; 0]);
    ran.expect(130);
}
