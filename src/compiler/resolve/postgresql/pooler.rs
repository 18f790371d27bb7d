//! The pooler of a database: `PgBouncer`.

use std::collections::BTreeMap;

use super::{
    CONFIG, Names, PORT, PORT_NAME, SCRIPTS, TABLE, USER, files, mounted, scratch, script,
};
use crate::{
    component::{
        Check, Component, Container, Controller, Pod, PreStop, Probe, Resolution, Role, Service,
        ServicePort, Variable,
    },
    environment::{
        capacity::Replicas,
        pod::Rollout,
        postgresql::{Pooler, Postgresql},
    },
    resolve::Resolver,
};

/// Where the list of users is, and the number of the process.
const RUN: &str = "/run/pgbouncer";

/// Time that a pooler about to stop goes on taking connections, in seconds.
const DRAIN_SECONDS: u32 = 5;

impl Resolver<'_, '_> {
    pub(super) fn pooler(
        &mut self,
        key: &str,
        declared: &Postgresql,
        pooler: &Pooler,
        names: &Names,
        database: &str,
    ) -> Component {
        let program = &pooler.program;
        let own = [
            mounted("config", CONFIG, false),
            mounted("scripts", SCRIPTS, true),
            scratch("run", RUN, 1, true),
        ];
        let (volumes, mounts): (Vec<_>, Vec<_>) = own.into_iter().unzip();
        let container = Container {
            name: "pgbouncer".to_owned(),
            image: self.image(&program.image),
            command: script("start.sh"),
            args: Vec::new(),
            ports: vec![(PORT_NAME.to_owned(), PORT)],
            variables: self.pooler_variables(key, declared),
            has_settings: false,
            requests: program.requests.clone(),
            limits: program.limits.clone(),
            liveness: probe(10),
            readiness: probe(5),
            startup: None,
            pre_stop: Some(PreStop::Exec(script("stop.sh"))),
            mounts,
        };
        let rollout = Rollout {
            termination_grace_period_seconds: declared.termination_grace_period_seconds,
            ..Rollout::default()
        };
        Component {
            name: names.pooler.clone(),
            role: Role::Database,
            instance: Some(key.to_owned()),
            replicas: Replicas { min: pooler.replicas, max: None },
            autoscaling: None,
            min_available: u32::from(pooler.replicas > 1),
            services: vec![service(names)],
            metrics: None,
            route: None,
            files: [
                (
                    "config".to_owned(),
                    files([("pgbouncer.ini", config(pooler, names, database).as_str())]),
                ),
                (
                    "scripts".to_owned(),
                    files([
                        ("start.sh", include_str!("scripts/pooler-start.sh")),
                        ("stop.sh", include_str!("scripts/pooler-stop.sh")),
                    ]),
                ),
            ]
            .into(),
            pod: Pod {
                user: USER,
                containers: vec![container],
                volumes,
                spread: program.spread.iter().map(ToString::to_string).collect(),
                tolerations: program.tolerations.clone(),
                priority: None,
                grace_seconds: rollout.termination_grace_period_seconds,
            },
            controller: Controller::Deployment(rollout),
        }
    }

    fn pooler_variables(&mut self, key: &str, declared: &Postgresql) -> BTreeMap<String, Variable> {
        let text = |text: &str| Variable::Text(text.to_owned());
        let variables = [
            ("CONFIG", text(CONFIG)),
            ("CREDENTIALS", text(RUN)),
            ("RUN", text(RUN)),
            ("DRAIN_SECONDS", text(&DRAIN_SECONDS.to_string())),
            ("DATABASE_USER", self.secret_value(&[TABLE, key, "user"], &declared.user)),
            ("DATABASE_PASSWORD", self.secret_value(&[TABLE, key, "password"], &declared.password)),
        ];
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// Returns `pgbouncer.ini`. The name of the database is an identifier, and needs no quotes.
fn config(pooler: &Pooler, names: &Names, database: &str) -> String {
    let primary = &names.primary;
    let Pooler { pool_size, max_clients, .. } = pooler;
    let pool_mode = pooler.pool_mode.as_str();
    format!(
        "\
[databases]
{database} = host={primary} port={PORT} dbname={database}

[pgbouncer]
listen_addr = *
listen_port = {PORT}
unix_socket_dir =
pidfile = {RUN}/pgbouncer.pid
auth_type = scram-sha-256
auth_file = {RUN}/userlist.txt
pool_mode = {pool_mode}
default_pool_size = {pool_size}
max_client_conn = {max_clients}
max_db_connections = {pool_size}
ignore_startup_parameters = extra_float_digits
server_tls_sslmode = disable
dns_max_ttl = 5
log_connections = 0
log_disconnections = 0
log_stats = 0
"
    )
}

fn service(names: &Names) -> Service {
    let port = ServicePort { name: PORT_NAME.to_owned(), port: PORT, app_protocol: None };
    Service { name: names.pooler.clone(), ports: vec![port], resolution: Resolution::Balanced }
}

fn probe(period_seconds: u32) -> Probe {
    let check = Check::Tcp { port: PORT_NAME.to_owned() };
    Probe { check, period_seconds, timeout_seconds: 3, failure_threshold: 3 }
}
