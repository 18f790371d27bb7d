//! The files from which the tools install one workload, in the form that each of them reads.

use std::path::{Path, PathBuf};

use a4co_bundle::{
    Attestation, CONFIG_SCHEMA, GroupKind, Purpose, Readiness, ReadinessRule, Release,
    ReleaseConfig, Requirements, Signature, Statement, TrustFile, VerifyingKey, pack,
};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::json;

use crate::{
    error::{Error, Result},
    floor,
    workload::{APP, Content, Item, Workload},
};

/// Objects in one template of the chart; a chart with a file for each object is no faster.
const OBJECTS_IN_TEMPLATE: usize = 20;

/// The files of one tool and one namespace.
#[derive(Clone, Debug)]
pub(crate) struct Fixture {
    pub(crate) namespace: String,
    pub(crate) folder: PathBuf,
    pub(crate) size: usize,
}

impl Fixture {
    /// Makes a folder for what is to be installed in `namespace`.
    pub(crate) fn new(root: &Path, namespace: &str, size: usize) -> Result<Self> {
        let folder = root.join(namespace);
        fs_err::create_dir_all(&folder)?;
        Ok(Self { namespace: namespace.to_owned(), folder, size })
    }

    pub(crate) fn workload(&self, content: Content) -> Workload {
        Workload::new(self.size, &self.namespace, content)
    }

    /// A file of what has this content.
    pub(crate) fn file(&self, content: Content, suffix: &str) -> PathBuf {
        self.folder.join(format!("{}{suffix}", content.name()))
    }

    pub(crate) fn trust(&self) -> PathBuf {
        self.folder.join("trust.json")
    }

    /// The release of a4co with this content.
    pub(crate) fn release(&self, content: Content) -> Result<Release> {
        let workload = self.workload(content);
        let mut objects = vec![(0, workload.namespace_manifest())];
        objects.extend(workload.items.into_iter().map(|item| (item.kind.wave(), item.manifest)));
        Release::new(self.config(content)?, objects).map_err(Error::other)
    }

    fn config(&self, content: Content) -> Result<ReleaseConfig> {
        // No other tool waits for pods either, and here there is nobody to start them.
        let deployment = GroupKind { group: "apps".to_owned(), kind: "Deployment".to_owned() };
        Ok(ReleaseConfig {
            schema: CONFIG_SCHEMA,
            app: APP.to_owned(),
            environment: "bench".to_owned(),
            version: content.release_version().parse().map_err(Error::other)?,
            namespace: self.namespace.clone(),
            images: Vec::new(),
            requirements: Requirements::default(),
            readiness: vec![ReadinessRule {
                group: deployment.group,
                kind: deployment.kind,
                ready: Readiness::None,
            }],
            keep: Vec::new(),
            notes: Vec::new(),
        })
    }

    /// Writes a signed bundle for each content, and the trust file.
    pub(crate) fn write_bundles(&self) -> Result<()> {
        Content::ALL.into_iter().try_for_each(|content| self.write_bundle(content))
    }

    /// Writes a signed bundle with this content, and the trust file.
    pub(crate) fn write_bundle(&self, content: Content) -> Result<()> {
        let key = SigningKey::from_bytes(&[7; 32]);
        let public =
            VerifyingKey::from_bytes(key.verifying_key().as_bytes()).map_err(Error::other)?;
        let trust = TrustFile::first([public]).to_bytes().map_err(Error::other)?;
        fs_err::write(self.trust(), trust)?;
        let release = self.release(content)?;
        let statement = Statement::new(&release, Vec::new(), 0);
        let statement = statement.to_bytes().map_err(Error::other)?;
        let signed = key.sign(&Signature::signed_data(Purpose::Release, &statement));
        let signature = Signature::new(Purpose::Release, public, signed.to_bytes());
        let signatures = vec![signature];
        let attestation = Attestation { statement, signatures, trust: Vec::new() };
        let bytes = pack(Vec::new(), &attestation, &release).map_err(Error::other)?;
        Ok(fs_err::write(self.file(content, ".tar.gz"), bytes)?)
    }

    /// Writes a chart for each content.
    pub(crate) fn write_charts(&self) -> Result<()> {
        for content in Content::ALL {
            let templates = self.file(content, "-chart").join("templates");
            fs_err::create_dir_all(&templates)?;
            let version = content.release_version();
            let chart = json!({ "apiVersion": "v2", "name": APP, "version": version });
            let folder = templates.parent().unwrap_or(&templates);
            fs_err::write(folder.join("Chart.yaml"), chart.to_string())?;
            let workload = self.workload(content);
            for (number, items) in workload.items.chunks(OBJECTS_IN_TEMPLATE).enumerate() {
                let path = templates.join(format!("objects-{number}.yaml"));
                fs_err::write(path, documents(items))?;
            }
        }
        Ok(())
    }

    /// Writes one file of all objects for each content, the namespace first.
    pub(crate) fn write_manifests(&self) -> Result<()> {
        for content in Content::ALL {
            let workload = self.workload(content);
            let namespace = workload.namespace_manifest();
            let text = format!("{namespace:#}\n---\n{}", documents(&workload.items));
            fs_err::write(self.file(content, ".yaml"), text)?;
        }
        Ok(())
    }

    /// Writes what the floor sends for each content, and only what differs for the one percent.
    pub(crate) fn write_patches(&self) -> Result<()> {
        for content in Content::ALL {
            let workload = self.workload(content);
            let changes = |(index, _): &(usize, &Item)| {
                content != Content::OnePercent || crate::workload::is_one_percent(*index)
            };
            let items = workload.items.iter().enumerate().filter(changes);
            let patches = items.map(|(_, item)| (item.path(&self.namespace), &item.manifest));
            fs_err::write(self.file(content, ".patches"), floor::to_file(patches)?)?;
        }
        let namespace = self.workload(Content::Old).namespace_manifest();
        let path = format!("/api/v1/namespaces/{}", self.namespace);
        fs_err::write(self.namespace_patch(), floor::to_file([(path, &namespace)])?)?;
        Ok(())
    }

    pub(crate) fn namespace_patch(&self) -> PathBuf {
        self.folder.join("namespace.patches")
    }
}

/// YAML documents; JSON is YAML too, and every tool parses it at least as fast.
fn documents(items: &[Item]) -> String {
    let documents: Vec<_> = items.iter().map(|item| format!("{:#}\n", item.manifest)).collect();
    documents.join("---\n")
}
