//! The ways of images into a site, by the program itself.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod export;
mod kit;
mod memory;
mod push;
mod serve;
mod volumes;
