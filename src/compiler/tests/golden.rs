//! The repository's own environments, compiled and compared with what `tests/golden/` holds.

mod kit;

use std::{collections::BTreeMap, env, path::Path};

use a4co_compiler::{Compiled, Source, compile, to_yaml};
use fs_err as fs;
use kit::own_files;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn compiled() -> Vec<Compiled> {
    let source = Source::read(root()).expect("envs/ and lockfiles/ are readable");
    compile(&source).expect("the environments are sound")
}

#[test]
fn every_environment_renders_as_its_golden_file_says() {
    for environment in compiled() {
        let path = root().join(format!("tests/golden/{}.yaml", environment.environment));
        let yaml = to_yaml(environment.release.objects());
        if env::var_os("A4CO_BLESS").is_some() {
            fs::write(&path, &yaml).expect("tests/golden/ is writable");
        }
        let golden = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            golden == yaml,
            "`tests/golden/{}.yaml` differs from what is rendered; if that is wanted, run\n  \
             A4CO_BLESS=1 cargo test -p a4co-compiler --test golden\nand look at the difference",
            environment.environment
        );
    }
}

#[test]
fn every_release_id_in_version_control_is_current() {
    for environment in compiled() {
        let path = root().join(format!("bundles/{}.id", environment.environment));
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed.trim_end() == environment.release.id().to_string(),
            "`bundles/{}.id` is not the release that is compiled; if that is wanted, run\n  \
             cargo run -p a4co -- build --write-ids\nand look at `a4co diff`",
            environment.environment
        );
    }
}

#[test]
fn a_small_file_on_top_of_the_platform_is_a_whole_environment() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect("readable");
    let example = r#"
        extends = "platform"
        [release]
        namespace = "a4co-staging"
        [edge]
        host = "api-staging.a4co.com"
        [services.order.replicas]
        min = 2
    "#;
    let source = Source::new([
        ("envs/platform.toml", read("envs/platform.toml").as_str()),
        ("envs/staging.toml", example),
        ("lockfiles/staging.lock", read("lockfiles/staging.lock").as_str()),
    ]);
    let compiled = compile(&source).expect("sound");
    assert_eq!(compiled.len(), 1, "the platform is only a layer");
    assert_eq!(compiled[0].totals.least.pods, 31, "order has one pod less than in production");
}

#[test]
fn a_default_changes_all_services_and_nothing_else() {
    let compiled = |from: &str, to: &str| {
        let files = own_files(|_, text| text.replace(from, to));
        compile(&Source::new(files)).expect("sound")
    };
    let user = "\nuser = 1000\n";
    let (before, after) = (compiled(user, user), compiled(user, "\nuser = 2000\n"));
    assert_eq!(before.len(), 3);
    for (before, after) in before.iter().zip(&after) {
        let digests = |compiled: &Compiled| -> BTreeMap<_, _> {
            let objects = compiled.release.objects().iter();
            objects.map(|object| (object.reference().to_string(), object.digest())).collect()
        };
        let (old, new) = (digests(before), digests(after));
        assert_eq!(old.keys().collect::<Vec<_>>(), new.keys().collect::<Vec<_>>());
        let changed = old.iter().filter(|(name, digest)| new.get(*name) != Some(*digest));
        let changed: Vec<_> = changed.filter_map(|(name, _)| name.rsplit('/').next()).collect();
        let services = ["auth", "inventory", "order", "payment", "product"];
        assert_eq!(changed, services.map(|service| format!("{service}-service")));
    }
}
