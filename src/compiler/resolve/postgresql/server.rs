//! The servers of a database: the primary, and the replicas that follow it.

use std::collections::BTreeMap;

use super::{CONFIG, Names, PORT, PORT_NAME, TABLE, USER, run, settings};
use crate::{
    component::{Component, Container, Controller, Mount, Pod, PreStop, Role, Variable, Volume},
    environment::{capacity::Replicas, pod::PodField, postgresql::Postgresql, program::Exporter},
    quantity::Memory,
    resolve::{
        Resolver,
        program::{
            DATA, ExporterCommand, Probes, Rank, claim, claimed, component, exec, files, folders,
            http, metrics, mounted, of_files, of_scripts, probe, read_only, scratch, set_services,
            text, variables,
        },
        service::METRICS,
    },
};

/// Port on which the exporter tells the metrics of a server.
const METRICS_PORT: u16 = 9187;

/// Where the volume with the data is.
const VOLUME: &str = "/var/lib/postgresql/data";

/// Where the data are in it: not at its top, where file systems keep things of their own.
const DATA_FOLDER: &str = "/var/lib/postgresql/data/server";

/// Volume of the socket.
const SOCKET_VOLUME: &str = "sockets";

/// Where the socket is.
const SOCKETS: &str = "/run/postgresql";

/// Where passwords are that are not in an environment variable.
const CREDENTIALS: &str = "/run/credentials";

