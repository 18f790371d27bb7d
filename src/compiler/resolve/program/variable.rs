//! Environment variables of a program.

use std::collections::BTreeMap;

use crate::component::Variable;

/// Returns variables by name.
pub(in crate::resolve) fn variables<'a>(
    variables: impl IntoIterator<Item = (&'a str, Variable)>,
) -> BTreeMap<String, Variable> {
    variables.into_iter().map(|(name, variable)| (name.to_owned(), variable)).collect()
}

/// Returns a variable that is this text.
pub(in crate::resolve) fn text(text: impl Into<String>) -> Variable {
    Variable::Text(text.into())
}
