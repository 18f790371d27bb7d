//! The language of environments as others read it: the reference for people and the JSON Schema for
//! editors come from the types, and what they say is tried on real files.

use std::{env, path::Path};

use a4co_compiler::{Source, compile, environment_reference, environment_schema};
use fs_err as fs;
use serde_json::Value;

/// Where the generated part of the reference begins.
const MARK: &str = "<!-- From here on generated from the types: `make reference` -->\n";

/// Environments that use every key together. The first has whatever one environment can have.
const EXAMPLES: [&str; 4] = ["example.toml", "company.toml", "on-premise.toml", "preview.toml"];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect(path)
}

/// Returns the examples, each with its file name.
fn examples() -> Vec<(&'static str, String)> {
    let read = |file| (file, read(&format!("examples/complete/envs/{file}")));
    EXAMPLES.into_iter().map(read).collect()
}

fn expect_current(path: &str, wanted: &str) {
    if env::var_os("A4CO_BLESS").is_some() {
        fs::write(root().join(path), wanted).expect("writable");
    }
    assert!(read(path) == wanted, "`{path}` is not what the types say: run `make reference`");
}

/// Where the reference is.
const REFERENCE: &str = "docs/environments.md";

/// Returns the reference as it must be: with what is written by hand as it is.
fn reference() -> String {
    let text = read(REFERENCE);
    let (introduction, _) = text.split_once(MARK).expect("a mark");
    let examples = examples();
    let examples: Vec<_> = examples.iter().map(|(file, text)| (*file, text.as_str())).collect();
    format!("{introduction}{MARK}{}", environment_reference(&examples))
}

#[test]
fn the_reference_says_what_the_types_say() {
    expect_current(REFERENCE, &reference());
}

#[test]
fn the_schema_for_editors_says_what_the_types_say() {
    expect_current("docs/environment.schema.json", &format!("{:#}\n", environment_schema()));
}

/// Every file with environments in this repository.
fn environment_files() -> Vec<String> {
    let mut files = Vec::new();
    let folders = fs::read_dir(root().join("examples")).expect("examples/");
    let folders = folders.map(|entry| entry.expect("readable").path().join("envs"));
    for folder in folders.chain([root().join("envs")]) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("readable").path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                files.push(path.to_string_lossy().into_owned());
            }
        }
    }
    files
}

#[test]
fn the_schema_for_editors_accepts_every_environment_file() {
    let validator = jsonschema::validator_for(&environment_schema()).expect("a schema");
    let files = environment_files();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).expect("readable");
        let value: Value = toml::from_str(&text).expect("TOML");
        let errors: Vec<_> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{file}: {errors:?}");
        assert!(text.starts_with("#:schema "), "{file} names the schema in its first line");
    }
}

#[test]
fn the_schema_for_editors_finds_mistakes() {
    let validator = jsonschema::validator_for(&environment_schema()).expect("a schema");
    for (case, text) in [
        ("an unknown key", "[services.web]\nprot = 80"),
        ("a wrong type", "[services.web]\nport = \"80\""),
        ("a number out of range", "[services.web]\nport = 70000"),
        ("an unknown choice", "[secret_store]\nbackend = \"paper\""),
    ] {
        let value: Value = toml::from_str(text).expect("TOML");
        assert!(!validator.is_valid(&value), "{case}");
    }
}

#[test]
fn the_complete_example_is_sound_and_uses_every_key() {
    let source = Source::read(&root().join("examples/complete")).expect("readable");
    compile(&source).unwrap_or_else(|findings| panic!("{findings}"));
    let schema = environment_schema();
    let mut unused = keys_of(&schema);
    for (_, text) in examples() {
        let example: Value = toml::from_str(&text).expect("TOML");
        remove_used(&schema, &schema, "", &example, &mut unused);
    }
    assert!(unused.is_empty(), "no example in examples/complete/ for {unused:#?}");
}

#[test]
fn every_link_of_the_reference_leads_to_one_heading() {
    let text = reference();
    let headings = text.lines().filter(|line| line.starts_with('#') && line.contains("# "));
    let is_kept = |character: &char| character.is_alphanumeric() || "-_ ".contains(*character);
    let anchor = |heading: &str| {
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        heading.chars().filter(is_kept).collect::<String>().replace(' ', "-")
    };
    let anchors: Vec<_> = headings.map(anchor).collect();
    let links = text.split("](#").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    for after in text.split("`]").skip(1) {
        assert!(after.starts_with('('), "a link of Rust before `{}`", &after[..20]);
    }
    for link in links {
        let count = anchors.iter().filter(|anchor| *anchor == link).count();
        assert_eq!(count, 1, "#{link}");
    }
}

/// Follows a reference, and the one alternative to null of an optional value. Returns the name of
/// the definition too, if there was a reference.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> (Option<&'a str>, &'a Value) {
    if let Some(reference) = schema["$ref"].as_str() {
        let definition = root.pointer(reference.trim_start_matches('#')).expect(reference);
        return (Some(reference.trim_start_matches("#/$defs/")), definition);
    }
    let alternatives = schema["anyOf"].as_array().map(Vec::as_slice).unwrap_or_default();
    match alternatives.iter().find(|alternative| alternative["type"] != "null") {
        Some(alternative) => resolve(root, alternative),
        None => (None, schema),
    }
}

/// Every key of every definition, as `definition/key`; keys of tables without a definition of their
/// own follow the key of the table.
fn keys_of(root: &Value) -> Vec<String> {
    let definitions = root["$defs"].as_object().into_iter().flatten();
    let definitions = definitions.map(|(name, definition)| (name.clone(), definition));
    let mut tables: Vec<_> = definitions.chain([(String::new(), root)]).collect();
    let mut keys = Vec::new();
    while let Some((name, table)) = tables.pop() {
        for (key, value) in table["properties"].as_object().into_iter().flatten() {
            let key = format!("{name}/{key}");
            tables.push((key.clone(), value));
            keys.push(key);
        }
    }
    keys.sort();
    keys
}

/// Removes the keys that `value` has from `unused`; without a definition, it stands at `path`.
fn remove_used(root: &Value, schema: &Value, path: &str, value: &Value, unused: &mut Vec<String>) {
    let (name, schema) = resolve(root, schema);
    let path = name.unwrap_or(path);
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                if let Some(child) = schema["properties"].get(key) {
                    let used = format!("{path}/{key}");
                    unused.retain(|key| *key != used);
                    remove_used(root, child, &used, field, unused);
                } else {
                    remove_used(root, &schema["additionalProperties"], path, field, unused);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                remove_used(root, &schema["items"], path, item, unused);
            }
        }
        _ => {}
    }
}
