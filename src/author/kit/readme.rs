//! The instructions that travel with a bundle. They ask for nothing but `tar`, `sha256sum` and
//! `ssh-keygen`, because at the site there may be nothing else.

use std::fmt::Write as _;

/// What the instructions tell about.
pub(crate) struct Readme<'a> {
    /// Application, version and environment, in words.
    pub(crate) title: &'a str,
    /// Release id.
    pub(crate) release: &'a str,
    /// Name of the bundle's file once it is whole.
    pub(crate) bundle: &'a str,
    /// Names of its volumes, in order; empty when it travels whole.
    pub(crate) volumes: &'a [String],
    /// What of the images the bundle has.
    pub(crate) images: Held<'a>,
    /// Names of the programs.
    pub(crate) tools: &'a [String],
    /// Names of the signature files over the list of checksums.
    pub(crate) signatures: &'a [String],
    /// Fingerprints of the keys that may sign releases.
    pub(crate) keys: &'a [String],
    /// How many of them have to.
    pub(crate) threshold: usize,
}

/// What of the images of its release a bundle has.
#[derive(Clone, Copy)]
pub(crate) enum Held<'a> {
    /// It is thin.
    Nothing,
    /// All of the platforms that it is for.
    All,
    /// What the bundle of this release does not have.
    Without(&'a str),
}

