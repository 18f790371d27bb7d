//! The compiler: layered TOML environments and lockfiles in, releases out.
//!
//! ```text
//! envs/*.toml ─▶ tree ─▶ layers ─▶ effective ─▶ environment ─┐
//!              places   extends    defaults      types      ├─▶ resolve ─▶ render ─▶ release
//! lockfiles/*.lock ─────────────────────────────▶ pins ─────┤                   ▲
//! manifests/** ─▶ yaml ─▶ manifests ─▶ members ─────────────┘  patches, closure ┘
//! ```
//!
//! Invariants: [`compile`] is a pure function of the [`Source`]; equal sources give equal releases,
//! byte for byte. All that is wrong is reported at once, each [`Finding`] with its place. Nothing
//! about anybody's platform is in this code; it is all in the environments.

mod attested;
mod budget;
mod closure;
mod compile;
mod component;
mod effective;
mod environment;
mod file_name;
mod finding;
mod image;
mod kinds;
mod layers;
mod lock;
mod lockfile;
mod manifests;
mod member;
mod merge;
mod model;
mod monitoring;
mod nginx;
mod place;
mod problem;
mod publish;
mod quantity;
mod release_config;
mod render;
mod resolve;
mod schema;
mod sign;
mod source;
mod suggest;
mod template;
mod text;
mod totals;
mod tree;
mod yaml;

pub use attested::{Attested, attestation_of};
pub use closure::{ClosureProblem, Fault, Rule};
pub use compile::{Compiled, compile};
pub use file_name::{bundle_file_name, release_files};
pub use finding::{Finding, Findings, to_line};
pub use image::ImageReference;
pub use layers::LayerProblem;
pub use lock::{Lock, Pins, lockfile_text, locks};
pub use lockfile::{LOCKFILE_VERSION, LockProblem};
pub use manifests::ManifestProblem;
pub use nginx::NginxProblem;
pub use problem::Problem;
pub use publish::{PublishError, replace_file, replace_file_by};
pub use quantity::{Cpu, Memory};
pub use resolve::{
    EdgeProblem, MeaningProblem, NatsProblem, PostgresqlProblem, RedisProblem, SecretProblem,
};
pub use schema::{SchemaProblem, environment_reference, environment_schema};
pub use sign::{SIGNING_KEY_VARIABLE, SignError, SigningKey, signing_key_paths};
pub use source::{ReadError, Source};
pub use text::TextError;
pub use totals::{Demand, Totals};
pub use yaml::{YamlProblem, to_yaml};
