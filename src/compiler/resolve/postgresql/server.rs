//! The servers of a database: the primary, and the replicas that follow it.

use std::collections::BTreeMap;

use super::{
    CONFIG, Names, PORT, PORT_NAME, SCRIPTS, TABLE, USER, files, mount, mounted, scratch, script,
    settings,
};
use crate::{
    component::{
        Check, Component, Container, Controller, Mount, Pod, PreStop, Probe, Resolution, Role,
        Service, ServicePort, Variable, Volume,
    },
    environment::{capacity::Replicas, pod::PodField, postgresql::Postgresql, program::Exporter},
    resolve::{
        Resolver,
        program::{ExporterCommand, claim, metrics},
        service::METRICS,
    },
};

/// Port on which the exporter tells the metrics of a server.
const METRICS_PORT: u16 = 9187;

/// Where the volume with the data is.
const VOLUME: &str = "/var/lib/postgresql/data";

/// Where the data are in it: not at its top, where file systems keep things of their own.
const DATA: &str = "/var/lib/postgresql/data/server";

/// Where the socket is.
const SOCKETS: &str = "/run/postgresql";

/// Where passwords are that are not in an environment variable.
const CREDENTIALS: &str = "/run/credentials";

/// Which server of a database it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    Primary,
    Replica,
}

impl Member {
    fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Replica => "replica",
        }
    }

    /// Returns what prepares its data.
    fn scripts(self) -> BTreeMap<String, String> {
        let mut scripts = files([
            ("start.sh", include_str!("scripts/start.sh")),
            ("stop.sh", include_str!("scripts/stop.sh")),
            ("alive.sh", include_str!("scripts/alive.sh")),
            ("ready.sh", include_str!("scripts/ready.sh")),
        ]);
        scripts.extend(match self {
            Self::Primary => files([
                ("primary.sh", include_str!("scripts/primary.sh")),
                ("setup.sql", include_str!("scripts/setup.sql")),
            ]),
            Self::Replica => files([("replica.sh", include_str!("scripts/replica.sh"))]),
        });
        scripts
    }
}

impl Resolver<'_, '_> {
    pub(super) fn postgresql_server(
        &mut self,
        member: Member,
        key: &str,
        declared: &Postgresql,
        names: &Names,
        database: &str,
    ) -> Component {
        let (name, pods, clients, replicas) = match member {
            Member::Primary => (&names.primary, &names.primary_pods, &names.primary, 1),
            Member::Replica => {
                (&names.replica, &names.replica_pods, &names.replicas, declared.replicas)
            }
        };
        let program = &declared.program;
        let (volumes, mounts) = volumes(member, declared);
        let variables = match member {
            Member::Primary => self.primary_variables(key, declared, database),
            Member::Replica => self.replica_variables(key, declared, names),
        };
        let server = self.server_container(member, declared, variables, mounts);
        let exporter =
            declared.exporter.as_ref().map(|exporter| self.postgresql_exporter(exporter));
        let containers = [server].into_iter().chain(exporter).collect::<Vec<_>>();
        let config = files([
            ("postgresql.conf", settings::config(declared).as_str()),
            ("pg_hba.conf", settings::HBA),
            ("pg_ident.conf", settings::IDENT),
        ]);
        Component {
            name: name.clone(),
            role: Role::Database,
            instance: Some(key.to_owned()),
            controller: Controller::StatefulSet {
                service: pods.clone(),
                parallel: true,
                claims: vec![claim(&declared.storage)],
            },
            replicas: Replicas { min: replicas, max: None },
            autoscaling: None,
            // The only primary must be able to leave its node.
            min_available: replicas - 1,
            services: services(declared, pods, clients),
            metrics: declared.exporter.as_ref().map(|_| metrics(METRICS_PORT)),
            route: None,
            files: [("config".to_owned(), config), ("scripts".to_owned(), member.scripts())].into(),
            pod: Pod {
                grace_seconds: declared.termination_grace_period_seconds,
                ..self.data_pod(program, USER, containers, volumes)
            },
        }
    }

    fn primary_variables(
        &mut self,
        key: &str,
        declared: &Postgresql,
        database: &str,
    ) -> BTreeMap<String, Variable> {
        let extensions: Vec<_> = declared.extensions.iter().map(AsRef::as_ref).collect();
        let texts = [("DATABASE", database.to_owned()), ("EXTENSIONS", extensions.join(" "))];
        let texts = texts.map(|(name, text)| (name, Variable::Text(text)));
        let secrets = [
            ("DATABASE_USER", "user", &declared.user),
            ("DATABASE_PASSWORD", "password", &declared.password),
            ("ADMIN_PASSWORD", "admin_password", &declared.admin_password),
            ("REPLICATION_PASSWORD", "replication_password", &declared.replication_password),
        ];
        let secrets = secrets
            .map(|(name, path, value)| (name, self.secret_value(&[TABLE, key, path], value)));
        named(texts.into_iter().chain(secrets))
    }

