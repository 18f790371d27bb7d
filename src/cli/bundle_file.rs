//! Opens and verifies the bundle that a person names.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal as _, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use a4co_bundle::{
    Bundle, BundleError, TrustError, UnverifiedBundle, VolumePlace, Volumes, is_volume,
};
use a4co_registry::human_bytes;
use fs_err as fs;

use super::{global::GlobalArgs, output, problem::Problem, shared_file::SharedFile};

/// Bytes of a read or write: a bundle may have many gigabytes.
pub(crate) const BUFFER_BYTES: usize = 1 << 20;

/// How many bytes are read before that is told again.
const TOLD_BYTES: u64 = 64 << 20;

/// The file of a bundle, whole or in volumes; it reads and seeks as the whole. Clones have places of
/// their own in it.
#[derive(Clone, Debug)]
pub(crate) enum BundleFile {
    Whole(SharedFile),
    Volumes(Box<Volumes<SharedFile>>),
}

/// Verifies the bundle in `path`. Nothing is sent to any cluster before this has succeeded.
pub(crate) fn open(path: &Path, global: &GlobalArgs) -> Result<Bundle, Problem> {
    open_file(path, global).map(|(bundle, _)| bundle)
}

/// Verifies the bundle in `path`, and returns its file too, from which images can be read.
pub(crate) fn open_file(path: &Path, global: &GlobalArgs) -> Result<(Bundle, BundleFile), Problem> {
    let anchor = global.anchor()?;
    let mut file = BundleFile::open(path)?;
    let told = Told::new(&mut file)?;
    let verified = UnverifiedBundle::open(told).and_then(|bundle| bundle.verify(&anchor));
    match verified {
        Ok(bundle) => Ok((bundle, file)),
        Err(error) => Err(file.blame().unwrap_or_else(|| refuse(path.to_owned(), error))),
    }
}

impl BundleFile {
    /// Opens the bundle at `path`. If that is a volume, the others are sought in its folder.
    fn open(path: &Path) -> Result<Self, Problem> {
        let mut file = SharedFile::from(fs::File::open(path).map_err(Problem::unreadable)?);
        if !begins_as_volume(&mut file)? {
            return Ok(Self::Whole(file));
        }
        let volumes = siblings(path)?;
        let volumes = Volumes::open(volumes).map_err(Problem::volumes)?;
        Ok(Self::Volumes(Box::new(volumes)))
    }

    /// Finds the volumes that are to blame for a bundle that is refused, so that only they need to be
    /// copied again.
    fn blame(&mut self) -> Option<Problem> {
        match self {
            Self::Whole(_) => None,
            Self::Volumes(volumes) => volumes.check().err().map(Problem::volumes),
        }
    }
}

impl Read for BundleFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Whole(file) => file.read(buffer),
            Self::Volumes(volumes) => volumes.read(buffer),
        }
    }
}

impl Seek for BundleFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Whole(file) => file.seek(to),
            Self::Volumes(volumes) => volumes.seek(to),
        }
    }
}

fn begins_as_volume(file: &mut SharedFile) -> Result<bool, Problem> {
    let mut start = Vec::new();
    (&mut *file).take(512).read_to_end(&mut start).map_err(Problem::unreadable)?;
    file.rewind().map_err(Problem::unreadable)?;
    Ok(is_volume(&start))
}

