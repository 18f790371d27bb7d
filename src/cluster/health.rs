//! Whether the state that releases keep in a cluster is whole.

use std::collections::BTreeMap;

use a4co_bundle::{Digest, ObjectRef, head_name};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    client::{Client, Form},
    fence::{self, Fence},
    finding::Finding,
    head::{Head, State, Stored},
    history::{Entry, Outcome},
    list,
    place::Place,
    refusal::Refusal,
    site_release::Edition,
    store::{Content, StoreError},
    survey::load,
    text, undo,
};

/// Objects named in one finding.
const NAMED: usize = 5;

const APPLY_AGAIN: &str = "apply the bundle of the committed release again, which stores it again";

/// Checks all that `place` keeps in the cluster.
pub(crate) async fn check(client: &Client, place: &Place) -> Vec<Finding> {
    let head = match place.head_object(client).await {
        Ok(head) if head.exists() => head.head,
        Ok(_) => return vec![Finding::good("head", format!("there is no release in {place} yet"))],
        Err(refusal) => return vec![Finding::refused("head", &refusal)],
    };
    let mut findings = vec![transaction(&head), lease(client, place).await];
    findings.extend(committed(client, place, &head).await);
    findings.extend(recovery(client, place, &head).await);
    findings.extend(inventory(client, place, &head).await);
    findings.push(history(client, place, &head).await);
    findings.push(leftover(&head.leftover));
    findings
}

fn transaction(head: &Head) -> Finding {
    let under_way = || {
        let name = |stored: Option<Stored>| {
            stored.map_or_else(|| "nothing".to_owned(), |stored| stored.edition().short())
        };
        format!("from {} to {}", name(head.from), name(head.to))
    };
    match head.state {
        State::Idle => Finding::good("transaction", "nothing is under way"),
        State::Stuck => Finding::error(
            "transaction",
            format!("the way back is blocked, {}", under_way()),
            "`a4co-apply recover` tries again, and says what blocks it",
        ),
        state => Finding::warning(
            "transaction",
            format!("a command is {state}, {}, or was killed while it was", under_way()),
            "if none is at work, `a4co-apply recover` finishes or undoes what was begun",
        ),
    }
}

async fn lease(client: &Client, place: &Place) -> Finding {
    let leases = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", place.namespace);
    let path = format!("{leases}/{}", head_name(&place.app));
    match client.get::<Value>(&path, Form::Whole).await {
        Ok(lease) => holder(&lease.unwrap_or_default()["spec"], Timestamp::now()),
        Err(error) => Finding::unknown("lease", "who is at work", error),
    }
}

/// Who holds the lease with this spec.
fn holder(spec: &Value, now: Timestamp) -> Finding {
    let holder = spec["holderIdentity"].as_str().filter(|holder| !holder.is_empty());
    let renewed = spec["renewTime"].as_str().and_then(|time| time.parse::<Timestamp>().ok());
    let Some((holder, renewed)) = holder.zip(renewed) else {
        return Finding::good("lease", "nobody is at work");
    };
    let holder = text::clean(holder);
    let age = now.duration_since(renewed);
    let ago = format!("`{holder}`, who gave a sign of life {} s ago", age.as_secs().max(0));
    let duration = SignedDuration::from_secs(spec["leaseDurationSeconds"].as_i64().unwrap_or(0));
    if age < duration {
        return Finding::warning("lease", format!("it is held by {ago}"), "wait for it to finish");
    }
    Finding::warning(
        "lease",
        format!("it was left behind by {ago}"),
        "nothing has to be done: the next command takes it over, after it has watched it for 15 s",
    )
}

async fn committed(client: &Client, place: &Place, head: &Head) -> Option<Finding> {
    let committed = head.committed?;
    let name = committed.release.short();
    Some(match load(client, place, committed).await {
        Ok(release) => {
            let version = &release.config().version;
            Finding::good("store", format!("release {name} ({version}) is stored and whole"))
        }
        Err(Refusal::Store(StoreError::Api(error))) => {
            Finding::unknown("store", "whether the committed release is stored", error)
        }
        Err(refusal) => {
            let found = Finding::refused("store", &refusal);
            let text = format!("the committed release {name} cannot be read: {}", found.text);
            Finding::error("store", text, APPLY_AGAIN)
        }
    })
}

