//! Equal sources give equal bytes, and a change changes what it is about and nothing else.

mod kit;

use std::collections::BTreeSet;

use a4co_compiler::Compiled;
use kit::{LOCK, SHOP, changed, compile_files, compile_one};

/// Returns the objects in which two releases differ, by kind and name.
fn difference(a: &Compiled, b: &Compiled) -> Vec<String> {
    let objects = |compiled: &Compiled| -> BTreeSet<_> {
        let objects = compiled.release.objects().iter();
        objects.map(|object| (object.reference().clone(), object.digest())).collect()
    };
    let (a, b) = (objects(a), objects(b));
    let differing: BTreeSet<_> = a.symmetric_difference(&b).map(|(object, _)| object).collect();
    differing.into_iter().map(|object| format!("{}/{}", object.kind, object.name)).collect()
}

#[test]
fn a_change_changes_what_it_is_about_and_nothing_else() {
    let before = compile_one(SHOP).expect("sound");
    for (case, changes, expected) in [
        (
            "the replica count of one service",
            vec![("", "replicas.min = 3\n")],
            vec!["Deployment/web"],
        ),
        (
            "a default",
            vec![("[defaults]", "[defaults]\nuser = 2000")],
            vec!["Deployment/cart", "Deployment/web"],
        ),
        (
            "a setting, whose ConfigMap is named by its content",
            vec![("", "[settings]\nLOG_LEVEL = \"warn\"\n")],
            vec!["ConfigMap/shop-settings-64797a9cea", "Deployment/cart", "Deployment/web"],
        ),
        (
            "a need",
            vec![("needs = [\"cart\"]", "")],
            vec!["NetworkPolicy/cart", "NetworkPolicy/web"],
        ),
        ("a comment", vec![("[services.web]", "[services.web] # the site")], vec![]),
        ("the version", vec![("1.0.0", "1.0.1")], vec![]),
    ] {
        let after = compile_one(&changed(&changes)).expect(case);
        assert_eq!(difference(&before, &after), expected, "{case}");
    }
}

#[test]
fn a_comment_changes_the_statement_and_not_the_release() {
    let before = compile_one(SHOP).expect("sound");
    let after = compile_one(&changed(&[("", "# a comment\n")])).expect("sound");
    assert_eq!(before.release.id(), after.release.id());
    assert_ne!(before.statement, after.statement);
    let inputs: Vec<_> = after.statement.inputs.iter().map(|input| input.path.as_str()).collect();
    assert_eq!(inputs, ["envs/live.toml", "lockfiles/live.lock"]);
}

#[test]
fn the_way_in_which_it_is_written_changes_nothing() {
    let before = compile_one(SHOP).expect("sound");
    let rest = SHOP.trim_start().strip_prefix("[release]\n").expect("the first section");
    let rest = rest.split_once("\n\n").expect("a section").1;
    let layered = [
        ("envs/base.toml", rest),
        (
            "envs/live.toml",
            "extends = 'base'\nrelease = { namespace = 'shop-live', version = '1.0.0', app = 'shop' }",
        ),
        ("lockfiles/live.lock", LOCK),
    ];
    let layer = ["layer = true\n", layered[0].1].concat();
    let files = [("envs/base.toml", layer.as_str()), layered[1], layered[2]];
    let after = compile_files(&files).expect("sound").remove(0);
    assert_eq!(before.release.id(), after.release.id());
    let backwards: Vec<_> = files.iter().rev().copied().collect();
    let backwards = compile_files(&backwards).expect("sound").remove(0);
    assert_eq!(after.statement, backwards.statement);
    assert_eq!(
        after.to_bundle(&[]).expect("a bundle"),
        backwards.to_bundle(&[]).expect("a bundle")
    );
}

#[test]
fn nothing_of_our_own_platform_is_in_what_others_compile() {
    for object in compile_one(SHOP).expect("sound").release.objects() {
        let text = String::from_utf8_lossy(object.bytes()).into_owned();
        let text = text.replace("\"app.kubernetes.io/managed-by\":\"a4co\"", "");
        assert!(!text.contains("a4co"), "{text}");
    }
}
