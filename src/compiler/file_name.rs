//! How files of bundles are called: by what is in them.
//!
//! ```text
//! staging-4be1c0ffee12.tar.gz                                        a bundle
//! staging-4be1c0ffee12.thick.tar.gz                                  with all of its images
//! staging-4be1c0ffee12.linux-amd64+linux-arm64.thick.tar.gz          for these platforms
//! staging-4be1c0ffee12.linux-amd64.since-0123456789ab.thick.tar.gz   without what another has
//! ```

use std::{
    io,
    path::{Path, PathBuf},
};

use a4co_bundle::{Contents, Digest, Platform, ReleaseId};
use fs_err as fs;

/// Extension of a bundle.
pub(crate) const THIN: &str = "tar.gz";
/// Extension of a bundle with its images.
pub(crate) const THICK: &str = "thick.tar.gz";
/// Number of hexadecimal digits of a release id in a file name.
const DIGITS: usize = 12;
/// Longest list of platforms that is written out: with it, no name is longer than volumes allow.
const MAX_LIST: usize = 60;

/// Returns the name of a bundle's file; `contents` are those of its images, if it has them.
#[must_use]
pub fn bundle_file_name(
    environment: &str,
    release: ReleaseId,
    contents: Option<&Contents>,
) -> String {
    let mut name = release_stem(environment, release);
    let Some(Contents { platforms, base, .. }) = contents else {
        return name + THIN;
    };
    if !platforms.is_empty() {
        let list: Vec<_> = platforms.iter().map(platform).collect();
        let list = list.join("+");
        let is_short = list.len() <= MAX_LIST;
        let short = || format!("platforms-{}", &Digest::of(list.as_bytes()).to_hex()[..DIGITS]);
        name += &if is_short { list.clone() } else { short() };
        name.push('.');
    }
    if let Some(base) = base {
        name = name + "since-" + &digits(*base) + ".";
    }
    name + THICK
}

/// Returns what the names of all files of a release begin with, up to and with a dot.
pub(crate) fn release_stem(environment: &str, release: ReleaseId) -> String {
    format!("{environment}-{}.", digits(release))
}

/// Returns the files in `folder` that are called as bundles of this release are, thin or thick,
/// sorted; links are none. None, if there is no folder.
///
/// # Errors
/// Fails when the folder cannot be read.
pub fn release_files(
    folder: &Path,
    environment: &str,
    release: ReleaseId,
) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let stem = release_stem(environment, release);
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let is_named = name.to_str().is_some_and(|it| it.starts_with(&stem) && it.ends_with(THIN));
        if is_named && entry.file_type()?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

fn digits(release: ReleaseId) -> String {
    let mut digits = release.digest().to_hex();
    digits.truncate(DIGITS);
    digits
}

fn platform(platform: &Platform) -> String {
    platform.to_string().replace('/', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_is_in_the_file() {
        let id = |text: &str| ReleaseId::from(Digest::of(text.as_bytes()));
        let (release, base) = (id("release"), id("base"));
        let [new, old] = [release, base].map(|it| it.digest().to_hex()[..12].to_owned());
        let full = |platforms: &[&str]| {
            Contents::full(platforms.iter().map(|it| it.parse::<Platform>().unwrap()))
        };
        let delta = |contents: Contents| Contents { base: Some(base), ..contents };
        let many = ["386", "amd64", "arm", "arm64", "ppc64le", "riscv64", "s390x", "mips64le"]
            .map(|it| format!("linux/{it}"));
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        let list = "linux-386+linux-amd64+linux-arm-v7+linux-arm64+linux-mips64le+linux-ppc64le\
                    +linux-riscv64+linux-s390x";
        let short = Digest::of(list.as_bytes()).to_hex()[..12].to_owned();
        for (contents, rest) in [
            (None, String::new()),
            (Some(full(&[])), "thick.".to_owned()),
            (Some(full(&["linux/amd64"])), "linux-amd64.thick.".to_owned()),
            (
                Some(full(&["linux/arm/v7", "linux/amd64"])),
                "linux-amd64+linux-arm-v7.thick.".to_owned(),
            ),
            (Some(delta(full(&[]))), format!("since-{old}.thick.")),
            (Some(delta(full(&["linux/amd64"]))), format!("linux-amd64.since-{old}.thick.")),
            (Some(full(&many)), format!("platforms-{short}.thick.")),
        ] {
            let name = bundle_file_name("live", release, contents.as_ref());
            assert_eq!(name, format!("live-{new}.{rest}tar.gz"));
        }
        let longest = bundle_file_name(&"e".repeat(63), release, Some(&delta(full(&many))));
        assert!(longest.len() < 180, "a volume has a number behind it: {longest}");
    }
}
