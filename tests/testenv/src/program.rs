//! Programs of the machine that this crate runs.

use std::io;
use std::process::Command;

use crate::error::Error;

/// Returns a command that makes certificates.
pub(crate) fn openssl() -> Command {
    Command::new("openssl")
}

/// Returns a command of the Go toolchain, cut off from settings that would change its output.
pub(crate) fn go() -> Command {
    let mut command = Command::new("go");
    command.env("CGO_ENABLED", "0").env("GOWORK", "off").env_remove("GOOS").env_remove("GOARCH");
    command
}

/// Returns the error for a program that did not start.
pub(crate) fn missing(program: &str, source: io::Error) -> Error {
    let hint = match program {
        "go" => {
            "install Go 1.26 or newer (https://go.dev/dl); it builds the control plane once. \
             Or set A4CO_TEST_KUBECONFIG to use a cluster that exists"
        }
        "openssl" => "install OpenSSL 3 (package `openssl`)",
        "setpriv" | "unshare" => "install util-linux (package `util-linux`)",
        "docker-registry" => "install Debian's image registry (package `docker-registry`)",
        "skopeo" => "install skopeo (package `skopeo`)",
        "runc" => "install runc (package `runc`)",
        "kubectl" => "install kubectl, or run `testenv build`",
        _ => "check that it is installed and on the PATH",
    };
    Error::Program { program: program.to_owned(), hint, source }
}
