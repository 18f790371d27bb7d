//! What is interrupted: a place with a past, and a command.
//!
//! To add a scenario, write a function that makes its [`Stage`] and list it in [`SCENARIOS`]. Every
//! fault at every request of its command is enumerated from then on. Objects are to be few and
//! cheap: each run makes all of them, and workloads have slow controllers.

use std::{collections::BTreeMap, time::Duration};

use a4co_bundle::Bundle;
use serde_json::{Value, json};

use crate::{
    cluster::Result,
    command::Command,
    objects::{self, Listed},
    site::Site,
    snapshot::POLICY,
};

/// A kind of transaction.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) stage: fn(&Site) -> Result<Stage>,
    /// Whether the release brings its namespace.
    pub(crate) brings_namespace: bool,
}

/// A place with a past, and the command that is interrupted.
pub(crate) struct Stage {
    /// What happened before, oldest first.
    pub(crate) past: Vec<Event>,
    pub(crate) command: Command,
    /// Release that the command is about.
    pub(crate) new: Bundle,
    /// All objects of the old release and the new one, with other texts: what the next command may
    /// be about.
    pub(crate) other: Bundle,
    /// The objects of the old release alone, with other texts, where that is something else.
    pub(crate) without: Option<Bundle>,
    /// How long the command waits for objects that are never ready.
    pub(crate) timeout: Duration,
    /// Objects that others made and the command takes over, by path.
    pub(crate) foreign: Vec<String>,
    /// Path of an object that the command changes and somebody may meddle with.
    pub(crate) meddled: Option<String>,
    /// Whether the release never becomes ready.
    pub(crate) is_failing: bool,
    /// Whether others own an object of the old release by now.
    pub(crate) is_robbed: bool,
    /// A release of another application in the same namespace, of which nothing may change.
    pub(crate) neighbour: Option<(Site, Bundle)>,
}

/// Something that happened before.
pub(crate) enum Event {
    /// A release was applied.
    Applied(Box<Bundle>),
    /// A release was being applied, and the command died once the API server had done this request.
    Killed(Box<Bundle>, &'static str),
    /// Somebody made this object.
    Made(Value),
    /// Somebody deleted the object at this path.
    Deleted(String),
    /// Somebody changed the object at this path by a merge patch.
    Changed(String, Value),
}

pub(crate) const SCENARIOS: [Scenario; 21] = [
    scenario("install", install),
    scenario("change", change),
    scenario("prune", prune),
    scenario("waves", waves),
    scenario("failing-change", failing_change),
    scenario("failing-install", failing_install),
    scenario("rollback", rollback),
    scenario("definition", definition),
    scenario("hash-named", hash_named),
    scenario("recreate", recreate),
    scenario("adopt", adopt),
    scenario("gc", collect),
    scenario("delete", delete),
    scenario("neighbours", neighbours),
    scenario("drift", drift),
    scenario("recover-back", recover_back),
    scenario("recover-forward", recover_forward),
    scenario("no-return", no_return),
    scenario("overlay", overlay),
    scenario("chunks", chunks),
    Scenario { brings_namespace: true, ..scenario("namespace", namespace) },
];

const fn scenario(name: &'static str, stage: fn(&Site) -> Result<Stage>) -> Scenario {
    Scenario { name, stage, brings_namespace: false }
}

/// Versions of the releases, so that the highest one ever committed has something to tell.
const OLD: &str = "1.0.0";
const NEW: &str = "1.1.0";
const NEWEST: &str = "1.2.0";

/// A release of all `objects`, with another text in everything that can be changed.
fn other(site: &Site, objects: &[Listed]) -> Result<Bundle> {
    let mut others: BTreeMap<String, Listed> = BTreeMap::new();
    for (wave, manifest) in objects {
        let mut manifest = manifest.clone();
        if manifest["data"]["text"].is_string() && manifest["immutable"] != true {
            // Base64 as well, so that it fits a Secret.
            manifest["data"]["text"] = json!("another+");
        }
        others.insert(objects::path(&manifest), (*wave, manifest));
    }
    site.bundle(NEWEST, others.into_values().collect())
}

/// Releases that may come next where `new` was to follow `old`: of all objects, and of those of
/// `old` where `new` has more.
fn others(site: &Site, old: &[Listed], new: &[Listed]) -> Result<(Bundle, Option<Bundle>)> {
    let is_known = |manifest: &Value| {
        old.iter().any(|(_, known)| objects::path(known) == objects::path(manifest))
    };
    let has_more = new.iter().any(|(_, manifest)| !is_known(manifest));
    let without = if has_more { Some(other(site, old)?) } else { None };
    Ok((other(site, &[old, new].concat())?, without))
}

impl Stage {
    /// Applies `new` where there is nothing.
    fn first(site: &Site, new: Vec<Listed>) -> Result<Self> {
        let other = other(site, &new)?;
        let new = site.bundle(NEW, new)?;
        Ok(Self {
            past: Vec::new(),
            command: Command::Apply(Box::new(new.clone())),
            new,
            other,
            timeout: Duration::from_secs(30),
            without: None,
            foreign: Vec::new(),
            meddled: None,
            is_failing: false,
            is_robbed: false,
            neighbour: None,
        })
    }