/// Checks what finishing or undoing needs of what is under way.
async fn recovery(client: &Client, place: &Place, head: &Head) -> Vec<Finding> {
    if head.state == State::Idle {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for stored in [head.to, head.from].into_iter().flatten() {
        let loaded = load(client, place, stored).await;
        let what = format!("release {}", stored.release.short());
        findings.extend(loaded.err().map(|refusal| lacking(&what, refusal)));
    }
    // What is committed is not undone.
    let Some(digest) = head.undo.filter(|_| head.state != State::Committed) else {
        return findings;
    };
    findings.push(match place.store(client).get(Content::Undo, digest).await {
        Ok(bytes) if undo::from_bytes(&bytes).is_some() && findings.is_empty() => {
            Finding::good("recovery", "what finishing or undoing needs is stored and whole")
        }
        Ok(bytes) if undo::from_bytes(&bytes).is_some() => return findings,
        Ok(_) => lacking("the undo log", StoreError::Content { digest }.into()),
        Err(error) => lacking("the undo log", error.into()),
    });
    findings
}

/// Something without which what is under way cannot be finished or undone.
fn lacking(what: &str, refusal: Refusal) -> Finding {
    if let Refusal::Store(StoreError::Api(error)) = refusal {
        return Finding::unknown("recovery", &format!("whether {what} is stored"), error);
    }
    let found = Finding::refused("recovery", &refusal);
    let text = format!("{what}, which `a4co-apply recover` needs, cannot be read: {}", found.text);
    let remedy = "put the Secrets whose names begin with `a4co.` back from a backup of the \
                  namespace, and nothing else";
    Finding::error("recovery", text, remedy)
}

async fn inventory(client: &Client, place: &Place, head: &Head) -> Option<Finding> {
    let digest = head.inventory?;
    Some(match place.store(client).get(Content::Inventory, digest).await {
        Ok(_) => Finding::good("inventory", "the inventory is stored and whole"),
        Err(StoreError::Api(error)) => {
            Finding::unknown("inventory", "whether the inventory is stored", error)
        }
        Err(error) => Finding::warning(
            "inventory",
            format!("the inventory cannot be read: {error}"),
            "nothing has to be done: the next command sends every object once more",
        ),
    })
}

/// Checks by one list that what the history offers to go back to is stored.
async fn history(client: &Client, place: &Place, head: &Head) -> Finding {
    let Place { app, namespace, .. } = place;
    let (label, contents) = (text::CONTENT_LABEL, "release,overlay");
    let selector = format!("{}={app},{label} in ({contents})", text::APP_LABEL);
    let selector = text::in_query(&selector);
    let secrets = format!("/api/v1/namespaces/{namespace}/secrets");
    let query = format!("labelSelector={selector}");
    let found: Result<Vec<Value>, _> =
        list::read_all(client, &secrets, &query, Form::Metadata).await;
    let chunks: Chunks = match found {
        Ok(found) => found.iter().filter_map(chunk).collect(),
        Err(error) => return Finding::unknown("history", "what can be gone back to", error),
    };
    let store = place.store(client);
    let has = |content, digest| is_whole(&chunks, &store.prefix(content, digest));
    let is_stored = |stored: &Stored| {
        let has_overlay = stored.overlay.is_none_or(|overlay| has(Content::Overlay, overlay));
        has_overlay && has(Content::Release, stored.bundle)
    };
    let committed = head.history.iter().filter(|entry| entry.outcome == Outcome::Committed);
    let releases: BTreeMap<(Edition, Digest), Stored> = committed
        .map(Entry::stored)
        .map(|stored| ((stored.edition(), stored.bundle), stored))
        .collect();
    let lost: Vec<String> = releases
        .values()
        .filter(|stored| !is_stored(stored))
        .map(|stored| stored.edition().short())
        .collect();
    if lost.is_empty() {
        let count = releases.len();
        let text = match count {
            1 => "the one release of the history is stored".to_owned(),
            _ => format!("all {count} releases of the history are stored"),
        };
        return Finding::good("history", text);
    }
    Finding::warning(
        "history",
        format!("these releases of the history are not stored: {}", lost.join(", ")),
        "to go back to one of them, apply its bundle, with its site overlay if it had one",
    )
}

/// Stored chunks by name, each with the count of chunks of its content.
type Chunks = BTreeMap<String, usize>;

fn chunk(secret: &Value) -> Option<(String, usize)> {
    let metadata = &secret["metadata"];
    let position = metadata["annotations"][text::CHUNK_ANNOTATION].as_str()?;
    Some((metadata["name"].as_str()?.to_owned(), position.split_once('/')?.1.parse().ok()?))
}

/// Whether there are all chunks whose names begin with `prefix`.
fn is_whole(chunks: &Chunks, prefix: &str) -> bool {
    let count = chunks.get(&format!("{prefix}0"));
    count.is_some_and(|count| {
        (0..*count).all(|index| chunks.get(&format!("{prefix}{index}")) == Some(count))
    })
}

fn leftover(objects: &[ObjectRef]) -> Finding {
    if objects.is_empty() {
        return Finding::good("leftover", "nothing is left of old releases");
    }
    let named: Vec<String> = objects.iter().take(NAMED).map(ToString::to_string).collect();
    let more = match objects.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Finding::warning(
        "leftover",
        format!("of releases that are gone, this may be left: {}{more}", named.join(", ")),
        "each command looks for it and deletes it; where that was refused, \
         `kubectl delete --dry-run=server` tells what refuses it",
    )
}

/// Checks the fence. It is optional, so its absence is no fault.
pub(crate) async fn check_fence(client: &Client, place: &Place) -> Finding {
    match fence::look(client, place).await {
        Ok(Fence::Installed) => Finding::good("fence", "it is installed"),
        Ok(Fence::Asleep) => Finding::warning(
            "fence",
            "it is installed, but the API server lets pass what it should deny: once the last \
             binding of a policy was removed, it never reads the ConfigMaps again that a policy \
             names (kubernetes#130887)",
            "restart the API server; until then the lease and the head protect as without a fence",
        ),
        Ok(Fence::Absent) => Finding::good(
            "fence",
            "it is not installed, which is optional: a4co-apply doctor --install-fence",
        ),
        Ok(Fence::Outdated) => Finding::warning(
            "fence",
            "it is not as this version of a4co-apply would install it",
            "a4co-apply doctor --install-fence",
        ),
        Err(error) => Finding::unknown("fence", "whether it is installed", error),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::finding::Level;

    #[test]
    fn a_lease_tells_who_is_at_work_or_has_gone() {
        let now: Timestamp = "2026-02-03T04:05:06Z".parse().unwrap();
        let held = |time: &str| json!({ "holderIdentity": "ann@desk/1", "renewTime": time, "leaseDurationSeconds": 90 });
        for (case, spec, level, part) in [
            ("there is none", Value::Null, Level::Good, "nobody"),
            ("it was given back", json!({ "holderIdentity": "" }), Level::Good, "nobody"),
            (
                "it is held",
                held("2026-02-03T04:05:00.000000Z"),
                Level::Warning,
                "is held by `ann@desk/1`, who gave a sign of life 6 s ago",
            ),
            (
                "it was left",
                held("2026-02-03T04:00:06.000000Z"),
                Level::Warning,
                "left behind by `ann@desk/1`, who gave a sign of life 300 s ago",
            ),
        ] {
            let found = holder(&spec, now);
            assert_eq!(found.level, level, "{case}");
            assert!(found.text.contains(part), "{case}: {}", found.text);
        }
    }

    #[test]
    fn each_state_says_what_to_do() {
        for (state, level) in [
            (State::Idle, Level::Good),
            (State::Applying, Level::Warning),
            (State::Committed, Level::Warning),
            (State::RollingBack, Level::Warning),
            (State::Stuck, Level::Error),
        ] {
            let found = transaction(&Head { state, ..Head::new("test") });
            assert_eq!(found.level, level, "{state}");
            assert_eq!(found.remedy.is_some(), level != Level::Good, "{state}");
        }
    }

    #[test]
    fn a_content_is_whole_when_it_has_all_its_chunks() {
        let secret = |name: &str, position: &str| {
            json!({ "metadata": { "name": name,
            "annotations": { text::CHUNK_ANNOTATION: position } } })
        };
        for (case, secrets, expected) in [
            ("one of one", vec![secret("x-0", "1/1")], true),
            ("two of two", vec![secret("x-0", "1/2"), secret("x-1", "2/2")], true),
            ("the second is lost", vec![secret("x-0", "1/2")], false),
            ("the first is lost", vec![secret("x-1", "2/2")], false),
            ("nothing says how many there are", vec![secret("x-0", "")], false),
        ] {
            let chunks: Chunks = secrets.iter().filter_map(chunk).collect();
            assert_eq!(is_whole(&chunks, "x-"), expected, "{case}");
        }
    }

    #[test]
    fn what_is_left_is_named() {
        let object = ObjectRef {
            kind: "ConfigMap".to_owned(),
            api_version: "v1".to_owned(),
            namespace: Some("shop".to_owned()),
            name: "x".to_owned(),
        };
        assert_eq!(leftover(&[]).level, Level::Good);
        let found = leftover(&vec![object; 7]);
        assert!(found.text.ends_with("ConfigMap/shop/x and 2 more"), "{}", found.text);
    }
}
