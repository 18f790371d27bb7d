//! Everything that a plan is made of, read from the cluster.

use std::collections::BTreeMap;

use a4co_bundle::{
    Bundle, Digest, Object, ObjectRef, Overlay, Release, TrustAnchor, UnverifiedBundle,
    registry_hosts,
};

use crate::{
    adopt::Adoption,
    client::{Client, Effect},
    event::Event,
    fencing::Fencing,
    head::{State, Stored},
    head_object::HeadObject,
    inventory::{Inventory, Record},
    live::{self, Live, LiveObjects},
    mutant::{self, Mutant},
    place::Place,
    plan::{self, Inputs, Plan},
    refusal::Refusal,
    resource::Resources,
    site_release::{OverlayChoice, SiteRelease},
    store::{Content, StoreError},
    write::Writer,
};

/// What the cluster has, as far as one release to apply is concerned.
pub(crate) struct Survey<'a> {
    /// Whether the release was here before.
    pub(crate) goes_back: bool,
    /// Whose objects are taken over.
    pub(crate) adoption: Option<&'a Adoption>,
    pub(crate) head: HeadObject,
    /// The release to apply, with the site overlay that is to be in force.
    pub(crate) target: SiteRelease,
    /// The committed release.
    pub(crate) current: Option<SiteRelease>,
    pub(crate) inventory: Inventory,
    pub(crate) resources: Resources,
    pub(crate) live: LiveObjects,
}

impl<'a> Survey<'a> {
    /// Reads what bringing `place` to `release` depends on, with the overlay that is chosen.
    pub(crate) async fn take(
        client: &Client,
        place: &Place,
        release: &Release,
        overlay: &OverlayChoice,
        goes_back: bool,
        adoption: Option<&'a Adoption>,
    ) -> Result<Self, Refusal> {
        let head = place.head_object(client).await?;
        let target = choose(client, place, &head, release, overlay).await?;
        let current = match head.head.committed {
            Some(stored) if stored.edition() == target.edition() => Some(target.clone()),
            Some(stored) => Some(load(client, place, stored).await?),
            None => None,
        };
        let inventory = load_inventory(client, place, &head).await?;
        let objects =
            || target.objects().iter().chain(current.iter().flat_map(SiteRelease::objects));
        let resources = Resources::of_kinds(client, objects(), &head.head.leftover).await?;
        let references = objects().map(Object::reference).chain(&head.head.leftover);
        let live = live::read(client, &resources, references).await?;
        Ok(Self { goes_back, adoption, head, target, current, inventory, resources, live })
    }

    /// Works out the steps to the target.
    pub(crate) fn plan(&self) -> Plan {
        let target = &self.target;
        let from = self.current.as_ref().map(SiteRelease::edition);
        let mut plan = plan::draw(
            from,
            Some(target.edition()),
            &Inputs {
                target: target.objects(),
                current: self.current.as_ref().map_or(&[], SiteRelease::objects),
                leftover: &self.head.head.leftover,
                inventory: &self.inventory,
                live: &self.live,
                applyset: &target.applyset(),
                keep: &target.config().keep,
                adopts: self.adoption.is_some(),
            },
        );
        if !self.goes_back {
            plan.refuse_to_shrink();
        }
        plan
    }

    /// Tells where images are to come from.
    pub(crate) fn registries(&self) -> Event<'_> {
        let overlay = self.target.overlay();
        let before = self.head.head.committed.and_then(|stored| stored.overlay);
        let named = |host: &&str| overlay.is_none_or(|o| o.registries().contains_key(*host));
        let hosts = registry_hosts(self.target.config()).into_iter();
        let others = hosts.filter(|host| !named(host)).map(str::to_owned).collect();
        Event::Registries { overlay, before, others }
    }

    /// Returns whether the target is what the cluster has, and `plan` finds nothing to do about it.
    pub(crate) async fn is_settled(
        &self,
        client: &Client,
        place: &Place,
        plan: &Plan,
    ) -> Result<bool, Refusal> {
        let head = &self.head.head;
        let edition = self.target.edition();
        let Some(committed) = head.committed.filter(|stored| stored.edition() == edition) else {
            return Ok(false);
        };
        let is_quiet = !mutant::is(Mutant::NeverSettled)
            && head.state == State::Idle
            && plan.is_empty()
            && plan.obstacles.is_empty();
        if !is_quiet {
            return Ok(false);
        }
        // Without its stored bundle and overlay the release could not be come back to.
        let store = place.store(client);
        let has_overlay = match committed.overlay {
            Some(overlay) => store.has(Content::Overlay, overlay).await?,
            None => true,
        };
        Ok(has_overlay && store.has(Content::Release, committed.bundle).await?)
    }

    /// Objects that should not be there: late creations, and what could not be deleted.
    pub(crate) fn strays(&self) -> impl Iterator<Item = &ObjectRef> {
        let known = by_reference(self.current.as_ref().map_or(&[], SiteRelease::objects));
        self.head.head.leftover.iter().filter(move |object| !known.contains_key(object))
    }

    /// Takes note of an object that was written since the survey.
    pub(crate) fn note(&mut self, object: &ObjectRef, record: Record, live: Live) {
        self.live.insert(object.clone(), live);
        self.inventory.insert(object.clone(), record);
    }

    pub(crate) fn writer<'b>(&'b self, client: &'b Client, effect: Effect) -> Writer<'b> {
        let epoch = self.head.head.epoch + 1;
        let (resources, adoption, goes_back) = (&self.resources, self.adoption, self.goes_back);
        let (fencing, observer) = (Fencing::none(), None);
        Writer { client, resources, effect, epoch, goes_back, adoption, fencing, observer }
    }
}

