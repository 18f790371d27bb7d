//! What events have told about objects. Few are asked about in one look, so each is in its turn,
//! and what was told before is remembered until then.

use std::{cmp::Reverse, collections::BTreeMap};

use a4co_bundle::ObjectRef;

use crate::trouble::{Excuse, Trouble};

/// What was told so far, by workload.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    look: u32,
    given: BTreeMap<ObjectRef, Answer>,
}

#[derive(Debug)]
struct Answer {
    look: u32,
    /// Uid of what was asked about.
    about: String,
    trouble: Option<Trouble>,
}

impl Answers {
    /// Takes note of what was told about the object with the uid `about`, on behalf of `workload`.
    pub(crate) fn keep(&mut self, workload: &ObjectRef, about: &str, trouble: Option<&Trouble>) {
        let (about, trouble) = (about.to_owned(), trouble.cloned());
        self.given.insert(workload.clone(), Answer { look: self.look, about, trouble });
    }

    /// What is known of a workload that is not asked about this time; `told` is what it says
    /// itself.
    pub(crate) fn recall(
        &self,
        workload: &ObjectRef,
        about: &str,
        told: Option<Trouble>,
    ) -> Option<Trouble> {
        let known = self.given.get(workload).filter(|answer| answer.about == about);
        let trouble = known.and_then(|answer| answer.trouble.clone()).or(told)?;
        let excuse = match trouble.excuse {
            Excuse::Holds => Excuse::Holds,
            Excuse::None | Excuse::Unasked => Excuse::Unasked,
        };
        Some(Trouble { excuse, ..trouble })
    }

    /// Begins another look, and puts `questions` in the order in which they are asked: those that
    /// can decide first, and of these the ones that have waited for longest.
    pub(crate) fn turns<Q>(&mut self, questions: &mut [Q], of: impl Fn(&Q) -> (&ObjectRef, bool)) {
        self.look += 1;
        questions.sort_by_key(|question| {
            let (workload, can_decide) = of(question);
            (Reverse(can_decide), self.given.get(workload).map(|answer| answer.look))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trouble::Source;

    fn workload(name: &str) -> ObjectRef {
        ObjectRef {
            kind: "Deployment".to_owned(),
            api_version: "apps/v1".to_owned(),
            namespace: Some("shop".to_owned()),
            name: name.to_owned(),
        }
    }

    #[test]
    fn every_object_is_asked_about_in_its_turn_and_those_that_can_decide_first() {
        let objects = ["a", "b", "c", "d", "slow"].map(workload);
        let mut answers = Answers::default();
        let mut asked = Vec::new();
        for _ in 0..4 {
            let mut questions: Vec<&ObjectRef> = objects.iter().collect();
            answers.turns(&mut questions, |object| (object, object.name != "slow"));
            for object in questions.into_iter().take(3) {
                answers.keep(object, "uid", None);
                asked.push(object.name.clone());
            }
        }
        assert_eq!(asked.join(" "), "a b c d a b c a b d a b");
    }

    #[test]
    fn what_was_told_before_is_remembered_but_decides_nothing() {
        let trouble = |reason| Trouble::new(Source::Pod, reason, "pod web-1", "").unwrap();
        let (known, told) = (trouble("FailedMount"), trouble("NotReady"));
        let mut answers = Answers::default();
        answers.keep(&workload("web"), "pod-1", Some(&known));
        let unasked = |trouble: &Trouble| Trouble { excuse: Excuse::Unasked, ..trouble.clone() };
        for (case, name, about, expected) in [
            ("it was told", "web", "pod-1", unasked(&known)),
            ("it was told about another pod", "web", "pod-2", unasked(&told)),
            ("nobody has asked", "api", "pod-1", unasked(&told)),
        ] {
            let found = answers.recall(&workload(name), about, Some(told.clone()));
            assert_eq!(found, Some(expected), "{case}");
        }
    }
}
