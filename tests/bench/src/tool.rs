//! The tools under comparison and their command lines, as people would type them.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use clap::ValueEnum;
use serde::Serialize;

use crate::{
    error::{Error, Result},
    fixture::Fixture,
    workload::{APP, Content},
};

/// A way to bring a workload to a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
pub(crate) enum Tool {
    /// The tiny binary of this project.
    #[serde(rename = "a4co-apply")]
    #[value(name = "a4co-apply")]
    Ours,
    /// Helm 4, which applies on the server side unless told otherwise.
    #[serde(rename = "helm")]
    Helm,
    /// `kubectl apply --server-side`.
    #[serde(rename = "kubectl-server-side")]
    KubectlServerSide,
    /// `kubectl apply`.
    #[serde(rename = "kubectl-client-side")]
    KubectlClientSide,
    /// The patches alone; see [`crate::floor`].
    #[serde(rename = "floor")]
    Floor,
}

/// What is done with the workload, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Phase {
    /// Into an empty cluster.
    Install,
    /// The same again: what a tool takes to find out that nothing is to be done, and that nobody
    /// has changed anything.
    Unchanged,
    /// One object of a hundred is new.
    OnePercent,
    /// Every object is new.
    Everything,
    /// Back to what was installed first; every object changes.
    Rollback,
}

/// Where the programs and their files are.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    pub(crate) ours: PathBuf,
    pub(crate) helm: PathBuf,
    pub(crate) kubectl: PathBuf,
    /// Where each tool has a folder for its caches. It lasts, so that only their first run has to
    /// fill them.
    pub(crate) homes: PathBuf,
}

impl Tool {
    pub(crate) const ALL: [Self; 5] =
        [Self::Ours, Self::Helm, Self::KubectlServerSide, Self::KubectlClientSide, Self::Floor];

    /// Name in tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Ours => "a4co-apply",
            Self::Helm => "helm",
            Self::KubectlServerSide => "kubectl, server-side",
            Self::KubectlClientSide => "kubectl, client-side",
            Self::Floor => "floor",
        }
    }

    /// Part of names of namespaces and users.
    pub(crate) fn short(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Helm => "helm",
            Self::KubectlServerSide => "server",
            Self::KubectlClientSide => "client",
            Self::Floor => "floor",
        }
    }

    /// Writes the files that the tool reads.
    pub(crate) fn prepare(self, fixture: &Fixture) -> Result<()> {
        match self {
            Self::Ours => fixture.write_bundles(),
            Self::Helm => fixture.write_charts(),
            Self::KubectlServerSide | Self::KubectlClientSide => fixture.write_manifests(),
            Self::Floor => fixture.write_patches(),
        }
    }

    /// The command for `phase`.
    pub(crate) fn command(
        self,
        phase: Phase,
        programs: &Programs,
        fixture: &Fixture,
        kubeconfig: &Path,
    ) -> Result<Command> {
        let content = phase.content();
        let namespace = fixture.namespace.as_str();
        let mut command = match self {
            Self::Ours if phase == Phase::Rollback => {
                let mut command = Command::new(&programs.ours);
                let release = fixture.release(content)?.id().to_string();
                command.args(["rollback", &release, "--namespace", namespace]);
                command.arg("--trust").arg(fixture.trust());
                command
            }
            Self::Ours => return Ok(Self::apply(content, programs, fixture, kubeconfig)),
            Self::Helm => {
                let mut command = Command::new(&programs.helm);
                match phase {
                    Phase::Install => command.args(["install", "--create-namespace", APP]),
                    Phase::Rollback => command.args(["rollback", APP, "1"]),
                    _ => command.args(["upgrade", APP]),
                };
                if phase != Phase::Rollback {
                    command.arg(fixture.file(content, "-chart"));
                }
                command.args(["--namespace", namespace]);
                command
            }
            Self::KubectlServerSide => {
                let mut command = Command::new(&programs.kubectl);
                command.args(["apply", "--server-side", "-f"]).arg(fixture.file(content, ".yaml"));
                command
            }
            Self::KubectlClientSide => {
                let mut command = Command::new(&programs.kubectl);
                command.args(["apply", "-f"]).arg(fixture.file(content, ".yaml"));
                command
            }
            Self::Floor => {
                let mut command = Command::new(std::env::current_exe().map_err(Error::Io)?);
                command.arg("send").arg(kubeconfig);
                if phase == Phase::Install {
                    command.arg(fixture.namespace_patch());
                }
                command.arg(fixture.file(content, ".patches"));
                command
            }
        };
        self.set_environment(&mut command, programs, kubeconfig);
        Ok(command)
    }

    /// The command by which `a4co-apply` brings the cluster to `content`.
    pub(crate) fn apply(
        content: Content,
        programs: &Programs,
        fixture: &Fixture,
        kubeconfig: &Path,
    ) -> Command {
        let mut command = Command::new(&programs.ours);
        command.arg("apply").arg(fixture.file(content, ".tar.gz"));
        command.arg("--trust").arg(fixture.trust());
        Self::Ours.set_environment(&mut command, programs, kubeconfig);
        command
    }

    /// The command that tells the version, and how to find it in what that prints.
    pub(crate) fn version(self, programs: &Programs) -> Option<Command> {
        let (program, args): (_, &[&str]) = match self {
            Self::Ours => (&programs.ours, &["--version"]),
            Self::Helm => (&programs.helm, &["version", "--template", "{{.Version}}"]),
            Self::KubectlServerSide => (&programs.kubectl, &["version", "--client"]),
            Self::KubectlClientSide | Self::Floor => return None,
        };
        let mut command = Command::new(program);
        command.args(args).env("HOME", self.home(programs));
        Some(command)
    }

    /// What one tool has cached is of no use to another.
    fn home(self, programs: &Programs) -> PathBuf {
        programs.homes.join(self.short())
    }

    fn set_environment(self, command: &mut Command, programs: &Programs, kubeconfig: &Path) {
        command.env("KUBECONFIG", kubeconfig).env("HOME", self.home(programs));
        for name in ["XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "A4CO_TRUST"] {
            command.env_remove(name);
        }
    }
}

impl Phase {
    pub(crate) const ALL: [Self; 5] =
        [Self::Install, Self::Unchanged, Self::OnePercent, Self::Everything, Self::Rollback];

    /// What the cluster has to have afterwards.
    pub(crate) fn content(self) -> Content {
        match self {
            Self::Install | Self::Unchanged | Self::Rollback => Content::Old,
            Self::OnePercent => Content::OnePercent,
            Self::Everything => Content::New,
        }
    }

    /// Name in tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Unchanged => "upgrade, nothing changed",
            Self::OnePercent => "upgrade, 1 % changed",
            Self::Everything => "upgrade, everything changed",
            Self::Rollback => "rollback, everything changed",
        }
    }
}
