//! Decides whether pods get their images: on nodes that have them, or from a registry. Pure.

use std::collections::{BTreeMap, BTreeSet};

use a4co_bundle::Image;
use a4co_cluster::{Node, Presence};
use clap::ValueEnum;

use super::{
    image_source::{Found, Wanted},
    output,
};

/// Most images named in one remark.
const NAMED: usize = 10;

/// Where images have to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImagesIn {
    /// Anywhere; say which ones no node has yet
    #[default]
    Auto,
    /// On every node that takes pods and can run them
    Nodes,
    /// In the registry that pods name
    Registry,
    /// On every such node, or in the registry
    Any,
    /// Nobody looks
    None,
}

/// What was decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// Why pods would not start, each about one or more images.
    pub(crate) refusals: Vec<String>,
    /// What a person may want to know.
    pub(crate) remarks: Vec<String>,
}

/// The images of a release, and the nodes; `Err` says why these are not known.
pub(crate) struct Question<'a> {
    pub(crate) wanted: ImagesIn,
    pub(crate) images: &'a [Image],
    pub(crate) nodes: Result<&'a [Node], &'a str>,
}

impl Question<'_> {
    /// Returns what has to be looked up in a registry before this can be decided.
    pub(crate) fn of_registries(&self) -> Vec<Wanted> {
        let is_asked = |image: &&Image| match self.wanted {
            ImagesIn::Registry => true,
            ImagesIn::Any => !self.is_on_nodes(image),
            ImagesIn::Auto | ImagesIn::Nodes | ImagesIn::None => false,
        };
        let wanted =
            |image: &Image| Wanted { image: image.clone(), platforms: self.platforms(image) };
        self.images.iter().filter(is_asked).map(wanted).collect()
    }

    /// Decides, given what was `found` of what had to be looked up.
    pub(crate) fn judge(&self, found: &[(Wanted, Found)]) -> Judgement {
        let mut judgement = Judgement::default();
        if self.wanted == ImagesIn::None {
            return judgement;
        }
        self.judge_platforms(&mut judgement);
        match self.wanted {
            ImagesIn::Auto => self.remark(&mut judgement),
            ImagesIn::Nodes => self.require_on_nodes(&mut judgement),
            ImagesIn::Registry | ImagesIn::Any => {
                judgement.refusals.extend(found.iter().filter_map(|(wanted, found)| {
                    let image = wanted.image.reference();
                    match found {
                        Found::There => None,
                        Found::Lacks(what) => Some(format!("{image}: the registry lacks {what}")),
                        Found::Unknown(why) => {
                            Some(format!("{image}: cannot tell whether it is there: {why}"))
                        }
                    }
                }));
            }
            ImagesIn::None => {}
        }
        judgement
    }

    /// Nodes that get pods of `image`.
    fn takers(&self, image: &Image) -> Vec<&Node> {
        let nodes = self.nodes.unwrap_or_default().iter();
        nodes.filter(|node| node.is_usable && node.can_run(image)).collect()
    }

    fn is_on_nodes(&self, image: &Image) -> bool {
        let takers = self.takers(image);
        !takers.is_empty() && takers.iter().all(|node| node.presence(image) == Presence::There)
    }

    /// Platforms of `image` that are pulled: those of the nodes, or all where the nodes are not known.
    fn platforms(&self, image: &Image) -> BTreeSet<String> {
        let takers = self.takers(image);
        if takers.is_empty() || takers.iter().any(|node| node.platform.is_empty()) {
            return image.platforms.keys().cloned().collect();
        }
        takers.iter().flat_map(|node| node.platforms_of(image)).map(str::to_owned).collect()
    }

    /// An image without a manifest for a node cannot run there; if there is none for any node, it
    /// cannot run at all.
    fn judge_platforms(&self, judgement: &mut Judgement) {
        let nodes = self.nodes.unwrap_or_default();
        let mut nowhere: BTreeMap<BTreeSet<&str>, Vec<String>> = BTreeMap::new();
        let mut not_everywhere = nowhere.clone();
        for image in self.images {
            let barred = nodes.iter().filter(|node| node.is_usable && !node.can_run(image));
            let barred: BTreeSet<&str> = barred.map(|node| &*node.platform).collect();
            if barred.is_empty() {
                continue;
            }
            let is_anywhere = nodes.iter().any(|node| node.can_run(image));
            let group = if is_anywhere { &mut not_everywhere } else { &mut nowhere };
            group.entry(barred).or_default().push(image.reference());
        }
        let list =
            |platforms: &BTreeSet<&str>| platforms.iter().copied().collect::<Vec<_>>().join(", ");
        judgement.refusals.extend(nowhere.iter().map(|(platforms, images)| {
            let platforms = list(platforms);
            format!("all nodes are {platforms}, for which there is nothing in{}", named(images))
        }));
        judgement.remarks.extend(not_everywhere.iter().map(|(platforms, images)| {
            let platforms = list(platforms);
            format!(
                "some nodes are {platforms}, where pods with these images do not start:{}",
                named(images)
            )
        }));
    }

    fn remark(&self, judgement: &mut Judgement) {
        let nodes = match self.nodes {
            Ok(nodes) => nodes,
            Err(why) => {
                let remark = format!("cannot tell which images the nodes have: {why}");
                return judgement.remarks.push(remark);
            }
        };
        let (mut on_none, mut unknown) = (Vec::new(), Vec::new());
        for image in self.images {
            let takers = self.takers(image);
            let has = |presence| takers.iter().any(|node| node.presence(image) == presence);
            match (has(Presence::There), has(Presence::Unknown)) {
                _ if takers.is_empty() => {}
                (true, _) => {}
                (false, true) => unknown.push(image.reference()),
                (false, false) => on_none.push(image.reference()),
            }
        }
        if !nodes.iter().any(|node| node.is_usable) {
            judgement.remarks.push("no node takes pods at the moment".to_owned());
        }
        if !on_none.is_empty() {
            let images = named(&on_none);
            judgement
                .remarks
                .push(format!("no node has these images yet, and pulls them:{images}"));
        }
        if !unknown.is_empty() {
            let count = output::count(unknown.len(), "image");
            judgement.remarks.push(format!(
                "cannot tell of {count} whether a node has it, for some list only the largest of theirs"
            ));
        }
    }

    fn require_on_nodes(&self, judgement: &mut Judgement) {
        if let Err(why) = self.nodes {
            return judgement
                .refusals
                .push(format!("cannot tell which images the nodes have: {why}"));
        }
        let is_anywhere =
            |image: &Image| self.nodes.unwrap_or_default().iter().any(|node| node.can_run(image));
        for image in self.images {
            let takers = self.takers(image);
            let those = |presence| {
                let nodes = takers.iter().filter(|node| node.presence(image) == presence);
                nodes.map(|node| node.name.clone()).collect::<Vec<_>>()
            };
            let (absent, unknown) = (those(Presence::Absent), those(Presence::Unknown));
            let reference = image.reference();
            if takers.is_empty() && is_anywhere(image) {
                judgement.refusals.push(format!("{reference}: no node that can run it takes pods"));
            }
            if !absent.is_empty() {
                judgement.refusals.push(format!("{reference} is not on {}", some(&absent)));
            }
            if !unknown.is_empty() {
                judgement.refusals.push(format!(
                    "{reference} may not be on {}: only the largest images are listed there",
                    some(&unknown)
                ));
            }
        }
    }
}

