//! The wish of a person to stop.

use std::future;

use tokio::sync::watch;

/// Becomes true when the person asks to stop.
pub type Interrupt = watch::Receiver<bool>;

pub(crate) fn is_raised(interrupt: &Interrupt) -> bool {
    *interrupt.borrow()
}

/// Completes when the person asks to stop.
pub(crate) async fn raised(interrupt: &Interrupt) {
    if interrupt.clone().wait_for(|stop| *stop).await.is_err() {
        // Nobody is left who could ask.
        future::pending::<()>().await;
    }
}
