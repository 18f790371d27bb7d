//! What an auditor does without this code: each test runs the commands of `docs/bundle-format.md`
//! with the tools of a Debian system.
//!
//! A tool that is missing skips the test with a message, and fails it where `CI` is set.

#![allow(clippy::unwrap_used, reason = "a test that cannot be made has failed")]

mod kit;

use a4co_bundle::{Purpose, Signature, SignedTrust, UnverifiedBundle, VerifyingKey, pack};
use kit::{
    Key,
    images::{Images, full},
    tools::{SSH_KEYGEN, TAR, fails, has, run, shell, text, unpacked, write},
};
use tempfile::TempDir;

const VERIFY: &str = "ssh-keygen -Y verify -f allowed_signers -I release@a4co -n a4co-release@v1";

#[test]
fn tar_and_ssh_keygen_verify_every_signature() {
    if !has(&[TAR, SSH_KEYGEN]) {
        return;
    }
    let folder = unpacked();
    for number in 0..2 {
        let line = format!("{VERIFY} -s a4co/sig-{number}.sshsig < a4co/release.json");
        let said = text(run(folder.path(), &line));
        let fingerprint = Key::number(number + 1).public().fingerprint();
        assert!(said.contains(&fingerprint), "{said}");
    }
    let line = format!("{VERIFY} -s a4co/sig-0.sshsig < index.json");
    assert!(fails(folder.path(), &line).contains("incorrect signature"));
    let line =
        VERIFY.replace("release@v1", "trust@v1") + " -s a4co/sig-0.sshsig < a4co/release.json";
    assert!(fails(folder.path(), &line).contains("namespace"));
}

#[test]
fn an_auditor_revokes_a_key_with_a_file() {
    if !has(&[TAR, SSH_KEYGEN]) {
        return;
    }
    let folder = unpacked();
    write(folder.path(), "revoked", format!("{}\n", Key::number(1).public()).as_bytes());
    let verify =
        |number: u8| format!("{VERIFY} -r revoked -s a4co/sig-{number}.sshsig < a4co/release.json");
    assert!(fails(folder.path(), &verify(0)).contains("Could not verify signature"));
    run(folder.path(), &verify(1));
}

#[test]
fn sha256sum_finds_every_blob_under_its_name() {
    if !has(&[TAR, ("sha256sum", "coreutils")]) {
        return;
    }
    let folder = unpacked();
    let sums = text(run(folder.path(), "cd blobs/sha256 && sha256sum *"));
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").unwrap();
        assert_eq!(sum, name);
    }
    let release = kit::release();
    assert_eq!(sums.lines().count(), 2 + release.objects().len());
    assert!(sums.contains(&release.id().digest().to_hex()));
    // The release id by hand: the digest that the statement names is that of a blob.
    let line = r#"sed -E 's/.*"sha256":"([0-9a-f]{64})".*/\1/' a4co/release.json"#;
    let id = text(run(folder.path(), line));
    assert_eq!(id.trim(), release.id().digest().to_hex());
}

#[test]
fn skopeo_reads_the_release_manifest() {
    if !has(&[TAR, ("skopeo", "skopeo")]) {
        return;
    }
    let folder = unpacked();
    let manifest = run(folder.path(), "skopeo inspect --raw oci-archive:bundle.tar.gz");
    assert_eq!(text(manifest), String::from_utf8_lossy(kit::release().manifest()));
    run(folder.path(), "skopeo --insecure-policy copy oci-archive:bundle.tar.gz dir:copy");
    let copied = run(folder.path(), "cat copy/manifest.json");
    assert_eq!(text(copied), String::from_utf8_lossy(kit::release().manifest()));
}

/// A folder with the thick `bundle.tar.gz` of `images`, unpacked.
fn unpacked_thick(images: &Images) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "bundle.tar.gz", &images.pack(&full(&[])));
    run(folder.path(), "tar -xzf bundle.tar.gz");
    folder
}

