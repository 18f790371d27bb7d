//! What a large release with a long history leaves in the cluster, against the limits of Kubernetes.

use std::{path::PathBuf, time::Instant};

use a4co_testenv::{ControlPlane, Setup};
use clap::Args;
use serde::Serialize;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    api, compare,
    error::{Error, Result},
    fixture::Fixture,
    measure,
    say::{print, say},
    tool::Tool,
    workload::Content,
};

/// Data of a Secret or `ConfigMap` (`MaxSecretSize` in `k8s.io/api/core/v1`).
const MAX_DATA: usize = 1 << 20;
/// All annotations of an object (`TotalAnnotationSizeLimitB` in `k8s.io/apimachinery`).
const MAX_ANNOTATIONS: usize = 256 << 10;
/// One request to etcd (`DefaultMaxRequestBytes`, 1.5 MiB).
const MAX_REQUEST: usize = 3 << 19;

#[derive(Debug, Args)]
pub(crate) struct LimitsArgs {
    /// Objects of the release
    #[arg(long, default_value_t = 4_000)]
    objects: usize,
    /// Releases, each with one object of a hundred changed
    #[arg(long, default_value_t = 200)]
    generations: usize,
    /// The tiny binary
    #[arg(long, default_value = "target/release/a4co-apply")]
    binary: PathBuf,
    /// Where the report goes
    #[arg(long, default_value = "target/bench/limits.json")]
    report: PathBuf,
}

/// What was found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    schema: u32,
    objects: usize,
    generations: usize,
    /// Seconds that each release took.
    seconds: Vec<f64>,
    state: State,
}

/// What keeps the state.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct State {
    secrets: usize,
    config_maps: usize,
    /// As JSON.
    total_bytes: usize,
    largest_data: Largest,
    largest_annotations: Largest,
    /// As JSON; what goes to etcd is smaller.
    largest_object: Largest,
}

#[derive(Debug, Default, Serialize)]
struct Largest {
    name: String,
    bytes: usize,
}

impl LimitsArgs {
    pub(crate) async fn run(self) -> Result<()> {
        let folder = TempDir::new()?;
        let programs = compare::programs(&self.binary, folder.path())?;
        let cluster = ControlPlane::start_with(Setup { controllers: false, audit: false })?;
        let client = api::connect(cluster.kubeconfig()).await?;
        let fixture = Fixture::new(folder.path(), "limits", self.objects)?;
        let mut seconds = Vec::new();
        for number in 0..self.generations {
            let content = Content::Generation(number);
            fixture.write_bundle(content)?;
            let command = Tool::apply(content, &programs, &fixture, cluster.kubeconfig());
            let start = Instant::now();
            measure::run(&command, &fixture.folder)?;
            seconds.push(start.elapsed().as_secs_f64());
            fs_err::remove_file(fixture.file(content, ".tar.gz"))?;
            say(&format!(
                "release {} of {}: {:.2?}",
                number + 1,
                self.generations,
                start.elapsed()
            ));
        }
        let state = State::read(&client, &fixture.namespace).await?;
        print(&state.to_markdown())?;
        let (objects, generations) = (self.objects, self.generations);
        let report = Report { schema: 1, objects, generations, seconds, state };
        if let Some(folder) = self.report.parent() {
            fs_err::create_dir_all(folder)?;
        }
        fs_err::write(&self.report, serde_json::to_vec_pretty(&report)?)?;
        match report.state.beyond() {
            beyond if beyond.is_empty() => Ok(()),
            beyond => Err(Error::other(format!("beyond a limit: {}", beyond.join("; ")))),
        }
    }
}

impl State {
    /// The largest of everything that has a limit.
    fn weighed(&self) -> [(&'static str, &Largest, usize); 3] {
        [
            ("data of an object", &self.largest_data, MAX_DATA),
            ("annotations of an object", &self.largest_annotations, MAX_ANNOTATIONS),
            ("object, as JSON", &self.largest_object, MAX_REQUEST),
        ]
    }

    /// What is larger than it may be.
    fn beyond(&self) -> Vec<&'static str> {
        let weighed = self.weighed().into_iter();
        weighed
            .filter(|(_, largest, limit)| largest.bytes > *limit)
            .map(|(what, ..)| what)
            .collect()
    }

    async fn read(client: &kube::Client, namespace: &str) -> Result<Self> {
        let mut state = Self::default();
        for (plural, field) in [("secrets", "secrets"), ("configmaps", "configMaps")] {
            // The objects of the release have another label.
            let path = format!("/api/v1/namespaces/{namespace}/{plural}");
            for object in api::objects(client, &path, "a4co.dev/app").await? {
                state.add(field, &object);
            }
        }
        Ok(state)
    }

    fn add(&mut self, field: &str, object: &Value) {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let sizes = |map: &Value| -> usize {
            let entries = map.as_object().into_iter().flatten();
            entries.map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum()
        };
        // The content of a Secret is in base64: three bytes in four.
        let data = sizes(&object["data"]);
        let data = if field == "secrets" { data / 4 * 3 } else { data };
        let bytes = object.to_string().len();
        match field {
            "secrets" => self.secrets += 1,
            _ => self.config_maps += 1,
        }
        self.total_bytes += bytes;
        self.largest_data.take(name, data);
        self.largest_annotations.take(name, sizes(&object["metadata"]["annotations"]));
        self.largest_object.take(name, bytes);
    }

    fn to_markdown(&self) -> String {
        let row = |(what, largest, limit): (&str, &Largest, usize)| {
            let percent = largest.bytes * 100 / limit;
            format!("| {what} | {} | {limit} | {percent} % | `{}` |\n", largest.bytes, largest.name)
        };
        let rows: String = self.weighed().into_iter().map(row).collect();
        format!(
            "{} Secrets and {} ConfigMaps, {} bytes of JSON.\n\n\
             | largest | bytes | limit | | |\n|---|---:|---:|---:|---|\n{rows}",
            self.secrets, self.config_maps, self.total_bytes,
        )
    }
}

impl Largest {
    fn take(&mut self, name: &str, bytes: usize) {
        if bytes > self.bytes {
            *self = Self { name: name.to_owned(), bytes };
        }
    }
}
