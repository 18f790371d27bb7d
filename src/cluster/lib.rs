//! The cluster side: brings a cluster to exactly one release, or leaves it at exactly the old one.
//!
//! Rooms, from the ground up: [`client`](Client) sends requests; `fetch`, `live`, `resource` and
//! `store` read and keep; [`Plan`] decides purely; `write`, `waves`, `wait` carry out, and `explain`
//! tells by the table in `trouble` why something is not ready; `transaction` is the one room that
//! knows all of them; `work` leads a command through it; `apply` and `recover` are the doors. Beside
//! them, `doctor` looks at everything and `fence` lets the API server refuse what comes late.
//!
//! State in the cluster, all in the release's namespace and readable with plain kubectl:
//!
//! ```text
//! ConfigMap a4co.<app>                          head: state, epoch, committed, history
//! Lease     a4co.<app>                          who is at work
//! Secret    a4co.<app>.release-<digest>-<i>     stored bundles, immutable, deflated, in chunks
//! Secret    a4co.<app>.overlay-<digest>-<i>     site overlays that releases were applied with
//! Secret    a4co.<app>.inventory-<digest>-<i>   what was left of each object
//! ```
//!
//! Invariant: only this crate knows a clock and talks to a network, and only to the API server.

mod adopt;
mod answers;
mod apply;
mod change;
mod client;
mod collect;
mod conditions;
mod conflict;
mod connect;
mod connection;
mod container;
mod delete;
mod doctor;
mod doubt;
mod draft;
mod error;
mod event;
mod explain;
mod failure;
mod fence;
mod fencing;
mod fetch;
mod finding;
mod foresee;
mod gone_job;
mod head;
mod head_object;
mod health;
mod helm;
mod history;
mod image;
mod immutable;
mod interrupt;
mod inventory;
mod kube_event;
mod lease;
mod list;
mod live;
mod log;
mod logs;
mod mark;
mod mutant;
mod nodes;
mod one_way;
mod owned;
mod permission;
mod place;
mod plan;
mod pods;
mod preflight;
mod quantity;
mod ready;
mod recover;
mod refusal;
mod rehearse;
mod remove;
mod replicas;
mod requirements;
mod residue;
mod resource;
mod reverse;
mod rollout;
mod secret;
mod server;
mod site;
mod site_release;
mod status;
mod step;
mod store;
mod stored;
mod supply;
mod survey;
mod term;
mod text;
mod transaction;
mod trouble;
mod undo;
mod undoing;
mod wait;
mod waves;
mod way_back;
mod work;
mod write;

pub use adopt::Adoption;
pub use apply::{Options, Report, apply, plan, rollback};
pub use change::{Change, Obstacle, Step};
pub use client::{Client, FIELD_MANAGER};
pub use collect::{Collected, gc};
pub use conflict::Conflict;
pub use connect::{Connect, ConnectError};
pub use delete::{Deletion, DeletionPlan, delete, plan_deletion};
pub use doctor::{Examination, Scope, examine};
pub use error::{ApiError, StatusCause};
pub use event::{Event, Goal, Observer, Pending};
pub use failure::{Done, Failure};
pub use fence::{install_fence, remove_fence};
pub use finding::{Finding, Level};
pub use head::{Head, HeadError, State, Stored};
pub use helm::HelmRelease;
pub use history::{Action, Candidate, Entry, Outcome, SelectError};
pub use immutable::{Answer, ImmutableChange, immutable_changes, immutable_fields};
pub use interrupt::Interrupt;
pub use lease::{DURATION as LEASE_DURATION, LeaseError};
pub use log::{LogRange, LogSource};
pub use logs::{PodLogs, pod_logs, read_logs};
#[cfg(feature = "mutants")]
pub use mutant::{Mutant, with as with_mutant, with_chunks_of};
pub use nodes::{Node, Presence};
pub use one_way::{IRREVERSIBLE_ANNOTATION, OneWay, Reason};
pub use permission::Permission;
pub use place::Place;
pub use plan::Plan;
pub use recover::{Recovered, recover};
pub use refusal::Refusal;
pub use reverse::Reversal;
pub use site_release::{Edition, OverlayChoice, SiteRelease};
pub use status::{Condition, Situated, Situation, status};
pub use step::StepError;
pub use store::StoreError;
pub use stored::stored_release;
pub use supply::{Supply, supply};
pub use undoing::Undoing;
