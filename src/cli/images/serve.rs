//! `images serve BUNDLE`

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
};

use a4co_registry::{Limits, Request, Server};
use clap::Args;
use serde::Serialize;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use crate::cli::{
    bundle_file,
    global::{Format, GlobalArgs},
    output,
    problem::Problem,
};

/// Serve the images of a bundle as a registry that can only be read, until interrupted
///
/// For bootstrapping: straight from the file, with nothing to install, and nothing is left behind.
/// It speaks HTTP without encryption. That hides nothing from the network, but whoever pulls by
/// digest, as pods do, gets the right bytes or none.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Bundle, or any volume of it
    bundle: PathBuf,
    /// Address and port to listen on; port 0 for any that is free
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:5000")]
    listen: SocketAddr,
    /// Tell every request
    #[arg(long, short)]
    verbose: bool,
}

#[derive(Serialize)]
struct Serving {
    schema: u32,
    command: &'static str,
    release: String,
    url: String,
    images: Vec<String>,
}

impl ServeArgs {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<ExitCode, Problem> {
        let (bundle, file) = bundle_file::open_file(&self.bundle, global)?;
        let held = super::held(&bundle, file)?;
        let is_verbose = self.verbose;
        let heard = move |request: &Request| {
            if is_verbose {
                let Request { peer, line, status } = request;
                output::talk(&format!("{peer}: {line}: {status}"));
            }
        };
        let server = Server::new(held, Limits::default(), heard)
            .map_err(|error| Problem::unfit(error, "see `a4co-apply images list`"))?;
        // Before anybody can know that it serves.
        let mut interrupts = signal(SignalKind::interrupt())?;
        let mut terminations = signal(SignalKind::terminate())?;
        let listener = TcpListener::bind(self.listen).await.map_err(|error| self.taken(error))?;
        let address = listener.local_addr()?;
        let url = format!("http://{address}");
        match global.output {
            Format::Json => {
                let images = &bundle.release().config().images;
                output::print_json(&Serving {
                    schema: 1,
                    command: "images serve",
                    release: bundle.release().id().to_string(),
                    url,
                    images: images.iter().map(a4co_bundle::Image::reference).collect(),
                })?;
            }
            Format::Text => output::print(&url)?,
        }
        drop(bundle);
        output::talk(&hint(address));
        let end = async {
            tokio::select! {
                _ = interrupts.recv() => {}
                _ = terminations.recv() => {}
            }
        };
        server.run(listener, end).await;
        Ok(ExitCode::SUCCESS)
    }

    fn taken(&self, error: std::io::Error) -> Problem {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot listen on {address}")]
        struct Taken {
            address: SocketAddr,
            source: std::io::Error,
        }
        let (address, source) = (self.listen, error);
        Problem::unfit(Taken { address, source }, "give another address: --listen IP:PORT")
    }
}

fn hint(address: SocketAddr) -> String {
    let ip: IpAddr = address.ip();
    let who = if ip.is_loopback() {
        "Only this machine can reach it."
    } else {
        "It has no encryption: whoever can reach it can read every image, and what is pulled by tag \
         can be changed on the way. What is pulled by digest cannot."
    };
    let host = if ip.is_unspecified() {
        format!("ADDRESS-OF-THIS-MACHINE:{}", address.port())
    } else {
        address.to_string()
    };
    format!(
        "{who}\nA node with containerd pulls from it what pods name, with for every registry a file\n\
         \n# /etc/containerd/certs.d/docker.io/hosts.toml\nserver = \"http://{host}\"\n\n\
         [host.\"http://{host}\"]\n  capabilities = [\"pull\", \"resolve\"]\n\n\
         Interrupt to end."
    )
}