/// Opens the volumes beside the one at `path` that are of the same file, whatever they are called.
///
/// Of two with one number, that with the usual name counts. A volume that cannot be read as one is
/// taken if it has a name like the others', so that it is told.
fn siblings(path: &Path) -> Result<Vec<(String, SharedFile)>, Problem> {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let given = name(path);
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let place = |name: &str, file: &SharedFile| VolumePlace::of(name, file.clone());
    let file = SharedFile::from(fs::File::open(path).map_err(Problem::unreadable)?);
    let VolumePlace { count, file, .. } = place(&given, &file).map_err(Problem::volumes)?;
    let (mut by_number, mut broken) = (BTreeMap::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(Problem::unreadable)? {
        let path = entry.map_err(Problem::unreadable)?.path();
        let (name, is_alike) = (name(&path), shape(&name(&path)) == shape(&given));
        // Whatever else lies there is none of our business; a pipe would never even open.
        let Some(opened) = path.is_file().then(|| fs::File::open(&path).ok()).flatten() else {
            continue;
        };
        let mut opened = SharedFile::from(opened);
        if !is_alike && !begins_as_volume(&mut opened).is_ok_and(|it| it) {
            continue;
        }
        match place(&name, &opened) {
            Ok(found) if (found.count, &found.file) == (count, &file) => {
                let rank = (!is_alike, name);
                let slot = by_number.entry(found.number).or_insert((rank.clone(), opened.clone()));
                if rank < slot.0 {
                    *slot = (rank, opened);
                }
            }
            Err(_) if is_alike => broken.push((name, opened)),
            _ => {}
        }
    }
    let volumes = by_number.into_values().map(|((_, name), file)| (name, file));
    Ok(volumes.chain(broken).collect())
}

/// A name whose part that numbers a volume is left open: what stands between `.vol-` and `-of-`.
fn shape(name: &str) -> (&str, &str) {
    let parts = name.rsplit_once(".vol-").and_then(|(file, rest)| {
        let (number, rest) = rest.split_once("-of-")?;
        number.bytes().all(|byte| byte.is_ascii_digit()).then_some((file, rest))
    });
    parts.unwrap_or((name, ""))
}

/// A file whose reading is told on a terminal, if it is large.
struct Told<'a> {
    file: &'a mut BundleFile,
    size: u64,
    read: u64,
    last: u64,
    is_terminal: bool,
}

impl<'a> Told<'a> {
    fn new(file: &'a mut BundleFile) -> Result<Self, Problem> {
        let size = file.seek(SeekFrom::End(0)).map_err(Problem::unreadable)?;
        file.rewind().map_err(Problem::unreadable)?;
        let is_terminal = io::stderr().is_terminal();
        Ok(Self { file, size, read: 0, last: 0, is_terminal })
    }
}

impl Read for Told<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read += count as u64;
        if self.is_terminal && self.read >= self.last + TOLD_BYTES {
            self.last = self.read;
            output::murmur(&format!(
                "verified {} of {}",
                human_bytes(self.read),
                human_bytes(self.size)
            ));
        }
        Ok(count)
    }
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if self.last > 0 {
            output::murmur("");
        }
    }
}

fn refuse(path: PathBuf, error: BundleError) -> Problem {
    let hint = match &error {
        BundleError::Trust(TrustError::Unsigned) => {
            "build it with a signing key (A4CO_SIGNING_KEY), or sign it: a4co sign BUNDLE --key FILE"
        }
        BundleError::Trust(TrustError::BelowThreshold { .. }) => {
            "check that the bundle comes from whom you think, and that --trust names the right file"
        }
        BundleError::Trust(TrustError::AnchorMissing { .. }) => {
            "give the trust file itself: --trust FILE"
        }
        BundleError::Trust(TrustError::RevokedRelease { .. } | TrustError::BelowFloor { .. }) => {
            "the signers do not want this release to be used; get a newer one"
        }
        BundleError::Trust(TrustError::TooOld { .. }) => {
            "get the newest trust file from the signers: --trust FILE"
        }
        BundleError::Trust(TrustError::Link { .. }) => {
            "the chain of trust files in the bundle is broken; report it to its makers"
        }
        error if error.is_damage() => "the file is damaged; fetch it again",
        BundleError::Archive(_) | BundleError::Damaged(_) => {
            "this is not a bundle as a4co writes it"
        }
        BundleError::Trust(_)
        | BundleError::Release(_)
        | BundleError::Statement(_)
        | BundleError::Image(_) => {
            "the bundle is malformed, and was made like that; report it to its makers"
        }
    };
    Problem::bundle(path, error, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_of_one_file_have_names_of_one_shape() {
        for (a, b, are_alike) in [
            ("x.tar.gz.vol-1-of-2.tar", "x.tar.gz.vol-2-of-2.tar", true),
            ("x.tar.gz.vol-01-of-12.tar", "x.tar.gz.vol-12-of-12.tar", true),
            ("x.tar.gz.vol-1-of-2.tar", "x.tar.gz.vol-2-of-3.tar", false),
            ("x.tar.gz.vol-1-of-2.tar", "y.tar.gz.vol-2-of-2.tar", false),
            ("x.tar.gz.vol-1-of-2.tar", "x.tar.gz.vol-a-of-2.tar", false),
            ("renamed", "renamed", true),
            ("renamed", "other", false),
        ] {
            assert_eq!(shape(a) == shape(b), are_alike, "{a} {b}");
        }
    }
}
