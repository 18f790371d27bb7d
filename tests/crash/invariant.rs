//! What must hold, whatever happens. Each invariant is one function that says what is wrong.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    io::Read as _,
};

use a4co_bundle::{Bundle, Digest, Release};
use a4co_cluster::SiteRelease;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use flate2::read::DeflateDecoder;
use http::Method;
use serde_json::Value;

use crate::{
    command::as_applied,
    objects,
    request::{About, Entry},
    site::Site,
    snapshot::{Head, Objects, POLICY, Snapshot, differences},
};

/// Something that must not be.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    /// Which invariant, such as `I4`.
    pub(crate) invariant: &'static str,
    pub(crate) what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}

/// Kinds that are never deleted, because people keep things in them.
const KEPT: [&str; 3] = ["namespaces/", "customresourcedefinitions/", "persistentvolumeclaims/"];

/// Everything that was sent, and what it started from.
pub(crate) struct Story<'a> {
    pub(crate) site: &'a Site,
    pub(crate) releases: Vec<&'a Bundle>,
    /// Head before the first request.
    pub(crate) head: &'a Head,
    pub(crate) entries: Vec<&'a Entry>,
}

impl Story<'_> {
    /// The writes that the API server did, each with the head as it was then.
    fn writes(&self) -> Vec<(Head, &Entry)> {
        let mut head = self.head.clone();
        let mut writes = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.is_effective_write()) {
            writes.push((head.clone(), *entry));
            if entry.about == About::Head {
                head = Head::of(&entry.request.body["data"]);
            }
        }
        writes
    }

    /// Each head with the one before it.
    fn heads(&self) -> Vec<(Head, Head)> {
        let is_write =
            |entry: &Entry| entry.about == About::Head && entry.request.method != Method::DELETE;
        let heads = self.writes().into_iter().filter(|(_, entry)| is_write(entry));
        heads.map(|(before, entry)| (before, Head::of(&entry.request.body["data"]))).collect()
    }

    /// Paths of the objects that a release lets be deleted and created anew.
    fn recreated(&self) -> BTreeSet<String> {
        let objects = self.releases.iter().flat_map(|bundle| bundle.release().objects());
        let manifests = objects.map(a4co_bundle::Object::manifest);
        let may_be = |manifest: &Value| manifest["metadata"]["annotations"][POLICY] == "recreate";
        manifests.filter(may_be).map(|manifest| objects::path(&manifest)).collect()
    }

    /// Paths and digests of the objects of the release that `head` names in `key`.
    fn objects(&self, head: &Head, key: &str) -> BTreeMap<String, Digest> {
        let is_it =
            |bundle: &&&Bundle| head.get(key) == Some(bundle.release().id().to_string().as_str());
        let release = self.releases.iter().find(is_it).and_then(|bundle| as_applied(bundle).ok());
        let objects = release.iter().flat_map(SiteRelease::objects);
        objects.map(|object| (objects::path(&object.manifest()), object.digest())).collect()
    }

    /// Paths of the objects of the release that `head` names in `key`.
    fn paths(&self, head: &Head, key: &str) -> BTreeSet<String> {
        self.objects(head, key).into_keys().collect()
    }
}

/// I1: nothing happens to an object before the head says that something is under way, and nothing
/// but deletions after the commit; but for the namespace that holds the head.
pub(crate) fn no_effect_outside_the_journal(story: &Story<'_>) -> Vec<String> {
    let is_wrong = |(head, entry): &(Head, &Entry)| {
        let is_allowed = match head.state() {
            "idle" | "stuck" => false,
            "committed" => entry.request.method == Method::DELETE,
            _ => true,
        };
        entry.about == About::Object
            && !is_allowed
            && entry.request.object() != ("namespaces", &story.site.namespace)
    };
    let wrong = story.writes().into_iter().filter(is_wrong);
    wrong.map(|(head, entry)| format!("{} while {}", entry.name, head.state())).collect()
}

/// I2: every member of the set is in the release that is committed, or in the one on its way.
pub(crate) fn members_are_known(story: &Story<'_>, found: &Snapshot) -> Vec<String> {
    let mut known = short_names(story, &found.head, "committed");
    for key in ["to", "from"] {
        known.extend(short_names(story, &found.head, key));
    }
    found
        .objects
        .keys()
        .filter(|name| !known.contains(*name) && !is_kept(name))
        .map(|name| format!("{name} is in neither release"))
        .collect()
}