impl Readme<'_> {
    pub(crate) fn to_text(&self) -> String {
        let Self { title, release, bundle, keys, threshold, .. } = self;
        let mut text = format!("{title}\nrelease {release}\n\n");
        let mut add = |part: std::fmt::Arguments<'_>| {
            let _ = text.write_fmt(part);
        };
        add(format_args!(
            "1. Is it whole? This checks every file but the list itself and its signatures:\n\n\
             \x20  sha256sum -c SHA256SUMS\n\n"
        ));
        if !self.volumes.is_empty() {
            add(format_args!(
                "   When the volumes are on several media, for each of them:\n\n\
                 \x20  sha256sum -c --ignore-missing SHA256SUMS\n\n"
            ));
        }
        add(format_args!(
            "2. Is it theirs? All that is here came the same way, this text too, so it proves nothing\n\
             \x20  by itself: compare the keys that are printed with what the makers told you by another\n\
             \x20  way. Releases are signed by {threshold} of\n\n"
        ));
        for key in *keys {
            add(format_args!("   {key}\n"));
        }
        add(format_args!("\n"));
        for signature in self.signatures {
            add(format_args!(
                "   ssh-keygen -Y verify -f allowed_signers -I release -n a4co-kit@v1 \\\n\
                 \x20    -s {signature} < SHA256SUMS\n"
            ));
        }
        if !self.volumes.is_empty() {
            add(format_args!(
                "\n   The bundle comes in {} volumes. a4co-apply reads them as they are, when they lie\n\
                 \x20  in one folder; give it the first. Without it they are joined by\n\n\
                 \x20  for volume in {}; do tar -xOf \"$volume\" part; done > {bundle}\n",
                self.volumes.len(),
                self.volumes.join(" ")
            ));
        }
        let given = self.volumes.first().map_or(*bundle, String::as_str);
        add(format_args!(
            "\n   The release itself, by hand, from the bundle:\n\n\
             \x20  tar -xzf {bundle} a4co\n\
             \x20  ssh-keygen -Y verify -f allowed_signers -I release -n a4co-release@v1 \\\n\
             \x20    -s a4co/sig-0.sshsig < a4co/release.json\n\n\
             3. The program{}:\n\n",
            if self.tools.len() > 1 { " for your machine (`uname -m`), one of these" } else { "" }
        ));
        for tool in self.tools {
            add(format_args!("   install -m 0755 {tool} /usr/local/bin/a4co-apply\n"));
        }
        add(format_args!(
            "\n4. Check signatures and every byte of the bundle; nothing is sent to anybody:\n\n\
             \x20  a4co-apply verify {given} --trust trust.json\n\n"
        ));
        self.add_images(&mut add, given);
        add(format_args!(
            "6. See what will happen, and let it happen:\n\n\
             \x20  a4co-apply plan {given} --trust trust.json\n\
             \x20  a4co-apply apply {given} --trust trust.json\n\n\
             AIR-GAP.md has the whole way, and `a4co-apply --help` says the rest.\n"
        ));
        text
    }

    /// Step 5: how the images get to the nodes.
    fn add_images(&self, add: &mut dyn FnMut(std::fmt::Arguments<'_>), given: &str) {
        let whole = self.bundle;
        let mut exported = given.to_owned();
        match self.images {
            Held::Nothing => {
                add(format_args!(
                    "5. The bundle holds no images: the nodes must have them, or get them from where\n\
                     \x20  the release says.\n\n"
                ));
                return;
            }
            Held::All => {}
            Held::Without(base) => {
                exported = format!("/var/tmp/full-{whole}");
                add(format_args!(
                    "   This is a delta. It leaves out what the bundle of an earlier release has,\n\n\
                     \x20  {base}\n\n\
                     \x20  A registry that got that one is enough; an archive for nodes is made of both\n\
                     \x20  together, and BASE is the file of the earlier bundle:\n\n\
                     \x20  a4co-apply images join {given} --base BASE --out {exported} --trust trust.json\n\n"
                ));
            }
        }
        add(format_args!(
            "5. Bring the images in: to a registry of the site (REGISTRY is its address, such as\n\
             \x20  registry.site:5000),\n\n\
             \x20  a4co-apply images push {given} REGISTRY --trust trust.json\n\n\
             \x20  or onto the nodes (--containerd, --k3s, --rke2),\n\n\
             \x20  a4co-apply images export {exported} --containerd --out /var/tmp/images.tar \\\n\
             \x20    --trust trust.json\n\n\
             \x20  AIR-GAP.md says what else the nodes need, one way or the other.\n\n"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instructions_fit_what_is_there() {
        let texts =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let signatures = texts(&["SHA256SUMS-0.sshsig"]);
        let keys = texts(&["SHA256:abc"]);
        let (one, two) = (texts(&["tool-a"]), texts(&["tool-a", "tool-b"]));
        let (whole, volumes) = (texts(&[]), texts(&["shop.vol-1", "shop.vol-2"]));
        let joined = "in shop.vol-1 shop.vol-2; do tar";
        let media = "sha256sum -c --ignore-missing SHA256SUMS\n";
        for (case, volumes, images, tools, has, has_not) in [
            (
                "a whole bundle",
                &whole,
                Held::All,
                &one,
                &["images push shop.tar.gz REGISTRY", "export shop.tar.gz --containerd --out /"][..],
                &["uname", "delta", media, joined][..],
            ),
            (
                "volumes, and two programs",
                &volumes,
                Held::All,
                &two,
                &["a4co-apply apply shop.vol-1 --trust trust.json\n", "uname", media, joined],
                &["delta"],
            ),
            (
                "a delta",
                &whole,
                Held::Without("sha256:01"),
                &one,
                &["   sha256:01\n", "join shop.tar.gz --base BASE", "export /var/tmp/full-shop"],
                &["no images"],
            ),
            ("no images", &whole, Held::Nothing, &one, &["no images"], &["images push", "export"]),
        ] {
            let readme = Readme {
                title: "shop 1.0.0 for live",
                release: "sha256:00",
                bundle: "shop.tar.gz",
                volumes,
                images,
                tools,
                signatures: &signatures,
                keys: &keys,
                threshold: 1,
            };
            let text = readme.to_text();
            let always = [
                "shop 1.0.0 for live\nrelease sha256:00\n",
                "   SHA256:abc\n",
                "-s SHA256SUMS-0.sshsig < SHA256SUMS\n",
                "install -m 0755 tool-a ",
            ];
            for part in always.iter().chain(has) {
                assert!(text.contains(part), "{case}: {part}: {text}");
            }
            for part in has_not {
                assert!(!text.contains(part), "{case}: {part}: {text}");
            }
        }
    }
}