    /// Applies `new` where `old` is.
    fn change(site: &Site, old: Vec<Listed>, new: Vec<Listed>) -> Result<Self> {
        let (other, without) = others(site, &old, &new)?;
        let old = Event::Applied(Box::new(site.bundle(OLD, old)?));
        Ok(Self { past: vec![old], other, without, ..Self::first(site, new)? })
    }

    fn failing(self) -> Self {
        Self { timeout: Duration::from_millis(300), is_failing: true, ..self }
    }

    /// The command died at `request`, and somebody recovers.
    fn killed_at(mut self, request: &'static str) -> Self {
        self.past.push(Event::Killed(Box::new(self.new.clone()), request));
        Self { command: Command::Recover, ..self }
    }

    /// Whether somebody has changed the old release's objects.
    pub(crate) fn has_drifted(&self) -> bool {
        self.past.iter().any(|event| matches!(event, Event::Deleted(_) | Event::Changed(..)))
    }

    /// Lets only releases have happened.
    pub(crate) fn forget_meddling(&mut self) {
        self.past.retain(|event| matches!(event, Event::Applied(_) | Event::Made(_)));
    }

    /// The release that the place has before the command.
    pub(crate) fn old(&self) -> Option<&Bundle> {
        self.past.iter().rev().find_map(|event| match event {
            Event::Applied(bundle) => Some(&**bundle),
            _ => None,
        })
    }

