//! Decides what a request is answered with. Reads nothing and sends nothing.

use a4co_bundle::{Digest, StoredImages};
use http::Method;

use crate::serve::{
    answer::{Answer, Refusal},
    catalog::{Catalog, Shelf},
    range::{Wish, wish},
};

/// What matters of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    /// The `Range` header.
    pub(super) range: Option<&'a str>,
}

/// Decides what a request is answered with.
pub(super) fn route(line: Line<'_>, catalog: &Catalog, stored: &StoredImages) -> Answer {
    answer(line, catalog, stored).unwrap_or_else(Answer::Refusal)
}

fn answer(line: Line<'_>, catalog: &Catalog, stored: &StoredImages) -> Result<Answer, Refusal> {
    if line.method != Method::GET && line.method != Method::HEAD {
        return Err(Refusal::Method);
    }
    let rest = match line.path {
        "/v2" | "/v2/" => return Ok(Answer::Version),
        path => path.strip_prefix("/v2/").ok_or(Refusal::Path)?,
    };
    let (rest, reference) = rest.rsplit_once('/').ok_or(Refusal::Path)?;
    let (name, kind) = rest.rsplit_once('/').ok_or(Refusal::Path)?;
    let shelves = || match catalog.find(name, namespace(line.query)) {
        none if none.is_empty() => Err(Refusal::Name),
        shelves => Ok(shelves),
    };
    match (kind, reference) {
        ("manifests", _) => manifest(&shelves()?, reference),
        ("blobs", _) => {
            let digest: Digest = reference.parse().map_err(|_| Refusal::Digest)?;
            blob(&shelves()?, digest, line.range, stored)
        }
        ("tags", "list") => {
            let shelves = shelves()?;
            let tags = shelves.iter().flat_map(|shelf| shelf.tags.keys().cloned());
            let mut tags: Vec<_> = tags.collect();
            tags.sort();
            tags.dedup();
            Ok(Answer::Tags { name: name.to_owned(), tags })
        }
        _ => Err(Refusal::Path),
    }
}

fn manifest(shelves: &[&Shelf], reference: &str) -> Result<Answer, Refusal> {
    if let Ok(digest) = reference.parse::<Digest>() {
        let is_here = shelves.iter().any(|shelf| shelf.documents.contains(&digest));
        return is_here.then_some(Answer::Manifest { digest }).ok_or(Refusal::Manifest);
    }
    let mut found = shelves.iter().filter_map(|shelf| shelf.tags.get(reference).copied());
    let digest = found.next().ok_or(Refusal::Manifest)?;
    if found.all(|other| other == digest) {
        Ok(Answer::Manifest { digest })
    } else {
        Err(Refusal::Ambiguous)
    }
}

fn blob(
    shelves: &[&Shelf],
    digest: Digest,
    range: Option<&str>,
    stored: &StoredImages,
) -> Result<Answer, Refusal> {
    // Registries keep manifests as blobs too, and some clients ask for them so.
    let has = |shelf: &&Shelf| shelf.blobs.contains(&digest) || shelf.documents.contains(&digest);
    let found = stored.stored(digest).filter(|_| shelves.iter().any(has));
    let size = found.ok_or(Refusal::Blob)?.size;
    match wish(range, size) {
        Wish::All => Ok(Answer::Blob { digest, part: None }),
        Wish::Part(part) => Ok(Answer::Blob { digest, part: Some(part) }),
        Wish::Nothing => Err(Refusal::Range { size }),
    }
}

/// Returns the registry that a mirror is asked to stand for, as containerd says it: `ns=docker.io`.
fn namespace(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("ns=")).filter(|host| !host.is_empty())
}
