//! How long trouble has stood, and whether it is believed by now.

use std::{collections::BTreeMap, time::Duration};

use a4co_bundle::ObjectRef;

use crate::trouble::{Belief, CRASHES, Excuse, Rule, Trouble};

/// What is known about the troubles of the objects of one wave. Times are counted from its start.
#[derive(Debug, Default)]
pub(crate) struct Doubts(BTreeMap<ObjectRef, Doubt>);

/// Trouble of one object that has stood for a while.
#[derive(Debug)]
struct Doubt {
    rule: &'static Rule,
    since: Duration,
    /// The best that the object ever was, by `rollout::progress`.
    best: [i64; 3],
    /// How often the container had ended when we looked last.
    ends: u64,
    /// How often it had when we looked first, or when something else became ready after that.
    forgiven: u64,
}

impl Doubts {
    /// Hears what the trouble of `object` is at `now`, and returns for how long it has stood if it
    /// is to be believed. `progress` tells how far the object is.
    pub(crate) fn hear(
        &mut self,
        object: &ObjectRef,
        trouble: Option<&Trouble>,
        progress: [i64; 3],
        now: Duration,
    ) -> Option<Duration> {
        let Some(trouble) = trouble else {
            self.0.remove(object);
            return None;
        };
        let fresh = || Doubt {
            rule: trouble.rule,
            since: now,
            best: progress,
            ends: trouble.ends,
            // It may have ended so often before there was what it needs.
            forgiven: trouble.ends,
        };
        let doubt = self.0.entry(object.clone()).or_insert_with(fresh);
        let gets_on = progress.iter().zip(doubt.best).any(|(now, best)| *now > best);
        for (best, now) in doubt.best.iter_mut().zip(progress) {
            *best = now.max(*best);
        }
        if doubt.rule != trouble.rule {
            *doubt = Doubt { best: doubt.best, forgiven: doubt.forgiven, ..fresh() };
        } else if gets_on || trouble.excuse == Excuse::Holds {
            doubt.since = now;
        }
        doubt.ends = trouble.ends;
        let stood = now.saturating_sub(doubt.since);
        let is_believed = match trouble.rule.belief {
            Belief::Never => false,
            Belief::After(time) => stood >= time,
            Belief::AfterCrashes(time) => {
                stood >= time && doubt.ends >= CRASHES && doubt.ends > doubt.forgiven
            }
        };
        (is_believed && trouble.excuse == Excuse::None).then_some(stood)
    }

    /// Takes note that some object became ready, which may be what a crashing one needs.
    pub(crate) fn forgive(&mut self) {
        for doubt in self.0.values_mut() {
            doubt.forgiven = doubt.ends;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trouble::Source;

    const STILL: [i64; 3] = [0, 0, 0];

    fn object() -> ObjectRef {
        ObjectRef {
            kind: "Deployment".to_owned(),
            api_version: "apps/v1".to_owned(),
            namespace: Some("shop".to_owned()),
            name: "web".to_owned(),
        }
    }

    fn trouble(source: Source, reason: &str, ends: u64) -> Trouble {
        Trouble { ends, ..Trouble::new(source, reason, "pod web-1", "").unwrap() }
    }

    fn pull() -> Trouble {
        trouble(Source::Waiting, "ImagePullBackOff", 0)
    }

    fn crash(ends: u64) -> Trouble {
        trouble(Source::Ended, "CrashLoopBackOff", ends)
    }

    /// One look: when, what was seen, how far the object was.
    type Look = (u64, Option<Trouble>, [i64; 3]);

    /// The second at which it is believed.
    fn believed(looks: &[Look]) -> Option<u64> {
        let mut doubts = Doubts::default();
        let hear = |(second, trouble, progress): &Look| {
            let now = Duration::from_secs(*second);
            doubts.hear(&object(), trouble.as_ref(), *progress, now).map(|_| *second)
        };
        looks.iter().find_map(hear)
    }

    #[test]
    fn trouble_is_believed_when_it_has_stood_for_its_time_and_nothing_gets_on() {
        let with =
            |excuse| Some(Trouble { excuse, ..trouble(Source::Scheduling, "Unschedulable", 0) });
        let alone = || Some(trouble(Source::Scheduling, "Unschedulable", 0));
        for (case, looks, expected) in [
            ("not at once", vec![(3, Some(pull()), STILL)], None),
            (
                "when its time is over",
                vec![
                    (3, Some(pull()), STILL),
                    (62, Some(pull()), STILL),
                    (63, Some(pull()), STILL),
                ],
                Some(63),
            ),
            (
                "not when it went away meanwhile",
                vec![(3, Some(pull()), STILL), (30, None, STILL), (63, Some(pull()), STILL)],
                None,
            ),
            (
                "not when it became another one",
                vec![(3, Some(crash(5)), STILL), (63, Some(pull()), STILL)],
                None,
            ),
            (
                "not while the workload gets on",
                vec![
                    (3, Some(pull()), [1, 0, 0]),
                    (50, Some(pull()), [2, 0, 0]),
                    (63, Some(pull()), [2, 0, 0]),
                    (110, Some(pull()), [2, 0, 0]),
                ],
                Some(110),
            ),
            (
                "even if the workload goes up and down",
                vec![
                    (3, Some(pull()), [1, 1, 0]),
                    (20, Some(pull()), [1, 0, 0]),
                    (40, Some(pull()), [1, 1, 0]),
                    (63, Some(pull()), [1, 0, 0]),
                ],
                Some(63),
            ),
            (
                "when a readiness probe fails, never",
                vec![
                    (3, Some(trouble(Source::Pod, "Unhealthy", 0)), STILL),
                    (9999, Some(trouble(Source::Pod, "Unhealthy", 0)), STILL),
                ],
                None,
            ),
            (
                "not while a node is coming",
                vec![(3, alone(), STILL), (50, with(Excuse::Holds), STILL), (100, alone(), STILL)],
                None,
            ),
            (
                "not when nobody asked whether a node is coming, but the next time",
                vec![(3, alone(), STILL), (63, with(Excuse::Unasked), STILL), (68, alone(), STILL)],
                Some(68),
            ),
            (
                "crashes count from the third",
                vec![
                    (3, Some(crash(1)), STILL),
                    (40, Some(crash(2)), STILL),
                    (50, Some(crash(3)), STILL),
                ],
                Some(50),
            ),
            (
                "crashes of before count only when there is another",
                vec![
                    (3, Some(crash(5)), STILL),
                    (60, Some(crash(5)), STILL),
                    (80, Some(crash(6)), STILL),
                ],
                Some(80),
            ),
            (
                "nor do they when they are told otherwise",
                vec![
                    (3, Some(crash(5)), STILL),
                    (10, Some(trouble(Source::Ended, "OOMKilled", 5)), STILL),
                    (99, Some(trouble(Source::Ended, "OOMKilled", 5)), STILL),
                ],
                None,
            ),
        ] {
            assert_eq!(believed(&looks), expected, "{case}");
        }
    }

    #[test]
    fn a_crash_is_forgiven_until_it_happens_again_after_something_else_became_ready() {
        let mut doubts = Doubts::default();
        let hear = |doubts: &mut Doubts, second, ends| {
            doubts.hear(&object(), Some(&crash(ends)), STILL, Duration::from_secs(second))
        };
        assert_eq!(hear(&mut doubts, 0, 3), None);
        assert_eq!(hear(&mut doubts, 20, 4), None);
        doubts.forgive();
        assert_eq!(hear(&mut doubts, 60, 4), None, "it may work the next time");
        assert_eq!(hear(&mut doubts, 70, 5), Some(Duration::from_secs(70)));
    }
}
