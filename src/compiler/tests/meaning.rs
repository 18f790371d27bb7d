//! What is refused because its parts do not fit each other, where, and what the help says.

mod kit;

use kit::{changed, compile_one, lines};

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
fn services_must_be_possible() {
    check(&[
        (
            "a size that does not exist",
            &[("", "size = \"huge\"\n[sizes.large]\n")],
            &["23:8: there is no size `huge` (help: known here: `large`)"],
        ),
        (
            "more pods at least than at most",
            &[("min = 2", "min = 3, max = 2")],
            &["9:20: `replicas.min` is 3, but `replicas.max` only 2"],
        ),
        (
            "a range of pods without a rule",
            &[("min = 2", "min = 2, max = 4")],
            &[
                "9:29: `replicas` is a range, 2 to 4, but there is no `autoscaling` (help: set `replicas.max = 2` for a fixed number)",
            ],
        ),
        (
            "a request above its limit",
            &[("\"100m\"", "\"300m\""), ("64Mi", "1Gi")],
            &[
                "10:20: requests 300m of CPU, which is more than the limit of 200m",
                "10:37: requests 1Gi of memory, which is more than the limit of 128Mi",
            ],
        ),
        (
            "a limit that is none",
            &[("\"200m\"", "\"0\""), ("\"100m\"", "\"0\"")],
            &["11:18: a limit of 0 is no limit of CPU"],
        ),
        (
            "a replacement that could never begin",
            &[("", "rollout.max_surge = \"0%\"\n")],
            &[
                "23:21: no pod could ever be replaced: none may be more, and none may be missing (help: let it be at least `\"1\"`)",
            ],
        ),
        (
            "a folder that makes no name of a volume",
            &[("", "writable.\"/_\" = \"1Mi\"\n")],
            &[
                "23:17: the path `/_` makes no name of a volume (help: use a path with letters or digits, shorter than 63 characters)",
            ],
        ),
        (
            "pods spread twice over the same label",
            &[("", "spread = [\"zone\", \"zone\"]\n")],
            &["23:19: `zone` stands here twice"],
        ),
        (
            "a drain that takes longer than the pod lives",
            &[("", "rollout.drain_seconds = 30\n")],
            &["23:1: drains for 30 s, but is killed after 30 s"],
        ),
        (
            "a name that comes out wrong",
            &[("", "name = \"{service}_x\"\n")],
            &[
                "23:8: the name comes out as `web_x`, which is not a DNS label (help: use a-z, 0-9 and `-` inside, at most 63 characters)",
            ],
        ),
        (
            "two services with one name",
            &[("", "name = \"cart\"\n")],
            &["20:11: `services.cart` and `services.web` have the same name, `cart`"],
        ),
        (
            "two folders that are one volume",
            &[("", "writable = { \"/a/b\" = \"1Mi\", \"/a.b\" = \"1Mi\" }\n")],
            &["23:23: folders `/a.b` and `/a/b` would be the same volume `a-b`"],
        ),
        (
            "a variable whose name comes out wrong",
            &[("", "[services.cart.provides.env]\n\"{service}-url\" = \"y\"\n")],
            &[
                "23:25: the variable comes out as `cart-url`, which cannot name an environment variable",
            ],
        ),
    ]);
}

