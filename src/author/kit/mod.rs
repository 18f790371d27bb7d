//! A kit: a folder with all that a site without a network needs, and what proves it.
//!
//! ```text
//! README.txt                    what to do, for the names that are here
//! AIR-GAP.md                    the whole way, for every kind of site
//! <environment>-<release>.…     the bundle, whole or in volumes
//! a4co-apply-linux-<arch>       the program, for each platform of the site
//! trust.json                    who may sign releases
//! allowed_signers               the same, for ssh-keygen
//! SHA256SUMS                    digest of each file above
//! SHA256SUMS-<n>.sshsig         signatures over it
//! ```

mod readme;
mod sums;
mod tool;

pub(crate) use self::{
    readme::{Held, Readme},
    sums::{Sum, Sums},
    tool::{Tool, ToolError},
};
