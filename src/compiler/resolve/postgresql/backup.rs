//! Backups of a database: a dump at times.

use std::collections::BTreeMap;

use super::{Names, PORT, TABLE, USER, run};
use crate::{
    component::{Component, Container, Controller, CronJob, Pod, Probe, Role, Variable},
    environment::{
        capacity::Replicas,
        postgresql::{Backup, Postgresql},
    },
    quantity::Memory,
    resolve::{
        Resolver,
        program::{
            Basics, Probes, claim, claimed, component, exec, files, folders, mounted, of_scripts,
            pod, probe, scratch, text, variables,
        },
    },
};

/// Volume of the dumps.
const DUMPS: &str = "dumps";

/// Where they are.
const BACKUPS: &str = "/backups";

impl Resolver<'_, '_> {
    pub(super) fn backup(
        &mut self,
        key: &str,
        declared: &Postgresql,
        backup: &Backup,
        names: &Names,
        database: &str,
    ) -> Component {
        let (volumes, mounts) = mounted([
            of_scripts(),
            scratch("tmp", "/tmp", Memory::from_mebibytes(64), false),
            claimed(DUMPS, BACKUPS),
        ]);
        let basics = Basics {
            image: backup.image.as_ref().unwrap_or(&declared.program.image),
            requests: &backup.requests,
            limits: &backup.limits,
        };
        let container = Container {
            command: run("backup.sh"),
            variables: self.backup_variables(key, declared, backup, names, database),
            mounts,
            ..self.program_container("backup", basics, probes())
        };
        let controller = Controller::CronJob(CronJob {
            schedule: backup.schedule.to_string(),
            longest_gap_seconds: backup.schedule.longest_gap_seconds(),
            deadline_seconds: backup.deadline_seconds,
            claims: vec![claim(DUMPS, &backup.storage)],
        });
        let pod = pod(&declared.program, USER, vec![container], volumes);
        let scripts = files([("backup.sh", include_str!("scripts/backup.sh"))]);
        Component {
            instance: Some(key.to_owned()),
            // Most of the time there is none.
            replicas: Replicas { min: 0, max: Some(1) },
            files: folders([("scripts", scripts)]),
            ..component(
                &names.backup,
                Role::Database,
                controller,
                Pod { spread: Vec::new(), ..pod },
            )
        }
    }

    /// The administrator dumps: it may read whatever is in the database, whoever owns it.
    fn backup_variables(
        &mut self,
        key: &str,
        declared: &Postgresql,
        backup: &Backup,
        names: &Names,
        database: &str,
    ) -> BTreeMap<String, Variable> {
        let path = [TABLE, key, "admin_password"];
        let password = self.secret_value(&path, &declared.admin_password);
        let texts = [
            ("BACKUPS", BACKUPS.to_owned()),
            ("DATABASE", database.to_owned()),
            ("KEEP", backup.keep.to_string()),
            ("PGCONNECT_TIMEOUT", "30".to_owned()),
            ("PGHOST", names.primary.clients.clone()),
            ("PGPORT", PORT.to_string()),
            ("PGUSER", "postgres".to_owned()),
        ];
        let texts = texts.map(|(name, value)| (name, text(value)));
        variables(texts.into_iter().chain([("PGPASSWORD", password)]))
    }
}

/// Ends a dump that waits for a server that is gone: its connection may never tell.
fn probes() -> Probes {
    let command = ["pg_isready", "--quiet", "--timeout=10"].map(str::to_owned);
    let probe = Probe { timeout_seconds: 15, ..probe(exec(command.to_vec()), 30, 10) };
    Probes { liveness: probe.clone(), readiness: probe, startup: None }
}
