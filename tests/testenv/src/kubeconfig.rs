//! Writes kubeconfigs. They are JSON, which is YAML too, and carry every certificate inline.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;

use crate::pki::Identity;

/// Renders the kubeconfig of a user.
pub(crate) fn render(server: &str, user: &str, identity: &Identity) -> String {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "testenv",
        "contexts": [{
            "name": "testenv",
            "context": { "cluster": "testenv", "user": user, "namespace": "default" },
        }],
        "clusters": [{
            "name": "testenv",
            "cluster": {
                "server": server,
                "certificate-authority-data": BASE64.encode(&identity.authority),
            },
        }],
        "users": [{
            "name": user,
            "user": {
                "client-certificate-data": BASE64.encode(&identity.certificate),
                "client-key-data": BASE64.encode(&identity.key),
            },
        }],
    });
    format!("{config:#}\n")
}

/// Returns the address of the API server in a kubeconfig that [`render`] wrote.
pub(crate) fn server(kubeconfig: &str) -> Option<String> {
    let config: serde_json::Value = serde_json::from_str(kubeconfig).ok()?;
    let server = config.pointer("/clusters/0/cluster/server")?.as_str()?;
    Some(server.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_read_back() {
        let identity = Identity { authority: vec![1], certificate: vec![2], key: vec![3] };
        let text = render("https://127.0.0.1:1", "ann", &identity);
        assert_eq!(server(&text).as_deref(), Some("https://127.0.0.1:1"));
        assert_eq!(server("clusters: []"), None);
    }
}
