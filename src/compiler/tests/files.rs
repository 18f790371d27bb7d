//! What is refused because files do not fit each other: layers and lockfiles.

mod kit;

use kit::{LOCK, SHOP, compile_files, lines};

#[test]
fn layers_must_exist_and_end() {
    for (case, files, expected) in [
        (
            "a layer that does not exist",
            vec![
                ("envs/live.toml", "extends = \"platfrom\""),
                ("envs/platform.toml", "layer = true"),
            ],
            vec![
                "envs/live.toml:1:11: `platfrom` is no environment file (help: did you mean `platform`?)",
            ],
        ),
        (
            "a layer that extends itself",
            vec![("envs/a.toml", "extends = \"a\"")],
            vec![
                "envs/a.toml:1:11: layers extend each other in a circle: a → a (help: remove one `extends`)",
            ],
        ),
        (
            "a circle, reported once",
            vec![
                ("envs/a.toml", "extends = \"b\""),
                ("envs/b.toml", "extends = \"c\""),
                ("envs/c.toml", "extends = \"b\""),
            ],
            vec![
                "envs/c.toml:1:11: layers extend each other in a circle: b → c → b (help: remove one `extends`)",
            ],
        ),
        (
            "a file name that cannot name an environment",
            vec![("envs/My Env.toml", "layer = true")],
            vec![
                "envs/My Env.toml:1:1: `My Env` cannot name an environment: it is not a DNS label (help: use a-z, 0-9 and `-`)",
            ],
        ),
        (
            "a layer with an error, reported once",
            vec![
                ("envs/a.toml", "extends = \"c\""),
                ("envs/b.toml", "extends = \"c\""),
                ("envs/c.toml", "layer = 1"),
            ],
            vec!["envs/c.toml:1:9: `layer` must be a boolean, not an integer"],
        ),
    ] {
        assert_eq!(lines(compile_files(&files)), expected, "{case}");
    }
}

#[test]
fn lockfiles_must_say_exactly_what_runs() {
    let other = LOCK.replace("shop/web", "shop/other");
    for (case, lock, expected) in [
        (
            "no lockfile",
            String::new(),
            vec![
                "envs/live.toml:8:9: image `ghcr.io/shop/web:1` has no pin in `lockfiles/live.lock` (help: run `a4co lock`)",
            ],
        ),
        (
            "another image",
            other.clone(),
            vec![
                "envs/live.toml:8:9: image `ghcr.io/shop/web:1` has no pin in `lockfiles/live.lock` (help: run `a4co lock`)",
                "lockfiles/live.lock:5:8: pin of image `ghcr.io/shop/other:1`, which the environment `live` does not run (help: run `a4co lock`, or remove the entry)",
            ],
        ),
        (
            "a pin too many",
            LOCK.to_owned() + &other.replace("version = 1\n", ""),
            vec![
                "lockfiles/live.lock:11:8: pin of image `ghcr.io/shop/other:1`, which the environment `live` does not run (help: run `a4co lock`, or remove the entry)",
            ],
        ),
        (
            "one pin twice",
            LOCK.to_owned() + &LOCK.replace("version = 1\n", ""),
            vec!["lockfiles/live.lock:11:8: image `ghcr.io/shop/web:1` is pinned twice"],
        ),
        (
            "a version of the future",
            LOCK.replace("version = 1", "version = 2\nnovelty = true"),
            vec![
                "lockfiles/live.lock:2:11: lockfile version 2 is not supported, only version 1 is (help: use the release of a4co that wrote it, or a later one)",
            ],
        ),
        (
            "a version that never was",
            LOCK.replace("version = 1", "version = 0"),
            vec![
                "lockfiles/live.lock:2:11: lockfile version 0 is not supported, only version 1 is",
            ],
        ),
        (
            "a digest that is none",
            LOCK.replace("sha256:00", "sha256:0"),
            vec![
                "lockfiles/live.lock:7:10: `image[0].digest`: `sha256:0000000000000000000000000000000000000000000000000000000000000aa` is not a digest `sha256:` with 64 lower-case hex digits",
            ],
        ),
        (
            "an unknown key",
            LOCK.replace("tag =", "tagg ="),
            vec![
                "lockfiles/live.lock:6:1: unknown key `tagg` in [image[0]] (help: did you mean `tag`?)",
            ],
        ),
        (
            "a name that is none",
            LOCK.replace("ghcr.io/", ""),
            vec![
                "envs/live.toml:8:9: image `ghcr.io/shop/web:1` has no pin in `lockfiles/live.lock` (help: run `a4co lock`)",
                "lockfiles/live.lock:5:8: `shop/web:1` is not an image with registry and tag, such as `docker.io/library/nats:2.11`",
            ],
        ),
    ] {
        let files = [("envs/live.toml", SHOP), ("lockfiles/live.lock", lock.as_str())];
        let files = if lock.is_empty() { &files[..1] } else { &files[..] };
        assert_eq!(lines(compile_files(files)), expected, "{case}");
    }
}
