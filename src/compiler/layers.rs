//! Environment files on top of each other: `extends` names the layer below.

use std::collections::BTreeMap;

use thiserror::Error;

use a4co_bundle::is_dns_label;

use crate::{
    finding::Findings,
    merge::merge,
    place::Place,
    schema::{Conformity, Schema},
    source::Source,
    suggest,
    tree::{Node, Value},
};

/// Name of the key that marks a file as a layer only.
const LAYER: &str = "layer";

/// Key that lists what of the layers below a file goes without.
const UNSET: &str = "unset";

/// Name of the key that names the layer below.
const EXTENDS: &str = "extends";

/// Every environment file, parsed.
pub(crate) struct Layers {
    files: BTreeMap<String, File>,
}

struct File {
    path: String,
    /// Absent when the file has a syntax error.
    node: Option<Node>,
    /// How well it conforms to the schema.
    conformity: Conformity,
}

/// An environment: all its layers merged.
pub(crate) struct Stack {
    /// Name of the environment.
    pub(crate) name: String,
    /// Paths of the files, lowest first.
    pub(crate) files: Vec<String>,
    /// How well they conform to the schema: usable, at least.
    pub(crate) conformity: Conformity,
    /// The merged tree, without `extends` and `layer`.
    pub(crate) tree: Node,
}

/// What is wrong with the files as layers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
pub enum LayerProblem {
    /// A file name that cannot be an environment's.
    #[error("`{name}` cannot name an environment: it is not a DNS label")]
    Name {
        /// The file's name without its extension.
        name: String,
    },
    /// A layer that does not exist.
    #[error("`{name}` is no environment file")]
    Missing {
        /// The name.
        name: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// Something to go without that is not there.
    #[error("no layer below has `{path}`")]
    NothingToUnset {
        /// Its path.
        path: String,
    },
    /// Layers that extend each other in a circle.
    #[error("layers extend each other in a circle: {}", circle.join(" → "))]
    Circle {
        /// The names, the first also last.
        circle: Vec<String>,
    },
}

impl LayerProblem {
    /// Returns what to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::Name { .. } => Some("use a-z, 0-9 and `-`".to_owned()),
            Self::Missing { name, known } => suggest::help(name, known),
            Self::NothingToUnset { .. } => Some("remove it from the list".to_owned()),
            Self::Circle { .. } => Some("remove one `extends`".to_owned()),
        }
    }
}

impl Layers {
    /// Parses every environment file of `source` and checks it against `schema`.
    pub(crate) fn parse(source: &Source, schema: &Schema, findings: &mut Findings) -> Self {
        let mut files = BTreeMap::new();
        for file in source.environment_files() {
            let name = file.path.trim_start_matches("envs/").trim_end_matches(".toml");
            if !is_dns_label(name) {
                let problem = LayerProblem::Name { name: name.to_owned() };
                findings.add(Place::top_of(file), problem);
            }
            let node = Node::parse(file, findings);
            let conformity = match &node {
                Some(node) => schema.check(node, findings),
                None => Conformity::Unusable,
            };
            files.insert(name.to_owned(), File { path: file.path.clone(), node, conformity });
        }
        Self { files }
    }

    /// Merges the layers of every environment, that is of every file without `layer = true`.
    pub(crate) fn stacks(&self, findings: &mut Findings) -> Vec<Stack> {
        let is_layer = |file: &File| {
            let layer = file.node.as_ref().and_then(|node| node.get(LAYER));
            matches!(layer.map(|node| &node.value), Some(Value::Boolean(true)))
        };
        // Layers are walked too, so that a circle among them is found even if nothing uses it.
        let stacks = self.files.iter().filter_map(|(name, file)| {
            let stack = self.stack(name, findings)?;
            (!is_layer(file)).then_some(stack)
        });
        stacks.collect()
    }

    fn stack(&self, name: &str, findings: &mut Findings) -> Option<Stack> {
        let chain = self.chain(name, findings)?;
        let files: Vec<_> = chain.iter().filter_map(|name| self.files.get(name)).collect();
        let conformity = files.iter().map(|file| file.conformity).min()?;
        if conformity == Conformity::Unusable {
            return None;
        }
        let mut tree: Option<Node> = None;
        for node in files.iter().filter_map(|file| file.node.clone()) {
            let base = unset(tree.take(), &node, findings);
            tree = Some(base.into_iter().chain([node]).reduce(merge)?);
        }
        let mut tree = tree?;
        for key in [LAYER, EXTENDS, UNSET] {
            tree.take(key);
        }
        Some(Stack {
            name: name.to_owned(),
            files: files.iter().map(|file| file.path.clone()).collect(),
            conformity,
            tree,
        })
    }

    /// Returns the names of the layers of the file `name`, lowest first.
    fn chain(&self, name: &str, findings: &mut Findings) -> Option<Vec<String>> {
        let mut chain = vec![name.to_owned()];
        while let Some(extends) = self.files.get(chain.last()?)?.node.as_ref()?.get(EXTENDS) {
            let below = extends.as_str()?.to_owned();
            if let Some(start) = chain.iter().position(|name| *name == below) {
                // Every member walks into the circle; the first by name reports it.
                if chain[start..].iter().min() == Some(&below) {
                    let circle = [&chain[start..], &[below]].concat();
                    findings.add(extends.place.clone(), LayerProblem::Circle { circle });
                }
                return None;
            }
            if !self.files.contains_key(&below) {
                let known = self.files.keys().cloned().collect();
                let problem = LayerProblem::Missing { name: below, known };
                findings.add(extends.place.clone(), problem);
                return None;
            }
            chain.push(below);
        }
        chain.reverse();
        Some(chain)
    }
}

/// Returns `base`, the layers below, without what `over` does not want of them.
fn unset(mut base: Option<Node>, over: &Node, findings: &mut Findings) -> Option<Node> {
    let Some(Value::Array(paths)) = over.get(UNSET).map(|node| &node.value) else {
        return base;
    };
    for path in paths {
        let text = path.as_str().unwrap_or_default();
        let keys: Vec<_> = text.split('.').collect();
        if base.as_mut().and_then(|base| base.take_at(&keys)).is_none() {
            findings
                .add(path.place.clone(), LayerProblem::NothingToUnset { path: text.to_owned() });
        }
    }
    base
}
