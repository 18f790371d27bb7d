//! One writer at a time: a Lease that a command holds while it changes things.
//!
//! A lease keeps honest commands apart and tells who is at work. It is not what makes writes safe:
//! that is the head's `resourceVersion`, by which an overtaken writer fails.

use std::time::Duration;

use a4co_bundle::head_name;
use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease as LeaseObject, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use thiserror::Error;
use tokio::time::Instant;

use crate::{
    client::{Client, Dependents, Form},
    error::ApiError,
    mutant::{self, Mutant},
    place::Place,
    term::{Moment, Term},
    text,
};

/// After this long without renewal a lease counts as abandoned. It is longer than any one request
/// may take.
pub const DURATION: Duration = Duration::from_secs(90);

/// How often a holder renews.
pub(crate) const RENEWAL: Duration = Duration::from_secs(10);

/// How long a lease that expired by our clock has to stand still before it is taken over; longer
/// than a holder takes to renew.
const STANDSTILL: Duration = Duration::from_secs(15);

/// A look that took longer says nothing about the time before its answer: the API server was away,
/// and no holder could renew.
const LONG_LOOK: Duration = Duration::from_secs(5);

/// How often a waiter looks.
const POLL: Duration = Duration::from_millis(500);

/// How often a waiter says so.
const REPORT: Duration = Duration::from_secs(10);

/// How often taking the lease is tried again without an answer.
const ATTEMPTS: usize = 10;

/// Why the lease was not had.
#[derive(Debug, Error)]
pub enum LeaseError {
    /// The request failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Somebody else is at work.
    #[error("`{holder}` is at work here, and renewed its lease {age_seconds} s ago")]
    Held {
        /// Who.
        holder: String,
        /// Seconds since its last sign of life.
        age_seconds: i64,
    },
}

/// A lease that this process holds.
#[must_use = "a lease that is not released keeps others waiting until it expires"]
pub(crate) struct Lease {
    client: Client,
    path: String,
    object: LeaseObject,
    term: Term,
}

