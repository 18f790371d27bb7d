//! Manifests and indexes of images, as their original bytes.

use a4co_bundle::Digest;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::{
    answer::{length, read},
    client::Client,
    connection::Answer,
    error::RegistryError,
    name::Repository,
    reference::Reference,
    request::{Ask, Party},
    text::printable,
};

/// Most bytes of a manifest that are read (OCI distribution specification, "Pushing manifests").
pub const MAX_MANIFEST_BYTES: u64 = 4 << 20;

/// Media types that we understand: indexes and manifests, of OCI and of Docker.
pub(crate) const MEDIA_TYPES: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// Where a registry tells the digest of what it sends.
const CONTENT_DIGEST: &str = "docker-content-digest";

/// A manifest or an index whose digest is right. Its content is the registry's: unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The bytes as the registry has them.
    pub bytes: Vec<u8>,
    /// One of the four media types of OCI and Docker.
    pub media_type: String,
    /// Digest of the bytes.
    pub digest: Digest,
}

/// What a registry says of a manifest without sending it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Digest, if the registry tells it.
    pub digest: Option<Digest>,
    /// Size in bytes, if the registry tells it.
    pub size: Option<u64>,
}

impl Client {
    /// Reads a manifest or an index.
    ///
    /// # Errors
    /// Fails when it cannot be had, is larger than 4 MiB, has another digest than asked for or than
    /// the registry says, or is not of the four media types.
    pub async fn manifest(
        &self,
        repository: &Repository,
        reference: &Reference,
    ) -> Result<Manifest, RegistryError> {
        let path = format!("manifests/{reference}");
        self.read(reference, repository, async |party| {
            let ask = ask(party, Method::GET, &path)?;
            let answer = self.ask_well(party, &ask).await?;
            let headers = answer.headers().clone();
            let timeouts = &self.options().timeouts;
            let bytes = read(party.wanted, answer, MAX_MANIFEST_BYTES, timeouts).await?;
            check(party, reference, &headers, bytes)
        })
        .await
    }

    /// Asks for a manifest without reading it; `None` when there is none.
    ///
    /// # Errors
    /// Fails when the registry cannot be asked.
    pub async fn head(
        &self,
        repository: &Repository,
        reference: &Reference,
    ) -> Result<Option<Head>, RegistryError> {
        let path = format!("manifests/{reference}");
        let found = self.read(reference, repository, async |party| {
            let head = ask(party, Method::HEAD, &path)?;
            let answer = self.ask(party, &head).await?;
            match answer.status().as_u16() {
                // Why, stands in a body, which this method has none of.
                401 | 403 | 429 => {
                    let get = ask(party, Method::GET, &path)?;
                    Ok(head_of(&self.ask_well(party, &get).await?))
                }
                200..=299 => Ok(head_of(&answer)),
                _ => Err(self.refusal(party, answer).await),
            }
        });
        match found.await {
            Err(error) if error.is_not_found() => Ok(None),
            found => found.map(Some),
        }
    }
}

pub(crate) fn head_of(answer: &Answer) -> Head {
    let digest = answer.headers().get(CONTENT_DIGEST);
    let digest = digest.and_then(|it| it.to_str().ok()).and_then(|it| it.parse().ok());
    Head { digest, size: length(answer.headers()) }
}

/// Makes a request for a manifest of any kind.
pub(crate) fn ask(party: Party<'_>, method: Method, path: &str) -> Result<Ask, RegistryError> {
    let uri = party.uri(path)?;
    let ask = Ask::new(method, uri);
    Ok(MEDIA_TYPES.into_iter().fold(ask, |ask, media_type| {
        ask.with(header::ACCEPT, HeaderValue::from_static(media_type))
    }))
}

fn check(
    party: Party<'_>,
    reference: &Reference,
    headers: &HeaderMap,
    bytes: Vec<u8>,
) -> Result<Manifest, RegistryError> {
    let computed = Digest::of(&bytes);
    let expected = match reference {
        Reference::Digest(digest) => Some(digest.to_string()),
        // Of another algorithm it cannot be compared.
        Reference::Tag(_) => {
            let told = headers.get(CONTENT_DIGEST).and_then(|value| value.to_str().ok());
            told.filter(|text| text.starts_with("sha256:")).map(printable)
        }
    };
    if let Some(expected) = expected.filter(|expected| *expected != computed.to_string()) {
        let wanted = Box::new(party.wanted.clone());
        return Err(RegistryError::Digest { wanted, expected, computed });
    }
    let media_type = media_type(headers, &bytes).map_err(|found| RegistryError::Image {
        wanted: Box::new(party.wanted.clone()),
        why: format!(
            "its media type is `{}`, and containers start from none but OCI's and Docker's \
             (version 2) indexes and manifests",
            printable(&found)
        ),
    })?;
    Ok(Manifest { bytes, media_type, digest: computed })
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stated {
    #[serde(default)]
    media_type: String,
}

/// Returns the media type that the registry tells or, if that is none of ours, the one that the
/// document states; else what was told.
fn media_type(headers: &HeaderMap, bytes: &[u8]) -> Result<String, String> {
    let told = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let told = told.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if MEDIA_TYPES.contains(&told) {
        return Ok(told.to_owned());
    }
    let stated = serde_json::from_slice(bytes).map_or(String::new(), |it: Stated| it.media_type);
    if MEDIA_TYPES.contains(&stated.as_str()) { Ok(stated) } else { Err(told.to_owned()) }
}

impl Client {
    /// Returns whether the registry itself, no mirror, has the manifest or index; for what was
    /// pushed.
    ///
    /// # Errors
    /// Fails when the registry cannot be asked.
    pub async fn has_manifest(
        &self,
        repository: &Repository,
        digest: Digest,
    ) -> Result<bool, RegistryError> {
        let path = format!("manifests/{digest}");
        let writer = self.writer(&Reference::Digest(digest), repository);
        let found = self.patiently(async || {
            let party = writer.party();
            let answer = self.ask(party, &ask(party, Method::HEAD, &path)?).await?;
            match answer.status() {
                StatusCode::NOT_FOUND => Ok(false),
                status if status.is_success() => {
                    let told = head_of(&answer).digest;
                    Ok(told.is_none_or(|told| told == digest))
                }
                _ => Err(self.refusal(party, answer).await),
            }
        });
        found.await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_media_type_is_told_or_stated() {
        let index = MEDIA_TYPES[0];
        let stated = format!(r#"{{"mediaType":"{index}"}}"#);
        for (case, told, body, expected) in [
            ("told", index, "{}", Ok(index)),
            ("told with a parameter", &format!("{index}; charset=utf-8"), "{}", Ok(index)),
            ("stated only", "application/json", &stated, Ok(index)),
            ("neither", "text/html", "<html>", Err("text/html")),
            (
                "Docker's first",
                "application/vnd.docker.distribution.manifest.v1+prettyjws",
                "{}",
                Err("application/vnd.docker.distribution.manifest.v1+prettyjws"),
            ),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, told.parse().unwrap());
            let found = media_type(&headers, body.as_bytes());
            assert_eq!(found.as_deref().map_err(String::as_str), expected, "{case}");
        }
    }
}