/// A list of at most so many.
fn named(images: &[String]) -> String {
    let more = images.len().saturating_sub(NAMED);
    let list = output::list(&images[..images.len() - more]);
    if more > 0 { format!("{list}\n  and {more} more") } else { list }
}

/// Names of nodes on one line.
fn some(nodes: &[String]) -> String {
    let more = nodes.len().saturating_sub(NAMED);
    let list = nodes[..nodes.len() - more].join(", ");
    if more > 0 { format!("{list} and {more} more nodes") } else { list }
}

#[cfg(test)]
mod tests {
    use a4co_bundle::Digest;
    use serde_json::{Value, json};

    use super::*;

    fn image(name: &str, platforms: &[&str]) -> Image {
        let digest = Digest::of(b"x");
        let platforms = platforms.iter().map(|name| ((*name).to_owned(), digest)).collect();
        Image { name: format!("r.site/{name}"), tag: "1".to_owned(), digest, size: None, platforms }
    }

    /// A node that has `images`, and takes pods unless it is cordoned.
    fn node(name: &str, architecture: &str, images: &[&str]) -> Value {
        let listed = images.iter().map(|image| {
            let image = super::tests::image(image, &[]).reference();
            json!({ "names": [image] })
        });
        json!({
            "metadata": { "name": name },
            "spec": {},
            "status": {
                "conditions": [{ "type": "Ready", "status": "True" }],
                "nodeInfo": { "operatingSystem": "linux", "architecture": architecture },
                "images": listed.collect::<Vec<_>>(),
            },
        })
    }

    fn cordoned(mut node: Value) -> Value {
        node["spec"]["unschedulable"] = json!(true);
        node
    }

