//! How a Job ended that is there no more. With a short time to live it is deleted as soon as it has
//! ended, perhaps between two looks; whether it succeeded, its events tell.

use a4co_bundle::ObjectRef;
use serde_json::Value;

use crate::{client::Client, kube_event, ready::Status, text};

/// Tells how `job` ended, whose uid was `uid` if it was ever seen.
pub(crate) async fn status(client: &Client, job: &ObjectRef, uid: Option<&str>) -> Status {
    let events = match (uid, job.namespace.as_deref()) {
        (Some(uid), Some(namespace)) => kube_event::about(client, namespace, uid).await,
        _ => kube_event::about_name(client, job).await,
    };
    let Some(events) = events else {
        let why = "is gone, and its events, which tell whether it succeeded, cannot be read";
        return Status::Progressing(why.to_owned());
    };
    judge(&events).unwrap_or_else(|| Status::Progressing("does not exist any more".to_owned()))
}

/// Tells by `events` how the newest Job that they are about ended; `None` when it did not.
fn judge(events: &[Value]) -> Option<Status> {
    let newest = kube_event::newest(events, |event| event["involvedObject"]["uid"].as_str())?;
    let own = events.iter().filter(|event| event["involvedObject"]["uid"] == newest);
    kube_event::newest(own, |event| match kube_event::reason(event) {
        "Completed" => Some(Status::Ready),
        "BackoffLimitExceeded"
        | "DeadlineExceeded"
        | "FailedIndexes"
        | "MaxFailedIndexesExceeded"
        | "PodFailurePolicy" => Some(Status::Failed(text::clean(kube_event::words(event)))),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_job_that_is_gone_has_ended_as_its_events_tell() {
        let event = |second: u32, uid: &str, reason: &str| {
            json!({ "involvedObject": { "uid": uid }, "reason": reason, "message": "words",
                "lastTimestamp": format!("2026-01-01T00:00:0{second}Z") })
        };
        let failed = || Some(Status::Failed("words".to_owned()));
        for (case, events, expected) in [
            ("nothing is told", vec![], None),
            ("it was deleted at work", vec![event(1, "a", "SuccessfulCreate")], None),
            (
                "it succeeded",
                vec![event(1, "a", "SuccessfulCreate"), event(2, "a", "Completed")],
                Some(Status::Ready),
            ),
            (
                "it failed",
                vec![event(2, "a", "BackoffLimitExceeded"), event(1, "a", "SuccessfulCreate")],
                failed(),
            ),
            (
                "only the one before it succeeded",
                vec![event(1, "a", "Completed"), event(2, "b", "SuccessfulCreate")],
                None,
            ),
        ] {
            assert_eq!(judge(&events), expected, "{case}");
        }
    }
}
