//! The client against registries that misbehave on purpose, and against a real one.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod authorization;
mod hostile;
mod kit;
mod mirrors;
mod proxies;
mod pulls;
mod real;
mod redirects;
mod retries;
mod uploads;
