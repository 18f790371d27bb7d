//! Real programs, run from what is rendered as a pod would run them, on loopback and in a folder.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::print_stderr, reason = "what programs say explains a failure")]

use std::{
    collections::BTreeMap,
    net::TcpListener,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output},
    thread,
    time::{Duration, Instant},
};

use a4co_compiler::{Compiled, Findings};
use fs_err as fs;
use serde_json::Value;

use crate::kit::{LOCK, compile_files};

/// Compiles one environment, called `live`, that runs `images` beside that of the small one.
pub(crate) fn compile_with(environment: &str, images: &[&str]) -> Result<Compiled, Findings> {
    let pin = |image: &&str| {
        let (name, tag) = image.rsplit_once(':').expect("an image with a tag");
        let digest = format!("sha256:{}", "b".repeat(64));
        format!("\n[[image]]\nname = \"{name}\"\ntag = \"{tag}\"\ndigest = \"{digest}\"\n")
    };
    let lock = LOCK.to_owned() + &images.iter().map(pin).collect::<String>();
    let files = [("envs/live.toml", environment), ("lockfiles/live.lock", lock.as_str())];
    compile_files(&files).map(|mut compiled| compiled.pop().expect("one environment"))
}

/// The objects of a release.
pub(crate) struct Rendered(Vec<Value>);

impl Rendered {
    pub(crate) fn of(compiled: &Compiled) -> Self {
        Self(compiled.release.objects().iter().map(a4co_bundle::Object::manifest).collect())
    }

    /// Returns the object, which must be there.
    pub(crate) fn object(&self, kind: &str, name: &str) -> &Value {
        let found = self.find(kind, name);
        assert!(found.is_some(), "there is no {kind} `{name}`, only {:?}", self.names(kind));
        found.expect("it is there")
    }

    pub(crate) fn find(&self, kind: &str, name: &str) -> Option<&Value> {
        self.0.iter().find(|o| o["kind"] == kind && o["metadata"]["name"] == name)
    }

    /// Returns the names of all objects of `kind`.
    pub(crate) fn names(&self, kind: &str) -> Vec<&str> {
        let objects = self.0.iter().filter(|object| object["kind"] == kind);
        objects.filter_map(|object| object["metadata"]["name"].as_str()).collect()
    }

    /// Returns the pods of a `StatefulSet`.
    pub(crate) fn pod(&self, set: &str) -> &Value {
        &self.object("StatefulSet", set)["spec"]["template"]["spec"]
    }

    /// Returns the files of a volume of a `StatefulSet`'s pods.
    pub(crate) fn files(&self, set: &str, volume: &str) -> BTreeMap<String, String> {
        let volumes = self.pod(set)["volumes"].as_array().expect("volumes");
        let volume = volumes.iter().find(|one| one["name"] == volume).expect("the volume");
        let name = volume["configMap"]["name"].as_str().expect("a ConfigMap");
        let data = self.object("ConfigMap", name)["data"].as_object().expect("files").iter();
        data.map(|(name, text)| (name.clone(), text.as_str().expect("text").to_owned())).collect()
    }
}

/// A pod of a `StatefulSet` in a folder, instead of a container.
pub(crate) struct Pod<'a> {
    rendered: &'a Rendered,
    set: &'a str,
    name: String,
    folder: PathBuf,
    /// What stands in its texts instead of what is rendered.
    changes: Vec<(String, String)>,
    secrets: BTreeMap<&'a str, String>,
}

