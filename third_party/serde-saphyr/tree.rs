//! Makes trees of the parser's events.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle};

use crate::{error::Error, node::Node};

/// More nodes than any kubeconfig has.
const MOST_NODES: usize = 1_000_000;

const MOST_LEVELS: usize = 64;

/// A list or a mapping whose end has not come yet.
struct Open {
    is_mapping: bool,
    anchor: usize,
    items: Vec<Node>,
}

#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

/// Reads all documents of `text`.
pub(crate) fn documents(text: &str) -> Result<Vec<Node>, Error> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| Error::Syntax(error.to_string()))?;
        builder.take(event)?;
    }
    Ok(builder.documents)
}

impl Builder {
    fn take(&mut self, event: Event<'_>) -> Result<(), Error> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let is_plain = style == ScalarStyle::Plain;
                self.add(anchor, Node::Scalar { text: text.into_owned(), is_plain })
            }
            Event::SequenceStart(_, anchor, _) => self.begin(false, anchor),
            Event::MappingStart(_, anchor, _) => self.begin(true, anchor),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open { is_mapping: false, anchor, items }) => {
                    self.add(anchor, Node::Sequence(items))
                }
                Some(Open { anchor, items, .. }) => self.add(anchor, Node::Mapping(pairs(items))),
                None => Ok(()),
            },
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(node) => self.add(0, node),
                None => Err(Error::Syntax("an alias stands in what it names".to_owned())),
            },
            _ => Ok(()),
        }
    }

    fn begin(&mut self, is_mapping: bool, anchor: usize) -> Result<(), Error> {
        if self.open.len() == MOST_LEVELS {
            return Err(Error::TooDeep);
        }
        self.open.push(Open { is_mapping, anchor, items: Vec::new() });
        Ok(())
    }

    fn add(&mut self, anchor: usize, node: Node) -> Result<(), Error> {
        self.nodes += node.size();
        if self.nodes > MOST_NODES {
            return Err(Error::TooLarge);
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            Some(open) => open.items.push(node),
            None => self.documents.push(node),
        }
        Ok(())
    }
}

/// Keys and values come by turns.
fn pairs(items: Vec<Node>) -> Vec<(Node, Node)> {
    let mut pairs = Vec::new();
    let mut items = items.into_iter();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        pairs.push((key, value));
    }
    pairs
}
