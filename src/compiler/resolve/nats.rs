//! A NATS cluster with JetStream, resolved.

use super::Resolver;

impl Resolver<'_, '_> {
    /// Offers every one of them to those that need it.
    pub(super) fn offer_nats(&mut self) {}

    /// Resolves every one of them.
    pub(super) fn nats(&mut self) {}
}
