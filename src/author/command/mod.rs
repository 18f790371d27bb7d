//! The commands, one file each.

pub(crate) mod build;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod diff;
pub(crate) mod keygen;
pub(crate) mod kit;
pub(crate) mod lock;
pub(crate) mod schema;
pub(crate) mod show;
pub(crate) mod sign;
