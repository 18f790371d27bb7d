//! Alertmanager, resolved.

use std::collections::BTreeSet;

use super::{
    MeaningProblem, Resolver,
    program::{
        DATA, HTTP, SetNames, WebProgram, claim, claimed, component, files, folders, mounted,
        of_files, of_secret, port, service, web_metrics, web_port,
    },
};
use crate::{
    component::{Component, Controller, Resolution, Role, Variable, pods_name},
    environment::{
        alertmanager::{Alertmanager, Email, Receiver},
        capacity::Replicas,
        monitoring::Severity,
        pod::PodField,
        program::SecretKey,
    },
    model::Flow,
    monitoring::{
        ALERTMANAGER, PROMETHEUS,
        alertmanager::{CONFIG_FILE, config},
    },
};

/// Port of Alertmanager.
pub(super) const PORT: u16 = 9093;

/// Port of Slack and of PagerDuty.
const HTTPS: u16 = 443;

/// Port, of TCP and UDP, on which several tell each other what people were told.
const CLUSTER: (&str, u16) = ("cluster", 9094);

/// The user `nobody` of its image.
const USER: u32 = 65534;

/// Volume with the configuration, and where it is.
const CONFIG: (&str, &str) = ("config", "/etc/alertmanager");

/// Where the data is.
const DATA_PATH: &str = "/alertmanager";

/// Folder with the values of secrets.
const SECRETS: &str = "/etc/alertmanager-secrets";

const WEB: WebProgram = WebProgram {
    name: ALERTMANAGER,
    port: PORT,
    alive: "/-/healthy",
    ready: "/-/ready",
    start_periods: 30,
};

impl Resolver<'_, '_> {
    /// Adds Alertmanager.
    pub(super) fn alertmanager(&mut self) {
        let Some(alertmanager) = &self.environment.alertmanager else {
            return;
        };
        self.take_set_names(&SetNames::of(ALERTMANAGER), &[ALERTMANAGER]);
        self.check_receivers(alertmanager);
        self.check_needs(&[ALERTMANAGER, "needs"], ALERTMANAGER, &alertmanager.needs);
        let flows = self.flows_of(ALERTMANAGER, &alertmanager.needs);
        self.flows.extend(flows);
        self.let_through(PROMETHEUS, ALERTMANAGER, PORT);
        if alertmanager.replicas > 1 {
            let flow = Flow::between(ALERTMANAGER, ALERTMANAGER, CLUSTER.1);
            self.flows.push(flow.clone());
            self.datagrams.push(flow);
        }
        let component = self.alertmanager_component(alertmanager);
        self.components.push(component);
    }

    /// Returns a sentence if alerts reach nobody.
    pub(super) fn nobody_is_told(&self) -> Option<String> {
        let alertmanager = self.environment.alertmanager.as_ref()?;
        let sentence = "Alerts reach nobody: `[alertmanager]` has no receivers";
        alertmanager.receivers.is_empty().then(|| sentence.to_owned())
    }

    fn check_receivers(&mut self, alertmanager: &Alertmanager) {
        let receivers = &alertmanager.receivers;
        for (name, receiver) in receivers {
            self.check_receiver(name, receiver);
        }
        if receivers.is_empty() {
            return;
        }
        if alertmanager.needs.is_empty() {
            let (what, needs) = ("`receivers`", "`needs`, to be let out to them");
            let problem = MeaningProblem::Incomplete { what, needs };
            self.report(&[ALERTMANAGER, "receivers"], problem);
        } else if let Some(open) = self.ports_of(&alertmanager.needs) {
            for (name, receiver) in receivers {
                self.check_way(name, receiver, &open);
            }
        }
        let is_told = |receiver: &Receiver| receiver.severities.contains(&Severity::Critical);
        if !receivers.values().any(is_told) {
            let (what, needs) = ("`receivers`", "one with the severity `critical`");
            let problem = MeaningProblem::Incomplete { what, needs };
            self.report(&[ALERTMANAGER, "receivers"], problem);
        }
    }

    fn check_receiver(&mut self, name: &str, receiver: &Receiver) {
        let path = [ALERTMANAGER, "receivers", name];
        let ways = [
            receiver.slack.is_some(),
            receiver.webhook.is_some(),
            receiver.email.is_some(),
            receiver.pagerduty.is_some(),
        ];
        if ways.into_iter().filter(|is_there| *is_there).count() != 1 {
            self.report(&path, MeaningProblem::NotOneWay { name: name.to_owned() });
        }
        if receiver.severities.is_empty() {
            let (what, needs) = ("a receiver", "at least one of `severities`");
            self.report(&path, MeaningProblem::Incomplete { what, needs });
        }
        let Some(email) = &receiver.email else {
            return;
        };
        let missing = match (&email.username, &email.password) {
            (Some(_), None) => Some(("`username`", "a `password`")),
            (None, Some(_)) => Some(("`password`", "a `username`")),
            _ => None,
        };
        if let Some((what, needs)) = missing {
            let path = [ALERTMANAGER, "receivers", name, "email"];
            self.report(&path, MeaningProblem::Incomplete { what, needs });
        }
    }

    /// Returns the ports that `needs` lead to; nothing if one of them leads nowhere, which has been
    /// reported.
    fn ports_of(&self, needs: &[String]) -> Option<BTreeSet<u16>> {
        let offers: Option<Vec<_>> = needs.iter().map(|need| self.offers.get(need)).collect();
        let targets = offers?.into_iter().flat_map(|offer| &offer.targets);
        Some(targets.map(|target| target.port).collect())
    }

