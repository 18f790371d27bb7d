//! Events of the cluster: what controllers, scheduler and kubelets have to say about an object.

use a4co_bundle::ObjectRef;
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    client::{Client, Form},
    list,
};

/// Reads the events about the object with this `uid`; `None` when that is not possible, which may
/// be for want of permission.
pub(crate) async fn about(client: &Client, namespace: &str, uid: &str) -> Option<Vec<Value>> {
    read(client, namespace, &format!("involvedObject.uid%3D{uid}")).await
}

/// Like [`about`], of all objects that ever had the name of this one.
pub(crate) async fn about_name(client: &Client, object: &ObjectRef) -> Option<Vec<Value>> {
    let ObjectRef { kind, name, .. } = object;
    let fields = format!("involvedObject.kind%3D{kind}%2CinvolvedObject.name%3D{name}");
    read(client, object.namespace.as_deref()?, &fields).await
}

async fn read(client: &Client, namespace: &str, fields: &str) -> Option<Vec<Value>> {
    let events = format!("/api/v1/namespaces/{namespace}/events");
    list::read_all(client, &events, &format!("fieldSelector={fields}"), Form::Whole).await.ok()
}

/// Returns what the newest of `events` tells, of those that `tell` anything.
pub(crate) fn newest<'a, T>(
    events: impl IntoIterator<Item = &'a Value>,
    tell: impl Fn(&'a Value) -> Option<T>,
) -> Option<T> {
    let told = events.into_iter().filter_map(|event| Some((time(event), tell(event)?)));
    told.max_by_key(|(time, _)| *time).map(|(_, told)| told)
}

/// When it was seen last. Reporters fill different fields, with different precision.
pub(crate) fn time(event: &Value) -> Option<Timestamp> {
    let times = [
        &event["series"]["lastObservedTime"],
        &event["lastTimestamp"],
        &event["eventTime"],
        &event["metadata"]["creationTimestamp"],
    ];
    times.into_iter().filter_map(|time| time.as_str()?.parse().ok()).max()
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
        let (old, new) = ("2026-01-02T00:00:05Z", "2026-01-02T00:00:05.900000Z");
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
            assert_eq!(time(&event), expected.parse().ok(), "{case}");
        }
    }

    #[test]
    fn the_newest_event_that_tells_something_is_heard() {
        let event = |day: u32, words: &str| json!({ "lastTimestamp": format!("2026-01-0{day}T00:00:00Z"), "message": words });
        let events = [event(1, "old"), event(3, ""), event(2, "new")];
        let tell = |event: &Value| Some(words(event).to_owned()).filter(|words| !words.is_empty());
        assert_eq!(newest(&events, tell).as_deref(), Some("new"));
        assert_eq!(newest([], tell), None);
    }
}
