//! The edge: what is rendered for each controller and issuer, and what is refused, where.

mod kit;

use a4co_compiler::Compiled;
use kit::{changed, compile_one, lines};
use serde_json::{Value, json};

/// An edge that any controller can serve.
const EDGE: &str = r#"route = "/web"
[edge]
host = "shop.example"
class = "some"
[edge.tls]
source = "none"
[network.ingress_controller]
namespace = "ingress"
"#;

/// Makes [`EDGE`] one of the Gateway API.
const GATEWAY: (&str, &str) =
    ("class = \"some\"", "class = \"some\"\ncontroller = \"gateway-api\"");

/// Makes [`EDGE`] one with a certificate of the site.
const HTTPS: (&str, &str) = ("\"none\"", "\"existing\"");

fn environment(changes: &[(&str, &str)], more: &str) -> String {
    let edge = changes.iter().fold(EDGE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "`{from}` is not in the edge");
        text.replacen(from, to, 1)
    });
    changed(&[("", &(edge + more))])
}

fn compiled(changes: &[(&str, &str)], more: &str) -> Compiled {
    compile_one(&environment(changes, more)).expect("a sound environment")
}

fn found(compiled: &Compiled, kind: &str) -> Vec<Value> {
    let objects = compiled.release.objects().iter().map(a4co_bundle::Object::manifest);
    objects.filter(|object| object["kind"] == kind).collect()
}

fn one(compiled: &Compiled, kind: &str, name: &str) -> Value {
    let mut found = found(compiled, kind);
    found.retain(|object| object["metadata"]["name"] == name);
    assert_eq!(found.len(), 1, "{kind} {name}");
    found.remove(0)
}

/// Case, changes to the edge, what is appended, findings without the file.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a [&'a str]);

#[track_caller]
fn check(cases: &[Case]) {
    for (case, changes, more, expected) in cases {
        let found = lines(compile_one(&environment(changes, more)));
        let expected: Vec<_> =
            expected.iter().map(|line| format!("envs/live.toml:{line}")).collect();
        assert_eq!(found, expected, "{case}");
    }
}

#[test]
fn a_gateway_has_the_listeners_and_routes_of_the_edge() {
    let more = r#"
[edge.cors]
origins = ["https://*.shop.example"]
methods = ["GET", "POST"]
headers = ["X-Request-ID"]
expose_headers = ["X-Total"]
credentials = true
[services.a]
port = 1
"#;
    let options = "force_https = true\nstrip_route = true\ntimeout_seconds = 30\n[edge.tls]";
    let compiled = compiled(&[GATEWAY, HTTPS, ("[edge.tls]", options)], more);
    assert_eq!(found(&compiled, "Ingress"), [json!(null); 0]);
    assert_eq!(
        one(&compiled, "Gateway", "shop")["spec"],
        json!({
            "gatewayClassName": "some",
            "listeners": [
                {
                    "name": "http", "protocol": "HTTP", "port": 80, "hostname": "shop.example",
                    "allowedRoutes": { "namespaces": { "from": "Same" } },
                },
                {
                    "name": "https", "protocol": "HTTPS", "port": 443, "hostname": "shop.example",
                    "allowedRoutes": { "namespaces": { "from": "Same" } },
                    "tls": {
                        "mode": "Terminate",
                        "certificateRefs": [{ "group": "", "kind": "Secret", "name": "shop-tls" }],
                    },
                },
            ],
        })
    );
    let parent = |listener: &str| {
        json!({ "group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "shop",
            "sectionName": listener })
    };
    assert_eq!(found(&compiled, "HTTPRoute").len(), 2, "one has a route, and the redirect");
    assert_eq!(
        one(&compiled, "HTTPRoute", "web")["spec"],
        json!({
            "parentRefs": [parent("https")],
            "hostnames": ["shop.example"],
            "rules": [{
                "matches": [{ "path": { "type": "PathPrefix", "value": "/web" } }],
                "filters": [
                    {
                        "type": "CORS",
                        "cors": {
                            "allowOrigins": ["https://*.shop.example"],
                            "allowMethods": ["GET", "POST"],
                            "allowHeaders": ["X-Request-ID"],
                            "exposeHeaders": ["X-Total"],
                            "allowCredentials": true,
                            "maxAge": 1_728_000,
                        },
                    },
                    {
                        "type": "URLRewrite",
                        "urlRewrite": {
                            "path": { "type": "ReplacePrefixMatch", "replacePrefixMatch": "/" },
                        },
                    },
                ],
                "backendRefs": [
                    { "group": "", "kind": "Service", "name": "web", "port": 8080, "weight": 1 },
                ],
                "timeouts": { "request": "30s" },
            }],
        })
    );
    assert_eq!(
        one(&compiled, "HTTPRoute", "shop-https-redirect")["spec"],
        json!({
            "parentRefs": [parent("http")],
            "hostnames": ["shop.example"],
            "rules": [{
                "matches": [{ "path": { "type": "PathPrefix", "value": "/" } }],
                "filters": [{
                    "type": "RequestRedirect",
                    "requestRedirect": { "scheme": "https", "statusCode": 301 },
                }],
            }],
        })
    );
}