    fn replica_variables(
        &mut self,
        key: &str,
        declared: &Postgresql,
        names: &Names,
    ) -> BTreeMap<String, Variable> {
        let path = [TABLE, key, "replication_password"];
        let password = self.secret_value(&path, &declared.replication_password);
        named([
            ("CREDENTIALS", Variable::Text(CREDENTIALS.to_owned())),
            ("POD_NAME", Variable::Field(PodField::Name)),
            ("PRIMARY_HOST", Variable::Text(names.primary.clone())),
            ("PRIMARY_PORT", Variable::Text(PORT.to_string())),
            ("REPLICATION_PASSWORD", password),
        ])
    }

    fn server_container(
        &mut self,
        member: Member,
        declared: &Postgresql,
        mut variables: BTreeMap<String, Variable>,
        mounts: Vec<Mount>,
    ) -> Container {
        let program = &declared.program;
        let port = PORT.to_string();
        let texts = [
            ("CONFIG", CONFIG),
            ("LISTEN", "*"),
            ("MEMBER", member.as_str()),
            ("PGDATA", DATA),
            ("PGHOST", SOCKETS),
            ("PGPORT", &port),
        ];
        variables.extend(named(texts.map(|(name, text)| (name, Variable::Text(text.to_owned())))));
        Container {
            name: "postgresql".to_owned(),
            image: self.image(&program.image),
            command: script("start.sh"),
            args: Vec::new(),
            ports: vec![(PORT_NAME.to_owned(), PORT)],
            variables,
            has_settings: false,
            requests: program.requests.clone(),
            limits: program.limits.clone(),
            liveness: probe("alive.sh", 6),
            readiness: probe("ready.sh", 3),
            // Three hours: to copy the data, or to go through the log after a crash, takes its
            // time, and would only begin again.
            startup: Some(probe("alive.sh", 1080)),
            pre_stop: Some(PreStop::Exec(script("stop.sh"))),
            mounts,
        }
    }

    /// It connects through the socket: the server knows by the user of the process who it is.
    fn postgresql_exporter(&self, exporter: &Exporter) -> Container {
        let source =
            format!("host={SOCKETS} port={PORT} user=exporter dbname=postgres sslmode=disable");
        let command = ExporterCommand {
            port: METRICS_PORT,
            args: vec![format!("--web.listen-address=:{METRICS_PORT}")],
            variables: named([("DATA_SOURCE_NAME", Variable::Text(source))]),
            check: Check::Http { path: "/".to_owned(), port: METRICS.to_owned() },
        };
        Container {
            mounts: vec![mount("sockets", SOCKETS, true)],
            ..self.exporter(exporter, command)
        }
    }
}

fn volumes(member: Member, declared: &Postgresql) -> (Vec<Volume>, Vec<Mount>) {
    // Parallel queries share memory there; the 64 MiB of a container are not enough.
    let shared = (declared.program.limits.memory.mebibytes() / 4).max(64);
    let own = [
        mounted("config", CONFIG, false),
        mounted("scripts", SCRIPTS, true),
        scratch("tmp", "/tmp", 64, false),
        scratch("sockets", SOCKETS, 16, true),
        scratch("shared-memory", "/dev/shm", shared, true),
    ];
    let credentials =
        (member == Member::Replica).then(|| scratch("credentials", CREDENTIALS, 1, true));
    let (volumes, mut mounts): (Vec<_>, Vec<_>) = own.into_iter().chain(credentials).unzip();
    mounts.push(mount("data", VOLUME, false));
    (volumes, mounts)
}

fn services(declared: &Postgresql, pods: &str, clients: &str) -> Vec<Service> {
    let port = |name: &str, port| ServicePort { name: name.to_owned(), port, app_protocol: None };
    let own = || [port(PORT_NAME, PORT)].into_iter();
    let metrics = declared.exporter.as_ref().map(|_| port(METRICS, METRICS_PORT));
    let service =
        |name: &str, resolution, ports| Service { name: name.to_owned(), ports, resolution };
    vec![
        service(clients, Resolution::Balanced, own().collect()),
        service(pods, Resolution::EveryPod, own().chain(metrics).collect()),
    ]
}

fn probe(name: &str, failure_threshold: u32) -> Probe {
    let check = Check::Exec(script(name));
    Probe { check, period_seconds: 10, timeout_seconds: 5, failure_threshold }
}

fn named<'a>(
    variables: impl IntoIterator<Item = (&'a str, Variable)>,
) -> BTreeMap<String, Variable> {
    variables.into_iter().map(|(name, variable)| (name.to_owned(), variable)).collect()
}
