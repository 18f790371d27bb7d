//! Requests to the API server that kubectl cannot make, with the answers as they come.
//!
//! `kubectl proxy` adds the credentials and speaks TLS, so plain HTTP is enough here.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use super::{Site, http::Message};

/// Field manager of [`Api::apply`]; the same that `a4co-apply` uses.
const MANAGER: &str = "a4co";

/// A connection to the API server.
pub struct Api {
    proxy: Child,
    connection: BufReader<TcpStream>,
}

/// An answer of the API server.
pub struct Answer {
    /// HTTP status code.
    pub code: u16,
    /// The object, or a Status.
    pub body: Value,
}

impl Api {
    pub fn connect(site: &Site) -> Self {
        let mut proxy = Command::new(site.cluster.kubectl_program())
            .arg("--kubeconfig")
            .arg(site.cluster.kubeconfig())
            .args(["proxy", "--port=0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(proxy.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit(' ').next().unwrap();
        let connection = BufReader::new(TcpStream::connect(address).unwrap());
        Self { proxy, connection }
    }

    /// Asks what a server-side apply of `manifest` would do.
    pub fn dry_run(&mut self, manifest: &Value) -> Answer {
        self.patch(manifest, "&dryRun=All")
    }

    /// Applies `manifest`.
    pub fn apply(&mut self, manifest: &Value) -> Answer {
        self.patch(manifest, "")
    }

    pub fn get(&mut self, manifest: &Value) -> Value {
        self.ask("GET", &path(manifest), "").body
    }

    pub fn delete(&mut self, manifest: &Value) {
        self.ask("DELETE", &format!("{}?propagationPolicy=Background", path(manifest)), "");
    }

    fn patch(&mut self, manifest: &Value, options: &str) -> Answer {
        let target = format!("{}?fieldManager={MANAGER}{options}", path(manifest));
        self.ask("PATCH", &target, &manifest.to_string())
    }

    fn ask(&mut self, method: &str, target: &str, body: &str) -> Answer {
        let length = body.len();
        let kind = "application/apply-patch+yaml";
        let request = format!(
            "{method} {target} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\n\
             content-length: {length}\r\n\r\n{body}",
        );
        self.connection.get_mut().write_all(request.as_bytes()).unwrap();
        let answer = Message::read(&mut self.connection).unwrap().unwrap();
        let code = answer.start.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { code, body: serde_json::from_slice(&answer.body).unwrap() }
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        let _ = self.proxy.kill();
        let _ = self.proxy.wait();
    }
}

/// Path of the object that `manifest` is of.
fn path(manifest: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (version, kind) = (text(&manifest["apiVersion"]), text(&manifest["kind"]).to_lowercase());
    let root = if version.contains('/') { "apis" } else { "api" };
    let metadata = &manifest["metadata"];
    let within = metadata["namespace"].as_str().map(|name| format!("namespaces/{name}/"));
    let plural = match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if kind.ends_with('s') => format!("{kind}es"),
        None => format!("{kind}s"),
    };
    let within = within.unwrap_or_default();
    format!("/{root}/{version}/{within}{plural}/{}", text(&metadata["name"]))
}

/// Changes `manifest` as a merge patch says (RFC 7386): `null` removes, lists are replaced.
pub fn merge(manifest: &mut Value, patch: Value) {
    let fields = match patch {
        Value::Object(fields) => fields,
        other => {
            *manifest = other;
            return;
        }
    };
    if !manifest.is_object() {
        *manifest = Value::Object(serde_json::Map::new());
    }
    let members = manifest.as_object_mut().unwrap();
    for (name, patch) in fields {
        if patch.is_null() {
            members.remove(&name);
        } else {
            merge(members.entry(name).or_insert(Value::Null), patch);
        }
    }
}
