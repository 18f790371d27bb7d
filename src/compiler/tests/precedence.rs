//! What is said nearest to a service wins: defaults, size, service; and an upper layer over a lower.

mod kit;

use a4co_compiler::Compiled;
use kit::{LOCK, SHOP, changed, compile_files, compile_one};

/// Returns the number of pods of the service `web`.
fn replicas(compiled: &Compiled) -> u64 {
    let mut objects = compiled.release.objects().iter();
    let reference = |object: &&a4co_bundle::Object| {
        object.reference().kind == "Deployment" && object.reference().name == "web"
    };
    let deployment = objects.find(reference).expect("a Deployment").manifest();
    deployment["spec"]["replicas"].as_u64().expect("a number")
}

#[test]
fn what_is_nearest_to_a_service_wins() {
    let size = "[sizes.big]\nreplicas.min = 5\n";
    for (case, changes, expected) in [
        ("the default", vec![], 2),
        ("a size over the default", vec![("", "size = \"big\"\n"), ("", size)], 5),
        (
            "a size that the default names",
            vec![("[defaults]", "[defaults]\nsize = \"big\""), ("", size)],
            5,
        ),
        (
            "the service over its size",
            vec![("", "size = \"big\"\nreplicas.min = 7\n"), ("", size)],
            7,
        ),
        ("a size that nobody takes", vec![("", size)], 2),
    ] {
        assert_eq!(replicas(&compile_one(&changed(&changes)).expect(case)), expected, "{case}");
    }
}

#[test]
fn what_is_said_in_an_upper_layer_wins() {
    let base = format!("layer = true\n{SHOP}size = \"big\"\n[sizes.big]\nreplicas.min = 5\n");
    let middle = "layer = true\nextends = \"base\"\n[sizes.big]\nreplicas.min = 6\n";
    for (case, live, expected) in [
        ("nothing said", "extends = \"base\"", 5),
        (
            "a default does not beat a size below",
            "extends = \"base\"\n[defaults]\nreplicas.min = 3",
            5,
        ),
        ("a size", "extends = \"base\"\n[sizes.big]\nreplicas.min = 4", 4),
        ("a service", "extends = \"base\"\n[services.web]\nreplicas.min = 8", 8),
        ("a layer between", "extends = \"middle\"", 6),
        (
            "another size",
            "extends = \"base\"\n[services.web]\nsize = \"huge\"\n[sizes.huge]\nreplicas.min = 9",
            9,
        ),
    ] {
        let files = [
            ("envs/base.toml", base.as_str()),
            ("envs/middle.toml", middle),
            ("envs/live.toml", live),
            ("lockfiles/live.lock", LOCK),
        ];
        let compiled = compile_files(&files).expect(case);
        assert_eq!(compiled.iter().map(replicas).collect::<Vec<_>>(), [expected], "{case}");
    }
}

#[test]
fn a_layer_goes_without_what_is_below_it() {
    let base = format!("layer = true\n{SHOP}[services.old]\nport = 1\n");
    for (case, live, expected) in [
        ("a service", "unset = [\"services.old\"]\nextends = \"base\"", Ok(2)),
        ("nothing", "extends = \"base\"", Ok(3)),
        (
            "another one in its place",
            "unset = [\"services.old\"]\nextends = \"base\"\n[services.old]\nport = 2\n",
            Ok(3),
        ),
        (
            "what is not there",
            "unset = [\"services.odl\"]\nextends = \"base\"",
            Err(
                "envs/live.toml:1:10: no layer below has `services.odl` (help: remove it from the list)",
            ),
        ),
    ] {
        let files = [
            ("envs/base.toml", base.as_str()),
            ("envs/live.toml", live),
            ("lockfiles/live.lock", LOCK),
        ];
        let count = |compiled: Vec<Compiled>| {
            let objects = compiled[0].release.objects().iter();
            objects.filter(|object| object.reference().kind == "Deployment").count()
        };
        let found = compile_files(&files)
            .map(count)
            .map_err(|all| kit::lines(Err::<(), _>(all)).join("\n"));
        assert_eq!(found, expected.map_err(str::to_owned), "{case}");
    }
}
