//! PostgreSQL databases: how they are rendered, what is refused, and that real programs do with the
//! rendered files what they are meant to.

#[path = "../kit/mod.rs"]
mod kit;

mod fixture;
mod pod;
mod programs;
mod refusals;
mod shape;
