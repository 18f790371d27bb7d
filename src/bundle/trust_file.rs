//! The trust file: who may sign what, and what no longer counts.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{
    canonical,
    digest::ReleaseId,
    error::TrustError,
    grammar::is_dns_label,
    key::VerifyingKey,
    signature::{Purpose, Signature},
};

/// Version of the trust file's schema that this code reads and writes.
pub const TRUST_SCHEMA: u32 = 1;

/// A trust file. Holding one proves nothing: see [`Trust`](crate::Trust).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrustFile {
    /// Version of this schema, [`TRUST_SCHEMA`].
    pub schema: u32,
    /// Version of the content, from 1; each one is signed by its predecessor's root keys.
    pub version: u64,
    /// Who may sign what.
    pub roles: Roles,
    /// Keys whose signatures no longer count for anything.
    pub revoked_keys: BTreeSet<VerifyingKey>,
    /// Releases that are refused whoever signed them.
    pub revoked_releases: BTreeSet<ReleaseId>,
    /// Lowest version accepted for each `app/environment`.
    pub floors: BTreeMap<String, Version>,
}

/// Who may sign what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// Signs releases.
    pub release: Role,
    /// Signs the next trust file.
    pub root: Role,
}

/// A set of keys, of which `threshold` have to sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// The keys.
    pub keys: BTreeSet<VerifyingKey>,
    /// How many of them have to sign.
    pub threshold: usize,
}

/// What every version of the schema begins with.
#[derive(Deserialize)]
struct Schema {
    schema: u32,
}

impl TrustFile {
    /// Makes version 1 of a trust file in which each of `keys` may sign alone, for both roles.
    #[must_use]
    pub fn first(keys: impl IntoIterator<Item = VerifyingKey>) -> Self {
        let role = Role { keys: keys.into_iter().collect(), threshold: 1 };
        Self {
            schema: TRUST_SCHEMA,
            version: 1,
            roles: Roles { release: role.clone(), root: role },
            revoked_keys: BTreeSet::new(),
            revoked_releases: BTreeSet::new(),
            floors: BTreeMap::new(),
        }
    }

    /// Encodes the file; these bytes are signed.
    ///
    /// # Errors
    /// Fails when a number is too large for canonical JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, TrustError> {
        Ok(canonical::to_bytes(self)?)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, TrustError> {
        let Schema { schema } = canonical::from_bytes(bytes)?;
        if schema != TRUST_SCHEMA {
            return Err(TrustError::Schema { found: schema, supported: TRUST_SCHEMA });
        }
        let file: Self = canonical::from_exact_bytes(bytes)?;
        file.check()?;
        Ok(file)
    }

    fn check(&self) -> Result<(), TrustError> {
        if self.version == 0 {
            let expected = "versions count from 1";
            return Err(TrustError::Version { found: 0, expected });
        }
        for duty in [Duty::Release, Duty::Root] {
            let Role { keys, threshold } = self.role(duty);
            if *threshold == 0 || *threshold > keys.len() {
                return Err(TrustError::Threshold {
                    role: duty.name(),
                    threshold: *threshold,
                    keys: keys.len(),
                });
            }
        }
        let is_target = |target: &str| {
            let parts = target.split_once('/');
            parts.is_some_and(|(app, environment)| is_dns_label(app) && is_dns_label(environment))
        };
        match self.floors.keys().find(|target| !is_target(target)) {
            Some(target) => Err(TrustError::Floor { target: target.clone() }),
            None => Ok(()),
        }
    }

    fn role(&self, duty: Duty) -> &Role {
        match duty {
            Duty::Release => &self.roles.release,
            Duty::Root => &self.roles.root,
        }
    }

    /// Checks that enough keys of a role signed `message`, and returns those that did.
    pub(crate) fn check_signers(
        &self,
        duty: Duty,
        message: &[u8],
        signatures: &[Signature],
    ) -> Result<BTreeSet<VerifyingKey>, TrustError> {
        let mut counted = BTreeSet::new();
        let mut verdicts = Vec::with_capacity(signatures.len());
        for signature in signatures {
            let key = signature.claimed_key();
            let verdict = self.judge(duty, message, signature);
            let verdict = match verdict {
                Ok(()) if counted.insert(key) => "counts",
                Ok(()) => "has counted already",
                Err(why) => why,
            };
            verdicts.push(format!("{} {verdict}", key.fingerprint()));
        }
        let needed = self.role(duty).threshold;
        if counted.len() >= needed {
            return Ok(counted);
        }
        Err(TrustError::BelowThreshold {
            role: duty.name(),
            trust: self.version,
            needed,
            counted: counted.len(),
            verdicts,
        })
    }

    fn judge(&self, duty: Duty, message: &[u8], signature: &Signature) -> Result<(), &'static str> {
        if signature.purpose() != duty.purpose() {
            return Err("signed for another purpose");
        }
        let Some(key) = signature.verify(message) else {
            return Err(match duty {
                Duty::Release => "did not sign `a4co/release.json` as it stands in the file",
                Duty::Root => "did not sign it as it stands in the file",
            });
        };
        if self.revoked_keys.contains(&key) {
            return Err("is revoked");
        }
        if !self.role(duty).keys.contains(&key) {
            return Err("is not trusted for this");
        }
        Ok(())
    }
}

/// What a key is trusted for.
#[derive(Clone, Copy)]
pub(crate) enum Duty {
    Release,
    Root,
}

impl Duty {
    fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Root => "root",
        }
    }

    fn purpose(self) -> Purpose {
        match self {
            Self::Release => Purpose::Release,
            Self::Root => Purpose::Trust,
        }
    }
}
