//! Volumes of a program, each together with its place in the container.

use crate::{
    component::{Claim, Mount, Volume, VolumeSource},
    environment::program::Storage,
    quantity::Memory,
};

/// Volume that a pod keeps its data in.
pub(in crate::resolve) const DATA: &str = "data";

/// Returns volumes, and where they are in a container.
pub(in crate::resolve) fn mounted(
    places: impl IntoIterator<Item = (Option<Volume>, Mount)>,
) -> (Vec<Volume>, Vec<Mount>) {
    let (volumes, mounts): (Vec<_>, Vec<_>) = places.into_iter().unzip();
    (volumes.into_iter().flatten().collect(), mounts)
}

/// A volume of files that are read.
pub(in crate::resolve) fn of_files(name: &str, path: &str) -> (Option<Volume>, Mount) {
    place(name, path, VolumeSource::Files { executable: false })
}

/// A volume of files that are run.
pub(in crate::resolve) fn of_scripts() -> (Option<Volume>, Mount) {
    place("scripts", "/scripts", VolumeSource::Files { executable: true })
}

/// A volume of the keys of a Secret.
pub(in crate::resolve) fn of_secret(
    name: &str,
    path: &str,
    secret: &str,
) -> (Option<Volume>, Mount) {
    place(name, path, VolumeSource::Secret { name: secret.to_owned() })
}

/// A volume that is empty at first, and goes with its pod.
pub(in crate::resolve) fn scratch(
    name: &str,
    path: &str,
    limit: Memory,
    in_memory: bool,
) -> (Option<Volume>, Mount) {
    place(name, path, VolumeSource::Scratch { limit, in_memory })
}

/// A volume that is a claim.
pub(in crate::resolve) fn claimed(name: &str, path: &str) -> (Option<Volume>, Mount) {
    (None, mount(name, path, false))
}

/// Returns the claim of what a pod stores.
pub(in crate::resolve) fn claim(volume: &str, storage: &Storage) -> Claim {
    let class = storage.class.as_ref().map(ToString::to_string);
    Claim { volume: volume.to_owned(), size: storage.size, class }
}

/// Mounts a volume that another container of the pod fills.
pub(in crate::resolve) fn read_only(name: &str, path: &str) -> Mount {
    mount(name, path, true)
}

fn place(name: &str, path: &str, source: VolumeSource) -> (Option<Volume>, Mount) {
    let read_only = !matches!(source, VolumeSource::Scratch { .. });
    (Some(Volume { name: name.to_owned(), source }), mount(name, path, read_only))
}

fn mount(volume: &str, path: &str, read_only: bool) -> Mount {
    Mount { volume: volume.to_owned(), path: path.to_owned(), read_only }
}
