//! The client against registries that misbehave on purpose, and against a real one.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod authorization;
mod hostile;
mod image_pushes;
mod kit;
mod mirrors;
#[path = "../node_kit/mod.rs"]
mod node_kit;
mod proxies;
mod pulls;
mod real;
mod redirects;
mod retries;
mod serving;
mod uploads;
