//! What is refused, where, and what the help says.

use crate::{fixture::compile, kit::lines};

#[test]
fn a_database_must_be_possible() {
    let long = "d".repeat(41);
    let cases: &[(&str, &[(&str, &str)], &[&str])] = &[
        ("nothing", &[], &[]),
        ("too many", &[("replicas = 2", "replicas = 11")], &["x"]),
        ("long", &[("[postgresql.db]", &format!("[postgresql.{long}]"))], &["x"]),
    ];
    for (case, changes, expected) in cases {
        assert_eq!(lines(compile(changes)), *expected, "{case}");
    }
}
