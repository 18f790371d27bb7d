//! Traffic between the components of the release.

use crate::{model::Flow, resolve::Resolver};

impl Resolver<'_, '_> {
    /// Lets the component `from` call the component `to`.
    pub(in crate::resolve) fn let_through(&mut self, from: &str, to: &str, port: u16) {
        self.flows.push(Flow::between(from, to, port));
    }
}
