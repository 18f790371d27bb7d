//! Events of the cluster: what controllers, scheduler and kubelets have to say about an object.

use serde_json::Value;

use crate::{
    client::{Client, Form},
    list::List,
};

/// Events that one request may return; an object rarely has more than ten.
const EVENTS: usize = 100;

/// Reads the events about the object with this `uid`; `None` when that is not possible, which may
/// be for want of permission.
pub(crate) async fn about(client: &Client, namespace: &str, uid: &str) -> Option<Vec<Value>> {
    let events = format!("/api/v1/namespaces/{namespace}/events");
    let path = format!("{events}?limit={EVENTS}&fieldSelector=involvedObject.uid%3D{uid}");
    let events: Option<List<Value>> = client.list(&path, Form::Whole).await.ok()?;
    Some(events?.items)
}

/// Returns what the newest of `events` tells, of those that `tell` anything.
pub(crate) fn newest<T>(events: &[Value], tell: impl Fn(&Value) -> Option<T>) -> Option<T> {
    let told = events.iter().filter_map(|event| Some((time(event), tell(event)?)));
    told.max_by(|(one, _), (other, _)| one.cmp(other)).map(|(_, told)| told)
}

/// When it was seen last. Reporters fill different fields; all are RFC 3339 in UTC, which sorts as
/// text.
fn time(event: &Value) -> String {
    let times = [
        &event["series"]["lastObservedTime"],
        &event["lastTimestamp"],
        &event["eventTime"],
        &event["metadata"]["creationTimestamp"],
    ];
    times.into_iter().filter_map(Value::as_str).max().unwrap_or_default().to_owned()
}

/// The one-word reason of an event.
pub(crate) fn reason(event: &Value) -> &str {
    event["reason"].as_str().unwrap_or_default()
}

/// The words of an event.
pub(crate) fn words(event: &Value) -> &str {
    event["message"].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_as_new_as_its_newest_time() {
        let (old, new) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00.000000Z");
        for (case, event, expected) in [
            ("counted by the old API", json!({ "lastTimestamp": new }), new),
            (
                "written once by the new API",
                json!({ "eventTime": new, "lastTimestamp": null }),
                new,
            ),
            (
                "repeated by the new API",
                json!({ "eventTime": old, "series": { "lastObservedTime": new } }),
                new,
            ),
            ("without any", json!({ "metadata": { "creationTimestamp": old } }), old),
        ] {
            assert_eq!(time(&event), expected, "{case}");
        }
    }

    #[test]
    fn the_newest_event_that_tells_something_is_heard() {
        let event = |day: u32, words: &str| json!({ "lastTimestamp": format!("2026-01-0{day}T00:00:00Z"), "message": words });
        let events = [event(1, "old"), event(3, ""), event(2, "new")];
        let tell = |event: &Value| Some(words(event).to_owned()).filter(|words| !words.is_empty());
        assert_eq!(newest(&events, tell).as_deref(), Some("new"));
        assert_eq!(newest(&[], tell), None);
    }
}