/// I2 at rest: the members of the set are those of the committed release, but for those that others
/// have `taken`.
pub(crate) fn members_are_those_committed(
    story: &Story<'_>,
    found: &Snapshot,
    taken: &BTreeSet<String>,
) -> Vec<String> {
    let known = short_names(story, &found.head, "committed");
    let extra = found.objects.keys().filter(|name| !known.contains(*name) && !is_kept(name));
    let extra = extra.map(|name| format!("{name} is there, but not in the committed release"));
    let is_missing = |name: &&String| !found.objects.contains_key(*name) && !taken.contains(*name);
    let missing = known.iter().filter(is_missing);
    extra.chain(missing.map(|name| format!("{name} is absent"))).collect()
}

fn short_names(story: &Story<'_>, head: &Head, key: &str) -> BTreeSet<String> {
    story.paths(head, key).iter().map(|path| story.site.short_path(path)).collect()
}

fn is_kept(name: &str) -> bool {
    KEPT.iter().any(|kept| name.starts_with(kept))
}

/// I3: `committed` changes in one write, together with all that belongs to it.
pub(crate) fn one_write_commits(story: &Story<'_>) -> Vec<String> {
    let is_early = |(head, entry): &(Head, &Entry)| {
        let is_deletion = entry.about == About::Head && entry.request.method == Method::DELETE;
        is_deletion && (head.get("committed").is_some() || head.get("to").is_some())
    };
    let early = story.writes().into_iter().filter(is_early);
    let mut wrong: Vec<String> =
        early.map(|(head, _)| format!("the head is deleted while {}", head.state())).collect();
    for (before, after) in story.heads() {
        let states = format!("{} → {}", before.state(), after.state());
        if after.state() == "committed" && after.get("committed") != after.get("to") {
            wrong.push(format!("{states}, but `committed` is not `to`"));
        }
        if matches!(after.state(), "applying" | "rolling-back")
            && after.get("committed") != after.get("from")
        {
            wrong.push(format!("{states}, but `committed` is not `from`"));
        }
        if before.get("committed") == after.get("committed") {
            continue;
        }
        if after.get("action") == Some("delete") {
            if after.get("committed").is_some() || after.get("from") != before.get("committed") {
                wrong.push("a deletion does not say what it deletes".to_owned());
            }
            continue;
        }
        if (before.state(), after.state()) != ("applying", "committed") {
            wrong.push(format!("`committed` changes at {states}"));
        }
        if after.get("committedBundle") != before.get("toBundle")
            || after.get("committed") != before.get("to")
            || after.get("committedOverlay") != before.get("toOverlay")
        {
            wrong.push("`committed` is not what was on its way".to_owned());
        }
        let is_same = story.objects(&before, "committed") == story.objects(&after, "committed");
        if after.get("inventory") == before.get("inventory") && !is_same {
            wrong.push("the inventory is that of the old release".to_owned());
        }
        let [old, new] = [&before, &after].map(|head| head.get("history").unwrap_or_default());
        let last: Value =
            new.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
        let tells = |key: &str, of: &str| last[key].as_str() == after.get(of);
        if old == new || !tells("release", "committed") || !tells("overlay", "committedOverlay") {
            wrong.push("the history does not tell of it".to_owned());
        }
    }
    wrong
}

/// I4: nothing of the committed release is ever deleted, but what may be created anew, and what
/// others had `taken`.
pub(crate) fn nothing_committed_is_deleted(
    story: &Story<'_>,
    taken: &BTreeSet<String>,
) -> Vec<String> {
    let recreated = story.recreated();
    let is_wrong = |(head, entry): &(Head, &Entry)| {
        entry.request.method == Method::DELETE
            && story.paths(head, "committed").contains(&entry.request.path)
            && !recreated.contains(&entry.request.path)
            && !taken.contains(&story.site.short_path(&entry.request.path))
    };
    let wrong = story.writes().into_iter().filter(is_wrong);
    wrong.map(|(head, entry)| format!("{} while {}", entry.name, head.state())).collect()
}

