//! A pod as a folder: the very files, variables and commands of a rendered workload, with other
//! folders and ports, for programs of this machine.

use std::{
    collections::BTreeMap,
    env,
    net::TcpListener,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use fs_err as fs;
use serde_json::Value;

use crate::fixture::find;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// The main container of a workload.
pub(crate) struct Pod {
    folder: PathBuf,
    container: Value,
    /// Variables by name.
    pub(crate) variables: BTreeMap<String, String>,
    process: Option<Child>,
}

impl Pod {
    /// Writes the files of the workload `name` to a folder below `parent`. `values` are those of
    /// its secrets by key.
    pub(crate) fn new(
        parent: &Path,
        objects: &[Value],
        (kind, name): (&str, &str),
        values: &[(&str, &str)],
    ) -> Self {
        let workload = find(objects, kind, name);
        let spec = workload.pointer("/spec/template/spec");
        let spec = spec.or(workload.pointer("/spec/jobTemplate/spec/template/spec"));
        let spec = spec.expect("pods");
        let folder = parent.join(name);
        for volume in spec["volumes"].as_array().expect("volumes") {
            let files = folder.join(volume["name"].as_str().expect("a name"));
            fs::create_dir_all(&files).expect("writable");
            if let Some(config) = volume["configMap"]["name"].as_str() {
                let data = find(objects, "ConfigMap", config)["data"].as_object().expect("files");
                for (file, text) in data {
                    fs::write(files.join(file), text.as_str().expect("a text")).expect("writable");
                }
            }
        }
        fs::create_dir_all(folder.join("data")).expect("writable");
        let container = spec["containers"][0].clone();
        let variables = container["env"].as_array().expect("variables").iter();
        let variables = variables.map(|variable| {
            let variable_name = variable["name"].as_str().expect("a name").to_owned();
            let value = match variable["valueFrom"]["secretKeyRef"]["key"].as_str() {
                Some(key) => values.iter().find(|(name, _)| *name == key).expect(key).1.to_owned(),
                None if variable_name == "POD_NAME" => format!("{name}-0"),
                None => variable["value"].as_str().unwrap_or_default().to_owned(),
            };
            (variable_name, value)
        });
        let mut pod = Self { variables: variables.collect(), folder, container, process: None };
        let in_folder = |path: &str| pod.folder.join(path).to_str().expect("UTF-8").to_owned();
        for (variable, value) in [
            ("CONFIG", in_folder("config")),
            ("PGDATA", in_folder("data/server")),
            ("PGHOST", in_folder("sockets")),
            ("CREDENTIALS", in_folder("credentials")),
            ("RUN", in_folder("run")),
            ("BACKUPS", in_folder("dumps")),
            ("LISTEN", "127.0.0.1".to_owned()),
            ("PRIMARY_HOST", "127.0.0.1".to_owned()),
            ("PGPORT", free_port().to_string()),
        ] {
            if let Some(found) = pod.variables.get_mut(variable) {
                *found = value;
            }
        }
        pod.own();
        pod
    }

    /// Replaces texts in a file.
    pub(crate) fn edit(&self, file: &str, changes: &[(&str, &str)]) {
        let path = self.folder.join(file);
        let mut text = fs::read_to_string(&path).expect("readable");
        for (from, to) in changes {
            assert!(text.contains(from), "`{from}` is not in `{file}`");
            text = text.replace(from, to);
        }
        fs::write(path, text).expect("writable");
        self.own();
    }

    /// Gives the files to the user that runs the programs.
    fn own(&self) {
        if is_root() {
            run(Command::new("chown").args(["-R", "postgres:postgres"]).arg(&self.folder));
        }
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    pub(crate) fn port(&self) -> u16 {
        self.variables["PGPORT"].parse().expect("a port")
    }

    /// Returns a command of the container, such as that of a probe, ready to run.
    pub(crate) fn command(&self, command: &Value) -> Command {
        let words = command.as_array().expect("a command").iter();
        let scripts = self.folder.join("scripts");
        let scripts = scripts.to_str().expect("UTF-8");
        let words = words.map(|word| word.as_str().expect("a word").replace("/scripts", scripts));
        let mut built = self.as_user();
        built.args(words);
        built
    }

    /// Returns a command that only lacks its words, as the container would run it.
    pub(crate) fn as_user(&self) -> Command {
        let mut command = Command::new("setpriv");
        command.arg("--pdeathsig=KILL");
        if is_root() {
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
        }
        command.arg("--").env_clear().env("PATH", path()).envs(&self.variables);
        command.current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    /// Starts the container.
    pub(crate) fn start(&mut self) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.path("log"));
        let log: std::fs::File = log.expect("writable").into();
        let mut command = self.command(&self.container["command"]);
        command.stdout(log.try_clone().expect("a file")).stderr(log).process_group(0);
        self.process = Some(command.spawn().expect("setpriv of util-linux"));
    }

    /// Starts the container and waits until it is ready.
    pub(crate) fn start_ready(&mut self) {
        self.start();
        self.wait("it is ready", Self::is_ready);
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.probe("readinessProbe")
    }

    pub(crate) fn probe(&self, probe: &str) -> bool {
        let mut command = self.command(&self.container[probe]["exec"]["command"]);
        command.output().expect("a shell").status.success()
    }

    /// Waits until `what` holds.
    pub(crate) fn wait(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let since = Instant::now();
        while !holds(self) {
            assert!(since.elapsed() < PATIENCE, "waited for: {what}\n{}", self.log());
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Stops the container as a node does: first what comes before the signal, then the signal.
    pub(crate) fn stop(&mut self) {
        let command = &self.container["lifecycle"]["preStop"]["exec"]["command"];
        let mut pre_stop = self.command(command).spawn().expect("a shell");
        loop {
            let process = self.process.as_mut().expect("a process");
            if process.try_wait().expect("a child").is_some() {
                // With its first process, every process of a container is gone.
                let _ = pre_stop.kill();
                let _ = pre_stop.wait();
                self.process = None;
                return;
            }
            if let Some(status) = pre_stop.try_wait().expect("a child") {
                assert!(status.success(), "{}", self.log());
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
        self.signal("TERM");
        self.wait_for_end();
    }

    pub(crate) fn signal(&self, signal: &str) {
        let process = self.process.as_ref().expect("a process").id();
        let status = Command::new("kill").args(["-s", signal, &process.to_string()]).output();
        status.expect("kill");
    }

    /// Waits until the container has ended by itself, and tells whether it succeeded.
    pub(crate) fn wait_for_end(&mut self) -> bool {
        let since = Instant::now();
        loop {
            let process = self.process.as_mut().expect("a process");
            if let Some(status) = process.try_wait().expect("a child") {
                self.process = None;
                return status.success();
            }
            assert!(since.elapsed() < PATIENCE, "waited for the end\n{}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Kills every process of the container at once.
    pub(crate) fn kill(&mut self) {
        let Some(mut process) = self.process.take() else {
            return;
        };
        let group = format!("-{}", process.id());
        let _ = Command::new("kill").args(["-s", "KILL", "--", &group]).output();
        let _ = process.wait();
        // The other processes of a server have groups of their own. They end because it is gone.
        let since = Instant::now();
        while since.elapsed() < PATIENCE && self.has_processes() {
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn has_processes(&self) -> bool {
        // A server that nobody has waited for yet still has its number.
        let lock = fs::read_to_string(self.path("data/server/postmaster.pid")).unwrap_or_default();
        if lock.lines().next().is_some_and(|number| Path::new("/proc").join(number).exists()) {
            return true;
        }
        let processes = fs::read_dir("/proc").expect("/proc").flatten();
        let mut folders =
            processes.filter_map(|entry| fs::read_link(entry.path().join("cwd")).ok());
        folders.any(|folder| folder.starts_with(&self.folder))
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Runs SQL over the network.
    pub(crate) fn query(
        &self,
        (user, password): (&str, &str),
        database: &str,
        sql: &str,
    ) -> Result<String, String> {
        query(self.port(), (user, password), database, sql)
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs SQL over the network.
pub(crate) fn query(
    port: u16,
    (user, password): (&str, &str),
    database: &str,
    sql: &str,
) -> Result<String, String> {
    let mut psql = Command::new("psql");
    psql.env("PATH", path()).env("PGPASSWORD", password).env("PGCONNECT_TIMEOUT", "10");
    psql.args(["-X", "-A", "-t", "-q", "-w", "-h", "127.0.0.1", "-p", &port.to_string()]);
    text(&psql.args(["-U", user, "-d", database, "-c", sql]).output().expect("psql"))
}

/// Returns what a command printed, or what it complained about.
pub(crate) fn text(output: &Output) -> Result<String, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// Runs a command that cannot fail.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().expect("a program");
    let text = text(&output);
    assert!(text.is_ok(), "{command:?}: {text:?}");
    text.expect("succeeded")
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// Returns a folder that the user of the programs can reach.
pub(crate) fn folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::Builder::new()
        .prefix("pg")
        .permissions(std::fs::Permissions::from_mode(0o755))
        .tempdir();
    folder.expect("a temporary folder")
}

fn is_root() -> bool {
    run(Command::new("id").arg("-u")) == "0"
}

/// Returns the search path with the newest PostgreSQL of this machine.
fn path() -> String {
    let own = env::var("PATH").unwrap_or_default();
    let mut folders: Vec<_> = env::split_paths(&own).collect();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.map(|entry| entry.path().join("bin")).max();
    folders.splice(0..0, newest);
    folders.push("/usr/sbin".into());
    for (program, package) in
        [("postgres", "postgresql"), ("pgbouncer", "pgbouncer"), ("setpriv", "util-linux")]
    {
        assert!(
            folders.iter().any(|folder| folder.join(program).exists()),
            "this test needs `{program}`: apt-get install -y --no-install-recommends {package}"
        );
    }
    env::join_paths(folders).expect("a path").into_string().expect("UTF-8")
}