impl Lease {
    /// Takes the lease of `place` for `holder`. It waits up to `patience` for another holder; without
    /// one, as long as that one gives no sign of life. While it has to, it says by `waiting` for
    /// whom, and how many seconds ago that one renewed.
    pub(crate) async fn acquire(
        client: &Client,
        place: &Place,
        holder: &str,
        patience: Option<Duration>,
        waiting: impl Fn(&str, i64),
    ) -> Result<Self, LeaseError> {
        let Place { app, namespace, .. } = place;
        let (collection, path) = (collection(place), path(place));
        let start = Instant::now();
        let is_over = |is_alive: bool| patience.map_or(is_alive, |most| start.elapsed() >= most);
        let mut told: Option<Instant> = None;
        let mut wait = |holder: &str, age_seconds: i64| {
            if told.is_none_or(|told| told.elapsed() >= REPORT) {
                waiting(holder, age_seconds);
                told = Some(Instant::now());
            }
            tokio::time::sleep(POLL)
        };
        let mut attempts = 0;
        let mut watch = Watch::default();
        let mut is_doubtful = false;
        loop {
            let asked = Instant::now();
            let found: Option<LeaseObject> = client.get(&path, Form::Whole).await?;
            let moved = found.as_ref().is_some_and(|lease| watch.note(lease));
            if asked.elapsed() > LONG_LOOK {
                watch.restart();
            }
            match found.as_ref().map(|lease| claim(lease, Timestamp::now())) {
                Some(_) if mutant::is(Mutant::IgnoreLease) => {}
                Some(Claim::Held { holder, age_seconds }) => {
                    if is_over(moved) {
                        return Err(LeaseError::Held { holder, age_seconds });
                    }
                    wait(&holder, age_seconds).await;
                    continue;
                }
                // Its clock or ours may be wrong: believe only that it does not move.
                Some(Claim::Doubtful { holder, age_seconds, standstill }) => {
                    if moved && is_over(moved) {
                        return Err(LeaseError::Held { holder, age_seconds: 0 });
                    }
                    if !std::mem::replace(&mut is_doubtful, true) {
                        watch.restart();
                    }
                    if watch.stood_still() < standstill {
                        wait(&holder, age_seconds).await;
                        continue;
                    }
                }
                Some(Claim::Free) | None => {}
            }
            let asked = Moment::now();
            let taken = match found {
                None => client.create(&collection, &object(app, namespace, holder)).await,
                Some(mut lease) => {
                    lease.spec = object(app, namespace, holder).spec;
                    client.replace(&path, &lease).await
                }
            };
            match taken {
                Ok(object) => return Ok(Self::taken(client, path, object, asked)),
                // Somebody else was faster, or the answer was lost: look again.
                Err(error) if error.is_conflict() || error.is_unclear() && attempts < ATTEMPTS => {
                    attempts += 1;
                    let found: Option<LeaseObject> = client.get(&path, Form::Whole).await?;
                    if let Some(object) = found.filter(|lease| holder_of(lease) == Some(holder)) {
                        return Ok(Self::taken(client, path, object, asked));
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn taken(client: &Client, path: String, object: LeaseObject, asked: Moment) -> Self {
        Self { client: client.clone(), path, object, term: Term::new(asked) }
    }

    /// Returns `client` so that it writes nothing after the lease has run out.
    pub(crate) fn guard(&self, client: &Client) -> Client {
        client.within(self.term.clone())
    }

    /// Renews for ever; ends only when the lease is lost.
    pub(crate) async fn keep(&mut self) -> ApiError {
        loop {
            tokio::time::sleep(RENEWAL).await;
            if let Some(spec) = &mut self.object.spec {
                spec.renew_time = Some(MicroTime(Timestamp::now()));
            }
            let asked = Moment::now();
            match self.client.replace(&self.path, &self.object).await {
                Ok(object) => {
                    self.object = object;
                    self.term.renew(asked);
                }
                // Perhaps because our last renewal went through, but its answer was lost.
                Err(error) if error.is_conflict() || error.is_not_found() => {
                    let found: Result<Option<LeaseObject>, _> =
                        self.client.get(&self.path, Form::Whole).await;
                    let ours = holder_of(&self.object);
                    match found {
                        Ok(Some(lease)) if ours.is_some() && holder_of(&lease) == ours => {
                            self.object = lease;
                        }
                        Ok(_) => return error,
                        Err(_) => {}
                    }
                }
                // The API server may be away for a while; the lease is good for longer than that.
                Err(_) => {}
            }
        }
    }

    /// Gives the lease back, so that the next command need not wait.
    pub(crate) async fn release(mut self) -> Result<(), ApiError> {
        let ours = holder_of(&self.object).map(str::to_owned);
        for _ in 0..ATTEMPTS {
            if let Some(spec) = &mut self.object.spec {
                spec.holder_identity = None;
                spec.renew_time = None;
                spec.acquire_time = None;
            }
            match self.client.replace::<LeaseObject>(&self.path, &self.object).await {
                // A renewal that nobody waited for any more may have gone through.
                Err(error) if error.is_conflict() || error.is_unclear() => {
                    let found: Option<LeaseObject> =
                        self.client.get(&self.path, Form::Whole).await?;
                    match found.filter(|lease| holder_of(lease) == ours.as_deref()) {
                        Some(lease) => self.object = lease,
                        None => return Ok(()),
                    }
                }
                answer => return answer.map(drop),
            }
        }
        Ok(())
    }
}

/// Deletes the lease of `place`, if nobody holds it.
pub(crate) async fn forget(client: &Client, place: &Place) -> Result<(), ApiError> {
    let path = path(place);
    let found: Option<LeaseObject> = client.get(&path, Form::Whole).await?;
    let Some(lease) = found.filter(|lease| holder_of(lease).is_none()) else { return Ok(()) };
    let (uid, version) =
        lease.metadata.uid.zip(lease.metadata.resource_version).unwrap_or_default();
    client.delete(&path, &uid, &version, Dependents::Follow).await.map(drop)
}

fn collection(place: &Place) -> String {
    format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", place.namespace)
}

fn path(place: &Place) -> String {
    format!("{}/{}", collection(place), head_name(&place.app))
}

/// What a lease says about its holder.
#[derive(Debug, PartialEq, Eq)]
enum Claim {
    /// Nobody holds it.
    Free,
    /// Somebody does, and has renewed it in time by our clock.
    Held { holder: String, age_seconds: i64 },
    /// Somebody does, but by our clock has not renewed it in time, or will do so only much later. If
    /// it does not move for this long, it is abandoned.
    Doubtful { holder: String, age_seconds: i64, standstill: Duration },
}

/// A lease that is watched: a holder that lives moves it.
#[derive(Default)]
struct Watch(Option<(Option<String>, Instant)>);

impl Watch {
    /// Takes notice of the lease, and returns whether it has moved since the last time.
    fn note(&mut self, lease: &LeaseObject) -> bool {
        let version = lease.metadata.resource_version.as_deref();
        match &self.0 {
            Some((known, _)) if known.as_deref() == version => false,
            before => {
                let moved = before.is_some();
                self.0 = Some((version.map(str::to_owned), Instant::now()));
                moved
            }
        }
    }

    /// Counts from now how long it has not moved.
    fn restart(&mut self) {
        if let Some((_, since)) = &mut self.0 {
            *since = Instant::now();
        }
    }

    /// How long it has not moved.
    fn stood_still(&self) -> Duration {
        self.0.as_ref().map_or(Duration::ZERO, |(_, since)| since.elapsed())
    }
}

fn claim(lease: &LeaseObject, now: Timestamp) -> Claim {
    let Some(holder) = holder_of(lease) else { return Claim::Free };
    let spec = lease.spec.as_ref();
    let Some(renewed) = spec.and_then(|spec| spec.renew_time.as_ref()) else { return Claim::Free };
    let age = now.duration_since(renewed.0).as_secs();
    let duration = spec.and_then(|spec| spec.lease_duration_seconds).unwrap_or_default();
    let holder = text::clean(holder);
    if age >= i64::from(duration) {
        Claim::Doubtful { holder, age_seconds: age, standstill: STANDSTILL }
    } else if age < -i64::from(duration) {
        // A holder whose clock is that far ahead looks alive long after it died.
        let duration = Duration::from_secs(duration.unsigned_abs().into());
        Claim::Doubtful { holder, age_seconds: 0, standstill: duration.max(STANDSTILL) }
    } else {
        Claim::Held { holder, age_seconds: age.max(0) }
    }
}

fn holder_of(lease: &LeaseObject) -> Option<&str> {
    let holder = lease.spec.as_ref()?.holder_identity.as_deref()?;
    Some(holder).filter(|holder| !holder.is_empty())
}

fn object(app: &str, namespace: &str, holder: &str) -> LeaseObject {
    let now = MicroTime(Timestamp::now());
    LeaseObject {
        metadata: ObjectMeta {
            name: Some(head_name(app)),
            namespace: Some(namespace.to_owned()),
            ..ObjectMeta::default()
        },
        spec: Some(LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
            acquire_time: Some(now.clone()),
            renew_time: Some(now),
            ..LeaseSpec::default()
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_believed_as_far_as_clocks_can_be() {
        let now: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
        let holder = || "ann".to_owned();
        let held = |age_seconds| Claim::Held { holder: holder(), age_seconds };
        let doubtful = |age_seconds, seconds| {
            let standstill = Duration::from_secs(seconds);
            Claim::Doubtful { holder: holder(), age_seconds, standstill }
        };
        for (case, renewed, expected) in [
            ("just now", "2026-01-01T12:00:00Z", held(0)),
            ("a while ago", "2026-01-01T11:59:00Z", held(60)),
            ("its clock is a little ahead", "2026-01-01T12:00:30Z", held(0)),
            ("too long ago", "2026-01-01T11:58:00Z", doubtful(120, 15)),
            ("its clock is far ahead", "2026-01-02T12:00:00Z", doubtful(0, 90)),
        ] {
            let mut lease = object("shop", "n", "ann");
            lease.spec.as_mut().unwrap().renew_time = Some(MicroTime(renewed.parse().unwrap()));
            assert_eq!(claim(&lease, now), expected, "{case}");
        }
        let mut lease = object("shop", "n", "ann");
        lease.spec.as_mut().unwrap().holder_identity = None;
        assert_eq!(claim(&lease, now), Claim::Free);
    }
}
