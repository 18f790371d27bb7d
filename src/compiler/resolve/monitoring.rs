//! Who watches: resolved after everything that is watched.

use super::Resolver;

impl Resolver<'_, '_> {
    /// Offers what takes traces to those that need it.
    pub(super) fn offer_tracing(&mut self) {}

    /// Resolves what watches the components that there are.
    pub(super) fn monitoring(&mut self) {}
}
