//! The whole way of a release with its images: from a machine with a network to a site without one.
//!
//! Needs root for a network namespace; without it the test says that it is skipped. Needs the
//! program `a4co` beside `a4co-apply`: `cargo build --package a4co` where not the whole workspace is
//! tested.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod author;
mod images;
mod isolation;
mod program;
mod site;

use std::io::Write as _;

use a4co_testenv::{Containerd, Network, Scratch};
use author::Author;
use images::{API, Images, TOOL, WEB, WEB_NEXT};
use site::{Media, Site};

/// Says why something is not tested.
fn skip(what: &str) {
    // A closed standard error is no reason to fail.
    let _ = writeln!(std::io::stderr(), "skipped: {what}");
}

#[test]
fn a_site_without_a_network_gets_a_folder_and_ends_with_every_pod_running() {
    if !isolation::is_possible() {
        return skip("a site without a network needs root, and the right to make namespaces");
    }
    // What is in the images is for this processor, and the nodes of the site are linux/amd64.
    let node = if cfg!(target_arch = "x86_64") {
        Containerd::start(Network::Isolated).unwrap()
    } else {
        None
    };
    let folder = Scratch::create().unwrap();
    let folder = folder.path();
    let program = node.as_ref().map_or_else(|| b"a program".to_vec(), |it| it.hello().unwrap());

    let mut author = Author::new(folder, program);
    let first = author.release("1.0.0", WEB, &["--out", "first"]);
    author.kit(&first[0]);
    let first_path = first[0].to_str().unwrap();
    let delta = author.release("1.1.0", WEB_NEXT, &["--out", "delta", "--since", first_path]);
    fs_err::remove_dir_all(folder.join("first")).unwrap();
    author.disconnect();
    let volumes = author.build(&["--out", "volumes", "--volume-size", "600M"]);
    assert_eq!(volumes.len(), 2, "{volumes:?}");
    for gone in ["cache", "envs", "keys"] {
        fs_err::remove_dir_all(folder.join(gone)).unwrap();
    }
    let names = author.host().to_owned();
    Media { delta: delta[0].clone(), volumes, names: names.clone() }.write(folder);

    isolation::run_test("the_site", folder);

    if let Some(node) = node {
        fs_err::remove_dir_all(folder.join("volumes")).unwrap();
        let archive = Site::archive(folder);
        // As docs/air-gap.md says it.
        let label = "--label=io.cri-containerd.pinned=pinned";
        node.ctr(&["images", "import", label, archive.to_str().unwrap()]).unwrap();
        let images = Images::in_folder(&folder.join("layout"));
        for (name, prints) in [(WEB, "web 1 ran\n"), (API, "api ran\n"), (TOOL, "tool ran\n")] {
            let reference = format!("{names}/{}", images.reference(name));
            assert_eq!(node.run_pod(&reference, &["ran"]).unwrap(), prints);
        }
    }
}

#[test]
#[ignore = "runs in a namespace without a network, which the other test makes"]
fn the_site() {
    let Some(folder) = isolation::inside() else {
        return skip("whoever runs this has a network");
    };
    let site = Site::new(&folder);
    site.follow_the_instructions();
    site.expect_running(&[WEB, API, TOOL]);
    site.expect_nothing_to_do();
    site.expect_images(&[WEB, API, TOOL]);
    site.update();
    site.expect_running(&[WEB_NEXT, API, TOOL]);
    site.expect_images(&[WEB_NEXT]);
    site.expect_whole();
    site.roll_back();
    site.expect_running(&[WEB, API, TOOL]);
}
