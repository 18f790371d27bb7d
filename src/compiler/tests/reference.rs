//! The language of environments as others read it: the reference for people and the JSON Schema for
//! editors come from the types, and what they say is tried on real files.

use std::{env, path::Path};

use a4co_compiler::{Source, compile, environment_reference, environment_schema};
use fs_err as fs;
use serde_json::Value;

/// Where the generated part of the reference begins.
const MARK: &str = "<!-- From here on generated from the types: `make reference` -->\n";

/// The environment that uses every key.
const EXAMPLE: &str = "examples/complete/envs/example.toml";

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect(path)
}

fn expect_current(path: &str, wanted: &str) {
    if env::var_os("A4CO_BLESS").is_some() {
        fs::write(root().join(path), wanted).expect("writable");
    }
    assert!(read(path) == wanted, "`{path}` is not what the types say: run `make reference`");
}

#[test]
fn the_reference_says_what_the_types_say() {
    let path = "docs/environments.md";
    let text = read(path);
    let (introduction, _) = text.split_once(MARK).expect("a mark");
    let generated = environment_reference(&read(EXAMPLE));
    expect_current(path, &format!("{introduction}{MARK}{generated}"));
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
    let example: Value = toml::from_str(&read(EXAMPLE)).expect("TOML");
    let mut unused = keys_of(&schema, &schema);
    remove_used(&schema, &schema, &example, &mut unused);
    // Keys of layers: an environment that is built has no use for them.
    unused.retain(|key| !["/layer", "/extends"].contains(&key.as_str()));
    assert!(unused.is_empty(), "no example in {EXAMPLE} for {unused:#?}");
}

fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return resolve(root, root.pointer(reference.trim_start_matches('#')).expect(reference));
    }
    let alternatives = schema["anyOf"].as_array().map(Vec::as_slice).unwrap_or_default();
    match alternatives.iter().find(|alternative| alternative["type"] != "null") {
        Some(alternative) => resolve(root, alternative),
        None => schema,
    }
}

/// Every key of every definition, as `definition/key`.
fn keys_of(root: &Value, schema: &Value) -> Vec<String> {
    let keys = |name: &str, table: &Value| -> Vec<String> {
        let keys = table["properties"].as_object().into_iter().flat_map(|keys| keys.keys());
        keys.map(|key| format!("{name}/{key}")).collect()
    };
    let definitions = root["$defs"].as_object().into_iter().flatten();
    let mut all: Vec<_> = definitions.flat_map(|(name, table)| keys(name, table)).collect();
    all.extend(keys("", schema));
    all
}

fn remove_used(root: &Value, schema: &Value, value: &Value, unused: &mut Vec<String>) {
    let name = schema["$ref"].as_str().or_else(|| {
        let alternatives = schema["anyOf"].as_array()?;
        alternatives.iter().find_map(|alternative| alternative["$ref"].as_str())
    });
    let name = name.map_or("", |name| name.trim_start_matches("#/$defs/")).to_owned();
    let schema = resolve(root, schema);
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                if let Some(child) = schema["properties"].get(key) {
                    let used = format!("{name}/{key}");
                    unused.retain(|key| *key != used);
                    remove_used(root, child, field, unused);
                } else {
                    remove_used(root, &schema["additionalProperties"], field, unused);
                }
            }
        }
        Value::Array(items) => {
            items.iter().for_each(|item| remove_used(root, &schema["items"], item, unused));
        }
        _ => {}
    }
}