#[test]
fn sha256sum_finds_every_blob_of_the_images_under_its_name() {
    if !has(&[TAR, ("sha256sum", "coreutils")]) {
        return;
    }
    let images = Images::good();
    let folder = unpacked_thick(&images);
    let sums = text(run(folder.path(), "cd blobs/sha256 && sha256sum *"));
    let pairs: Vec<_> = sums.lines().map(|line| line.split_once("  ").unwrap()).collect();
    assert!(pairs.iter().all(|(sum, name)| sum == name));
    assert_eq!(pairs.len(), 2 + images.release().objects().len() + images.blobs.len());
}

#[test]
fn skopeo_reads_the_release_and_the_images_of_a_thick_bundle() {
    if !has(&[TAR, ("skopeo", "skopeo")]) {
        return;
    }
    let images = Images::good();
    let folder = unpacked_thick(&images);
    let release = String::from_utf8_lossy(images.release().manifest()).into_owned();
    let manifest = run(folder.path(), "skopeo inspect --raw oci-archive:bundle.tar.gz");
    assert_eq!(text(manifest), release);
    run(folder.path(), "skopeo --insecure-policy copy oci-archive:bundle.tar.gz dir:copy");
    assert_eq!(text(run(folder.path(), "cat copy/manifest.json")), release);

    // With an index that names it, an image is read from where it lies.
    let image = images.images.iter().find(|it| it.name.ends_with("one")).unwrap();
    let root = &images.blobs[&image.digest];
    let index = serde_json::json!({ "schemaVersion": 2,
        "manifests": [kit::images::descriptor(kit::images::OCI_INDEX, root)] });
    write(folder.path(), "index.json", index.to_string().as_bytes());
    assert!(run(folder.path(), "skopeo inspect --raw oci:.") == *root);
    run(folder.path(), "skopeo --insecure-policy copy --multi-arch all oci:. dir:image");
    assert!(run(folder.path(), "cat image/manifest.json") == *root);
}

#[test]
fn every_reader_of_tar_lists_the_same_names() {
    if !has(&[TAR, ("bsdtar", "libarchive-tools"), ("python3", "python3")]) {
        return;
    }
    let folder = unpacked();
    let gnu = text(run(folder.path(), "tar -tzf bundle.tar.gz"));
    let entries =
        kit::hostile::Tar::of(&kit::bundle(&kit::release(), &[&Key::number(1), &Key::number(2)]));
    let ours: Vec<_> = entries.entries.iter().map(kit::hostile::Entry::name).collect();
    assert_eq!(gnu.lines().collect::<Vec<_>>(), ours);
    assert_eq!(text(run(folder.path(), "bsdtar -tzf bundle.tar.gz")), gnu);
    let line = "python3 -c 'import tarfile
for name in tarfile.open(\"bundle.tar.gz\").getnames(): print(name)'";
    assert_eq!(text(run(folder.path(), line)), gnu);
}

/// The first block of code in the format's document that holds `part`.
fn documented(part: &str) -> &'static str {
    let document = include_str!("../../../docs/bundle-format.md");
    let blocks = document.split("```").skip(1).step_by(2);
    let mut blocks = blocks.filter_map(|block| block.split_once('\n'));
    blocks.find(|(_, code)| code.contains(part)).unwrap().1
}

#[test]
fn the_documented_check_by_hand_passes_and_shows_the_release_id_twice() {
    if !has(&[TAR, SSH_KEYGEN, ("skopeo", "skopeo")]) {
        return;
    }
    let folder = unpacked();
    write(folder.path(), "revoked", format!("{}\n", Key::number(3).public()).as_bytes());
    let said = text(run(folder.path(), documented("ssh-keygen -Y verify")));
    let lines: Vec<_> = said.lines().collect();
    let id = kit::release().id().digest().to_hex();
    assert_eq!(lines[2..], [id.as_str(), &id], "{said}");
    let damage =
        "for blob in blobs/sha256/*; do echo >> \"$blob\"; break; done; tar -czf bundle.tar.gz *";
    run(folder.path(), damage);
    let said = fails(folder.path(), documented("ssh-keygen -Y verify"));
    assert!(said.contains("damaged: "), "{said}");
}

