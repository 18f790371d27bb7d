//! Counts requests by the API server's own log, so that nothing stands between tool and server.
//!
//! Each tool is a user of its own, so nobody else's requests are in its count. Writing the log takes
//! the API server time; therefore requests are counted in one repetition and times are taken in
//! others, of a control plane without a log.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::error::Result;

/// How long nothing may be written before the log counts as complete.
const SILENCE: Duration = Duration::from_millis(300);

/// Numbers of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Requests {
    pub(crate) total: usize,
    /// By the verb of the API server; dry runs and questions about rights stand by themselves.
    pub(crate) by_verb: BTreeMap<String, usize>,
    /// By verb and kind.
    pub(crate) by_resource: BTreeMap<String, usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    verb: String,
    user: User,
    #[serde(rename = "requestURI")]
    request_uri: String,
    object_ref: Option<ObjectRef>,
}

#[derive(Deserialize)]
struct User {
    username: String,
}

#[derive(Deserialize)]
struct ObjectRef {
    resource: Option<String>,
}

/// The log of the API server, read on from where it was left.
pub(crate) struct Log {
    path: PathBuf,
    offset: u64,
}

impl Log {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), offset: 0 }
    }

    /// Passes over what is in the log so far.
    pub(crate) fn skip(&mut self) -> Result<()> {
        self.offset = self.complete()?;
        Ok(())
    }

    /// Counts what `user` has asked since the last look.
    pub(crate) fn count(&mut self, user: &str) -> Result<Requests> {
        let end = self.complete()?;
        let mut file = fs_err::File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.offset))?;
        self.offset = end;
        let mut requests = Requests::default();
        for line in BufReader::new(file).lines() {
            let event: Event = serde_json::from_str(&line?)?;
            if event.user.username == user {
                requests.add(&event);
            }
        }
        Ok(requests)
    }

    /// Waits until the log stands still, and returns its length.
    fn complete(&self) -> Result<u64> {
        let mut length = fs_err::metadata(&self.path)?.len();
        loop {
            thread::sleep(SILENCE);
            let now = fs_err::metadata(&self.path)?.len();
            if now == length {
                return Ok(now);
            }
            length = now;
        }
    }
}

impl Requests {
    fn add(&mut self, event: &Event) {
        let resource = event.object_ref.as_ref().and_then(|object| object.resource.as_deref());
        let resource = resource.unwrap_or("(discovery)");
        let is_dry_run = event.request_uri.contains("dryRun=");
        let verb = match (event.verb.as_str(), resource) {
            ("create", "selfsubjectaccessreviews" | "selfsubjectrulesreviews") => "review",
            ("get", "(discovery)") => "discover",
            (verb, _) if is_dry_run => &format!("{verb} (dry run)"),
            (verb, _) => verb,
        };
        self.total += 1;
        *self.by_verb.entry(verb.to_owned()).or_default() += 1;
        *self.by_resource.entry(format!("{verb} {resource}")).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_user_verb_and_effect() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("audit.log");
        let line = |user: &str, verb: &str, uri: &str, resource: &str| {
            format!(
                r#"{{"verb":"{verb}","user":{{"username":"{user}"}},"requestURI":"{uri}","objectRef":{{"resource":"{resource}"}}}}"#
            ) + "\n"
        };
        let uri = "/api/v1/namespaces/a/configmaps/b?fieldManager=x";
        let text = line("ours", "patch", uri, "configmaps")
            + &line("ours", "patch", &format!("{uri}&dryRun=All"), "configmaps")
            + &line("helm", "patch", uri, "configmaps")
            + r#"{"verb":"get","user":{"username":"ours"},"requestURI":"/api/v1"}"#
            + "\n";
        fs_err::write(&path, &text).unwrap();
        let mut log = Log::new(&path);
        let requests = log.count("ours").unwrap();
        assert_eq!(requests.total, 3);
        let expected = [("discover", 1), ("patch", 1), ("patch (dry run)", 1)];
        assert_eq!(
            requests.by_verb,
            expected.map(|(verb, count)| (verb.to_owned(), count)).into_iter().collect()
        );
        assert_eq!(log.count("ours").unwrap().total, 0, "what was counted is not counted again");
    }
}