#[test]
fn routes_are_on_the_listeners_that_lead_to_services() {
    for (case, changes, listeners) in [
        ("plain HTTP", &[GATEWAY][..], &["http"][..]),
        ("both", &[GATEWAY, HTTPS], &["http", "https"]),
        (
            "HTTPS only",
            &[GATEWAY, HTTPS, ("[edge.tls]", "force_https = true\n[edge.tls]")],
            &["https"],
        ),
    ] {
        let route = one(&compiled(changes, ""), "HTTPRoute", "web");
        let parents = route["spec"]["parentRefs"].as_array().expect("parents").iter();
        let names: Vec<_> = parents.map(|parent| parent["sectionName"].as_str()).collect();
        let expected: Vec<_> = listeners.iter().map(|name| Some(*name)).collect();
        assert_eq!(names, expected, "{case}");
    }
}

#[test]
fn what_a_gateway_cannot_do_is_refused() {
    let all = "max_body = \"1Mi\"\nfirewall = true\nrate_limit.requests_per_second = 9\n\
               annotations = { \"nginx.ingress.kubernetes.io/satisfy\" = \"any\" }\n[edge.tls]";
    check(&[(
        "all that there is",
        &[GATEWAY, ("[edge.tls]", all)],
        "",
        &[
            "28:12: the Gateway API has nothing for `max_body` (help: set `unset = [\"edge.max_body\"]` if a layer below has it, or `controller = \"ingress-nginx\"`)",
            "29:12: the Gateway API has nothing for `firewall` (help: set `unset = [\"edge.firewall\"]` if a layer below has it, or `controller = \"ingress-nginx\"`)",
            "30:1: the Gateway API has nothing for `rate_limit` (help: set `unset = [\"edge.rate_limit\"]` if a layer below has it, or `controller = \"ingress-nginx\"`)",
            "31:57: `nginx.ingress.kubernetes.io/satisfy` says nothing to a controller of the Gateway API (help: remove it, or set `unset = [\"edge.annotations\"]` if a layer below has it)",
        ],
    )]);
}

#[test]
fn annotations_for_a_gateway_are_its_own() {
    let more = "[edge.annotations]\n\"networking.example/pool\" = \"a\"\n";
    let gateway = one(&compiled(&[GATEWAY], more), "Gateway", "shop");
    assert_eq!(gateway["metadata"]["annotations"], json!({ "networking.example/pool": "a" }));
}

