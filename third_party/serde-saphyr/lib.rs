//! Stands in for the crate `serde-saphyr` inside kube-client.
//!
//! kube-client reads two things with it: kubeconfigs, and what the commands of exec credentials
//! print. What makes that crate the right one elsewhere, such as its messages with excerpts of the
//! source, is 0.45 MB of a binary that shall stay below 5. So here its parser's events become a tree,
//! and serde reads the tree.
//!
//! Scalars are those of the core schema of YAML 1.2; a field that is text takes every scalar as it is
//! written. Aliases work, as long as they do not blow up; merge keys (`<<`) are none of YAML 1.2.

mod error;
mod node;
mod tree;

pub use error::Error;
use serde::de::DeserializeOwned;

/// Reads the one document of `text`.
///
/// # Errors
/// Fails when it is no YAML, has more or less than one document, or that is not what `T` wants.
pub fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let mut documents = from_multiple(text)?;
    match (documents.pop(), documents.len()) {
        (Some(document), 0) => Ok(document),
        _ => Err(Error::Documents),
    }
}

/// Reads the one document of `bytes`, which are UTF-8.
///
/// # Errors
/// Fails like [`from_str`].
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    from_str(std::str::from_utf8(bytes)?)
}

/// Reads all documents of `text` but those that are empty.
///
/// # Errors
/// Fails when it is no YAML, or a document is not what `T` wants.
pub fn from_multiple<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, Error> {
    let documents = tree::documents(text)?;
    documents.into_iter().filter(|document| !document.is_null()).map(T::deserialize).collect()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn documents_become_what_they_say() {
        for (case, text, expected) in [
            ("block style", "a: 1\nb:\n- x\n- y: z\n", json!({ "a": 1, "b": ["x", { "y": "z" }] })),
            (
                "flow style, which JSON is",
                r#"{"a": [1, true, null]}"#,
                json!({ "a": [1, true, null] }),
            ),
            ("quotes make text", "a: '1'\nb: \"true\"\n", json!({ "a": "1", "b": "true" })),
            ("empty is null", "a:\nb: ~\n", json!({ "a": null, "b": null })),
            (
                "a number with a point",
                "a: 1.5\nb: -3\nc: 1e3\n",
                json!({ "a": 1.5, "b": -3, "c": 1000.0 }),
            ),
            ("a block of text", "a: |\n  one\n  two\n", json!({ "a": "one\ntwo\n" })),
            ("an alias", "a: &x { b: 1 }\nc: *x\n", json!({ "a": { "b": 1 }, "c": { "b": 1 } })),
            ("a comment", "# hello\na: 1 # one\n", json!({ "a": 1 })),
        ] {
            assert_eq!(from_str::<Value>(text).unwrap(), expected, "{case}");
        }
    }

    #[derive(Debug, PartialEq, Deserialize)]
    enum Mode {
        Never,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct User {
        token: String,
        name: Option<String>,
        #[serde(default)]
        is_new: Option<bool>,
        mode: Option<Mode>,
    }

    #[test]
    fn a_field_that_is_text_takes_every_scalar() {
        let user: User = from_str("token: 0123\nname: true\nis_new: true\nmode: Never\n").unwrap();
        let (token, name) = ("0123".to_owned(), Some("true".to_owned()));
        assert_eq!(user, User { token, name, is_new: Some(true), mode: Some(Mode::Never) });
    }

    #[test]
    fn documents_are_told_apart() {
        assert_eq!(from_multiple::<Value>("a: 1\n---\nb: 2\n---\n").unwrap().len(), 2);
        assert_eq!(from_multiple::<Value>("").unwrap(), [] as [Value; 0]);
        assert_eq!(
            from_str::<Value>("a\n---\nb\n").unwrap_err().to_string(),
            "there is not one document"
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        let bomb = format!(
            "a: &a [{0}]\nb: &b [{1}]\nc: &c [{2}]\nd: [{3}]\n",
            "x,".repeat(60),
            "*a,".repeat(60),
            "*b,".repeat(60),
            "*c,".repeat(60)
        );
        for (case, text, expected) in [
            ("no YAML", "a: [1, 2", "line"),
            ("another type", "token: [1]\n", "invalid type"),
            ("a field that is missing", "name: x\n", "missing field `token`"),
            ("too deep", &deep, "deep"),
            ("aliases of aliases of aliases", &bomb, "too large"),
        ] {
            let error = from_str::<User>(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{case}: {error}");
        }
    }
}
