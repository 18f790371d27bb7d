//! `a4co-apply`: verifies a signed release bundle and applies it to a Kubernetes cluster.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
