//! Whether this command may still write over what it has just read.
//!
//! An update names the version that it is over. When that version was read before another command
//! took over, the update fails, because taking over gives every object a new version. When it was
//! read after that, nothing would stop it. So whoever reads an object in the middle of a transaction
//! asks next, before it writes, whether the head is still the one that this command wrote: then
//! nobody had taken over when the object was read.

use crate::{
    client::Client,
    head_object::HeadObject,
    mutant::{self, Mutant},
    step::StepError,
};

/// The head as this command wrote it; none before the journal is open.
#[derive(Clone, Copy)]
pub(crate) struct Fencing<'a>(Option<&'a HeadObject>);

impl<'a> Fencing<'a> {
    /// What is read is worth nothing once somebody else has written the head.
    pub(crate) fn by(head: &'a HeadObject) -> Self {
        Self(Some(head))
    }

    /// There is no journal yet that anybody could take over.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Fails when another command took over. To be called between reading and writing.
    pub(crate) async fn check(self, client: &Client) -> Result<(), StepError> {
        match self.0 {
            _ if mutant::is(Mutant::NoFencingCheck) => Ok(()),
            Some(head) if !head.is_current(client).await? => Err(StepError::Overtaken),
            _ => Ok(()),
        }
    }
}
