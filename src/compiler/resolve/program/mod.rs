//! What the programs that the compiler knows how to run are made of: each builder once, whatever
//! the program.

mod component;
mod container;
mod exporter;
mod files;
mod flow;
mod name;
mod pod;
mod probe;
mod rank;
mod service;
mod variable;
mod volume;
mod web;

pub(super) use self::{
    component::component,
    container::Basics,
    exporter::{ExporterCommand, metrics},
    files::{files, folders, script},
    pod::pod,
    probe::{Probes, exec, http, probe, tcp},
    rank::{Rank, SetNames},
    service::{port, service, set_services, web_port},
    variable::{text, variables},
    volume::{DATA, claim, claimed, mounted, of_files, of_scripts, of_secret, read_only, scratch},
    web::{HTTP, WebProgram, web_metrics, web_probes},
};
