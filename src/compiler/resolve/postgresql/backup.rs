//! Backups of a database: a dump at times.

use std::collections::BTreeMap;

use super::{Names, PORT, SCRIPTS, TABLE, USER, files, mount, mounted, scratch, script};
use crate::{
    component::{
        Check, Claim, Component, Container, Controller, CronJob, Pod, Probe, Role, Variable,
    },
    environment::{
        capacity::Replicas,
        postgresql::{Backup, Postgresql},
    },
    resolve::Resolver,
};

/// Where dumps are.
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
        let own = [mounted("scripts", SCRIPTS, true), scratch("tmp", "/tmp", 64, false)];
        let (volumes, mut mounts): (Vec<_>, Vec<_>) = own.into_iter().unzip();
        mounts.push(mount("dumps", BACKUPS, false));
        let container = Container {
            name: "backup".to_owned(),
            image: self.image(backup.image.as_ref().unwrap_or(&declared.program.image)),
            command: script("backup.sh"),
            args: Vec::new(),
            ports: Vec::new(),
            variables: self.backup_variables(key, declared, backup, names, database),
            has_settings: false,
            requests: backup.requests.clone(),
            limits: backup.limits.clone(),
            liveness: probe(),
            readiness: probe(),
            startup: None,
            pre_stop: None,
            mounts,
        };
        Component {
            name: names.backup.clone(),
            role: Role::Database,
            instance: Some(key.to_owned()),
            controller: Controller::CronJob(CronJob {
                schedule: backup.schedule.to_string(),
                deadline_seconds: backup.deadline_seconds,
                claims: vec![Claim {
                    volume: "dumps".to_owned(),
                    size: backup.storage.size,
                    class: backup.storage.class.as_ref().map(ToString::to_string),
                }],
            }),
            // Most of the time there is none.
            replicas: Replicas { min: 0, max: Some(1) },
            autoscaling: None,
            min_available: 0,
            services: Vec::new(),
            metrics: None,
            route: None,
            files: [(
                "scripts".to_owned(),
                files([("backup.sh", include_str!("scripts/backup.sh"))]),
            )]
            .into(),
            pod: Pod {
                user: USER,
                containers: vec![container],
                volumes,
                spread: Vec::new(),
                tolerations: declared.program.tolerations.clone(),
                priority: None,
                grace_seconds: 30,
            },
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
            ("PGHOST", names.primary.clone()),
            ("PGPORT", PORT.to_string()),
            ("PGUSER", "postgres".to_owned()),
        ];
        let texts = texts.map(|(name, text)| (name.to_owned(), Variable::Text(text)));
        texts.into_iter().chain([("PGPASSWORD".to_owned(), password)]).collect()
    }
}

/// Ends a dump that waits for a server that is gone: its connection may never tell.
fn probe() -> Probe {
    let command = ["pg_isready", "--quiet", "--timeout=10"];
    let check = Check::Exec(command.map(str::to_owned).to_vec());
    Probe { check, period_seconds: 30, timeout_seconds: 15, failure_threshold: 10 }
}
