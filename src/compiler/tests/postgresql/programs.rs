//! The rendered files, and the real PostgreSQL and `PgBouncer`.

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use fs_err as fs;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    fixture::objects,
    pod::{Pod, folder, free_port, query, run, text},
};

/// Every character that means something to somebody on the way.
const USER: (&str, &str) = ("o'neil \"x\"", r#"it's "odd" \ : # $HOME `id` %s; -- \n"#);
const ADMIN: (&str, &str) = ("postgres", r#"ad'min\\ "$0" :x"#);
const REPLICATOR: (&str, &str) = ("replicator", r"re\pl:ica' #%d");
const DATABASE: &str = "shop_live";

const VALUES: [(&str, &str); 4] = [
    ("DB_USER", USER.0),
    ("DB_PASSWORD", USER.1),
    ("ADMIN", ADMIN.1),
    ("REPLICATION", REPLICATOR.1),
];

/// A database and its folder, which is there as long as this is.
struct Database {
    primary: Pod,
    replica: Pod,
    objects: Vec<Value>,
    folder: TempDir,
}

impl Database {
    fn new(changes: &[(&str, &str)]) -> Self {
        let (folder, objects) = (folder(), objects(changes));
        let pod = |name: &str| Pod::new(folder.path(), &objects, ("StatefulSet", name), &VALUES);
        let (primary, mut replica) = (pod("db"), pod("db-replica"));
        replica.variables.insert("PRIMARY_PORT".to_owned(), primary.port().to_string());
        replica.variables.insert("RETRY_SECONDS".to_owned(), "0.5".to_owned());
        Self { primary, replica, objects, folder }
    }

    fn pod(&self, kind: &str, name: &str) -> Pod {
        Pod::new(self.folder.path(), &self.objects, (kind, name), &VALUES)
    }

    fn change(&self, sql: &str) {
        self.primary.query(USER, DATABASE, sql).expect(sql);
    }

    /// Waits until the replica answers as the primary would.
    fn wait_for_replica(&self, sql: &str, answer: &str) {
        let is_there =
            |replica: &Pod| replica.query(USER, DATABASE, sql).is_ok_and(|found| found == answer);
        self.replica.wait(sql, is_there);
    }
}

#[test]
fn a_replica_follows_the_primary_and_takes_no_changes() {
    let mut database = Database::new(&[]);
    // It comes first, and has to wait.
    database.replica.start();
    database.replica.wait("it tries", |replica| replica.log().contains("trying again"));
    assert!(!database.replica.probe("livenessProbe"), "nobody answers yet");
    database.primary.start_ready();
    database.change("CREATE TABLE item (id int); INSERT INTO item VALUES (1)");
    database.replica.wait("it follows", Pod::is_ready);
    database.wait_for_replica("SELECT count(*) FROM item", "1");
    database.change("INSERT INTO item VALUES (2)");
    database.wait_for_replica("SELECT count(*) FROM item", "2");
    let refusal = database.replica.query(USER, DATABASE, "INSERT INTO item VALUES (3)");
    assert!(refusal.expect_err("read-only").contains("read-only transaction"));

    // A replica is not ready as a primary, nor the other way round.
    for (pod, member) in [(&mut database.primary, "replica"), (&mut database.replica, "primary")] {
        let own = pod.variables.insert("MEMBER".to_owned(), member.to_owned()).expect("a member");
        assert!(!pod.is_ready(), "{own}");
        pod.variables.insert("MEMBER".to_owned(), own);
        assert!(pod.is_ready() && pod.probe("livenessProbe") && pod.probe("startupProbe"));
    }

    // While it is away the primary keeps what it will need, and it copies nothing again.
    database.replica.stop();
    database.change("INSERT INTO item VALUES (3)");
    let copies = |database: &Database| database.replica.log().matches("copying the data").count();
    assert_eq!(copies(&database), 1);
    database.replica.start_ready();
    database.wait_for_replica("SELECT count(*) FROM item", "3");
    assert_eq!(copies(&database), 1);

    // Without its primary it is alive, but not ready; with it, it is ready again.
    database.primary.stop();
    database.replica.wait("it follows nobody", |replica| !replica.is_ready());
    assert!(database.replica.probe("livenessProbe"));
    database.primary.start_ready();
    database.replica.wait("it follows again", Pod::is_ready);
}

#[test]
fn only_those_who_may_connect_can() {
    let mut database = Database::new(&[]);
    database.primary.start_ready();
    let primary = &database.primary;
    assert_eq!(primary.query(USER, DATABASE, "SELECT 1"), Ok("1".to_owned()));
    assert_eq!(primary.query(ADMIN, "postgres", "SELECT 1"), Ok("1".to_owned()));
    for (case, user, name, message) in [
        ("a wrong password", (USER.0, "wrong"), DATABASE, "password authentication failed"),
        ("no password", (USER.0, ""), DATABASE, "no password supplied"),
        ("a replica, for anything but following", REPLICATOR, DATABASE, "rejects connection"),
        ("the exporter from outside", ("exporter", "x"), "postgres", "rejects connection"),
    ] {
        let error = primary.query(user, name, "SELECT 1").expect_err(case);
        assert!(error.contains(message), "{case}: {error}");
    }
    let replication = "dbname=postgres replication=true";
    assert!(primary.query(USER, replication, "IDENTIFY_SYSTEM").is_err(), "not a replica");
    assert!(primary.query(REPLICATOR, replication, "IDENTIFY_SYSTEM").is_ok(), "a replica");

    let rights = "SELECT rolsuper, rolcreaterole, rolreplication FROM pg_roles WHERE rolname = ";
    let rights = primary.query(USER, DATABASE, &format!("{rights} current_user"));
    assert_eq!(rights, Ok("f|f|f".to_owned()));
    let extensions = "SELECT string_agg(extname, ' ' ORDER BY extname) FROM pg_extension";
    let extensions = primary.query(USER, DATABASE, extensions);
    assert_eq!(extensions, Ok("pgcrypto plpgsql uuid-ossp".to_owned()));

    // The exporter is in the pod, and may only read statistics.
    let exporter = |sql: &str| {
        let mut psql = primary.as_user();
        let psql = psql.args(["psql", "-XAtqw", "-U", "exporter", "-d", "postgres", "-c", sql]);
        text(&psql.output().expect("psql"))
    };
    assert_eq!(exporter("SELECT count(*) > 0 FROM pg_ls_waldir()"), Ok("t".to_owned()));
    assert!(exporter("CREATE ROLE x").expect_err("no rights").contains("permission denied"));

    // Nothing that is secret is in a log, although all statements are logged.
    let log = primary.log();
    assert!(log.contains("SELECT string_agg"), "statements are logged");
    for (name, value) in VALUES.iter().skip(1) {
        assert!(!log.contains(value), "{name} is in the log");
    }
    assert!(!log.contains("SCRAM-SHA-256$") && !log.contains("PASSWORD"), "{log}");
}

#[test]
fn a_restart_keeps_data_and_takes_what_is_declared_now() {
    let mut database = Database::new(&[("\"uuid-ossp\", ", "")]);
    database.primary.start_ready();
    database.change("CREATE TABLE item (id int); INSERT INTO item VALUES (7)");
    database.primary.stop();
    let variables = &mut database.primary.variables;
    variables.insert("DATABASE_PASSWORD".to_owned(), "new".to_owned());
    variables.insert("EXTENSIONS".to_owned(), "pgcrypto citext".to_owned());
    database.primary.start_ready();
    let primary = &database.primary;
    assert_eq!(primary.query((USER.0, "new"), DATABASE, "TABLE item"), Ok("7".to_owned()));
    assert!(primary.query(USER, DATABASE, "TABLE item").is_err(), "the old password");
    let extensions = "SELECT count(*) FROM pg_extension WHERE extname = 'citext'";
    assert_eq!(primary.query(ADMIN, DATABASE, extensions), Ok("1".to_owned()));
    assert_eq!(primary.log().matches("making a new cluster").count(), 1);
}

#[test]
fn a_server_that_is_killed_at_any_moment_starts_again() {
    let mut database = Database::new(&[]);
    let is_early = |pod: &Pod| !pod.path("data/server").exists();
    let mut early = 0;
    for milliseconds in (0..2400).step_by(240) {
        database.primary.start();
        thread::sleep(Duration::from_millis(milliseconds));
        early += u32::from(is_early(&database.primary));
        database.primary.kill();
    }
    assert!(early > 0, "killed while data were made");
    database.primary.start_ready();
    database.change("CREATE TABLE item (id int); INSERT INTO item VALUES (7)");
    database.primary.kill();
    database.primary.start_ready();
    for milliseconds in (0..1000).step_by(100) {
        database.replica.start();
        thread::sleep(Duration::from_millis(milliseconds));
        database.replica.kill();
    }
    database.replica.start_ready();
    database.wait_for_replica("TABLE item", "7");
}

#[test]
fn a_replica_that_was_away_for_too_long_copies_the_data_again() {
    let limit = "log_statement = \"all\"\nmax_slot_wal_keep_size = \"16MB\"";
    let mut database = Database::new(&[("log_statement = \"all\"", limit)]);
    database.primary.start_ready();
    database.replica.start_ready();
    database.replica.stop();
    database.change("CREATE TABLE item (id int)");
    for _ in 0..6 {
        let switch = "INSERT INTO item VALUES (1)";
        database.change(switch);
        database.primary.query(ADMIN, DATABASE, "SELECT pg_switch_wal()").expect("a switch");
    }
    database.primary.query(ADMIN, DATABASE, "CHECKPOINT").expect("a checkpoint");
    let slots = "SELECT wal_status FROM pg_replication_slots";
    assert_eq!(database.primary.query(ADMIN, DATABASE, slots), Ok("lost".to_owned()));
    database.replica.start_ready();
    database.wait_for_replica("SELECT count(*) FROM item", "6");
    assert!(database.replica.log().contains("the primary has gone on too far"));
    let slots = "SELECT wal_status, active FROM pg_replication_slots";
    assert_eq!(database.primary.query(ADMIN, DATABASE, slots), Ok("reserved|t".to_owned()));
}

#[test]
fn a_replica_that_is_cut_off_for_too_long_fails_its_probe_and_copies_the_data_again() {
    let limit = "log_statement = \"all\"\nmax_slot_wal_keep_size = \"16MB\"";
    let mut database = Database::new(&[("log_statement = \"all\"", limit)]);
    database.primary.start_ready();
    database.replica.start_ready();
    assert!(database.replica.probe("livenessProbe"));
    // It may not come in for a while.
    let passfile = database.replica.path("credentials/replication");
    let password = fs::read_to_string(&passfile).expect("a password");
    fs::write(&passfile, "").expect("writable");
    let receiver = "SELECT pid FROM pg_stat_wal_receiver";
    let receiver = database.replica.query(ADMIN, DATABASE, receiver).expect("a receiver");
    run(Command::new("kill").arg(receiver));
    database.change("CREATE TABLE item (id int)");
    for _ in 0..6 {
        database.change("INSERT INTO item VALUES (1)");
        database.primary.query(ADMIN, DATABASE, "SELECT pg_switch_wal()").expect("a switch");
    }
    let lost = |primary: &Pod| {
        primary.query(ADMIN, DATABASE, "CHECKPOINT").expect("a checkpoint");
        let slots = "SELECT wal_status FROM pg_replication_slots";
        primary.query(ADMIN, DATABASE, slots) == Ok("lost".to_owned())
    };
    database.primary.wait("the slot is lost", lost);
    assert!(database.replica.probe("livenessProbe"), "a start would not help");
    fs::write(&passfile, password).expect("writable");
    database.replica.wait("it is not alive", |replica| !replica.probe("livenessProbe"));
    assert!(database.primary.probe("livenessProbe"));
    database.replica.stop();
    database.replica.start_ready();
    database.wait_for_replica("SELECT count(*) FROM item", "6");
    assert!(database.replica.probe("livenessProbe"));
}

/// What a replica may not have less of than its primary, as it is at first and later.
const ROOM: [(&str, &str); 4] = [
    ("max_connections = '100'", "max_connections = '60'"),
    ("max_locks_per_transaction = '80'", "max_locks_per_transaction = '30'"),
    ("max_prepared_transactions = '10'", "max_prepared_transactions = '0'"),
    ("max_worker_processes = '12'", "max_worker_processes = '6'"),
];

/// Returns a database that follows and has the first of [`ROOM`].
fn with_room() -> Database {
    let more = "log_statement = \"all\"\nmax_locks_per_transaction = \"80\"\n\
        max_prepared_transactions = \"10\"\nmax_worker_processes = \"12\"";
    let mut database = Database::new(&[("log_statement = \"all\"", more)]);
    database.primary.start_ready();
    database.change("CREATE TABLE item (id int)");
    database.replica.start_ready();
    database
}

const CONFIG_FILE: &str = "config/postgresql.conf";

#[test]
fn a_replica_starts_with_less_room_and_has_it_after_the_primary() {
    let mut database = with_room();
    let room = |pod: &Pod| {
        ROOM.map(|(line, _)| {
            let name = line.split(' ').next().expect("a name");
            pod.query(ADMIN, "postgres", &format!("SHOW {name}")).expect("a value")
        })
    };
    database.replica.stop();
    database.replica.edit(CONFIG_FILE, &ROOM);
    database.replica.start_ready();
    assert_eq!(room(&database.replica), ["100", "80", "10", "12"]);
    assert!(database.replica.log().contains("starting with max_connections=100"));

    database.primary.stop();
    database.primary.edit(CONFIG_FILE, &ROOM);
    database.primary.start_ready();
    assert_eq!(room(&database.primary), ["60", "30", "0", "6"]);
    database.change("INSERT INTO item VALUES (1)");
    database.wait_for_replica("SELECT count(*) FROM item", "1");
    database.replica.stop();
    database.replica.start_ready();
    assert_eq!(room(&database.replica), ["60", "30", "0", "6"]);
}

#[test]
fn a_replica_that_waits_for_more_room_fails_its_probe_and_starts_with_it() {
    let mut database = with_room();
    database.primary.stop();
    database.primary.edit(CONFIG_FILE, &[("max_connections = '100'", "max_connections = '120'")]);
    database.primary.start_ready();
    database.change("INSERT INTO item VALUES (1)");
    database.replica.wait("it is not alive", |replica| !replica.probe("livenessProbe"));
    database.replica.stop();
    database.replica.start_ready();
    database.wait_for_replica("SELECT count(*) FROM item", "1");
    assert!(database.replica.probe("livenessProbe"));
    // Whoever lets it wait on purpose is not disturbed.
    database.replica.query(ADMIN, "postgres", "SELECT pg_wal_replay_pause()").expect("paused");
    let state = "SELECT pg_get_wal_replay_pause_state()";
    database.replica.wait("it waits", |replica| {
        replica.query(ADMIN, "postgres", state) == Ok("paused".to_owned())
    });
    assert!(database.replica.probe("livenessProbe"));
}

#[test]
fn a_replica_does_not_give_up_its_data_for_those_of_another_primary() {
    let mut database = Database::new(&[]);
    database.primary.start_ready();
    database.change("CREATE TABLE item (id int); INSERT INTO item VALUES (7)");
    database.replica.start_ready();
    database.wait_for_replica("TABLE item", "7");
    database.replica.stop();
    database.primary.stop();
    fs::remove_dir_all(database.primary.path("data/server")).expect("removable");
    database.primary.start_ready();
    database.replica.start();
    assert!(!database.replica.wait_for_end());
    assert!(database.replica.log().contains("has been made anew"));

    // Promoted by hand, it stays what it is.
    fs::remove_file(database.replica.path("data/server/standby.signal")).expect("removable");
    database.replica.start();
    database.wait_for_replica("TABLE item", "7");
    assert!(database.replica.query(USER, DATABASE, "INSERT INTO item VALUES (8)").is_ok());
    assert!(!database.replica.is_ready(), "nobody is led to it");
}

#[test]
fn a_stop_does_not_wait_for_clients() {
    let mut database = Database::new(&[]);
    database.primary.start_ready();
    let port = database.primary.port();
    let client = thread::spawn(move || query(port, USER, DATABASE, "SELECT pg_sleep(300)"));
    let sleeps = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    database.primary.wait("a client", |primary| {
        primary.query(ADMIN, DATABASE, sleeps).is_ok_and(|count| count == "1")
    });
    let since = Instant::now();
    database.primary.stop();
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
    assert!(client.join().expect("a thread").is_err());
    assert!(database.primary.log().contains("database system is shut down"));

    // A replica that still waits for its primary ends at the signal.
    database.replica.start();
    database.replica.wait("it tries", |replica| replica.log().contains("trying again"));
    database.replica.signal("TERM");
    assert!(!database.replica.wait_for_end());
}

#[test]
fn what_cannot_start_says_why_and_ends() {
    for (case, variable, value, message) in [
        ("no password", "ADMIN_PASSWORD", "", "ADMIN_PASSWORD is empty"),
        ("two lines", "DATABASE_PASSWORD", "a\nb", "DATABASE_PASSWORD has more than one line"),
        ("a name that is taken", "DATABASE_USER", "replicator", "a name that has a meaning here"),
        ("an unknown extension", "EXTENSIONS", "nothing", "extension \"nothing\" is not available"),
    ] {
        let mut database = Database::new(&[]);
        database.primary.variables.insert(variable.to_owned(), value.to_owned());
        database.primary.start();
        assert!(!database.primary.wait_for_end(), "{case}");
        let log = database.primary.log();
        assert!(log.contains(message), "{case}: {log}");
    }
    let mut database = Database::new(&[("log_statement", "log_statment")]);
    database.primary.start();
    assert!(!database.primary.wait_for_end(), "a setting that does not exist");
    assert!(database.primary.log().contains("the server does not start"));

    let mut database = Database::new(&[]);
    database.primary.start_ready();
    database.primary.stop();
    fs::write(database.primary.path("data/server/PG_VERSION"), "9\n").expect("writable");
    database.primary.start();
    assert!(!database.primary.wait_for_end(), "data of another version");
    assert!(database.primary.log().contains("the data are of PostgreSQL 9, but the image has"));
}

#[test]
fn a_dump_restores_and_only_the_newest_are_kept() {
    let mut database = Database::new(&[]);
    database.primary.start_ready();
    database.change("CREATE TABLE item (id int); INSERT INTO item VALUES (7)");
    let mut backup = database.pod("CronJob", "db-backup");
    backup.variables.insert("PGHOST".to_owned(), "127.0.0.1".to_owned());
    backup.variables.insert("PGPORT".to_owned(), database.primary.port().to_string());
    fs::write(backup.path("dumps/shop_live-20200101T000000Z.dump.partial"), "x").expect("writable");
    run(Command::new("chmod").arg("-R").arg("a+rwX").arg(backup.path("dumps")));
    assert!(backup.probe("livenessProbe"), "the server answers");
    for _ in 0..3 {
        backup.start();
        assert!(backup.wait_for_end(), "{}", backup.log());
        thread::sleep(Duration::from_millis(1100));
    }
    let dumps = fs::read_dir(backup.path("dumps")).expect("a folder").flatten();
    let mut dumps: Vec<_> = dumps.map(|entry| entry.path()).collect();
    dumps.sort();
    assert_eq!(dumps.len(), 2, "{dumps:?}");
    let log = backup.log();
    assert!(log.contains("removing") && !log.contains(ADMIN.1), "{log}");

    // What the exporter shows is when the last one was begun.
    let mark = "SELECT rolconnlimit, rolcanlogin FROM pg_roles WHERE rolname = 'last_backup'";
    let mark = || database.primary.query(ADMIN, "postgres", mark).expect("a mark");
    let minute = "SELECT floor(extract(epoch FROM now()) / 60)::int - rolconnlimit FROM pg_roles \
        WHERE rolname = 'last_backup'";
    let age = database.primary.query(ADMIN, "postgres", minute).expect("an age");
    assert!(["0", "1"].contains(&age.as_str()), "{age} minutes");
    database
        .primary
        .query(ADMIN, "postgres", "ALTER ROLE last_backup CONNECTION LIMIT 1")
        .expect("a mark");

    database.change("DROP TABLE item");
    let mut restore = database.primary.as_user();
    restore.args(["pg_restore", "-U", "postgres", "-d", DATABASE]).arg(&dumps[1]);
    run(&mut restore);
    assert_eq!(database.primary.query(USER, DATABASE, "TABLE item"), Ok("7".to_owned()));

    // A dump that fails leaves those that there are, and says so.
    backup.variables.insert("DATABASE".to_owned(), "nothing".to_owned());
    backup.start();
    assert!(!backup.wait_for_end());
    assert!(dumps.iter().all(|dump| dump.exists()));
    assert_eq!(mark(), "1|f", "it is no backup");
    database.primary.stop();
    assert!(!backup.probe("livenessProbe"), "the server is gone");
}

#[test]
fn the_pooler_passes_queries_through() {
    let mut database = Database::new(&[]);
    database.primary.start_ready();
    let mut pooler = database.pod("Deployment", "db-pooler");
    pooler.variables.insert("DRAIN_SECONDS".to_owned(), "0".to_owned());
    let (port, run) = (free_port(), pooler.path("run"));
    pooler.variables.insert("CREDENTIALS".to_owned(), run.to_str().expect("UTF-8").to_owned());
    pooler.edit(
        "config/pgbouncer.ini",
        &[
            ("host=db port=5432", &format!("host=127.0.0.1 port={}", database.primary.port())),
            ("listen_addr = *", "listen_addr = 127.0.0.1"),
            ("listen_port = 5432", &format!("listen_port = {port}")),
            ("/run/pgbouncer", run.to_str().expect("UTF-8")),
        ],
    );
    // A pooler that was killed leaves its number, which in a pod is that of the next one.
    let number = run.join("pgbouncer.pid");
    fs_err::write(&number, std::process::id().to_string()).expect("writable");
    pooler.start();
    pooler.wait("it answers", |_| query(port, USER, DATABASE, "SELECT 1").is_ok());
    let sql = "CREATE TABLE item (id int); INSERT INTO item VALUES (7); TABLE item";
    assert_eq!(query(port, USER, DATABASE, sql), Ok("7".to_owned()));
    for (case, user, name) in [
        ("a wrong password", (USER.0, "wrong"), DATABASE),
        ("the administrator", ADMIN, DATABASE),
        ("another database", USER, "postgres"),
    ] {
        assert!(query(port, user, name, "SELECT 1").is_err(), "{case}");
    }
    for password in [USER.1, ADMIN.1] {
        assert!(!pooler.log().contains(password));
    }
    // What runs may end before it does.
    let client = thread::spawn(move || query(port, USER, DATABASE, "SELECT pg_sleep(2), 'done'"));
    thread::sleep(Duration::from_millis(500));
    pooler.stop();
    assert_eq!(client.join().expect("a thread"), Ok("|done".to_owned()));
}
