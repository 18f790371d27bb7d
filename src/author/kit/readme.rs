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
    /// Names of the programs.
    pub(crate) tools: &'a [String],
    /// Names of the signature files over the list of checksums.
    pub(crate) signatures: &'a [String],
    /// Fingerprints of the keys that may sign releases.
    pub(crate) keys: &'a [String],
    /// How many of them have to.
    pub(crate) threshold: usize,
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
             \x20  sha256sum -c SHA256SUMS\n\n\
             2. Is it theirs? All that is here came the same way, this text too, so it proves nothing\n\
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
             3. The program for your machine, one of\n\n"
        ));
        for tool in self.tools {
            add(format_args!("   install -m 0755 {tool} /usr/local/bin/a4co-apply\n"));
        }
        add(format_args!(
            "\n4. Check signatures and every byte of the bundle; nothing is sent to anybody:\n\n\
             \x20  a4co-apply verify {given} --trust trust.json\n\n\
             5. Bring the images in: to a registry of the site,\n\n\
             \x20  a4co-apply images push {given} REGISTRY --trust trust.json\n\n\
             \x20  or onto the nodes (--containerd, --k3s, --rke2, --talos),\n\n\
             \x20  a4co-apply images export {given} --containerd --trust trust.json\n\n\
             6. See what will happen, and let it happen:\n\n\
             \x20  a4co-apply plan {given} --trust trust.json\n\
             \x20  a4co-apply apply {given} --trust trust.json\n\n\
             `a4co-apply --help` says the rest.\n"
        ));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instructions_name_what_is_there() {
        let texts =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (tools, signatures) =
            (texts(&["a4co-apply-linux-amd64"]), texts(&["SHA256SUMS-0.sshsig"]));
        let keys = texts(&["SHA256:abc"]);
        for (volumes, first) in
            [(texts(&[]), "shop.tar.gz"), (texts(&["shop.vol-1", "shop.vol-2"]), "shop.vol-1")]
        {
            let readme = Readme {
                title: "shop 1.0.0 for live",
                release: "sha256:00",
                bundle: "shop.tar.gz",
                volumes: &volumes,
                tools: &tools,
                signatures: &signatures,
                keys: &keys,
                threshold: 1,
            };
            let text = readme.to_text();
            for part in [
                "shop 1.0.0 for live\nrelease sha256:00\n",
                "   SHA256:abc\n",
                "-s SHA256SUMS-0.sshsig < SHA256SUMS\n",
                "install -m 0755 a4co-apply-linux-amd64 ",
                &format!("a4co-apply apply {first} --trust trust.json\n"),
            ] {
                assert!(text.contains(part), "{part}: {text}");
            }
            assert_eq!(text.contains("in shop.vol-1 shop.vol-2; do tar"), !volumes.is_empty());
        }
    }
}
