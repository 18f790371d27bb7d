//! Writes archives that no honest writer writes. It shares no code with the crate.

use a4co_bundle::{Digest, Purpose, to_canonical};
use serde_json::{Value, json};

use super::{Key, bundle, release};

pub const BLOCK: usize = 0xffff;
const RECORD: usize = 512;

/// One entry of a tar stream, every byte of it at hand.
#[derive(Clone)]
pub struct Entry {
    pub header: [u8; RECORD],
    pub body: Vec<u8>,
    pub padding: Vec<u8>,
}

impl Entry {
    pub fn new(name: &str, body: &[u8]) -> Self {
        let mut entry = Self {
            header: [0; RECORD],
            body: body.to_vec(),
            padding: vec![0; (RECORD - body.len() % RECORD) % RECORD],
        };
        entry.put(0, name);
        entry.put(100, "0000644");
        entry.put(108, "0000000");
        entry.put(116, "0000000");
        entry.put(124, &format!("{:011o}\0{:011o}\0", body.len(), 0));
        entry.put(156, "0");
        entry.put(257, "ustar\x0000");
        entry.put(329, "0000000");
        entry.put(337, "0000000");
        entry.sum();
        entry
    }

    pub fn put(&mut self, at: usize, text: &str) {
        self.put_bytes(at, text.as_bytes());
    }

