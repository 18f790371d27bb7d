//! Answers of registries, read with care.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde::Deserialize;
use tokio::time::timeout;

use crate::{
    connection::Answer, error::RegistryError, options::Timeouts, retry::retry_after,
    text::printable, wanted::Wanted,
};

/// Most bytes of a refusal that are read.
const MOST_REFUSAL: u64 = 64 << 10;

/// Returns the next bytes of a body, `None` at its end.
pub(crate) async fn next(
    wanted: &Wanted,
    body: &mut Incoming,
    idle: Duration,
) -> Result<Option<Bytes>, RegistryError> {
    loop {
        let Ok(frame) = timeout(idle, body.frame()).await else {
            return Err(RegistryError::Timeout { wanted: Box::new(wanted.clone()), after: idle });
        };
        match frame {
            None => return Ok(None),
            Some(Err(source)) => {
                let (wanted, source) = (Box::new(wanted.clone()), Box::new(source));
                return Err(RegistryError::Interrupted { wanted, source });
            }
            // Anything else are trailers.
            Some(Ok(frame)) => {
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            }
        }
    }
}

/// Reads a whole body of at most `limit` bytes, which has to come soon: a piece now and then is not
/// enough.
pub(crate) async fn read(
    wanted: &Wanted,
    answer: Answer,
    limit: u64,
    timeouts: &Timeouts,
) -> Result<Vec<u8>, RegistryError> {
    let after = timeouts.answer;
    match timeout(after, read_on(wanted, answer, limit, timeouts.idle)).await {
        Ok(read) => read,
        Err(_) => Err(RegistryError::Timeout { wanted: Box::new(wanted.clone()), after }),
    }
}

async fn read_on(
    wanted: &Wanted,
    answer: Answer,
    limit: u64,
    idle: Duration,
) -> Result<Vec<u8>, RegistryError> {
    let too_large = || RegistryError::TooLarge { wanted: Box::new(wanted.clone()), limit };
    if length(answer.headers()).is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut body = answer.into_body();
    let mut bytes = Vec::new();
    while let Some(more) = next(wanted, &mut body, idle).await? {
        if bytes.len() as u64 + more.len() as u64 > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&more);
    }
    Ok(bytes)
}

/// Returns the length that the head of an answer promises.
pub(crate) fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    errors: Vec<Reason>,
    /// How servers of tokens and some proxies say it.
    #[serde(default)]
    details: String,
    #[serde(default)]
    message: String,
}

#[derive(Default, Deserialize)]
struct Reason {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// Makes an error of an answer that says no, in the registry's own words if it has any (OCI
/// distribution specification, "Error Codes"). Whatever keeps the words from being read says less
/// than the status.
pub(crate) async fn refusal(wanted: &Wanted, answer: Answer, timeouts: &Timeouts) -> RegistryError {
    let (status, retry_after) = (answer.status(), retry_after(answer.headers()));
    let body = read(wanted, answer, MOST_REFUSAL, timeouts).await.unwrap_or_default();
    let (code, message) = words(&body);
    RegistryError::Status { wanted: Box::new(wanted.clone()), status, code, message, retry_after }
}

fn words(body: &[u8]) -> (String, String) {
    let Ok(refusal) = serde_json::from_slice::<Refusal>(body) else {
        // Some page of a proxy says nothing; a short line may.
        let text = String::from_utf8_lossy(body);
        let text = text.trim();
        let is_line = !text.starts_with('<') && text.len() <= 200;
        return (String::new(), if is_line { printable(text) } else { String::new() });
    };
    let Reason { code, message } = refusal.errors.into_iter().next().unwrap_or_default();
    let other = if refusal.details.is_empty() { refusal.message } else { refusal.details };
    (printable(&code), printable(if message.is_empty() { &other } else { &message }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_in_the_words_of_the_registry_made_harmless() {
        for (case, body, expected) in [
            (
                "as the specification says",
                r#"{"errors":[{"code":"DENIED","message":"not yours","detail":{"a":1}}]}"#,
                ("DENIED", "not yours"),
            ),
            ("as a server of tokens says", r#"{"details":"bad password"}"#, ("", "bad password")),
            ("only a code", r#"{"errors":[{"code":"DENIED"}]}"#, ("DENIED", "")),
            ("a page of a proxy", "<html><body>Bad gateway</body></html>", ("", "")),
            ("a line", "too many requests\n", ("", "too many requests")),
            ("nothing", "", ("", "")),
            ("malformed JSON", r#"{"errors":[{"code":7}]}"#, ("", r#"{"errors":[{"code":7}]}"#)),
            (
                "commands for a terminal",
                "{\"errors\":[{\"code\":\"\\u001b[2J\",\"message\":\"\\u202e\"}]}",
                ("\\u{1b}[2J", "\\u{202e}"),
            ),
        ] {
            let (code, message) = words(body.as_bytes());
            assert_eq!((&*code, &*message), expected, "{case}");
        }
    }
}
