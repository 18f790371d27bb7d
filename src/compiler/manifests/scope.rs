//! Which kinds have a namespace, and which belong to the cluster as a whole.

use std::collections::BTreeMap;

use a4co_bundle::GroupKind;

use crate::{
    environment::manifests::Scope,
    kinds,
    tree::{Node, Value},
};

/// Whether the kind at hand is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It is, with this scope.
    As(Scope),
    /// Its group is, and has no such kind; these it has.
    NoSuchKind(Vec<String>),
    /// Nothing of it is.
    No,
}

/// The scopes of all kinds that an environment can have.
#[derive(Default)]
pub(super) struct Scopes {
    /// Those that definitions in the release give, by group and kind.
    defined: BTreeMap<(String, String), Scope>,
}

impl Scopes {
    /// Takes the scopes from those of `documents` that are definitions.
    pub(super) fn of<'a>(documents: impl IntoIterator<Item = &'a Node>) -> Self {
        let defined = documents.into_iter().filter_map(|document| {
            let kind = document.get("kind")?.as_str()?;
            let spec = document.get("spec").filter(|_| kind == "CustomResourceDefinition")?;
            let group = spec.get("group")?.as_str()?.to_owned();
            let kind = spec.get("names")?.get("kind")?.as_str()?.to_owned();
            let scope = match &spec.get("scope")?.value {
                Value::String(scope) if scope == "Cluster" => Scope::Cluster,
                _ => Scope::Namespaced,
            };
            Some(((group, kind), scope))
        });
        Self { defined: defined.collect() }
    }

    /// Returns the scope of a kind.
    pub(super) fn scope(&self, kind: &GroupKind, declared: &BTreeMap<String, Scope>) -> Known {
        let defined = self.defined.get(&(kind.group.clone(), kind.kind.clone()));
        if let Some(scope) = defined {
            return Known::As(*scope);
        }
        if let Some(scope) = kinds::scope_of(kind) {
            return Known::As(scope);
        }
        match (declared.get(&kind.kind), kinds::kinds_of(&kind.group)) {
            (Some(scope), _) => Known::As(*scope),
            (None, Some(kinds)) => Known::NoSuchKind(kinds.map(str::to_owned).collect()),
            (None, None) => Known::No,
        }
    }
}