    /// Checks that one of the ports that are `open` is that on which the receiver called `name` is
    /// told. That of a webhook is in a secret, and not known.
    fn check_way(&mut self, name: &str, receiver: &Receiver, open: &BTreeSet<u16>) {
        let email = receiver.email.as_ref();
        let ways = [
            (&["slack"][..], receiver.slack.as_ref().map(|_| HTTPS)),
            (&["email", "smarthost"], email.map(Email::port)),
            (&["pagerduty"], receiver.pagerduty.as_ref().map(|_| HTTPS)),
        ];
        for (way, port) in ways {
            if let Some(port) = port.filter(|port| !open.contains(port)) {
                let path = [&[ALERTMANAGER, "receivers", name], way].concat();
                self.report(&path, MeaningProblem::NoWay { name: name.to_owned(), port });
            }
        }
    }

    /// Returns for every secret value that receivers name the name of its Secret. Unknown ones are
    /// reported.
    fn receiver_secrets(&mut self, alertmanager: &Alertmanager) -> Vec<(SecretKey, String)> {
        let mut found = Vec::new();
        for (name, receiver) in &alertmanager.receivers {
            let email = receiver.email.as_ref().and_then(|email| email.password.as_ref());
            let named = [
                ("slack", "url", receiver.slack.as_ref().map(|slack| &slack.url)),
                ("webhook", "url", receiver.webhook.as_ref().map(|webhook| &webhook.url)),
                ("email", "password", email),
                (
                    "pagerduty",
                    "routing_key",
                    receiver.pagerduty.as_ref().map(|one| &one.routing_key),
                ),
            ];
            for (way, key, secret) in named {
                let Some(secret) = secret else {
                    continue;
                };
                let path = [ALERTMANAGER, "receivers", name, way, key];
                if let Variable::Secret { name, .. } = self.secret_value(&path, secret) {
                    let volume = secret_volume(&name);
                    if !a4co_bundle::is_dns_label(&volume) {
                        self.report(&path, MeaningProblem::NotADnsLabel { name: volume });
                    }
                    found.push((secret.clone(), name));
                }
            }
        }
        found
    }

    fn alertmanager_component(&mut self, alertmanager: &Alertmanager) -> Component {
        let secrets = self.receiver_secrets(alertmanager);
        let file_of = |wanted: &SecretKey| {
            let mut known = secrets.iter();
            let known = known.find(|(one, _)| one.secret == wanted.secret);
            let secret = known.map(|(_, name)| name.as_str()).unwrap_or_default();
            format!("{SECRETS}/{secret}/{}", wanted.key)
        };
        let text = config(&alertmanager.receivers, &file_of);
        let names: BTreeSet<_> = secrets.iter().map(|(_, name)| name).collect();
        let own = [of_files(CONFIG.0, CONFIG.1), claimed(DATA, DATA_PATH)];
        let secrets = names
            .into_iter()
            .map(|name| of_secret(&secret_volume(name), &format!("{SECRETS}/{name}"), name));
        let (volumes, mounts) = mounted(own.into_iter().chain(secrets));
        let is_clustered = alertmanager.replicas > 1;
        let address = ("POD_IP".to_owned(), Variable::Field(PodField::PodIp));
        let cluster = Some(CLUSTER).filter(|_| is_clustered);
        let mut container = self.web_container(&WEB, &alertmanager.program);
        container.args = args(alertmanager.replicas);
        container.mounts = mounts;
        container.variables = Some(address).filter(|_| is_clustered).into_iter().collect();
        container.ports.extend(cluster.map(|(name, port)| (name.to_owned(), port)));
        let names = SetNames::of(ALERTMANAGER);
        let web = || web_port((HTTP, PORT));
        let services = vec![
            service(&names.clients, Resolution::Balanced, [web()]),
            service(
                &names.pods,
                Resolution::EveryPod,
                [web()].into_iter().chain(cluster.map(port)),
            ),
        ];
        let claims = vec![claim(DATA, &alertmanager.storage)];
        let controller = Controller::StatefulSet { service: names.pods, claims };
        let pod = self.data_pod(&alertmanager.program, USER, vec![container], volumes);
        Component {
            instance: is_clustered.then(|| ALERTMANAGER.to_owned()),
            replicas: Replicas { min: alertmanager.replicas, max: None },
            min_available: alertmanager.replicas - 1,
            services,
            metrics: Some(web_metrics(&WEB)),
            files: folders([(CONFIG.0, files([(CONFIG_FILE, text.as_str())]))]),
            ..component(ALERTMANAGER, Role::Monitoring, controller, pod)
        }
    }
}

fn args(replicas: u32) -> Vec<String> {
    let mut args = vec![
        format!("--config.file={}/{CONFIG_FILE}", CONFIG.1),
        format!("--storage.path={DATA_PATH}"),
        format!("--web.external-url=http://{ALERTMANAGER}:{PORT}"),
        "--log.format=json".to_owned(),
    ];
    if replicas == 1 {
        args.push("--cluster.listen-address=".to_owned());
        return args;
    }
    let port = CLUSTER.1;
    args.push(format!("--cluster.listen-address=0.0.0.0:{port}"));
    // Without it, Alertmanager looks for a private address, which not every network of pods has.
    args.push(format!("--cluster.advertise-address=$(POD_IP):{port}"));
    let peer = |number| {
        let pods = pods_name(ALERTMANAGER);
        format!("--cluster.peer={ALERTMANAGER}-{number}.{pods}:{port}")
    };
    args.extend((0..replicas).map(peer));
    args
}

fn secret_volume(secret: &str) -> String {
    format!("secret-{secret}")
}