#[test]
fn the_documented_commands_write_the_same_file() {
    if !has(&[TAR, ("gzip", "gzip"), ("python3", "python3")]) {
        return;
    }
    let folder = unpacked();
    run(folder.path(), "tar -tzf bundle.tar.gz > names");
    let stream = run(folder.path(), documented("--format=ustar"));
    assert!(stream == run(folder.path(), "gzip -dc bundle.tar.gz"));
    write(folder.path(), "bundle.tar", &stream);
    write(folder.path(), "gzip.py", documented("import struct").as_bytes());
    let file = run(folder.path(), "python3 gzip.py < bundle.tar");
    assert!(file == run(folder.path(), "cat bundle.tar.gz"));

    // More than one block, and a last block that is full.
    for length in [65534, 65535, 65536, 131_070, 200_000] {
        let content = vec![7; length];
        let output = shell(folder.path(), "python3 gzip.py", &content);
        assert!(output.stdout == kit::hostile::gzip(&content), "{length}");
    }
}

#[test]
fn ssh_keygen_makes_signatures_that_count() {
    if !has(&[SSH_KEYGEN]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), "ssh-keygen -q -t ed25519 -N '' -C somebody -f key");
    let release = kit::release();
    let statement = kit::statement(&release);
    write(folder.path(), "release.json", &statement);
    run(folder.path(), "ssh-keygen -Y sign -f key -n a4co-release@v1 release.json");
    let armored = run(folder.path(), "cat release.json.sig");
    let signature = Signature::from_armored(Purpose::Release, &armored).unwrap();
    let key: VerifyingKey = text(run(folder.path(), "cat key.pub")).parse().unwrap();
    assert_eq!(signature.verify(&statement), Some(key));
    assert_eq!(signature.to_armored().into_bytes(), armored);
    let listed = text(run(folder.path(), "ssh-keygen -lf key.pub"));
    assert!(listed.contains(&key.fingerprint()), "{listed}");

    // The whole way: the same key signs the first trust file, and a bundle carries both.
    let trust = a4co_bundle::TrustFile::first([key]).to_bytes().unwrap();
    write(folder.path(), "trust-1.json", &trust);
    run(folder.path(), "ssh-keygen -Y sign -f key -n a4co-trust@v1 trust-1.json");
    let armored = run(folder.path(), "cat trust-1.json.sig");
    let link = SignedTrust {
        signatures: vec![Signature::from_armored(Purpose::Trust, &armored).unwrap()],
        bytes: trust.clone(),
    };
    let mut attestation = kit::attestation(&release, &[], vec![link]);
    attestation.signatures = vec![signature];
    let file = pack(Vec::new(), &attestation, &release).unwrap();
    let anchor = a4co_bundle::TrustAnchor::Digest(a4co_bundle::Digest::of(&trust));
    let bundle = UnverifiedBundle::open(file.as_slice()).unwrap().verify(&anchor).unwrap();
    assert!(bundle.signers().contains(&key));
}

#[test]
fn openssl_verifies_a_signature_from_the_documented_bytes() {
    if !has(&[("openssl", "openssl")]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let statement = kit::statement(&kit::release());
    let key = Key::number(1);
    let signature = key.sign(Purpose::Release, &statement);
    // RFC 8410: an Ed25519 public key in DER is 12 fixed bytes and the key.
    let der =
        [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0], &key.public().to_bytes()[..]];
    write(folder.path(), "key.der", &der.concat());
    write(folder.path(), "release.json", &statement);
    write(folder.path(), "sig", signature.to_armored().as_bytes());
    let line = "grep -v -e - sig | base64 -d | tail -c 64 > raw
        { printf 'SSHSIG\\0\\0\\0\\017a4co-release@v1\\0\\0\\0\\0\\0\\0\\0\\006sha512\\0\\0\\0\\100'
          openssl dgst -sha512 -binary release.json; } > signed
        openssl pkeyutl -verify -pubin -inkey key.der -keyform DER -rawin -in signed -sigfile raw";
    let said = text(run(folder.path(), line));
    assert!(said.contains("Signature Verified Successfully"), "{said}");
}
