//! The log of one container, as the kubelet of its node hands it out through the API server.

use std::time::Duration;

use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::Value;

use crate::{client::Client, error::ApiError, text};

/// Most bytes that last lines may have.
const TAIL_BYTES: usize = 4 << 10;

/// How long last lines are waited for. A kubelet may begin to answer and then stop.
const TAIL_PATIENCE: Duration = Duration::from_secs(5);

/// Most bytes of one line; what is longer is cut into lines of this length.
const LINE_BYTES: usize = 256 << 10;

/// One container whose log can be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogSource {
    /// Namespace of its pod.
    pub namespace: String,
    /// Pod.
    pub pod: String,
    /// Container.
    pub container: String,
    /// Whether it is the run before the present one.
    pub previous: bool,
}

/// Which part of a log is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogRange {
    /// Only this many lines from the end.
    pub tail: Option<u64>,
    /// Only what is not older than this, in seconds.
    pub since_seconds: Option<u64>,
    /// Whether to go on as long as the container does.
    pub follow: bool,
}

impl LogSource {
    /// The source for a container of `pod`.
    pub(crate) fn of(pod: &Value, container: &str, previous: bool) -> Self {
        let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default().to_owned();
        let (namespace, name) = (text("namespace"), text("name"));
        Self { namespace, pod: name, container: container.to_owned(), previous }
    }

    fn path(&self, range: LogRange) -> String {
        let Self { namespace, pod, container, previous } = self;
        let mut path =
            format!("/api/v1/namespaces/{namespace}/pods/{pod}/log?container={container}");
        for (name, value) in [("tailLines", range.tail), ("sinceSeconds", range.since_seconds)] {
            if let Some(value) = value {
                path = format!("{path}&{name}={value}");
            }
        }
        for (name, is_set) in [("follow", range.follow), ("previous", *previous)] {
            if is_set {
                path = format!("{path}&{name}=true");
            }
        }
        path
    }

    /// Returns the last lines of the log, if it has any and they can be had.
    ///
    /// They only explain; whatever goes wrong on the way is no reason to fail.
    pub(crate) async fn last_lines(&self, client: &Client, count: u64) -> Option<Vec<String>> {
        let range = LogRange { tail: Some(count), ..LogRange::default() };
        let path = format!("{}&limitBytes={TAIL_BYTES}", self.path(range));
        let read = async { client.open(&path).await.ok()?.into_body().collect().await.ok() };
        let body = tokio::time::timeout(TAIL_PATIENCE, read).await.ok()??.to_bytes();
        let text = String::from_utf8_lossy(&body);
        let lines: Vec<String> = text.lines().map(text::clean).collect();
        Some(lines).filter(|lines| !lines.is_empty())
    }

    /// Opens the log.
    pub(crate) async fn open(&self, client: &Client, range: LogRange) -> Result<Lines, ApiError> {
        let path = self.path(range);
        let body = client.open(&path).await?.into_body();
        let (server, asked) = (client.server().to_owned(), format!("GET {path}"));
        Ok(Lines { server, asked, body, buffer: Vec::new(), is_over: false })
    }
}

/// The lines of a log as they come.
pub(crate) struct Lines {
    server: String,
    asked: String,
    body: Body,
    buffer: Vec<u8>,
    is_over: bool,
}

impl Lines {
    /// Returns the next line without its end, or why it does not come; `None` after the last one.
    pub(crate) async fn next(&mut self) -> Option<Result<String, ApiError>> {
        loop {
            if let Some(line) = take_line(&mut self.buffer) {
                return Some(Ok(line));
            }
            if self.is_over {
                let rest = std::mem::take(&mut self.buffer);
                return (!rest.is_empty()).then(|| Ok(decode(&rest)));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => self.buffer.extend(frame.into_data().unwrap_or_default()),
                Some(Err(source)) => {
                    self.is_over = true;
                    let (server, asked) = (self.server.clone(), self.asked.clone());
                    return Some(Err(ApiError::Unreachable { server, asked, source }));
                }
                None => self.is_over = true,
            }
        }
    }
}

/// Takes the first whole line from `buffer`.
fn take_line(buffer: &mut Vec<u8>) -> Option<String> {
    let end = buffer.iter().position(|byte| *byte == b'\n');
    let (length, skipped) = match end {
        Some(end) => (end, 1),
        None if buffer.len() >= LINE_BYTES => (LINE_BYTES, 0),
        None => return None,
    };
    let line: Vec<u8> = buffer.drain(..length + skipped).take(length).collect();
    Some(decode(&line))
}

fn decode(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end_matches('\r').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_asks_for_what_is_wanted_of_a_log() {
        let source = |previous| LogSource {
            namespace: "shop".to_owned(),
            pod: "web-1".to_owned(),
            container: "web".to_owned(),
            previous,
        };
        let start = "/api/v1/namespaces/shop/pods/web-1/log?container=web";
        let all = LogRange { tail: Some(5), since_seconds: Some(60), follow: true };
        for (previous, range, expected) in [
            (false, LogRange::default(), ""),
            (true, LogRange::default(), "&previous=true"),
            (false, all, "&tailLines=5&sinceSeconds=60&follow=true"),
        ] {
            assert_eq!(source(previous).path(range), format!("{start}{expected}"));
        }
    }

    #[test]
    fn lines_are_cut_at_their_ends_only() {
        let mut buffer = b"one\r\ntwo\nthr".to_vec();
        assert_eq!(take_line(&mut buffer).as_deref(), Some("one"));
        assert_eq!(take_line(&mut buffer).as_deref(), Some("two"));
        assert_eq!(take_line(&mut buffer), None);
        let mut endless = vec![b'x'; LINE_BYTES + 1];
        assert_eq!(take_line(&mut endless).map(|line| line.len()), Some(LINE_BYTES));
        assert_eq!(endless.len(), 1);
    }
}
