//! `testenv`: the control plane of the tests, for a shell.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitCode, ExitStatus};

use a4co_testenv::{Containerd, ControlPlane, Error, KUBECONFIG_VARIABLE, Network};

const USAGE: &str = "\
Usage: testenv build            fill the cache
       testenv run [--] COMMAND start a control plane, run COMMAND against it, end it
       testenv up               start a control plane, end it when standard input ends
       testenv node             start a container runtime, end it when standard input ends
       testenv helm             build Helm and tell where it is
       testenv sweep            remove what killed control planes left behind

COMMAND finds the control plane by KUBECONFIG and A4CO_TEST_KUBECONFIG.
";

fn main() -> ExitCode {
    let mut args: Vec<_> = std::env::args_os().skip(1).collect();
    let verb = if args.is_empty() { OsString::new() } else { args.remove(0) };
    let result = match (verb.to_str(), args.as_slice()) {
        (Some("build"), []) => build(),
        (Some("up"), []) => up(),
        (Some("node"), []) => node(),
        (Some("helm"), []) => helm(),
        (Some("sweep"), []) => sweep(),
        (Some("run"), [dashes, command, rest @ ..]) if dashes == "--" => run(command, rest),
        (Some("run"), [command, rest @ ..]) if command != "--" => run(command, rest),
        (Some("help" | "--help" | "-h"), _) => print(USAGE),
        _ => {
            complain(USAGE);
            return ExitCode::from(2);
        }
    };
    result.unwrap_or_else(|error| {
        complain(&format!("error: {error}\n"));
        ExitCode::FAILURE
    })
}

fn build() -> Result<ExitCode, Error> {
    print(&format!("{}\n", a4co_testenv::build()?.display()))
}

fn helm() -> Result<ExitCode, Error> {
    print(&format!("{}\n", a4co_testenv::helm()?.display()))
}

fn sweep() -> Result<ExitCode, Error> {
    for dir in a4co_testenv::sweep()? {
        print(&format!("removed {}\n", dir.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn up() -> Result<ExitCode, Error> {
    let cluster = ControlPlane::start()?;
    print(&format!("KUBECONFIG={}\n", cluster.kubeconfig().display()))?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(ExitCode::SUCCESS)
}

fn node() -> Result<ExitCode, Error> {
    let Some(node) = Containerd::start(Network::Isolated)? else {
        return Ok(ExitCode::FAILURE);
    };
    print(&format!("CONTAINER_RUNTIME_ENDPOINT={}\n", node.endpoint()))?;
    print(&format!("PATH={}\n", node.programs().display()))?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(ExitCode::SUCCESS)
}

/// Runs a command that gets SIGTERM when this process dies before it.
fn run(program: &OsString, args: &[OsString]) -> Result<ExitCode, Error> {
    let cluster = ControlPlane::from_environment()?;
    let status = Command::new("setpriv")
        .args(["--pdeathsig", "TERM", "--"])
        .arg(program)
        .args(args)
        .env(KUBECONFIG_VARIABLE, cluster.kubeconfig())
        .env("KUBECONFIG", cluster.kubeconfig())
        .status()?;
    Ok(exit_code(status))
}

/// Returns the code that a shell would return.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

fn print(text: &str) -> Result<ExitCode, Error> {
    io::stdout().write_all(text.as_bytes())?;
    io::stdout().flush()?;
    Ok(ExitCode::SUCCESS)
}

fn complain(text: &str) {
    // There is nowhere left to say that standard error is closed.
    let _ = io::stderr().write_all(text.as_bytes());
}