    /// All releases that the place ever has.
    pub(crate) fn releases(&self) -> impl Iterator<Item = &Bundle> {
        let past = self.past.iter().filter_map(|event| match event {
            Event::Applied(bundle) => Some(&**bundle),
            _ => None,
        });
        past.chain([&self.new, &self.other]).chain(&self.without)
    }
}

fn install(site: &Site) -> Result<Stage> {
    Stage::first(
        site,
        vec![
            site.account("account"),
            site.config_map("settings", "new"),
            site.secret("password", "news"),
            site.service("web", 80),
        ],
    )
}

/// One object is changed, one added, one dropped, one stays.
fn change(site: &Site) -> Result<Stage> {
    let stage = Stage::change(
        site,
        vec![
            site.config_map("changed", "old"),
            site.config_map("dropped", "old"),
            site.config_map("same", "same"),
            site.network_policy("policy", "old"),
        ],
        vec![
            site.config_map("changed", "new"),
            site.config_map("added", "new"),
            site.config_map("same", "same"),
            site.network_policy("policy", "new"),
        ],
    )?;
    let meddled = objects::path(&site.config_map("changed", "").1);
    Ok(Stage { meddled: Some(meddled), ..stage })
}

fn prune(site: &Site) -> Result<Stage> {
    let kept = || site.config_map("kept", "same");
    Stage::change(
        site,
        vec![
            kept(),
            site.config_map("dropped", "old"),
            site.secret("password", "olds"),
            site.network_policy("policy", "old"),
        ],
        vec![kept()],
    )
}

/// Something changes in each of five waves.
fn waves(site: &Site) -> Result<Stage> {
    let at = |wave, (_, manifest): Listed| (wave, manifest);
    Stage::change(
        site,
        vec![
            site.config_map("changed", "old"),
            at(3, site.network_policy("policy", "old")),
            at(6, site.network_policy("dropped", "old")),
        ],
        vec![
            at(1, site.account("account")),
            at(2, site.config_map("changed", "new")),
            at(3, site.network_policy("policy", "new")),
            at(4, site.config_map("between", "new")),
            at(6, site.network_policy("added", "new")),
        ],
    )
}

fn failing_change(site: &Site) -> Result<Stage> {
    let stage = Stage::change(
        site,
        vec![
            site.config_map("changed", "old"),
            site.config_map("dropped", "old"),
            site.service("web", 80),
        ],
        vec![
            site.config_map("changed", "new"),
            site.config_map("added", "new"),
            site.never_ready("web"),
        ],
    )?;
    Ok(stage.failing())
}

fn failing_install(site: &Site) -> Result<Stage> {
    let stage = Stage::first(
        site,
        vec![site.account("account"), site.config_map("settings", "new"), site.never_ready("web")],
    )?;
    Ok(stage.failing())
}

/// A rollback by name, from the second release to the first.
fn rollback(site: &Site) -> Result<Stage> {
    let objects = |text, extra| {
        vec![
            site.config_map("changed", text),
            site.config_map(extra, text),
            site.network_policy("policy", text),
        ]
    };
    let (first, second) = (objects("first", "in-first"), objects("second", "in-second"));
    let (other, without) = others(site, &second, &first)?;
    let (first, second) = (site.bundle(OLD, first)?, site.bundle(NEW, second)?);
    let past = [&first, &second].map(|bundle| Event::Applied(Box::new(bundle.clone())));
    Ok(Stage {
        past: past.into(),
        command: Command::Rollback(Some(first.release().id())),
        other,
        without,
        new: first,
        timeout: Duration::from_secs(30),
        foreign: Vec::new(),
        meddled: None,
        is_failing: false,
        is_robbed: false,
        neighbour: None,
    })
}

/// A kind of resource and one of its resources in one release.
fn definition(site: &Site) -> Result<Stage> {
    Stage::change(
        site,
        vec![site.config_map("changed", "old")],
        vec![
            site.definition(),
            site.config_map("changed", "new"),
            site.custom_resource("gadget", 1),
        ],
    )
}

/// Configuration by content: a new object for each text, to which the Deployment points.
fn hash_named(site: &Site) -> Result<Stage> {
    let objects = |name: &str, text: &str| {
        let (wave, mut settings) = site.config_map(name, text);
        settings["immutable"] = json!(true);
        vec![(wave, settings), site.deployment("web", name)]
    };
    Stage::change(site, objects("settings-7d9f", "old"), objects("settings-b2c4", "new"))
}

/// Objects that can only be deleted and created anew.
fn recreate(site: &Site) -> Result<Stage> {
    let objects = |text: &str| {
        let (wave, mut settings) = site.config_map("settings", text);
        settings["immutable"] = json!(true);
        let (later, mut database) = site.stateful_set("database");
        database["spec"]["serviceName"] = json!(text);
        for object in [&mut settings, &mut database] {
            object["metadata"]["annotations"] = json!({ POLICY: "recreate" });
        }
        vec![(wave, settings), (later, database), site.config_map("changed", text)]
    };
    Stage::change(site, objects("old"), objects("new"))
}

/// Somebody made two of the objects by hand, one of them otherwise.
fn adopt(site: &Site) -> Result<Stage> {
    let new = vec![
        site.config_map("equal", "new"),
        site.config_map("different", "new"),
        site.config_map("added", "new"),
    ];
    let foreign = [("equal", "new"), ("different", "old")].map(|(short, text)| {
        let (_, mut object) = site.config_map(short, text);
        object["metadata"]["labels"] = json!({ "app.kubernetes.io/managed-by": "Helm" });
        object
    });
    let stage = Stage::first(site, new)?;
    Ok(Stage {
        command: Command::Adopt(Box::new(stage.new.clone())),
        foreign: foreign.iter().map(objects::path).collect(),
        past: foreign.map(Event::Made).into(),
        ..stage
    })
}

/// Three releases, of which the oldest two are forgotten.
fn collect(site: &Site) -> Result<Stage> {
    let releases = [("1.0.0", "one"), ("1.0.1", "two"), (NEW, "three")]
        .map(|(version, text)| site.bundle(version, vec![site.config_map("changed", text)]));
    let mut past = Vec::new();
    for release in releases {
        past.push(Event::Applied(Box::new(release?)));
    }
    let stage = Stage::first(site, vec![site.config_map("changed", "three")])?;
    Ok(Stage { past, command: Command::Collect(1), ..stage })
}

fn delete(site: &Site) -> Result<Stage> {
    let objects = || {
        vec![
            site.account("account"),
            site.config_map("settings", "old"),
            site.config_map("more", "old"),
            site.network_policy("policy", "old"),
        ]
    };
    let stage = Stage::change(site, objects(), objects())?;
    Ok(Stage { command: Command::Delete, ..stage })
}

/// Another application in the same namespace, with objects of the same kinds, and with one that was
/// ours.
fn neighbours(site: &Site) -> Result<Stage> {
    let objects = |site: &Site, text: &str, extra: &str| {
        vec![site.config_map("settings", text), site.config_map(extra, text)]
    };
    let neighbour = site.neighbour();
    let bundle = neighbour.bundle(OLD, objects(&neighbour, "old", "dropped"))?;
    let given = site.config_map("given-away", "old");
    let path = objects::path(&given.1);
    let (old, new) = (objects(site, "old", "dropped"), objects(site, "new", "added"));
    // What is given away is in no release after that.
    let (other, without) = others(site, &old, &new)?;
    let old = old.into_iter().chain([given]).collect();
    let mut stage = Stage { other, without, ..Stage::change(site, old, new)? };
    let labels = json!({ "metadata": { "labels": neighbour.labels() } });
    stage.past.push(Event::Changed(path, labels));
    Ok(Stage { neighbour: Some((neighbour, bundle)), is_robbed: true, ..stage })
}

/// Somebody deleted one object and removed a field of another.
fn drift(site: &Site) -> Result<Stage> {
    let [deleted, damaged] = [("deleted", "same"), ("damaged", "same")]
        .map(|(short, text)| site.config_map(short, text));
    let path = |(_, manifest): &Listed| objects::path(manifest);
    let meddling = [
        Event::Deleted(path(&deleted)),
        Event::Changed(path(&damaged), json!({ "data": { "text": null } })),
    ];
    let objects = |text| vec![deleted.clone(), damaged.clone(), site.config_map("changed", text)];
    let mut stage = Stage::change(site, objects("old"), objects("new"))?;
    stage.past.extend(meddling);
    Ok(stage)
}

/// What the first writes of a release have done is undone.
fn recover_back(site: &Site) -> Result<Stage> {
    let policy = |text| site.network_policy("policy", text);
    let stage = Stage::change(
        site,
        vec![site.config_map("changed", "old"), policy("old")],
        vec![site.config_map("changed", "new"), site.config_map("added", "new"), policy("new")],
    )?;
    // The objects of the first wave are written then.
    Ok(stage.killed_at("PUT configmaps/head#2"))
}

/// A release is committed, and what it dropped is still there.
fn recover_forward(site: &Site) -> Result<Stage> {
    let stage = Stage::change(
        site,
        vec![site.config_map("changed", "old"), site.config_map("dropped", "old")],
        vec![site.config_map("changed", "new")],
    )?;
    Ok(stage.killed_at("PUT configmaps/head#3"))
}

/// A job that cannot be undone, between objects that could be.
fn no_return(site: &Site) -> Result<Stage> {
    let policy = |text| site.network_policy("policy", text);
    let stage = Stage::change(
        site,
        vec![site.config_map("changed", "old"), policy("old")],
        vec![site.config_map("changed", "new"), site.irreversible_job("migration"), policy("new")],
    )?;
    // Nobody remembers what may come late of a release that was finished, not undone.
    Ok(Stage { without: None, ..stage })
}

/// Images come from elsewhere, which is all that changes of one object.
fn overlay(site: &Site) -> Result<Stage> {
    Stage::change(
        site,
        vec![
            site.image("changed", "old"),
            site.image("moved", "same"),
            site.config_map("same", "same"),
        ],
        vec![
            site.image("changed", "new"),
            site.image("moved", "same"),
            site.config_map("same", "same"),
        ],
    )
}

/// The release and the undo log are both more than one Secret holds.
fn chunks(site: &Site) -> Result<Stage> {
    Stage::change(site, vec![site.large("large", "olds")], vec![site.large("large", "news")])
}

fn namespace(site: &Site) -> Result<Stage> {
    Stage::first(site, vec![site.own_namespace(), site.config_map("settings", "new")])
}