/// The objects of a release by reference.
pub(crate) fn by_reference(objects: &[Object]) -> BTreeMap<&ObjectRef, &Object> {
    objects.iter().map(|object| (object.reference(), object)).collect()
}

/// Reads a stored overlay.
pub(crate) async fn load_overlay(
    client: &Client,
    place: &Place,
    digest: Digest,
) -> Result<Overlay, Refusal> {
    let bytes = place.store(client).get(Content::Overlay, digest).await?;
    Overlay::from_json(&bytes).map_err(|source| Refusal::StoredOverlay { digest, source })
}

/// Gives `release` the overlay that is chosen.
pub(crate) async fn choose(
    client: &Client,
    place: &Place,
    head: &HeadObject,
    release: &Release,
    overlay: &OverlayChoice,
) -> Result<SiteRelease, Refusal> {
    let in_force = head.head.committed.and_then(|stored| stored.overlay);
    let overlay = match (overlay, in_force) {
        (OverlayChoice::Use(overlay), _) => Some(overlay.clone()),
        (OverlayChoice::Keep, Some(digest)) => Some(load_overlay(client, place, digest).await?),
        (OverlayChoice::Keep, None) | (OverlayChoice::Drop, _) => None,
    };
    SiteRelease::new(release.clone(), overlay).map_err(Refusal::Overlay)
}

/// Reads a stored release that was committed here before, with the overlay that it had. Its signatures were checked then, and
/// its digest stands in the head.
pub(crate) async fn load(
    client: &Client,
    place: &Place,
    stored: Stored,
) -> Result<SiteRelease, Refusal> {
    let bytes = place.store(client).get(Content::Release, stored.bundle).await?;
    let damaged = |source| Refusal::Stored { release: stored.release, source };
    let bundle = UnverifiedBundle::open(bytes.as_slice()).and_then(UnverifiedBundle::inspect);
    let release = bundle.map_err(damaged)?.release;
    if release.id() != stored.release {
        let (expected, computed) = (stored.release.digest(), release.id().digest());
        return Err(StoreError::Digest { expected, computed }.into());
    }
    let overlay = match stored.overlay {
        Some(digest) => Some(load_overlay(client, place, digest).await?),
        None => None,
    };
    SiteRelease::new(release, overlay).map_err(Refusal::Overlay)
}

/// Reads a stored release that is to be applied again, and checks its signatures by today's trust:
/// the newest trust file that `anchor` and the chain of the committed bundle lead to.
pub(crate) async fn load_verified(
    client: &Client,
    place: &Place,
    stored: Stored,
    committed: Stored,
    anchor: &TrustAnchor,
) -> Result<Bundle, Refusal> {
    let newest = verify(client, place, committed, anchor).await;
    let anchor =
        newest.map_or_else(|_| anchor.clone(), |bundle| TrustAnchor::File(bundle.trust().clone()));
    verify(client, place, stored, &anchor).await
}

async fn verify(
    client: &Client,
    place: &Place,
    stored: Stored,
    anchor: &TrustAnchor,
) -> Result<Bundle, Refusal> {
    let bytes = place.store(client).get(Content::Release, stored.bundle).await?;
    UnverifiedBundle::open(bytes.as_slice())
        .and_then(|bundle| bundle.verify(anchor))
        .map_err(|source| Refusal::Stored { release: stored.release, source })
}

/// Reads the inventory of the committed release. A lost one only costs time.
pub(crate) async fn load_inventory(
    client: &Client,
    place: &Place,
    head: &HeadObject,
) -> Result<Inventory, Refusal> {
    let Some(digest) = head.head.inventory else {
        return Ok(Inventory::default());
    };
    match place.store(client).get(Content::Inventory, digest).await {
        Ok(bytes) => Ok(Inventory::from_bytes(&bytes).unwrap_or_default()),
        Err(StoreError::Api(error)) => Err(error.into()),
        Err(_) => Ok(Inventory::default()),
    }
}