impl<'a> Pod<'a> {
    /// Writes the files of a pod into `folder`. In all its texts `changes` are made, and paths of
    /// volumes lead into the folder.
    pub(crate) fn new(
        rendered: &'a Rendered,
        (set, number): (&'a str, usize),
        folder: &Path,
        changes: &[(String, String)],
        secrets: &[(&'a str, &str)],
    ) -> Self {
        let name = format!("{set}-{number}");
        let folder = folder.join(&name);
        let mut pod = Self {
            rendered,
            set,
            name,
            folder,
            changes: changes.to_vec(),
            secrets: secrets.iter().map(|(key, value)| (*key, (*value).to_owned())).collect(),
        };
        pod.write_files();
        pod
    }

    pub(crate) fn rendered(&self) -> &'a Rendered {
        self.rendered
    }

    fn container(&self) -> &'a Value {
        &self.rendered.pod(self.set)["containers"][0]
    }

    fn write_files(&mut self) {
        let container = self.container();
        let mounts: Vec<(String, String)> = container["volumeMounts"]
            .as_array()
            .expect("mounts")
            .iter()
            .map(|mount| {
                let text = |key: &str| mount[key].as_str().expect("text").to_owned();
                (text("name"), text("mountPath"))
            })
            .collect();
        for (_, path) in &mounts {
            let there = self.folder.join(path.trim_start_matches('/'));
            fs::create_dir_all(&there).expect("the folder is writable");
            self.changes.push((path.clone(), there.to_str().expect("UTF-8").to_owned()));
        }
        for (volume, path) in &mounts {
            if !matches!(volume.as_str(), "config" | "scripts") {
                continue;
            }
            let there = self.folder.join(path.trim_start_matches('/'));
            for (name, text) in self.rendered.files(self.set, volume) {
                fs::write(there.join(name), self.changed(&text)).expect("the folder is writable");
            }
        }
    }

    fn changed(&self, text: &str) -> String {
        let changes = self.changes.iter();
        changes.fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }

    /// Returns what would be run in the container.
    fn command(&self, command: &Value) -> Command {
        let words = command.as_array().expect("a command").iter();
        let words: Vec<_> =
            words.map(|word| self.changed(word.as_str().expect("a word"))).collect();
        let mut command = Command::new("setpriv");
        // Whatever way the test ends, nothing of it goes on.
        command.args(["--pdeathsig", "KILL"]).args(words).envs(self.variables());
        command
    }

    fn variables(&self) -> BTreeMap<String, String> {
        let variables = self.container()["env"].as_array().expect("variables").iter();
        let variable = |variable: &Value| {
            let source = &variable["valueFrom"];
            let value = if let Some(key) = source["secretKeyRef"]["key"].as_str() {
                self.secrets[key].clone()
            } else if source["fieldRef"]["fieldPath"] == "metadata.name" {
                self.name.clone()
            } else {
                self.changed(variable["value"].as_str().expect("a text"))
            };
            (variable["name"].as_str().expect("a name").to_owned(), value)
        };
        variables.map(variable).collect()
    }

    /// Returns the text of a file in its folder.
    pub(crate) fn file(&self, path: &str) -> String {
        fs::read_to_string(self.folder.join(path)).expect("a file")
    }

    /// Starts the container's command.
    pub(crate) fn start(&self) -> Process {
        let log = self.folder.join("log");
        let file = || {
            let mut options = fs::OpenOptions::new();
            options.create(true).append(true).open(&log).expect("the folder is writable")
        };
        let mut command = self.command(&self.container()["command"]);
        command.stdout(file().into_parts().0).stderr(file().into_parts().0).process_group(0);
        Process { child: command.spawn().expect("`setpriv` of util-linux is there"), log }
    }

    /// Runs the command of a probe, or of another hook, at `pointer` below the container.
    pub(crate) fn run(&self, pointer: &str) -> Output {
        let command = self.container().pointer(pointer).expect("a command");
        self.command(command).output().expect("`setpriv` of util-linux is there")
    }

    /// Tells whether the probe called `name` succeeds.
    pub(crate) fn passes(&self, name: &str) -> bool {
        self.run(&format!("/{name}/exec/command")).status.success()
    }

    /// Runs a program with the variables of the container.
    pub(crate) fn output_of(&self, program: &str, args: &[&str]) -> String {
        let output = Command::new(program).args(args).envs(self.variables()).output();
        let output = output.expect("the program is there");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }
}

/// A program that runs, and ends at the latest when this is dropped.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub(crate) fn signal(&self, signal: &str) {
        self.send(signal);
    }

    fn send(&self, signal: &str) {
        let group = format!("-{}", self.child.id());
        let sent = Command::new("kill").args(["-s", signal, "--", &group]).output();
        drop(sent.expect("`kill` is there"));
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        wait_for("the program has ended", || self.child.try_wait().expect("a child"))
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// Ends it at once, as a lost node would.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.send("KILL");
        drop(self.child.wait());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- {}\n{}", self.log.display(), self.log());
        }
        if self.is_running() {
            self.end();
        }
    }
}

/// Demands a program of a Debian package.
pub(crate) fn demand(program: &str, package: &str) {
    let found = Command::new(program).arg("--version").output().is_ok();
    assert!(found, "`{program}` is not installed; install the Debian package `{package}`");
}

/// Returns ports that are free, and that contain none of `others`, which they will replace.
pub(crate) fn free_ports<const N: usize>(others: &[&str]) -> [u16; N] {
    let mut listeners = Vec::new();
    while listeners.len() < N {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port().to_string();
        if !others.iter().any(|other| port.contains(other)) {
            listeners.push(listener);
        }
    }
    let port = |number: usize| listeners[number].local_addr().expect("an address").port();
    std::array::from_fn(port)
}

/// Waits until `try_it` returns something, for at most a minute.
pub(crate) fn wait_for<T>(what: &str, mut try_it: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = try_it() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_mins(1), "not within a minute: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Waits until `holds` does, for at most a minute.
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    wait_for(what, || holds().then_some(()));
}

/// Passwords that something on the way could read as something else.
pub(crate) const ODD_PASSWORDS: [&str; 14] = [
    "12345",
    "1e5",
    "0x1f",
    "true",
    "2024-01-02T03:04:05Z",
    "two words",
    " around ",
    "#no-comment",
    "$NOT_A_VARIABLE",
    r#"it's "quoted""#,
    r"back\slash\n\x41",
    "100%25@host:1/path?a=b&c",
    "[a, {b: c}]; (d)",
    "zwölf €\n🔑\ttab",
];