impl Resolver<'_, '_> {
    pub(super) fn postgresql_server(
        &mut self,
        rank: Rank,
        key: &str,
        declared: &Postgresql,
        names: &Names,
        database: &str,
    ) -> Component {
        let (set, replicas) = match rank {
            Rank::Primary => (&names.primary, 1),
            Rank::Replica => (&names.replica, declared.replicas),
        };
        let (volumes, mounts) = places(rank, declared);
        let variables = match rank {
            Rank::Primary => self.primary_variables(key, declared, database),
            Rank::Replica => self.replica_variables(key, declared, names),
        };
        let server = self.server_container(rank, declared, variables, mounts);
        let exporter =
            declared.exporter.as_ref().map(|exporter| self.postgresql_exporter(exporter));
        let containers = [server].into_iter().chain(exporter).collect::<Vec<_>>();
        let config = files([
            ("postgresql.conf", settings::config(declared).as_str()),
            ("pg_hba.conf", settings::HBA),
            ("pg_ident.conf", settings::IDENT),
        ]);
        let services = set_services(set, rank.resolution(), (PORT_NAME, PORT), &containers);
        let claims = vec![claim(DATA, &declared.storage)];
        let controller = Controller::StatefulSet { service: set.pods.clone(), claims };
        let pod = Pod {
            grace_seconds: declared.termination_grace_period_seconds,
            ..self.data_pod(&declared.program, USER, containers, volumes)
        };
        Component {
            instance: Some(key.to_owned()),
            replicas: Replicas { min: replicas, max: None },
            // The only primary must be able to leave its node.
            min_available: replicas - 1,
            services,
            metrics: declared.exporter.as_ref().map(|_| metrics(METRICS_PORT)),
            files: folders([("config", config), ("scripts", scripts(rank))]),
            ..component(&set.set, Role::Database, controller, pod)
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
        let texts = texts.map(|(name, value)| (name, text(value)));
        let secrets = [
            ("DATABASE_USER", "user", &declared.user),
            ("DATABASE_PASSWORD", "password", &declared.password),
            ("ADMIN_PASSWORD", "admin_password", &declared.admin_password),
            ("REPLICATION_PASSWORD", "replication_password", &declared.replication_password),
        ];
        let secrets = secrets
            .map(|(name, path, value)| (name, self.secret_value(&[TABLE, key, path], value)));
        variables(texts.into_iter().chain(secrets))
    }

    fn replica_variables(
        &mut self,
        key: &str,
        declared: &Postgresql,
        names: &Names,
    ) -> BTreeMap<String, Variable> {
        let path = [TABLE, key, "replication_password"];
        let password = self.secret_value(&path, &declared.replication_password);
        variables([
            ("CREDENTIALS", text(CREDENTIALS)),
            ("POD_NAME", Variable::Field(PodField::Name)),
            ("PRIMARY_HOST", text(&names.primary.clients)),
            ("PRIMARY_PORT", text(PORT.to_string())),
            ("REPLICATION_PASSWORD", password),
        ])
    }

    fn server_container(
        &mut self,
        rank: Rank,
        declared: &Postgresql,
        mut own: BTreeMap<String, Variable>,
        mounts: Vec<Mount>,
    ) -> Container {
        let port = PORT.to_string();
        let texts = [
            ("CONFIG", CONFIG),
            ("LISTEN", "*"),
            ("MEMBER", member(rank)),
            ("PGDATA", DATA_FOLDER),
            ("PGHOST", SOCKETS),
            ("PGPORT", &port),
        ];
        own.extend(variables(texts.map(|(name, value)| (name, text(value)))));
        Container {
            command: run("start.sh"),
            ports: vec![(PORT_NAME.to_owned(), PORT)],
            variables: own,
            pre_stop: Some(PreStop::Exec(run("stop.sh"))),
            mounts,
            ..self.program_container("postgresql", &declared.program, probes())
        }
    }

    /// It connects through the socket: the server knows by the user of the process who it is.
    fn postgresql_exporter(&self, exporter: &Exporter) -> Container {
        let source =
            format!("host={SOCKETS} port={PORT} user=exporter dbname=postgres sslmode=disable");
        let command = ExporterCommand {
            port: METRICS_PORT,
            args: vec![
                format!("--web.listen-address=:{METRICS_PORT}"),
                // Tells when the server has started, and not only when the exporter has.
                "--collector.postmaster".to_owned(),
            ],
            variables: variables([("DATA_SOURCE_NAME", text(source))]),
            check: http("/", METRICS),
        };
        Container {
            mounts: vec![read_only(SOCKET_VOLUME, SOCKETS)],
            ..self.exporter(exporter, command)
        }
    }
}

/// Returns what a server mounts, and where.
fn places(rank: Rank, declared: &Postgresql) -> (Vec<Volume>, Vec<Mount>) {
    // Parallel queries share memory there; the 64 MiB of a container are not enough.
    let shared = (declared.program.limits.memory.mebibytes() / 4).max(64);
    let scratch = |name, path, mebibytes, in_memory| {
        scratch(name, path, Memory::from_mebibytes(mebibytes), in_memory)
    };
    let own = [
        of_files("config", CONFIG),
        of_scripts(),
        scratch("tmp", "/tmp", 64, false),
        scratch(SOCKET_VOLUME, SOCKETS, 16, true),
        scratch("shared-memory", "/dev/shm", shared, true),
    ];
    let credentials = (rank == Rank::Replica).then(|| scratch("credentials", CREDENTIALS, 1, true));
    mounted(own.into_iter().chain(credentials).chain([claimed(DATA, VOLUME)]))
}

/// Returns what the scripts call a server of this rank.
fn member(rank: Rank) -> &'static str {
    match rank {
        Rank::Primary => "primary",
        Rank::Replica => "replica",
    }
}

/// Returns the scripts of a server; what prepares its data depends on its rank.
fn scripts(rank: Rank) -> BTreeMap<String, String> {
    let mut scripts = files([
        ("start.sh", include_str!("scripts/start.sh")),
        ("stop.sh", include_str!("scripts/stop.sh")),
        ("alive.sh", include_str!("scripts/alive.sh")),
        ("ready.sh", include_str!("scripts/ready.sh")),
    ]);
    scripts.extend(match rank {
        Rank::Primary => files([
            ("primary.sh", include_str!("scripts/primary.sh")),
            ("setup.sql", include_str!("scripts/setup.sql")),
        ]),
        Rank::Replica => files([
            ("replica.sh", include_str!("scripts/replica.sh")),
            ("slot.sh", include_str!("scripts/slot.sh")),
            ("settings.sh", include_str!("scripts/settings.sh")),
        ]),
    });
    scripts
}

fn probes() -> Probes {
    let probe = |script, failures| probe(exec(run(script)), 10, failures);
    Probes {
        liveness: probe("alive.sh", 6),
        readiness: probe("ready.sh", 3),
        // Three hours: to copy the data, or to go through the log after a crash, takes its time, and
        // would only begin again.
        startup: Some(probe("alive.sh", 1080)),
    }
}