#[test]
fn annotations_must_be_ones_that_ingress_nginx_heeds() {
    for (name, value, expected) in [
        ("nginx.ingress.kubernetes.io/satisfy", "any", &[][..]),
        ("example.com/whatever", "yes", &[]),
        (
            "nginx.ingress.kubernetes.io/rate-limit",
            "100",
            &[
                "ingress-nginx knows no annotation `rate-limit` (help: did you mean `limit-rps`? `edge.rate_limit` sets it)",
            ],
        ),
        (
            "nginx.ingress.kubernetes.io/limit-burst-multiplyer",
            "2",
            &[
                "ingress-nginx knows no annotation `limit-burst-multiplyer` (help: did you mean `limit-burst-multiplier`?)",
            ],
        ),
        (
            "nginx.ingress.kubernetes.io/xyzzy",
            "2",
            &[
                "ingress-nginx knows no annotation `xyzzy` (help: its page `nginx-configuration/annotations` lists all)",
            ],
        ),
        (
            "nginx.ingress.kubernetes.io/proxy-connect-timeout",
            "5s",
            &["annotation `proxy-connect-timeout` takes a whole number, not `5s`"],
        ),
        (
            "nginx.ingress.kubernetes.io/satisfy",
            "either",
            &["annotation `satisfy` takes one of `any`, `all`, not `either`"],
        ),
        (
            "nginx.ingress.kubernetes.io/allowlist-source-range",
            "10.0.0.0/33",
            &[
                "annotation `allowlist-source-range` takes addresses or ranges with commas between, not `10.0.0.0/33`",
            ],
        ),
        (
            "nginx.ingress.kubernetes.io/proxy-body-size",
            "1m",
            &[
                "annotation `proxy-body-size` is what `edge.max_body` sets (help: say it there only)",
            ],
        ),
        (
            "nginx.ingress.kubernetes.io/cors-max-age",
            "1",
            &["annotation `cors-max-age` is what `edge.cors` sets (help: say it there only)"],
        ),
        (
            "nginx.ingress.kubernetes.io/configuration-snippet",
            "return 200;",
            &[
                "annotation `configuration-snippet` is a snippet, which ingress-nginx ignores (help: it is off since 1.9, because who writes one can read every Secret of the cluster; set it in the controller's own settings)",
            ],
        ),
        (
            "cert-manager.io/cluster-issuer",
            "x",
            &[
                "annotation `cert-manager.io/cluster-issuer` is what `edge.tls` sets (help: say it there only)",
            ],
        ),
        (
            "kubernetes.io/ingress.class",
            "nginx",
            &[
                "annotation `kubernetes.io/ingress.class` is what `edge.class` sets (help: say it there only)",
            ],
        ),
    ] {
        let more = format!("[edge.annotations]\n{name:?} = {value:?}\n");
        let found = lines(compile_one(&environment(&[], &more)));
        let column = name.len() + 6;
        let expected: Vec<_> = expected
            .iter()
            .map(|problem| format!("envs/live.toml:32:{column}: {problem}"))
            .collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn pages_of_others_must_be_named() {
    let cors = |origins: &str, more: &str| {
        format!(
            "[edge.cors]\norigins = {origins}\nmethods = [\"GET\"]\nheaders = [\"Accept\"]\n{more}"
        )
    };
    check(&[
        ("any, without cookies", &[], &cors("[\"*\"]", ""), &[]),
        (
            "any, with cookies",
            &[],
            &cors("[\"*\"]", "credentials = true"),
            &[
                "35:15: `credentials` with the origin `*`: browsers refuse that (help: name the origins, or set `credentials = false`)",
            ],
        ),
        (
            "any and another",
            &[],
            &cors("[\"*\", \"https://a.example\"]", ""),
            &[
                "32:11: beside the origin `*` the others say nothing (help: remove them, or the `*`)",
            ],
        ),
        (
            "none",
            &[],
            &cors("[]", ""),
            &[
                "32:11: `cors.origins` is empty (help: ingress-nginx would take a list of its own; name at least one)",
            ],
        ),
        (
            "one twice",
            &[],
            &cors("[\"https://a.example\", \"https://a.example\"]", ""),
            &["32:33: `https://a.example` stands here twice"],
        ),
        (
            "an origin with a star inside",
            &[],
            &cors("[\"https://a.*.example\"]", ""),
            &[
                "32:12: `edge.cors.origins[0]`: `https://a.*.example` is not an origin such as `https://example.com` or `https://*.example.com`, or `*`",
            ],
        ),
        (
            "a method that is none",
            &[],
            &cors("[\"*\"]", "").replace("GET", "get"),
            &["33:12: `edge.cors.methods[0]` cannot be `get` (help: did you mean `GET`?)"],
        ),
    ]);
}

#[test]
fn issuers_belong_to_the_release() {
    let issuers = r#"
[issuers.public]
acme = { server = "letsencrypt-staging", email = "ops@{public_host}" }
[issuers.site]
ca = { secret = "site-ca" }
[issuers.own]
self_signed = {}
"#;
    let tls = |name: &str| format!("\"cert-manager\"\nissuer = \"{name}\"");
    let compiled = compiled(&[("\"none\"", &tls("own"))], issuers);
    let spec = |kind: &str, name: &str| one(&compiled, kind, name)["spec"].clone();
    assert_eq!(
        spec("Issuer", "public"),
        json!({ "acme": {
            "server": "https://acme-staging-v02.api.letsencrypt.org/directory",
            "email": "ops@shop.example",
            "privateKeySecretRef": { "name": "public-account" },
            "solvers": [{ "http01": { "ingress": {
                "ingressClassName": "some", "serviceType": "ClusterIP",
            } } }],
        } })
    );
    assert_eq!(spec("Issuer", "site"), json!({ "ca": { "secretName": "site-ca" } }));
    assert_eq!(spec("Issuer", "own-root"), json!({ "selfSigned": {} }));
    assert_eq!(spec("Issuer", "own"), json!({ "ca": { "secretName": "own-ca" } }));
    assert_eq!(
        spec("Certificate", "own-ca"),
        json!({
            "secretName": "own-ca",
            "isCA": true,
            "commonName": "shop live CA",
            "duration": "87600h",
            "issuerRef": { "group": "cert-manager.io", "kind": "Issuer", "name": "own-root" },
            "privateKey": { "algorithm": "ECDSA", "size": 256, "rotationPolicy": "Never" },
        })
    );
    assert_eq!(
        spec("Certificate", "shop-tls")["issuerRef"],
        json!({ "group": "cert-manager.io", "kind": "Issuer", "name": "own" })
    );
    let config = serde_json::to_value(compiled.release.config()).expect("JSON");
    assert_eq!(
        config["requirements"]["secrets"],
        json!([{ "name": "site-ca", "keys": ["tls.crt", "tls.key"] }])
    );
    let rules = config["readiness"].as_array().expect("rules");
    let rule = rules.iter().find(|rule| rule["kind"] == "Issuer").expect("a rule");
    assert_eq!(rule["ready"], "none", "no release waits for a server outside");
}

#[test]
fn a_proof_comes_the_way_that_requests_come() {
    let acme =
        "[issuers.public]\nacme = { server = \"https://acme.example/dir\", email = \"a@b\" }\n";
    let own = "[issuers.public]\nself_signed = {}\n";
    let public = ("\"none\"", "\"cert-manager\"\nissuer = \"public\"");
    let solver = |compiled: &Compiled| {
        let policies = found(compiled, "NetworkPolicy");
        policies.into_iter().find(|it| it["metadata"]["name"] == "shop-acme-solver")
    };
    let of_gateway = compiled(&[GATEWAY, public], acme);
    assert_eq!(
        one(&of_gateway, "Issuer", "public")["spec"]["acme"]["solvers"],
        json!([{ "http01": { "gatewayHTTPRoute": {
            "parentRefs": [{
                "group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "shop",
                "sectionName": "http",
            }],
            "serviceType": "ClusterIP",
        } } }])
    );
    let policy = solver(&of_gateway).expect("a policy");
    assert_eq!(
        policy["spec"]["ingress"],
        json!([{
            "from": [{ "namespaceSelector": {
                "matchLabels": { "kubernetes.io/metadata.name": "ingress" },
            } }],
            "ports": [{ "port": 8089, "protocol": "TCP" }],
        }])
    );
    assert!(solver(&compiled(&[public], own)).is_none(), "a private authority asks nothing");
    assert!(solver(&compiled(&[public], "")).is_some(), "whatever the cluster's issuer asks");
}

#[test]
fn a_gateway_in_the_namespace_of_the_release_can_do_its_work() {
    let here = r#"pods = { "gateway.networking.k8s.io/gateway-name" = "shop" }
[network.gateway_controller]
namespace = "gateways""#;
    let compiled = compiled(&[GATEWAY, ("namespace = \"ingress\"", here)], "");
    let policy = one(&compiled, "NetworkPolicy", "shop-gateway");
    let spec = &policy["spec"];
    let labels = json!({ "gateway.networking.k8s.io/gateway-name": "shop" });
    assert_eq!(spec["podSelector"]["matchLabels"], labels);
    assert_eq!(spec["ingress"], json!([{}]), "everybody may come");
    let egress = spec["egress"].as_array().expect("rules");
    assert_eq!(egress.len(), 3, "names, the service, the controller: {egress:?}");
    assert_eq!(egress[1]["ports"], json!([{ "port": 8080, "protocol": "TCP" }]));
    assert_eq!(egress[2].get("ports"), None);
    let service = one(&compiled, "NetworkPolicy", "web");
    assert_eq!(
        service["spec"]["ingress"][0]["from"],
        json!([{ "podSelector": { "matchLabels": labels } }])
    );
}

#[test]
fn policies_of_the_release_keep_their_names() {
    check(&[
        (
            "a service with the name of the policy that denies",
            &[],
            "[services.shop-default-deny]\nport = 1\n",
            &[
                "3:7: `services.shop-default-deny` and `release.app` have the same name, `shop-default-deny`",
            ],
        ),
        (
            "a service with the name of the policy of a solver",
            &[("\"none\"", "\"cert-manager\"\nissuer = \"letsencrypt\"")],
            "[services.shop-acme-solver]\nport = 1\n",
            &[
                "29:10: `services.shop-acme-solver` and `edge.tls.issuer` have the same name, `shop-acme-solver`",
            ],
        ),
        (
            "a service with the name of the policy of a gateway",
            &[
                GATEWAY,
                (
                    "namespace = \"ingress\"\n",
                    "pods = { a = \"b\" }\n[network.gateway_controller]\nnamespace = \"x\"\n",
                ),
            ],
            "[services.shop-gateway]\nport = 1\n",
            &[
                "30:10: `services.shop-gateway` and `network.ingress_controller` have the same name, `shop-gateway`",
            ],
        ),
    ]);
}

#[test]
fn numbers_have_a_most() {
    check(&[(
        "numbers beyond what others read",
        &[(
            "[edge.tls]",
            "rate_limit = { requests_per_second = 4294967295, connections = 4294967295 }\n[edge.tls]",
        )],
        "[edge.cors]\norigins = [\"*\"]\nmethods = [\"GET\"]\nheaders = [\"a\"]\nmax_age_seconds = 4294967295\n[services.last]\nport = 1\nmin_available = 4294967295\n",
        &[
            "27:38: `edge.rate_limit.requests_per_second` must be 1 to 1000000, not 4294967295",
            "27:64: `edge.rate_limit.connections` must be 1 to 1000000, not 4294967295",
            "36:19: `edge.cors.max_age_seconds` must be 1 to 31536000, not 4294967295",
            "39:17: `services.last.min_available` must be 0 to 1000, not 4294967295",
        ],
    )]);
}

#[test]
fn issuers_and_the_gateway_must_make_sense() {
    let own = "[issuers.own]\nself_signed = {}\n";
    let tls = |more: &str| format!("\"cert-manager\"\nissuer = \"onw\"{more}");
    let long = "x".repeat(62);
    check(&[
        (
            "an issuer that the release does not have",
            &[("\"none\"", &tls(""))],
            own,
            &[
                "29:10: the release has no issuer `onw` (help: for one of the cluster set `issuer_kind = \"ClusterIssuer\"`; known here: `own`)",
            ],
        ),
        (
            "an issuer of the cluster beside those of the release",
            &[("\"none\"", &tls("\nissuer_kind = \"ClusterIssuer\""))],
            own,
            &[],
        ),
        ("an issuer of the cluster", &[("\"none\"", &tls(""))], "", &[]),
        (
            "an issuer of the release that has none",
            &[("\"none\"", &tls("\nissuer_kind = \"Issuer\""))],
            "",
            &[
                "29:10: the release has no issuer `onw` (help: for one of the cluster set `issuer_kind = \"ClusterIssuer\"`)",
            ],
        ),
        (
            "an issuer that issues in no way",
            &[],
            "[issuers.own]\n",
            &["31:10: issuer `own` must have exactly one of `acme`, `ca` and `self_signed`"],
        ),
        (
            "an issuer that issues in two ways",
            &[],
            "[issuers.own]\nself_signed = {}\nca.secret = \"a\"\n",
            &["31:10: issuer `own` must have exactly one of `acme`, `ca` and `self_signed`"],
        ),
        (
            "a server that is none",
            &[],
            "[issuers.own]\nacme = { server = \"letsencrypt\", email = \"a@b\" }\n",
            &[
                "32:19: `issuers.own.acme.server`: `letsencrypt` is not `letsencrypt-staging`, `letsencrypt-production`, or the URL of a directory",
            ],
        ),
        (
            "a common name that is too long",
            &[],
            &format!("[issuers.own]\nself_signed = {{ common_name = \"{{app}}{long}\" }}\n"),
            &[&format!(
                "32:31: the common name comes out as `shop{long}`, which is longer than 64 characters (help: set a shorter `common_name`)"
            )],
        ),
        (
            "an issuer with the name of another's root",
            &[],
            "[issuers.own]\nself_signed = {}\n[issuers.own-root]\nself_signed = {}\n",
            &["31:10: `issuers.own` and `issuers.own-root` have the same name, `own-root`"],
        ),
        (
            "pods here that nobody may configure, and any",
            &[GATEWAY, ("namespace = \"ingress\"\n", "")],
            "",
            &[
                "30:10: `ingress_controller` in the namespace of the release needs `network.gateway_controller`, which configures its pods",
                "30:10: `ingress_controller` in the namespace of the release needs `pods`, or every pod could come in",
            ],
        ),
        (
            "an Ingress, whose pods here are no gateway",
            &[("namespace = \"ingress\"\n", "")],
            "",
            &[],
        ),
        (
            "a service with the name of the redirect",
            &[GATEWAY, HTTPS, ("[edge.tls]", "force_https = true\n[edge.tls]")],
            "[services.shop-https-redirect]\nport = 1\n",
            &[
                "28:15: `services.shop-https-redirect` and `edge.force_https` have the same name, `shop-https-redirect`",
            ],
        ),
        (
            "a time that is none",
            &[("[edge.tls]", "timeout_seconds = 0\n[edge.tls]")],
            "",
            &["27:19: `edge.timeout_seconds` must be 1 to 3600, not 0"],
        ),
    ]);
    let alone = "[issuers.a]\nacme = { server = \"letsencrypt-staging\", email = \"a@b\" }\n";
    assert_eq!(
        lines(compile_one(&changed(&[("", alone)]))),
        ["envs/live.toml:24:1: `acme` needs an `[edge]`, by which the host is proven"]
    );
}

#[test]
fn metrics_are_not_shown_to_everyone_by_accident() {
    let metrics = |line: &'static str| ("route = \"/web\"", line);
    let strip = ("[edge.tls]", "strip_route = true\n[edge.tls]");
    let same = "route = \"/web\"\nmetrics = { path = \"/metrics\" }";
    let own = "route = \"/web\"\nmetrics = { path = \"/metrics\", port = 9090 }";
    let number = "route = \"/web\"\nmetrics = { path = \"/metrics\", port = 8080 }";
    let public = "route = \"/web\"\nmetrics = { path = \"/metrics\", public = true }";
    let below = "route = \"/web\"\nmetrics = { path = \"/web/metrics\" }";
    let beside = "route = \"/web\"\nmetrics = { path = \"/web-metrics\" }";
    let all = "route = \"/\"\nmetrics = { path = \"/metrics\" }";
    let help = "(help: give them a `port` of their own, which no route leads to, or set \
        `public = true` if they may be read)";
    let at = |path: &str| {
        format!("24:1: everyone could read these metrics at `shop.example{path}` {help}")
    };
    let (stripped, whole) = (at("/web/metrics"), at("/metrics"));
    let stripped: &[&str] = &[&stripped];
    check(&[
        ("the route is stripped", &[metrics(same), strip], "", stripped),
        ("its own port by its number", &[metrics(number), strip], "", stripped),
        ("the route is stripped, to a gateway", &[metrics(same), strip, GATEWAY], "", stripped),
        ("another port", &[metrics(own), strip], "", &[]),
        ("on purpose", &[metrics(public), strip], "", &[]),
        ("the route stays, and does not lead there", &[metrics(same)], "", &[]),
        ("the route stays, and leads there", &[metrics(below)], "", stripped),
        ("the route only begins alike", &[metrics(beside)], "", &[]),
        ("everything is led there", &[metrics(all)], "", &[&whole]),
    ]);
}

#[test]
fn ingress_nginx_gets_no_prefix_that_it_refuses() {
    let strip = ("[edge.tls]", "strip_route = true\n[edge.tls]");
    let dots = ("\"/web\"", "\"/web/v1.0\"");
    let refusal = |route: &str| {
        format!(
            "23:9: ingress-nginx may refuse the route `{route}`: it has `.` or `~` (help: it \
             checks prefixes strictly, by default and depending on its version: use letters, \
             digits, `-`, `_` and `/`, or `strip_route`)"
        )
    };
    check(&[
        ("a dot", &[dots], "", &[&refusal("/web/v1.0")]),
        ("a tilde", &[("\"/web\"", "\"/~web\"")], "", &[&refusal("/~web")]),
        ("a regular expression", &[dots, strip], "", &[]),
        ("a gateway", &[dots, GATEWAY], "", &[]),
        ("letters, digits and marks", &[("\"/web\"", "\"/we-b_1/2\"")], "", &[]),
    ]);
    let more = "\n[services.api]\nport = 8082\nroute = \"/v1.0\"\n";
    let compiled = compiled(&[("\"/web\"", "\"/\""), strip], more);
    let ingress = one(&compiled, "Ingress", "shop");
    let paths = ingress["spec"]["rules"][0]["http"]["paths"].as_array().expect("paths");
    let paths: Vec<_> = paths.iter().map(|path| (&path["path"], &path["pathType"])).collect();
    let kind = json!("ImplementationSpecific");
    assert_eq!(paths, [(&json!(r"/v1\.0(/|$)(.*)"), &kind), (&json!("/()(.*)"), &kind)]);
}
