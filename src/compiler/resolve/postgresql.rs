//! A PostgreSQL database, resolved.

use super::Resolver;

impl Resolver<'_, '_> {
    /// Offers every one of them to those that need it.
    pub(super) fn offer_postgresql(&mut self) {}

    /// Resolves every one of them.
    pub(super) fn postgresql(&mut self) {}
}
