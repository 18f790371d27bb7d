//! A registry that does what a test says, and clients for it.

pub(crate) mod fake;
pub(crate) mod tls;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use a4co_bundle::Digest;
use a4co_registry::{Client, Environment, Event, Host, Observer, Options, Repository, Retry};

/// Remembers what happened.
#[derive(Default)]
pub(crate) struct Recorder(Mutex<Vec<String>>);

impl Recorder {
    pub(crate) fn events(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// How many events begin with `word`.
    pub(crate) fn count(&self, word: &str) -> usize {
        self.events().iter().filter(|event| event.starts_with(word)).count()
    }
}

impl Observer for Recorder {
    fn observe(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(match event {
            Event::Retrying { error, pause } => format!("Retrying after {pause:?}: {error}"),
            Event::MirrorSkipped { error } => format!("MirrorSkipped: {error}"),
            other => format!("{other:?}"),
        });
    }
}

/// Options for registries of this machine without encryption, that lose no time.
pub(crate) fn options(hosts: &[&str]) -> Options {
    let mut options = Options::new(Environment::default());
    for host in hosts {
        options.allow_plain_http(&host.parse().unwrap()).unwrap();
    }
    options.retry = Retry {
        attempts: 4,
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(4),
    };
    options
}

pub(crate) fn client(host: &str) -> Client {
    Client::new(options(&[host])).unwrap()
}

/// A client with somebody who listens.
pub(crate) fn observed(host: &str) -> (Client, Arc<Recorder>) {
    let recorder = Arc::new(Recorder::default());
    let mut options = options(&[host]);
    options.observer = recorder.clone();
    (Client::new(options).unwrap(), recorder)
}

/// The repository `team/app`.
pub(crate) fn app(host: &str) -> Repository {
    Repository::new(host.parse::<Host>().unwrap(), "team/app").unwrap()
}

/// Bytes without a pattern.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// An index of one manifest for each of `platforms`, which need not exist.
pub(crate) fn index(platforms: &[(&str, &str)]) -> Vec<u8> {
    let entries: Vec<_> = platforms
        .iter()
        .map(|(os, architecture)| {
            serde_json::json!({
                "mediaType": MANIFEST,
                "digest": Digest::of(format!("{os}/{architecture}").as_bytes()),
                "size": 500,
                "platform": { "os": os, "architecture": architecture },
            })
        })
        .collect();
    let index = serde_json::json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
    serde_json::to_vec_pretty(&index).unwrap()
}

/// An error with all its causes, as a person gets it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