    /// A node that lists as many images as a node lists.
    fn full(mut node: Value) -> Value {
        let images = node["status"]["images"].as_array().cloned().unwrap_or_default();
        let others = std::iter::repeat_n(json!({ "names": ["x"] }), 50 - images.len());
        node["status"]["images"] = images.into_iter().chain(others).collect();
        node
    }

    fn nodes(nodes: Vec<Value>) -> Vec<Node> {
        nodes.into_iter().map(|node| serde_json::from_value(node).unwrap()).collect()
    }

    /// A node that has both images, and one that has one.
    fn two() -> Vec<Value> {
        vec![node("a", "amd64", &["web", "db"]), node("b", "amd64", &["web"])]
    }

    /// What is asked, of which nodes, what a registry has of an image by its name; and parts of what is
    /// refused and remarked on, where anything is.
    type Case<'a> = (
        &'a str,
        ImagesIn,
        Result<Vec<Value>, &'a str>,
        fn(&str) -> Found,
        Vec<&'a str>,
        Vec<&'a str>,
    );

    fn there(_: &str) -> Found {
        Found::There
    }

    fn forbidden<'a>() -> Result<Vec<Value>, &'a str> {
        Err("you may not list nodes")
    }

    #[track_caller]
    fn expect(cases: Vec<Case<'_>>) {
        let images = vec![image("web", &["linux/amd64"]), image("db", &["linux/amd64"])];
        for (case, wanted, nodes, find, refusals, remarks) in cases {
            let nodes = nodes.map(super::tests::nodes);
            let nodes = nodes.as_deref().map_err(|why| *why);
            let question = Question { wanted, images: &images, nodes };
            let found = question.of_registries().into_iter().map(|wanted| {
                let found = find(&wanted.image.name);
                (wanted, found)
            });
            let judgement = question.judge(&found.collect::<Vec<_>>());
            let all = [judgement.refusals.join("\n"), judgement.remarks.join("\n")];
            for (told, expected) in all.iter().zip([&refusals, &remarks]) {
                assert_eq!(told.is_empty(), expected.is_empty(), "{case}: {told}");
                for part in expected {
                    assert!(told.contains(part), "{case}: `{part}` is not in {told}");
                }
            }
        }
    }

    #[test]
    fn nobody_has_to_have_an_image_but_it_is_said_where_none_is() {
        use ImagesIn::Auto;
        expect(vec![
            ("some nodes have them", Auto, Ok(two()), there, vec![], vec![]),
            (
                "no node has one",
                Auto,
                Ok(vec![node("a", "amd64", &["web"]), node("b", "amd64", &[])]),
                there,
                vec![],
                vec!["no node has these images yet, and pulls them:\n  r.site/db@"],
            ),
            (
                "only one that takes no pods has it",
                Auto,
                Ok(vec![node("a", "amd64", &["web"]), cordoned(node("b", "amd64", &["db"]))]),
                there,
                vec![],
                vec!["yet, and pulls them:\n  r.site/db@"],
            ),
            (
                "a node may have it",
                Auto,
                Ok(vec![full(node("a", "amd64", &["web"])), node("b", "amd64", &[])]),
                there,
                vec![],
                vec!["cannot tell of 1 image whether"],
            ),
            (
                "no node takes pods",
                Auto,
                Ok(vec![cordoned(node("a", "amd64", &[]))]),
                there,
                vec![],
                vec!["no node takes pods at the moment"],
            ),
            ("nobody may look", Auto, forbidden(), there, vec![], vec!["you may not list nodes"]),
        ]);
    }

    #[test]
    fn every_node_that_takes_pods_has_to_have_every_image() {
        use ImagesIn::Nodes;
        expect(vec![
            (
                "every node has them",
                Nodes,
                Ok(vec![node("a", "amd64", &["web", "db"])]),
                there,
                vec![],
                vec![],
            ),
            (
                "a node lacks one",
                Nodes,
                Ok(two()),
                there,
                vec!["r.site/db@sha256:", " is not on b"],
                vec![],
            ),
            (
                "a node that takes no pods lacks it",
                Nodes,
                Ok(vec![node("a", "amd64", &["web", "db"]), cordoned(node("b", "amd64", &[]))]),
                there,
                vec![],
                vec![],
            ),
            (
                "a node may lack one",
                Nodes,
                Ok(vec![full(node("a", "amd64", &["web"]))]),
                there,
                vec!["r.site/db@", "may not be on a: only the largest"],
                vec![],
            ),
            (
                "no node takes pods, though they have to have them",
                Nodes,
                Ok(vec![cordoned(node("a", "amd64", &["web", "db"]))]),
                there,
                vec!["no node that can run it takes pods"],
                vec![],
            ),
            (
                "nobody may look at what is required",
                Nodes,
                forbidden(),
                there,
                vec!["cannot tell which images"],
                vec![],
            ),
        ]);
    }

    #[test]
    fn a_registry_has_to_have_what_is_to_come_from_it() {
        use ImagesIn::{Any, None, Registry};
        let lacks = |name: &str| match name {
            "r.site/db" => Found::Lacks("the index".to_owned()),
            _ => Found::There,
        };
        let unknown = |_: &str| Found::Unknown("no route".to_owned());
        expect(vec![
            ("the registry has them", Registry, forbidden(), there, vec![], vec![]),
            (
                "the registry lacks one",
                Registry,
                Ok(vec![node("a", "amd64", &["web", "db"])]),
                lacks,
                vec!["r.site/db@", "the registry lacks the index"],
                vec![],
            ),
            (
                "the registry does not answer",
                Registry,
                Ok(two()),
                unknown,
                vec!["r.site/db@", "r.site/web@", "cannot tell whether it is there: no route"],
                vec![],
            ),
            ("what a node lacks, the registry has", Any, Ok(two()), there, vec![], vec![]),
            ("a node and the registry lack it", Any, Ok(two()), lacks, vec!["r.site/db@"], vec![]),
            (
                "every node has what the registry lacks",
                Any,
                Ok(vec![node("a", "amd64", &["web", "db"])]),
                lacks,
                vec![],
                vec![],
            ),
            ("nobody looks", None, Ok(vec![node("a", "arm64", &[])]), lacks, vec![], vec![]),
        ]);
    }

    #[test]
    fn an_image_with_nothing_for_any_node_is_refused_and_for_some_remarked_on() {
        let images =
            vec![image("web", &["linux/amd64", "linux/arm64/v8"]), image("db", &["linux/amd64"])];
        for (case, wanted, all, refused, remarked) in [
            ("all run", ImagesIn::Auto, vec![node("a", "amd64", &["web", "db"])], false, false),
            (
                "one runs nowhere",
                ImagesIn::Auto,
                vec![node("a", "arm64", &["web", "db"])],
                true,
                false,
            ),
            (
                "one does not run everywhere",
                ImagesIn::Auto,
                vec![node("a", "arm64", &["web"]), node("b", "amd64", &["db"])],
                false,
                true,
            ),
            (
                "one runs on a node that takes pods later",
                ImagesIn::Registry,
                vec![node("a", "arm64", &["web"]), cordoned(node("b", "amd64", &[]))],
                false,
                true,
            ),
            ("there is no node yet", ImagesIn::Registry, vec![], false, false),
        ] {
            let nodes = nodes(all);
            let question = Question { wanted, images: &images, nodes: Ok(&nodes) };
            let Judgement { refusals, remarks } = question.judge(&[]);
            let refusals = refusals.join("\n");
            assert_eq!(
                refusals.contains("all nodes are linux/arm64"),
                refused,
                "{case}: {refusals}"
            );
            assert_eq!(refusals.contains("r.site/db@"), refused, "{case}: {refusals}");
            let remarks = remarks.join("\n");
            assert_eq!(
                remarks.contains("some nodes are linux/arm64"),
                remarked,
                "{case}: {remarks}"
            );
            assert!(!(refusals + &remarks).contains("r.site/web@"), "{case}");
        }
    }

    #[test]
    fn a_registry_is_asked_for_what_the_nodes_will_pull() {
        let images = vec![image("web", &["linux/amd64", "linux/arm64"]), image("db", &[])];
        for (case, wanted, all, expected) in [
            (
                "the platforms of the nodes",
                ImagesIn::Registry,
                Ok(vec![node("a", "amd64", &["web", "db"]), cordoned(node("b", "arm64", &[]))]),
                vec!["r.site/web linux/amd64", "r.site/db"],
            ),
            (
                "all where the nodes are not known",
                ImagesIn::Registry,
                Err("no"),
                vec!["r.site/web linux/amd64 linux/arm64", "r.site/db"],
            ),
            (
                "only what a node lacks",
                ImagesIn::Any,
                Ok(vec![node("a", "amd64", &["web"])]),
                vec!["r.site/db"],
            ),
            ("nothing", ImagesIn::Auto, Ok(vec![]), vec![]),
        ] {
            let all = all.map(nodes);
            let nodes = all.as_deref().map_err(|why| *why);
            let asked = Question { wanted, images: &images, nodes }.of_registries();
            let told = asked.iter().map(|Wanted { image, platforms }| {
                platforms.iter().fold(image.name.clone(), |text, platform| text + " " + platform)
            });
            assert_eq!(told.collect::<Vec<_>>(), expected, "{case}");
        }
    }
}
