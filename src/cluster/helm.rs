//! Helm releases whose objects are taken over. Helm keeps a record of each, and would delete or
//! change the objects by it.

use std::collections::BTreeSet;

use a4co_bundle::{FieldChange, ObjectRef};
use serde_json::Value;

use crate::{
    change::{Change, Step},
    plan::Plan,
};

const NAME: &str = "meta.helm.sh/release-name";
const NAMESPACE: &str = "meta.helm.sh/release-namespace";

/// A release of Helm.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HelmRelease {
    /// Namespace that holds Helm's record of it.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl HelmRelease {
    /// Returns the command that makes Helm forget it, without deleting anything else.
    #[must_use]
    pub fn forget_command(&self) -> String {
        let Self { namespace, name } = self;
        format!("kubectl delete secret -n {namespace} -l owner=helm,name={name}")
    }
}

/// The Helm release of an object as it was.
pub(crate) fn of_image(object: &ObjectRef, image: &Value) -> Option<HelmRelease> {
    release(object, |name| image["metadata"]["annotations"][name].as_str())
}

impl Plan {
    /// Returns the Helm releases whose objects are taken over.
    #[must_use]
    pub fn helm_releases(&self) -> BTreeSet<HelmRelease> {
        let adopted = self.steps.iter().filter(|step| matches!(step.change, Change::Adopt(_)));
        adopted.filter_map(of_step).collect()
    }
}

/// The Helm release whose annotations an object loses.
fn of_step(step: &Step) -> Option<HelmRelease> {
    let fields = step.change.fields();
    release(&step.object, |name| fields.iter().find_map(|change| lost(change, name)))
}

/// The Helm release that the annotations of an object name.
fn release<'a>(
    object: &ObjectRef,
    annotation: impl Fn(&str) -> Option<&'a str>,
) -> Option<HelmRelease> {
    let harmless = |name: &str| {
        let text = annotation(name)?;
        // It goes into a command line.
        let is_harmless = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        text.chars().all(is_harmless).then(|| text.to_owned())
    };
    let name = harmless(NAME)?;
    let namespace = harmless(NAMESPACE).or_else(|| object.namespace.clone())?;
    Some(HelmRelease { namespace, name })
}

fn lost<'a>(change: &'a FieldChange, annotation: &str) -> Option<&'a str> {
    let old = change.old.as_ref()?;
    if change.path == format!("metadata.annotations[\"{annotation}\"]") {
        return old.as_str();
    }
    let all: Option<&Value> = (change.path == "metadata.annotations").then_some(old);
    all?.get(annotation)?.as_str()
}

#[cfg(test)]
mod tests {
    use a4co_bundle::{ObjectRef, field_changes};
    use serde_json::json;

    use super::*;

    #[test]
    fn helm_releases_are_known_by_the_annotations_that_objects_lose() {
        let helm = |name: &str| json!({ NAME: name, NAMESPACE: "shop" });
        for (case, before, after, expected) in [
            ("all annotations go", helm("web"), json!(null), Some("web")),
            (
                "one that is not Helm's stays",
                json!({ NAME: "web", NAMESPACE: "shop", "x": "y" }),
                json!({ "x": "y" }),
                Some("web"),
            ),
            ("there are none", json!({ "x": "z" }), json!({ "x": "y" }), None),
            ("it would speak to a shell", helm("x; rm -r ."), json!(null), None),
        ] {
            let object = |annotations: Value| match annotations {
                Value::Null => json!({ "metadata": { "name": "x" } }),
                some => json!({ "metadata": { "name": "x", "annotations": some } }),
            };
            let fields = field_changes(&object(before), &object(after));
            let reference = ObjectRef {
                kind: "ConfigMap".to_owned(),
                api_version: "v1".to_owned(),
                namespace: Some("shop".to_owned()),
                name: "x".to_owned(),
            };
            let mut plan = Plan::empty(None, None);
            plan.steps.push(Step::new(reference, 1, Change::Adopt(fields), None));
            let found = plan.helm_releases().into_iter().next();
            let expected = expected
                .map(|name| HelmRelease { namespace: "shop".to_owned(), name: name.to_owned() });
            assert_eq!(found, expected, "{case}");
        }
    }

    #[test]
    fn an_object_as_it_was_names_its_release() {
        let object = ObjectRef {
            kind: "ConfigMap".to_owned(),
            api_version: "v1".to_owned(),
            namespace: Some("shop".to_owned()),
            name: "x".to_owned(),
        };
        let image = |name: &str| json!({ "metadata": { "annotations": { NAME: name } } });
        let (namespace, name) = ("shop".to_owned(), "web".to_owned());
        assert_eq!(of_image(&object, &image("web")), Some(HelmRelease { namespace, name }));
        assert_eq!(of_image(&object, &image("x; rm -r .")), None);
        assert_eq!(of_image(&object, &json!({})), None);
    }
}
