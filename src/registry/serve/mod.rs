//! A registry that can only be read, straight from the file of a bundle (OCI distribution
//! specification 1.1, "Pull" and "Content Discovery").
//!
//! ```text
//! request line ──▶ route: pure ──▶ answer: what to send ──▶ server: reads, hashes, sends
//! ```
//!
//! An image is found by its name without the registry (`library/nats`), as mirrors are asked, or
//! with it (`docker.io/library/nats`); `?ns=docker.io` of containerd chooses where two registries
//! have the same name. Whoever asks is not believed: headers, connections and silence are bounded.
//! A whole blob is hashed while it is sent, and the connection breaks before its end if the file is
//! not any more what was verified; a part is not, for that its reader has to hash the whole anyway.
//!
//! Known holes: no TLS; lists of tags come whole, whatever `n` says.

mod answer;
mod body;
mod catalog;
mod range;
mod route;
mod server;

pub use catalog::{Catalog, CatalogError};
pub use server::{Limits, Request, Server};
