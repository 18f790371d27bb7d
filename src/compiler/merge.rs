//! The one way in which layers, defaults and sizes are put on top of each other.

use crate::tree::{Node, Value};

/// Lays `over` on `base`: tables are merged key by key, anything else is replaced. Every value
/// keeps the place where it was written.
pub(crate) fn merge(base: Node, over: Node) -> Node {
    match (base.value, over.value) {
        (Value::Table(mut table), Value::Table(changes)) => {
            for (key, change) in changes.0 {
                let entry = match table.0.remove(&key) {
                    Some(old) => {
                        let node = merge(old.node, change.node);
                        crate::tree::Entry { key: change.key, node }
                    }
                    None => change,
                };
                table.0.insert(key, entry);
            }
            Node { place: over.place, value: Value::Table(table) }
        }
        (_, value) => Node { place: over.place, value },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::{finding::Findings, place::SourceFile};

    fn parse(path: &str, text: &str) -> Node {
        let file = SourceFile { path: path.to_owned(), text: text.to_owned() };
        Node::parse(&Arc::new(file), &mut Findings::default()).expect(text)
    }

    #[test]
    fn tables_merge_and_everything_else_is_replaced() {
        for (case, base, over, merged) in [
            ("a key is added", "a = 1", "b = 2", json!({"a": 1, "b": 2})),
            ("a key is replaced", "a = 1", "a = 2", json!({"a": 2})),
            (
                "tables merge deeply",
                "a.b.c = 1",
                "a.b.d = 2",
                json!({"a": {"b": {"c": 1, "d": 2}}}),
            ),
            ("an array is replaced whole", "a = [1, 2]", "a = [3]", json!({"a": [3]})),
            ("a value replaces a table", "a.b = 1", "a = 2", json!({"a": 2})),
            ("a table replaces a value", "a = 2", "a.b = 1", json!({"a": {"b": 1}})),
        ] {
            let node = merge(parse("base", base), parse("over", over));
            assert_eq!(node.to_json(), merged, "{case}");
        }
    }

    #[test]
    fn values_keep_the_place_where_they_were_written() {
        let node = merge(parse("base", "a.b = 1\na.c = 2"), parse("over", "\na.c = 3"));
        assert_eq!(format!("{:?}", node.place_of(&["a", "b"])), "base:1:7");
        assert_eq!(format!("{:?}", node.place_of(&["a", "c"])), "over:2:7");
    }
}
