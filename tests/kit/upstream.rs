//! The way from a proxy to the API server. `openssl`, which the test control plane needs anyway,
//! speaks TLS; it ends when its standard input does, so also when the test is killed.

use std::{
    io::{self, BufReader},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use super::{Site, http::Message, path};

/// Where the API server is, and who we are there.
#[derive(Clone)]
pub struct Address {
    host: String,
    authority: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

/// A connection to the API server.
pub struct Upstream {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Address {
    /// Takes the kubeconfig of the administrator apart.
    pub fn of_cluster(site: &Site) -> Self {
        let server = read(site, "{{(index .clusters 0).cluster.server}}");
        let saved = |list: &str, member: &str, field: &str| {
            let entry = format!("(index .{list} 0).{member}");
            let file = site.path(field);
            let text = read(site, &format!("{{{{index {entry} {field:?} | base64decode}}}}"));
            fs_err::write(&file, text).unwrap();
            file
        };
        Self {
            host: server.strip_prefix("https://").unwrap().to_owned(),
            authority: saved("clusters", "cluster", "certificate-authority-data"),
            certificate: saved("users", "user", "client-certificate-data"),
            key: saved("users", "user", "client-key-data"),
        }
    }

    pub fn connect(&self) -> io::Result<Upstream> {
        let mut child = Command::new("openssl")
            .args(["s_client", "-quiet", "-no_ign_eof", "-nocommands", "-verify_return_error"])
            .args(["-connect", &self.host, "-CAfile", path(&self.authority)])
            .args(["-cert", path(&self.certificate), "-key", path(&self.key)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Ok(Upstream { child, input, output: BufReader::new(output) })
    }
}

fn read(site: &Site, template: &str) -> String {
    let template = format!("go-template={template}");
    let view = ["config", "view", "--raw", "--minify", "-o", &template];
    site.cluster.kubectl(&view).expect_success()
}

impl Upstream {
    /// Sends a request and returns the answer.
    pub fn ask(&mut self, request: &Message) -> io::Result<Message> {
        request.write(&mut self.input)?;
        Message::read(&mut self.output)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
