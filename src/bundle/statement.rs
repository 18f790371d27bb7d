//! The statement: the one small document that is signed.
//!
//! It is an in-toto Statement v1, so that other tools can carry it, and names the release by id.
//! Fixed parts are compared rather than read, as in the release manifest.

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{
    canonical::{self, CanonicalError},
    config::ReleaseConfig,
    digest::{Digest, ReleaseId},
    error::StatementError,
    grammar::{is_dns_label, is_relative_path},
    release::Release,
};

const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
const PREDICATE_TYPE: &str = "https://a4co.dev/release/v1";

/// What the signers of a release state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The release.
    pub release: ReleaseId,
    /// Size of the release manifest in bytes.
    pub manifest_size: u64,
    /// Application that it is a release of.
    pub app: String,
    /// Environment that it may be applied to.
    pub environment: String,
    /// Version given by people; orders releases against downgrade.
    pub version: Version,
    /// Lowest version of the trust file that its readers must have; 0 for none.
    pub trust: u64,
    /// Files that the release was compiled from, sorted by path. They are not part of the release
    /// itself: a new comment gives a new statement about the same release.
    pub inputs: Vec<Input>,
}

/// A file that a release was compiled from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// Path relative to the folder that was compiled, with slashes.
    pub path: String,
    /// Digest of its bytes.
    pub digest: Digest,
}

/// What tells this kind of statement, in this version, from others.
#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "predicateType")]
    predicate_type: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InToto {
    #[serde(rename = "_type")]
    statement_type: String,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: Predicate,
    subject: Vec<Subject>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Predicate {
    app: String,
    environment: String,
    inputs: Vec<Input>,
    manifest_size: u64,
    trust: u64,
    version: Version,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    digest: SubjectDigest,
    name: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SubjectDigest {
    sha256: String,
}

impl Statement {
    /// Makes the statement about `release`, compiled from `inputs`.
    #[must_use]
    pub fn new(release: &Release, mut inputs: Vec<Input>, trust: u64) -> Self {
        inputs.sort();
        inputs.dedup();
        let config = release.config();
        Self {
            release: release.id(),
            manifest_size: release.manifest().len() as u64,
            app: config.app.clone(),
            environment: config.environment.clone(),
            version: config.version.clone(),
            trust,
            inputs,
        }
    }

    /// Encodes the statement; these bytes are signed.
    ///
    /// # Errors
    /// Fails when a number is too large for canonical JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        canonical::to_bytes(&InToto {
            statement_type: STATEMENT_TYPE.to_owned(),
            predicate_type: PREDICATE_TYPE.to_owned(),
            predicate: Predicate {
                app: self.app.clone(),
                environment: self.environment.clone(),
                inputs: self.inputs.clone(),
                manifest_size: self.manifest_size,
                trust: self.trust,
                version: self.version.clone(),
            },
            subject: vec![Subject {
                digest: SubjectDigest { sha256: self.release.digest().to_hex() },
                name: format!("{}/{}", self.app, self.environment),
            }],
        })
    }

    /// Decodes a statement, whose signatures the caller has checked.
    ///
    /// # Errors
    /// Fails when the bytes are not a statement in canonical form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StatementError> {
        let Kind { predicate_type } = canonical::from_bytes(bytes)?;
        if predicate_type != PREDICATE_TYPE {
            return Err(StatementError::OtherType {
                found: predicate_type,
                supported: PREDICATE_TYPE,
            });
        }
        let InToto { predicate, subject, .. } = canonical::from_bytes(bytes)?;
        let [subject] = subject.as_slice() else {
            let found = subject.len();
            return Err(StatementError::Subjects { found });
        };
        let release = format!("sha256:{}", subject.digest.sha256);
        let statement = Self {
            release: release.parse()?,
            manifest_size: predicate.manifest_size,
            app: predicate.app,
            environment: predicate.environment,
            version: predicate.version,
            trust: predicate.trust,
            inputs: predicate.inputs,
        };
        canonical::check_written(bytes, &statement.to_bytes()?)?;
        statement.check_names()?;
        Ok(statement)
    }

    fn check_names(&self) -> Result<(), StatementError> {
        for (field, text) in [("app", &self.app), ("environment", &self.environment)] {
            if !is_dns_label(text) {
                let text = text.clone();
                return Err(StatementError::NotADnsLabel { field, text });
            }
        }
        let paths = || self.inputs.iter().map(|input| &input.path);
        if let Some(path) = paths().find(|path| !is_relative_path(path)) {
            return Err(StatementError::InputPath { path: path.clone() });
        }
        match paths().zip(paths().skip(1)).find(|(one, next)| one >= next) {
            Some((_, path)) => Err(StatementError::InputOrder { path: path.clone() }),
            None => Ok(()),
        }
    }

    /// Checks that the statement is about `release`.
    pub(crate) fn check(&self, release: &Release) -> Result<(), StatementError> {
        self.check_config(release.config())?;
        let (stated, found) = (self.release, release.id());
        check_field("release", stated.to_string(), found.to_string())?;
        let (stated, found) = (self.manifest_size, release.manifest().len());
        check_field("manifest size", stated.to_string(), found.to_string())
    }

    /// Checks that the statement says of the release what its config does.
    pub(crate) fn check_config(&self, config: &ReleaseConfig) -> Result<(), StatementError> {
        check_field("app", self.app.clone(), config.app.clone())?;
        let (stated, found) = (self.environment.clone(), config.environment.clone());
        check_field("environment", stated, found)?;
        let (stated, found) = (&self.version, &config.version);
        check_field("version", stated.to_string(), found.to_string())
    }
}

fn check_field(field: &'static str, stated: String, found: String) -> Result<(), StatementError> {
    if stated == found {
        return Ok(());
    }
    Err(StatementError::Contradiction { field, stated, found })
}
