//! What the standard rules of registries take from the environment; nothing else reads it.

use std::{env, ffi::OsString, path::PathBuf};

/// Where credentials and proxies are found. [`Self::read`] follows the rules of Docker, containers
/// (`containers-auth.json(5)`) and curl; a test makes its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Files with credentials; the first that knows a registry counts.
    pub credential_files: Vec<PathBuf>,
    /// Folders of credential helpers, as in `PATH`, if not those of this process.
    pub helper_path: Option<OsString>,
    /// Proxy for `https`, such as `http://proxy:3128` or `socks5://proxy`; empty for none.
    pub https_proxy: String,
    /// Hosts and domains to which no proxy leads, separated by commas.
    pub no_proxy: String,
}

impl Environment {
    /// Reads `REGISTRY_AUTH_FILE`, `DOCKER_CONFIG`, `XDG_RUNTIME_DIR`, `XDG_CONFIG_HOME`, `HOME`,
    /// `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, the last three in lower case too.
    #[must_use]
    pub fn read() -> Self {
        Self::from_variables(|name| env::var_os(name).map(PathBuf::from))
    }

    fn from_variables(variable: impl Fn(&str) -> Option<PathBuf>) -> Self {
        let path = |name: &str| variable(name).filter(|path| !path.as_os_str().is_empty());
        let text = |names: [&str; 2]| {
            let mut values = names.into_iter().filter_map(path);
            values.find_map(|path| path.into_os_string().into_string().ok())
        };
        let home = path("HOME");
        let in_home = |name: &str| home.as_ref().map(|home| home.join(name));
        let docker = path("DOCKER_CONFIG").or_else(|| in_home(".docker"));
        let config = path("XDG_CONFIG_HOME").or_else(|| in_home(".config"));
        let in_containers = |dir: PathBuf| dir.join("containers").join("auth.json");
        let files = [
            path("REGISTRY_AUTH_FILE"),
            docker.map(|dir| dir.join("config.json")),
            path("XDG_RUNTIME_DIR").map(in_containers),
            config.map(in_containers),
        ];
        let https = text(["HTTPS_PROXY", "https_proxy"]);
        let https = https.or_else(|| text(["ALL_PROXY", "all_proxy"]));
        Self {
            credential_files: files.into_iter().flatten().collect(),
            helper_path: None,
            https_proxy: https.unwrap_or_default(),
            no_proxy: text(["NO_PROXY", "no_proxy"]).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_mean_what_they_mean_to_docker_containers_and_curl() {
        let read = |variables: &[(&str, &str)]| {
            Environment::from_variables(|name| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| PathBuf::from(value))
            })
        };
        assert_eq!(read(&[]), Environment::default());
        let usual = read(&[("HOME", "/h"), ("HTTPS_PROXY", ""), ("https_proxy", "http://p:1")]);
        let files = ["/h/.docker/config.json", "/h/.config/containers/auth.json"];
        assert_eq!(usual.credential_files, files.map(PathBuf::from));
        assert_eq!(usual.https_proxy, "http://p:1");
        let all = read(&[
            ("HOME", "/h"),
            ("REGISTRY_AUTH_FILE", "/a.json"),
            ("DOCKER_CONFIG", "/d"),
            ("XDG_RUNTIME_DIR", "/r"),
            ("XDG_CONFIG_HOME", "/c"),
            ("ALL_PROXY", "socks5://p"),
            ("NO_PROXY", "lan,10.0.0.0/8"),
        ]);
        let files =
            ["/a.json", "/d/config.json", "/r/containers/auth.json", "/c/containers/auth.json"];
        assert_eq!(all.credential_files, files.map(PathBuf::from));
        assert_eq!((&*all.https_proxy, &*all.no_proxy), ("socks5://p", "lan,10.0.0.0/8"));
    }
}
