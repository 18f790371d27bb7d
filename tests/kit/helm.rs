//! Real Helm, and charts whose templates are plain manifests.

use std::process::Command;

use serde_json::Value;

use super::{Ran, Site, path};

impl Site {
    /// Runs Helm in the namespace.
    #[track_caller]
    pub fn helm(&self, args: &[&str]) -> Ran {
        let mut command = Command::new(a4co_testenv::helm().unwrap());
        command.args(args).args(["--namespace", &self.namespace]);
        // Its caches and plugins are none of ours.
        for folder in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "HOME"] {
            command.env(folder, self.path("helm"));
        }
        let ran: Ran =
            command.env("KUBECONFIG", self.cluster.kubeconfig()).output().unwrap().into();
        ran.expect(0)
    }

    /// Writes a chart of `manifests`, and returns its folder.
    pub fn chart(&self, manifests: &[Value]) -> String {
        let chart = self.path("chart");
        let templates = chart.join("templates");
        let _ = fs_err::remove_dir_all(&chart);
        fs_err::create_dir_all(&templates).unwrap();
        let about = "apiVersion: v2\nname: chart\nversion: 1.0.0\n";
        fs_err::write(chart.join("Chart.yaml"), about).unwrap();
        for (index, manifest) in manifests.iter().enumerate() {
            // JSON is YAML.
            let file = templates.join(format!("{index}.yaml"));
            fs_err::write(file, manifest.to_string()).unwrap();
        }
        path(&chart).to_owned()
    }

    /// Makes `manifests` a Helm release `name`.
    pub fn helm_install(&self, name: &str, manifests: &[Value], options: &[&str]) {
        let chart = self.chart(manifests);
        self.helm(&[&["install", name, &chart], options].concat());
    }

    /// Brings the Helm release `name` to `manifests`.
    pub fn helm_upgrade(&self, name: &str, manifests: &[Value]) {
        let chart = self.chart(manifests);
        self.helm(&["upgrade", name, &chart]);
    }
}
