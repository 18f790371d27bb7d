//! The configuration file of `docker-registry`.

use std::path::Path;

use super::{Access, Transport};

pub(super) const FILE: &str = "registry.yml";
pub(super) const STORAGE: &str = "storage";
pub(super) const PASSWORD_FILE: &str = "htpasswd";

pub(super) const USER: &str = "site";
pub(super) const PASSWORD: &str = "correct horse";
/// From `htpasswd -nbBC 4 USER PASSWORD`.
const PASSWORD_HASH: &str = "$2y$04$I72ecar0BMjD7AnYFWv0EekKH.tlRNzmVt348g45E2Xr97mNZfYvm";

/// Returns the line of the password file for the one user.
pub(super) fn password_line() -> String {
    format!("{USER}:{PASSWORD_HASH}\n")
}

/// Renders the configuration for a registry whose state is in `dir`.
///
/// JSON is YAML, and needs no writer of its own.
pub(super) fn render(dir: &Path, port: u16, transport: Transport, access: Access) -> String {
    let in_dir = |name: &str| dir.join(name).display().to_string();
    let mut config = serde_json::json!({
        "version": "0.1",
        "log": { "level": "warn", "accesslog": { "disabled": false } },
        "storage": {
            "filesystem": { "rootdirectory": in_dir(STORAGE) },
            "delete": { "enabled": true },
        },
        // With a secret of its own, uploads outlive a restart.
        "http": { "addr": format!("127.0.0.1:{port}"), "secret": "not one" },
    });
    if transport == Transport::Https {
        config["http"]["tls"] = serde_json::json!({
            "certificate": in_dir("pki/registry.crt"),
            "key": in_dir("pki/registry.key"),
        });
    }
    if access == Access::Login {
        config["auth"] = serde_json::json!({
            "htpasswd": { "realm": "site registry", "path": in_dir(PASSWORD_FILE) },
        });
    }
    config.to_string()
}