/// I5: the objects are exactly those of the committed release. `wanted` has the forms in which each
/// may be; the first is the usual one.
pub(crate) fn content_is_exact(found: &Objects, wanted: &[Objects]) -> Vec<String> {
    let is_other = |name: &String| {
        let is_as = |wanted: &Objects| wanted.get(name) == found.get(name);
        !wanted.iter().any(is_as)
    };
    let Some(usual) = wanted.first() else { return Vec::new() };
    let names: BTreeSet<&String> = found.keys().chain(usual.keys()).collect();
    // What is kept stays when its release is gone; and whoever comes next joins a namespace that is
    // there, which has other owners than one that was made.
    let may_stay =
        |name: &str| name.starts_with("namespaces/") || is_kept(name) && !usual.contains_key(name);
    let only = |objects: &Objects| -> Objects {
        let wrong = names.iter().filter(|name| is_other(name) && !may_stay(name));
        wrong.filter_map(|name| objects.get_key_value(*name)).map(clone).collect()
    };
    differences(&only(found), &only(usual))
}

fn clone((name, object): (&String, &Value)) -> (String, Value) {
    (name.clone(), object.clone())
}

/// I6: highest version, trust and epoch only ever grow.
pub(crate) fn bars_only_rise(story: &Story<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (before, after) in story.heads() {
        for key in ["epoch", "trust"] {
            let (before, after) = (before.number(key), after.number(key));
            if after < before {
                wrong.push(format!("{key} {before} → {after}"));
            }
        }
        let begins = before.state() == "idle" && after.state() == "applying";
        if begins && after.number("epoch") <= before.number("epoch") {
            wrong.push(format!("epoch {} stays for a new transaction", after.number("epoch")));
        }
        let version = |head: &Head| head.get("highestVersion").map(numbers);
        if version(&after) < version(&before) {
            wrong.push(format!("highest version {:?} → {:?}", version(&before), version(&after)));
        }
    }
    wrong
}

fn numbers(version: &str) -> Vec<u64> {
    version.split('.').filter_map(|part| part.parse().ok()).collect()
}

/// I8: applying what is committed writes nothing.
pub(crate) fn repetition_writes_nothing(entries: &[Entry]) -> Vec<String> {
    let writes = entries.iter().filter(|entry| entry.request.is_write());
    let writes: Vec<&str> = writes.map(|entry| entry.name.as_str()).collect();
    let is_tidying = |name: &&str| {
        let parts = ["PUT leases/", "PUT configmaps/head", "DELETE secrets/"];
        parts.iter().any(|part| name.starts_with(part))
    };
    // A command that ended too early may have left an undo log.
    if writes.iter().any(|name| name.starts_with("DELETE secrets/undo"))
        && writes.iter().all(is_tidying)
    {
        return Vec::new();
    }
    let text = format!("the committed release applied again sends {}", writes.join(", "));
    if writes.is_empty() { Vec::new() } else { vec![text] }
}

/// I9: a command writes the head once for each step of a transaction and each wave, and never the
/// same twice.
pub(crate) fn few_head_writes(releases: &[&Bundle], entries: &[Entry]) -> Vec<String> {
    let objects = releases.iter().flat_map(|bundle| bundle.release().objects());
    let waves: BTreeSet<u8> = objects.map(a4co_bundle::Object::wave).collect();
    let is_head = |entry: &&Entry| entry.about == About::Head && entry.is_effective_write();
    let heads: Vec<&Entry> = entries.iter().filter(is_head).collect();
    let goes_forward = |entry: &&Entry| entry.request.body["data"]["noReturn"] == "true";
    // Two for what another command left, or as many as for its own where that cannot be undone.
    let left = if heads.iter().any(goes_forward) { waves.len() + 4 } else { 2 };
    let (count, limit) = (heads.len(), waves.len() + 4 + left);
    let too_many = format!("{count} head writes for {} waves", waves.len());
    let is_twice = |pair: &&[&Entry]| {
        let [first, second] = [0, 1].map(|index| &pair[index].request);
        // Whoever goes on counts the waves again.
        first.method != Method::DELETE
            && first.body["data"] == second.body["data"]
            && !goes_forward(&pair[0])
    };
    let twice = heads.windows(2).filter(is_twice);
    let twice = twice.map(|pair| format!("{} writes what {} wrote", pair[1].name, pair[0].name));
    (count > limit).then_some(too_many).into_iter().chain(twice).collect()
}

