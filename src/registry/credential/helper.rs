//! Credential helpers: programs that know credentials (docker-credential-helpers).

use std::{ffi::OsStr, io, process::Stdio, time::Duration};

use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::Command,
    time::timeout,
};

use super::{Credential, CredentialError};
use crate::text::printable;

/// Most bytes that a helper may answer.
const LARGEST: u64 = 64 << 10;
/// User that stands for an identity token.
const TOKEN_USER: &str = "<token>";
/// What helpers say of a registry that they do not know.
const UNKNOWN: &str = "credentials not found";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// Asks the helper `name` for the credential of `server`. A helper that takes longer than `deadline`
/// is killed.
pub(super) async fn ask(
    name: &str,
    server: &str,
    path: Option<&OsStr>,
    deadline: Duration,
) -> Result<Option<Credential>, CredentialError> {
    let is_in = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_in) {
        return Err(CredentialError::HelperName { name: name.to_owned() });
    }
    let output = timeout(deadline, run(name, server, path))
        .await
        .map_err(|_| CredentialError::HelperTimeout { name: name.to_owned(), after: deadline })?;
    let (succeeded, output) =
        output.map_err(|source| CredentialError::HelperStart { name: name.to_owned(), source })?;
    let failure = |message: &str| CredentialError::Helper {
        name: name.to_owned(),
        message: printable(message),
    };
    if !succeeded {
        let message = String::from_utf8_lossy(&output);
        let is_unknown = message.to_ascii_lowercase().contains(UNKNOWN);
        return if is_unknown { Ok(None) } else { Err(failure(message.trim())) };
    }
    // What it answers is a secret, so the error does not quote it.
    let answer: Answer =
        serde_json::from_slice(&output).map_err(|_| failure("its answer is no credential"))?;
    // How some helpers say that they know nothing.
    if answer.username.is_empty() || answer.secret.is_empty() {
        return Ok(None);
    }
    Ok(Some(if answer.username == TOKEN_USER {
        Credential::Identity { token: answer.secret }
    } else {
        Credential::Login { user: answer.username, password: answer.secret }
    }))
}

/// Returns whether the helper succeeded, and what it printed.
async fn run(name: &str, server: &str, path: Option<&OsStr>) -> io::Result<(bool, Vec<u8>)> {
    let mut command = Command::new(format!("docker-credential-{name}"));
    command.envs(path.map(|path| ("PATH", path)));
    let mut child = command
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read says why by its status.
        let _ = stdin.write_all(server.as_bytes()).await;
    }
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(LARGEST).read_to_end(&mut output).await?;
    }
    Ok((child.wait().await?.success(), output))
}
