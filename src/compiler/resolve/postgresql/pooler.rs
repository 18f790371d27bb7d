//! The pooler of a database: `PgBouncer`.

use std::collections::BTreeMap;

use super::{CONFIG, Names, PORT, PORT_NAME, TABLE, USER, run};
use crate::{
    component::{
        Component, Container, Controller, Pod, PreStop, Probe, Resolution, Role, Variable,
    },
    environment::{
        capacity::Replicas,
        pod::Rollout,
        postgresql::{Pooler, Postgresql},
    },
    quantity::Memory,
    resolve::{
        Resolver,
        program::{
            Probes, component, files, folders, mounted, of_files, of_scripts, pod, port, probe,
            scratch, service, tcp, text, variables,
        },
    },
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
        let (volumes, mounts) = mounted([
            of_files("config", CONFIG),
            of_scripts(),
            scratch("run", RUN, Memory::from_mebibytes(1), true),
        ]);
        let container = Container {
            command: run("start.sh"),
            ports: vec![(PORT_NAME.to_owned(), PORT)],
            variables: self.pooler_variables(key, declared),
            pre_stop: Some(PreStop::Exec(run("stop.sh"))),
            mounts,
            ..self.program_container("pgbouncer", program, probes())
        };
        let grace_seconds = declared.termination_grace_period_seconds;
        let controller = Controller::Deployment(Rollout {
            termination_grace_period_seconds: grace_seconds,
            ..Rollout::default()
        });
        let pod = Pod { grace_seconds, ..pod(program, USER, vec![container], volumes) };
        let config = files([("pgbouncer.ini", &config(pooler, names, database))]);
        let scripts = files([
            ("start.sh", include_str!("scripts/pooler-start.sh")),
            ("stop.sh", include_str!("scripts/pooler-stop.sh")),
        ]);
        let ports = [port((PORT_NAME, PORT))];
        Component {
            instance: Some(key.to_owned()),
            replicas: Replicas { min: pooler.replicas, max: None },
            min_available: u32::from(pooler.replicas > 1),
            services: vec![service(&names.pooler, Resolution::Balanced, ports)],
            files: folders([("config", config), ("scripts", scripts)]),
            ..component(&names.pooler, Role::Database, controller, pod)
        }
    }

    fn pooler_variables(&mut self, key: &str, declared: &Postgresql) -> BTreeMap<String, Variable> {
        variables([
            ("CONFIG", text(CONFIG)),
            ("CREDENTIALS", text(RUN)),
            ("RUN", text(RUN)),
            ("DRAIN_SECONDS", text(DRAIN_SECONDS.to_string())),
            ("DATABASE_USER", self.secret_value(&[TABLE, key, "user"], &declared.user)),
            ("DATABASE_PASSWORD", self.secret_value(&[TABLE, key, "password"], &declared.password)),
        ])
    }
}

/// Returns `pgbouncer.ini`. The name of the database is an identifier, and needs no quotes.
fn config(pooler: &Pooler, names: &Names, database: &str) -> String {
    let primary = &names.primary.clients;
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

fn probes() -> Probes {
    let probe = |seconds| Probe { timeout_seconds: 3, ..probe(tcp(PORT_NAME), seconds, 3) };
    Probes { liveness: probe(10), readiness: probe(5), startup: None }
}
