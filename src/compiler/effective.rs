//! Gives each service what it starts from: `[defaults]`, then its size, then what it says itself.

use crate::{
    finding::Findings,
    merge::merge,
    resolve::MeaningProblem,
    tree::{Node, Value},
};

/// Returns `tree` with every service replaced by the whole of what applies to it. Unknown sizes are
/// added to `findings`.
pub(crate) fn with_defaults(tree: &Node, findings: &mut Findings) -> Node {
    let mut tree = tree.clone();
    let defaults = tree.get("defaults").cloned();
    let sizes = tree.get("sizes").cloned();
    let Value::Table(table) = &mut tree.value else {
        return tree;
    };
    let Some(services) = table.0.get_mut("services") else {
        return tree;
    };
    let Value::Table(services) = &mut services.node.value else {
        return tree;
    };
    for entry in services.0.values_mut() {
        let service = entry.node.clone();
        let size = service.get("size").or_else(|| defaults.as_ref()?.get("size"));
        let size = size.and_then(|size| find_size(size, sizes.as_ref(), findings));
        let base = [defaults.clone(), size].into_iter().flatten();
        entry.node = base.chain([service.clone()]).reduce(merge).unwrap_or(service);
    }
    tree
}

fn find_size(size: &Node, sizes: Option<&Node>, findings: &mut Findings) -> Option<Node> {
    let name = size.as_str()?;
    let found = sizes.and_then(|sizes| sizes.get(name)).cloned();
    if found.is_none() {
        let table = sizes.and_then(Node::as_table);
        let known = table.map(|table| table.0.keys().cloned().collect()).unwrap_or_default();
        let problem = MeaningProblem::Unknown { what: "size", name: name.to_owned(), known };
        findings.add(size.place.clone(), problem);
    }
    found
}
