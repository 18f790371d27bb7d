//! `a4co-bench`: compares `a4co-apply` with what people use today, against one control plane.
//!
//! `make bench`, `make bench-kill`, `make bench-limits` and `make bench-images` run it. Times belong to a machine, and are printed with it; what
//! `a4co-apply` may take is a budget, and a budget that is missed is a failure.

mod api;
mod budget;
mod compare;
mod error;
mod fixture;
mod floor;
mod images;
mod kill;
mod limits;
mod machine;
mod measure;
mod repetition;
mod report;
mod requests;
mod say;
mod statistics;
mod table;
mod tool;
mod workload;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    compare::CompareArgs, error::Result, fixture::Fixture, images::ImagesArgs, kill::KillArgs,
    limits::LimitsArgs, say::say, tool::Tool,
};

/// Compare a4co-apply with helm, kubectl and bare patches
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure time, memory and requests
    Compare(CompareArgs),
    /// Kill helm and a4co-apply before and after each of their writes
    Kill(KillArgs),
    /// Apply many releases of many objects, and weigh what that leaves in the cluster
    Limits(LimitsArgs),
    /// Verify, push, serve and join a large bundle with images
    Images(ImagesArgs),
    /// Write the files that the tools read, to profile one of them by hand
    Prepare { folder: PathBuf, namespace: String, objects: usize },
    /// Run a command and write what it took
    #[command(hide = true)]
    Measure {
        result: PathBuf,
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Send the patches in some files
    #[command(hide = true)]
    Send { kubeconfig: PathBuf, files: Vec<PathBuf> },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let done = Box::pin(run(Arguments::parse().command)).await;
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Compare(args) => args.run().await,
        Command::Kill(args) => args.run().await,
        Command::Limits(args) => args.run().await,
        Command::Images(args) => args.run(),
        Command::Prepare { folder, namespace, objects } => {
            let fixture = Fixture::new(&folder, &namespace, objects)?;
            Tool::ALL.into_iter().try_for_each(|tool| tool.prepare(&fixture))
        }
        Command::Measure { result, command } => match command.split_first() {
            Some((program, args)) => measure::be_parent(&result, program, args),
            None => Ok(()),
        },
        Command::Send { kubeconfig, files } => floor::send(&kubeconfig, &files).await,
    }
}