/// A release that never becomes ready is never committed.
pub(crate) fn is_never_committed(story: &Story<'_>, release: Option<&Release>) -> Vec<String> {
    let is_it = |(_, after): &(Head, Head)| release.is_some() && after.has_committed(release);
    let heads = story.heads().into_iter().filter(is_it);
    heads.map(|(before, _)| format!("it is committed while {}", before.state())).collect()
}

/// I10: stored content has the digest by which it is named, and what the head names is there.
pub(crate) fn content_has_its_digest(site: &Site, found: &Snapshot) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut chunks: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for secret in &found.contents {
        let digest = secret["metadata"]["annotations"]["a4co.dev/digest"].as_str();
        chunks.entry(digest.unwrap_or_default()).or_default().push(secret);
        if secret["immutable"] != true {
            wrong.push(format!("{} can be changed", secret["metadata"]["name"]));
        }
    }
    let mut whole = BTreeSet::new();
    for (digest, secrets) in chunks {
        match inflate(&secrets) {
            Ok(Some(bytes)) if Digest::of(&bytes).to_string() == digest => {
                whole.insert(digest);
            }
            Ok(None) => {}
            _ => wrong.push(format!("what is stored as {digest} is not that")),
        }
        let hex = digest.strip_prefix("sha256:").unwrap_or_default();
        for secret in secrets {
            let name = secret["metadata"]["name"].as_str().unwrap_or_default();
            let is_named =
                name.starts_with(&format!("{}.", site.head_name())) && name.contains(&hex[..16]);
            if !is_named {
                wrong.push(format!("{name} holds a part of {digest}"));
            }
        }
    }
    let keys = [
        "committedBundle",
        "committedOverlay",
        "inventory",
        "toBundle",
        "toOverlay",
        "fromBundle",
        "fromOverlay",
        "undo",
    ];
    let named = keys.into_iter().filter_map(|key| Some((key, found.head.get(key)?.to_owned())));
    let lines = found.head.get("history").unwrap_or_default().lines();
    let lines = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let contents =
        |line: Value| ["bundle", "overlay"].map(|key| line[key].as_str().map(str::to_owned));
    let past = lines.flat_map(contents).flatten().map(|digest| ("history", digest));
    for (key, digest) in named.chain(past) {
        if !whole.contains(digest.as_str()) {
            wrong.push(format!("`{key}` has {digest}, which is not stored"));
        }
    }
    wrong
}

/// No undo log is stored that the head does not name: it has copies of objects, and of Secrets.
pub(crate) fn needless_undo_logs(site: &Site, found: &Snapshot) -> Vec<String> {
    let start = format!("{}.undo-", site.head_name());
    let named = found.head.get("undo");
    let is_needless = |metadata: &&Value| {
        metadata["name"].as_str().is_some_and(|name| name.starts_with(&start))
            && metadata["annotations"]["a4co.dev/digest"].as_str() != named
    };
    let secrets = found.contents.iter().map(|secret| &secret["metadata"]);
    secrets.filter(is_needless).map(|it| format!("{} is left", it["name"])).collect()
}

/// Puts chunks together; `None` when some are missing.
fn inflate(secrets: &[&Value]) -> Result<Option<Vec<u8>>, String> {
    let mut parts = BTreeMap::new();
    let mut count = 0;
    for secret in secrets {
        let position = secret["metadata"]["annotations"]["a4co.dev/chunk"].as_str();
        let (index, of) = position.and_then(|text| text.split_once('/')).ok_or("no position")?;
        let number = |text: &str| text.parse::<usize>().map_err(|error| error.to_string());
        count = number(of)?;
        let chunk = BASE64.decode(secret["data"]["chunk"].as_str().unwrap_or_default());
        parts.insert(number(index)?, chunk.map_err(|error| error.to_string())?);
    }
    if parts.len() != count {
        return Ok(None);
    }
    let deflated = parts.into_values().flatten().collect::<Vec<u8>>();
    let mut bytes = Vec::new();
    DeflateDecoder::new(deflated.as_slice())
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    Ok(Some(bytes))
}
