//! What is refused because the schema does not have it, where, and what the help says.

mod kit;

use kit::{SHOP, changed, compile_one, lines};

/// Name of the case, changes to the small environment, findings as lines without the file.
type Case = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

fn check(cases: &[Case]) {
    for (case, changes, expected) in cases {
        let found = lines(compile_one(&changed(changes)));
        let expected: Vec<_> =
            expected.iter().map(|line| format!("envs/live.toml:{line}")).collect();
        assert_eq!(found, expected, "{case}");
    }
}

#[test]
fn the_small_environment_is_sound() {
    assert_eq!(lines(compile_one(SHOP)), [""; 0]);
}

#[test]
fn keys_and_types_must_be_as_the_schema_has_them() {
    check(&[
        (
            "a misspelt key",
            &[("replicas", "replcas")],
            &["9:1: unknown key `replcas` in [defaults] (help: did you mean `replicas`?)"],
        ),
        (
            "an unknown section",
            &[("", "[service.web]\nport = 1\n")],
            &[
                "23:2: unknown key `service` in the file's top level (help: did you mean `services`?)",
            ],
        ),
        (
            "a key that is near to none",
            &[("port = 8080", "port = 8080\nxyzzy = 1")],
            &[
                "22:1: unknown key `xyzzy` in [services.web] (help: known here: `args`, `autoscaling`, `command`, `env`, `image`, `limits`, `metrics`, `min_available`, `name`, `needs`, `pod_fields`, `port`, `probes`, `provides`, `replicas`, `requests`, `rollout`, `route`, `secrets`, `size`, `spread`, `tolerations`, `user`, `writable`)",
            ],
        ),
        (
            "a text instead of a number",
            &[("8080", "\"8080\"")],
            &["21:8: `services.web.port` must be an integer, not a string"],
        ),
        (
            "a number that is too large",
            &[("8080", "80800")],
            &["21:8: `services.web.port` must be 1 to 65535, not 80800"],
        ),
        (
            "a number that is too small",
            &[("min = 2", "min = 0")],
            &["9:20: `defaults.replicas.min` must be 1 to 1000, not 0"],
        ),
        (
            "an array instead of a table",
            &[("{ min = 2 }", "[2]")],
            &["9:12: `defaults.replicas` must be a table, not an array"],
        ),
        (
            "a float",
            &[("8080", "80.8")],
            &["21:8: `services.web.port` must be an integer, not a float"],
        ),
    ]);
}

#[test]
fn texts_must_have_their_grammar() {
    check(&[
        (
            "a CPU quantity with an unknown unit",
            &[("\"100m\"", "\"100x\"")],
            &["10:20: `defaults.requests.cpu`: `100x` is not a CPU quantity such as `250m` or `2`"],
        ),
        (
            "a memory quantity with an unknown unit",
            &[("64Mi", "64MB")],
            &[
                "10:37: `defaults.requests.memory`: `64MB` is not a memory quantity such as `256Mi` or `2Gi`",
            ],
        ),
        (
            "a version that is not semantic",
            &[("1.0.0", "1.0")],
            &["4:11: `release.version`: `1.0` is not a semantic version such as `1.4.0`"],
        ),
        (
            "a name that is no DNS label",
            &[("services.web", "services.Web")],
            &[
                "20:11: `services`: `Web` is not a DNS label: a-z, 0-9 and `-` inside, at most 63 characters",
            ],
        ),
        (
            "a variable that starts with a digit",
            &[("", "env.1X = \"a\"\n")],
            &[
                "23:5: `services.web.env`: `1X` is not a name of an environment variable: letters, digits and `_`, no digit first",
            ],
        ),
        (
            "an image without a registry",
            &[("ghcr.io/shop/web:1", "web:1")],
            &[
                "8:9: `defaults.image`: `web:1` is not an image with registry and tag, such as `docker.io/library/nats:2.11`",
            ],
        ),
        (
            "an image without a tag",
            &[("/web:1", "/web")],
            &[
                "8:9: `defaults.image`: `ghcr.io/shop/web` is not an image with registry and tag, such as `docker.io/library/nats:2.11`",
            ],
        ),
        (
            "a path that does not begin at the root",
            &[("/live", "live")],
            &[
                "14:21: `defaults.probes.liveness.path`: `live` is not a URL path such as `/api/v1/orders`",
            ],
        ),
        (
            "a choice that does not exist",
            &[("", "pod_fields.POD = \"metadata.nam\"\n")],
            &[
                "23:18: `services.web.pod_fields.POD` cannot be `metadata.nam` (help: did you mean `metadata.name`?)",
            ],
        ),
    ]);
}

#[test]
fn what_is_required_must_be_there() {
    check(&[
        (
            "a missing key",
            &[("port = 8080\n", "")],
            &[
                "20:11: missing key `port` in [services.web] (help: set it there, in the service's size or in [defaults])",
            ],
        ),
        (
            "a missing section",
            &[
                ("[release]", "[endpoints.x]"),
                (
                    "app = \"shop\"\nversion = \"1.0.0\"\nnamespace = \"shop-live\"\n",
                    "port = 1\ninternet = true\n",
                ),
            ],
            &["1:1: missing key `release` in the file's top level"],
        ),
        (
            "several at once",
            &[("replicas", "replcas"), ("\"100m\"", "\"100x\""), ("8080", "0")],
            &[
                "9:1: unknown key `replcas` in [defaults] (help: did you mean `replicas`?)",
                "10:20: `defaults.requests.cpu`: `100x` is not a CPU quantity such as `250m` or `2`",
                "21:8: `services.web.port` must be 1 to 65535, not 0",
            ],
        ),
        (
            "no TOML",
            &[("port = 8080", "port = ")],
            &["21:8: string values must be quoted, expected literal string"],
        ),
    ]);
}

#[test]
fn a_finding_prints_like_those_of_rustc() {
    let findings = compile_one(&changed(&[("replicas", "replcas")])).err();
    let expected = "\
error: unknown key `replcas` in [defaults]
 --> envs/live.toml:9:1
  |
9 | replcas = { min = 2 }
  | ^^^^^^^
  = help: did you mean `replicas`?
";
    assert_eq!(findings.map(|findings| findings.to_string()).as_deref(), Some(expected));
}
