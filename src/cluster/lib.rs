//! The cluster side: brings a cluster to exactly one release, or leaves it at exactly the old one.
//!
//! Rooms, from the ground up: [`client`](Client) sends requests; `fetch`, `live`, `resource` and
//! `store` read and keep; [`Plan`] decides purely; `write`, `waves`, `wait` carry out; `transaction`
//! is the one room that knows all of them; `work` leads a command through it; `apply` and `recover`
//! are the doors.
//!
//! State in the cluster, all in the release's namespace and readable with plain kubectl:
//!
//! ```text
//! ConfigMap a4co.<app>                          head: state, epoch, committed, history
//! Lease     a4co.<app>                          who is at work
//! Secret    a4co.<app>.release-<digest>-<i>     stored bundles, immutable, deflated, in chunks
//! Secret    a4co.<app>.inventory-<digest>-<i>   what was left of each object
//! ```
//!
//! Invariant: only this crate knows a clock and talks to a network, and only to the API server.

mod apply;
mod change;
mod client;
mod connect;
mod error;
mod event;
mod failure;
mod fetch;
mod head;
mod head_object;
mod history;
mod interrupt;
mod inventory;
mod lease;
mod list;
mod live;
mod permission;
mod place;
mod plan;
mod pods;
mod preflight;
mod ready;
mod recover;
mod refusal;
mod replicas;
mod requirements;
mod resource;
mod status;
mod step;
mod store;
mod survey;
mod text;
mod transaction;
mod wait;
mod waves;
mod way_back;
mod work;
mod write;

pub use apply::{Options, Report, apply, plan, rollback};
pub use change::{Change, Obstacle, Step};
pub use client::{Client, FIELD_MANAGER};
pub use connect::{Connect, ConnectError};
pub use error::{ApiError, StatusCause};
pub use event::{Event, Observer, Pending};
pub use failure::{Done, Failure};
pub use head::{Head, HeadError, State, Stored};
pub use history::{Action, Candidate, Entry, Outcome, SelectError};
pub use interrupt::Interrupt;
pub use lease::LeaseError;
pub use permission::Permission;
pub use place::Place;
pub use plan::Plan;
pub use recover::{Recovered, recover};
pub use refusal::Refusal;
pub use status::{Condition, Situated, Situation, status};
pub use step::StepError;
pub use store::StoreError;