    pub fn put_bytes(&mut self, at: usize, bytes: &[u8]) {
        self.header[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Makes the checksum right.
    pub fn sum(&mut self) {
        self.put(148, "        ");
        let sum: u32 = self.header.iter().map(|byte| u32::from(*byte)).sum();
        self.put(148, &format!("{sum:06o}\0 "));
    }

    pub fn name(&self) -> String {
        let end = self.header.iter().position(|byte| *byte == 0).unwrap();
        String::from_utf8(self.header[..end].to_vec()).unwrap()
    }
}

/// A tar stream in its parts.
#[derive(Clone)]
pub struct Tar {
    pub entries: Vec<Entry>,
    pub end: Vec<u8>,
}

impl Tar {
    /// The kit's bundle, signed by key 1: statement, signature, manifest, config, two objects,
    /// index, layout.
    pub fn good() -> Self {
        Self::of(&bundle(&release(), &[&Key::number(1)]))
    }

    pub fn of(file: &[u8]) -> Self {
        let content = content_of(file);
        let (mut entries, mut at) = (Vec::new(), 0);
        while content[at] != 0 {
            let header: [u8; RECORD] = content[at..at + RECORD].try_into().unwrap();
            let size = str::from_utf8(&header[124..135]).unwrap();
            let size = usize::from_str_radix(size, 8).unwrap();
            let body = at + RECORD;
            let next = body + size.next_multiple_of(RECORD);
            entries.push(Entry {
                header,
                body: content[body..body + size].to_vec(),
                padding: content[body + size..next].to_vec(),
            });
            at = next;
        }
        Self { entries, end: content[at..].to_vec() }
    }

    /// Changes the header of one entry and makes the checksum right again.
    pub fn header(mut self, index: usize, change: impl FnOnce(&mut Entry)) -> Self {
        change(&mut self.entries[index]);
        self.entries[index].sum();
        self
    }

    pub fn insert(mut self, index: usize, entry: Entry) -> Self {
        self.entries.insert(index, entry);
        self
    }

    pub fn change(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub fn content(&self) -> Vec<u8> {
        let mut content = Vec::new();
        for entry in &self.entries {
            content.extend_from_slice(&entry.header);
            content.extend_from_slice(&entry.body);
            content.extend_from_slice(&entry.padding);
        }
        content.extend_from_slice(&self.end);
        content
    }

    pub fn pack(&self) -> Vec<u8> {
        gzip(&self.content())
    }
}

pub fn content_of(file: &[u8]) -> Vec<u8> {
    use std::io::Read as _;
    let mut content = Vec::new();
    let mut decoder = flate2::read::GzDecoder::new(file);
    decoder.read_to_end(&mut content).unwrap();
    content
}

/// Stored blocks of the given content, each with its own flag.
pub fn gzip_of_blocks(blocks: &[(bool, &[u8])]) -> Vec<u8> {
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut crc = flate2::Crc::new();
    for (last, block) in blocks {
        let length = u16::try_from(block.len()).unwrap();
        file.push(u8::from(*last));
        file.extend_from_slice(&length.to_le_bytes());
        file.extend_from_slice(&(!length).to_le_bytes());
        file.extend_from_slice(block);
        crc.update(block);
    }
    file.extend_from_slice(&crc.sum().to_le_bytes());
    file.extend_from_slice(&crc.amount().to_le_bytes());
    file
}

pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut blocks: Vec<_> = content.chunks(BLOCK).map(|block| (false, block)).collect();
    blocks.last_mut().unwrap().0 = true;
    gzip_of_blocks(&blocks)
}

/// The documents of the kit's release, to be altered and then signed by the trusted key: what a
/// careless or hacked compiler could bring about.
#[derive(Clone)]
pub struct Documents {
    pub config: Vec<u8>,
    pub objects: Vec<Vec<u8>>,
    pub layers: Vec<Value>,
    pub manifest: Value,
    pub statement: Value,
}

impl Documents {
    pub fn good() -> Self {
        let release = release();
        let parse = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
        let manifest = parse(release.manifest());
        Self {
            config: release.config_bytes().to_vec(),
            objects: release.objects().iter().map(|it| it.bytes().to_vec()).collect(),
            layers: manifest["layers"].as_array().unwrap().clone(),
            manifest,
            statement: parse(&super::statement(&release)),
        }
    }

    /// Changes the config as JSON.
    pub fn config(mut self, change: impl FnOnce(&mut Value)) -> Self {
        let mut config = serde_json::from_slice(&self.config).unwrap();
        change(&mut config);
        self.config = to_canonical(&config).unwrap();
        self
    }

    /// Changes the first object as JSON; its layer follows.
    pub fn object(mut self, change: impl FnOnce(&mut Value)) -> Self {
        let mut object = serde_json::from_slice(&self.objects[0]).unwrap();
        change(&mut object);
        self.objects[0] = text(&object).into_bytes();
        self.link_objects()
    }

    pub fn object_bytes(mut self, bytes: &[u8]) -> Self {
        self.objects[0] = bytes.to_vec();
        self.link_objects()
    }

    fn link_objects(mut self) -> Self {
        for (layer, object) in self.layers.iter_mut().zip(&self.objects) {
            link(layer, object);
        }
        self
    }

    /// Packs the documents as they are, each named by what refers to it.
    pub fn pack(self) -> Vec<u8> {
        self.pack_with(|manifest| manifest, |statement| statement)
    }

    /// Packs after a last change of the manifest, which may make it no JSON at all.
    pub fn pack_manifest(self, change: impl FnOnce(String) -> String) -> Vec<u8> {
        self.pack_with(change, |statement| statement)
    }

    /// Packs after a last change of the statement.
    pub fn pack_statement(self, change: impl FnOnce(String) -> String) -> Vec<u8> {
        self.pack_with(|manifest| manifest, change)
    }

    fn pack_with(
        mut self,
        change_manifest: impl FnOnce(String) -> String,
        change_statement: impl FnOnce(String) -> String,
    ) -> Vec<u8> {
        link(&mut self.manifest["config"], &self.config);
        self.manifest["layers"] = Value::Array(self.layers);
        let manifest = change_manifest(text(&self.manifest)).into_bytes();
        let digest = Digest::of(&manifest);
        if self.statement["subject"][0]["digest"]["sha256"].is_string() {
            self.statement["subject"][0]["digest"]["sha256"] = json!(digest.to_hex());
            self.statement["predicate"]["manifestSize"] = json!(manifest.len());
        }
        let statement = change_statement(text(&self.statement)).into_bytes();
        let signature = Key::number(1).sign(Purpose::Release, &statement).to_armored();
        let mut tar = Tar::good();
        tar.entries = vec![
            Entry::new("a4co/release.json", &statement),
            Entry::new("a4co/sig-0.sshsig", signature.as_bytes()),
            blob(&manifest),
            blob(&self.config),
        ];
        tar.entries.extend(self.objects.iter().map(|it| blob(it)));
        tar.entries.push(Entry::new("index.json", index(&manifest).as_bytes()));
        tar.entries.push(Entry::new("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#));
        tar.pack()
    }
}

fn index(manifest: &[u8]) -> String {
    text(&json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": "application/vnd.a4co.release.v1+json",
            "digest": Digest::of(manifest),
            "size": manifest.len(),
        }],
    }))
}

fn link(descriptor: &mut Value, bytes: &[u8]) {
    descriptor["digest"] = json!(Digest::of(bytes));
    descriptor["size"] = json!(bytes.len());
}

fn text(value: &Value) -> String {
    // A hostile document may have no canonical form.
    let bytes = to_canonical(value).unwrap_or_else(|_| serde_json::to_vec(value).unwrap());
    String::from_utf8(bytes).unwrap()
}

pub fn blob(bytes: &[u8]) -> Entry {
    Entry::new(&format!("blobs/sha256/{}", Digest::of(bytes).to_hex()), bytes)
}
