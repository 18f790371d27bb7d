//! What a place has now: the release, its objects, and whether they are ready and as left.

use std::collections::BTreeMap;

use a4co_bundle::{Object, ObjectRef, Overlay, ReadinessRule};
use semver::Version;
use serde_json::Value;

use crate::{
    answers::Answers,
    client::{Client, Form},
    explain::explain,
    fetch::{Found, fetch},
    head::Head,
    inventory::{Inventory, Record},
    live::{self, Live},
    place::Place,
    plan,
    pods::Workload,
    ready::{self, Status},
    refusal::Refusal,
    resource::Resources,
    site_release::SiteRelease,
    survey::{load, load_inventory},
};

/// What a place has.
#[derive(Clone, Debug)]
pub struct Situation {
    /// The head.
    pub head: Head,
    /// The site overlay that the committed release was applied with.
    pub overlay: Option<Overlay>,
    /// Version of the committed release.
    pub version: Option<Version>,
    /// Objects of the committed release, by wave.
    pub objects: Vec<Situated>,
    /// Lines that the release wants shown.
    pub notes: Vec<String>,
}

/// One object of the committed release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Situated {
    /// Object.
    pub object: ObjectRef,
    /// How it is.
    pub condition: Condition,
}

/// How an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// As the release has it, and ready where that means something.
    Good,
    /// Not ready, because of this.
    NotReady(String),
    /// Somebody else changed what the release has.
    Drifted,
    /// It does not exist.
    Missing,
    /// It is ready, but nobody knows any more what it was when it was applied.
    Unknown,
}

/// Looks at `place`.
///
/// # Errors
/// Refuses when the state cannot be read.
pub async fn status(client: &Client, place: &Place) -> Result<Situation, Refusal> {
    let head = place.head_object(client).await?;
    if !head.exists() {
        return Err(Refusal::NoRelease { place: place.to_string() });
    }
    let Some(committed) = head.head.committed else {
        return Ok(Situation {
            head: head.head,
            overlay: None,
            version: None,
            objects: Vec::new(),
            notes: Vec::new(),
        });
    };
    let release = load(client, place, committed).await?;
    let inventory = load_inventory(client, place, &head).await?;
    let objects = look(client, &release, &inventory).await?;
    let config = release.config();
    let (version, notes) = (Some(config.version.clone()), config.notes.clone());
    let overlay = release.overlay().cloned();
    Ok(Situation { head: head.head, overlay, version, objects, notes })
}

async fn look(
    client: &Client,
    release: &SiteRelease,
    inventory: &Inventory,
) -> Result<Vec<Situated>, Refusal> {
    let resources = Resources::discover(client, release.objects()).await?;
    let references = || release.objects().iter().map(Object::reference);
    let live = live::read(client, &resources, references()).await?;
    let rules = &release.config().readiness;
    // A claim is not waited for, but it may have lost its volume.
    let is_claim =
        |object: &ObjectRef| object.group().is_empty() && object.kind == "PersistentVolumeClaim";
    let judged = references().filter(|object| ready::is_awaited(object, rules) || is_claim(object));
    let whole: Found<Value> = fetch(client, &resources, judged, Form::Whole).await?;
    let not_ready = not_ready(client, &whole, rules).await;
    let mut objects = Vec::with_capacity(release.objects().len());
    for object in references() {
        let not_ready = not_ready.get(object).cloned();
        let condition = judge(object, live.get(object), inventory.get(object), not_ready);
        objects.push(Situated { object: object.clone(), condition });
    }
    Ok(objects)
}

/// Tells how an object is, of which `not_ready` says why it is not ready.
fn judge(
    object: &ObjectRef,
    live: Option<&Live>,
    record: Option<&Record>,
    not_ready: Option<String>,
) -> Condition {
    match (live, record, not_ready) {
        // A job that ran may be gone.
        (None, _, _) if plan::is_job(object) => Condition::Good,
        (None, _, _) => Condition::Missing,
        (Some(live), _, _) if live.deleting && !plan::is_job(object) => {
            Condition::NotReady("is being deleted".to_owned())
        }
        (Some(live), Some(record), _) if !record.is_untouched(live) => Condition::Drifted,
        (_, _, Some(why)) => Condition::NotReady(why),
        (_, None, None) => Condition::Unknown,
        (_, Some(_), None) => Condition::Good,
    }
}

/// Those of `objects` that are not ready, and why.
async fn not_ready(
    client: &Client,
    objects: &Found<Value>,
    rules: &[ReadinessRule],
) -> BTreeMap<ObjectRef, String> {
    let mut told = BTreeMap::new();
    let mut workloads = Vec::new();
    for (reference, object) in objects {
        if let Status::Progressing(why) | Status::Failed(why) =
            ready::status(reference, object, rules)
        {
            told.insert(reference.clone(), why);
            workloads.push(Workload { reference, object });
        }
    }
    for (object, trouble) in explain(client, &workloads, Some(&mut Answers::default())).await {
        told.entry(object).and_modify(|why| *why = format!("{why}; {}", trouble.text));
    }
    told
}