#[test]
fn references_and_variables_must_lead_somewhere() {
    check(&[
        (
            "a need of nothing",
            &[("[\"cart\"]", "[\"crat\"]")],
            &["22:10: there is no service or endpoint `crat` (help: did you mean `cart`?)"],
        ),
        (
            "a need of itself",
            &[("[\"cart\"]", "[\"web\"]")],
            &["22:10: service `web` needs itself"],
        ),
        (
            "a need that stands there twice",
            &[("[\"cart\"]", "[\"cart\", \"cart\"]")],
            &["22:18: `cart` stands here twice"],
        ),
        (
            "a secret that does not exist",
            &[("", "secrets = [\"jwt\"]\n")],
            &["23:12: there is no secret `jwt`"],
        ),
        (
            "secrets without a store",
            &[("", "[secrets.jwt]\nkeys = [\"JWT\"]\n")],
            &["23:2: `[secrets]` needs a `[secret_store]`"],
        ),
        (
            "a store without access",
            &[("", "[secret_store]\nbackend = \"aws-secrets-manager\"\n")],
            &["24:11: `backend = \"aws-secrets-manager\"` needs `[secret_store.aws]`"],
        ),
        (
            "a placeholder that does not exist",
            &[("", "env.X = \"{nmae}\"\n")],
            &["23:9: placeholder `{nmae}` has no value here (help: did you mean `name`?)"],
        ),
        (
            "a placeholder that does not exist there",
            &[("", "[settings]\nX = \"{port}\"\n")],
            &[
                "24:5: placeholder `{port}` has no value here (help: known here: `app`, `environment`, `namespace`, `version`)",
            ],
        ),
        (
            "a route without an edge",
            &[("", "route = \"/web\"\n")],
            &["23:9: `route` needs an `[edge]`"],
        ),
        (
            "an endpoint that is nowhere",
            &[("", "[endpoints.db]\nport = 1\n")],
            &["23:12: endpoint `db` must have exactly one of `pods`, `addresses` and `internet`"],
        ),
        (
            "an endpoint in two places",
            &[("", "[endpoints.db]\nport = 1\ninternet = true\npods = { a = \"b\" }\n")],
            &["23:12: endpoint `db` must have exactly one of `pods`, `addresses` and `internet`"],
        ),
        (
            "a host that an endpoint does not have",
            &[
                ("[\"cart\"]", "[\"db\"]"),
                (
                    "",
                    "[endpoints.db]\nport = 1\ninternet = true\nprovides.env = { DB = \"{host}\" }\n",
                ),
            ],
            &[
                "26:10: placeholder `{host}` has no value here (help: known here: `app`, `environment`, `namespace`, `port`, `version`)",
            ],
        ),
        (
            "a variable from two sources",
            &[("", "env.CART_URL = \"x\"\n[services.cart.provides.env]\nCART_URL = \"y\"\n")],
            &[
                "22:9: variable `CART_URL` comes from `env` and from the need of `cart` (help: only `[settings]` may be replaced; rename one, or remove it)",
            ],
        ),
    ]);
}

#[test]
fn labels_of_the_release_are_its_own() {
    check(&[
        (
            "labels by which an operator selects",
            &[(
                "",
                "[network.prometheus]\n[monitoring.labels]\nrelease = \"operator\"\n\"example.com/a\" = \"b\"\n",
            )],
            &[],
        ),
        (
            "labels by which objects are found",
            &[(
                "",
                "[network.prometheus]\n[monitoring.labels]\n\"app.kubernetes.io/part-of\" = \"a\"\n\"applyset.kubernetes.io/part-of\" = \"b\"\n",
            )],
            &[
                "25:31: label `app.kubernetes.io/part-of` is one that the release sets itself (help: take another label)",
                "26:36: label `applyset.kubernetes.io/part-of` is one that the release sets itself (help: take another label)",
            ],
        ),
    ]);
}

#[test]
fn the_edge_must_be_complete() {
    let route = "route = \"/web\"\n";
    let host = "[edge]\nhost = \"shop.example\"\nclass = \"nginx\"\n";
    let plain = "tls.source = \"none\"\n";
    let controller = "[network.ingress_controller]\nnamespace = \"ingress-nginx\"\n";
    let other = "[services.a]\nport = 1\nroute = \"/web\"\n";
    for (case, parts, expected) in [
        ("all its parts", [route, host, plain, controller], [""; 0].as_slice()),
        (
            "no controller",
            [route, host, plain, ""],
            &["envs/live.toml:24:2: `[edge]` needs `network.ingress_controller`, to let it in"],
        ),
        (
            "cert-manager without an issuer",
            [route, host, "tls.source = \"cert-manager\"\n", controller],
            &["envs/live.toml:27:1: `source = \"cert-manager\"` needs `issuer`"],
        ),
        (
            "HTTPS without a certificate",
            [route, host, "tls.source = \"none\"\nforce_https = true\n", controller],
            &[
                "envs/live.toml:28:15: `force_https` needs a certificate, but `tls.source` is `none`",
            ],
        ),
        (
            "two services with one route",
            [route, host, plain, &[controller, other].concat()],
            &["envs/live.toml:23:9: `services.a` and `services.web` have the same route, `/web`"],
        ),
    ] {
        let found = lines(compile_one(&changed(&[("", &parts.concat())])));
        assert_eq!(found, expected, "{case}");
    }
}
