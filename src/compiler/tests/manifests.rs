//! Objects that a team brings itself: what they become, what is refused, and where.

mod kit;

use std::path::Path;

use a4co_bundle::{Input, Object};
use a4co_compiler::{Compiled, Source, compile};
use kit::{
    LOCK, SHOP, compile_files, lines,
    own::{ENTRY, WORKER, compile_locked, compile_own, worker},
};
use serde_json::Value;

fn object(compiled: &Compiled, kind: &str, name: &str) -> Value {
    let objects = compiled.release.objects().iter();
    let found = objects.filter(|it| it.reference().kind == kind && it.reference().name == name);
    found.map(Object::manifest).next().expect(name)
}

#[test]
fn own_objects_become_members_of_the_release() {
    let compiled = compile_own(ENTRY, WORKER).expect("sound");
    let deployment = object(&compiled, "Deployment", "worker");
    assert_eq!(deployment["metadata"]["namespace"], "shop-live");
    let labels = &deployment["metadata"]["labels"];
    assert_eq!(labels["app.kubernetes.io/managed-by"], "a4co");
    assert_eq!(labels["app.kubernetes.io/part-of"], "shop");
    assert_eq!(labels["applyset.kubernetes.io/part-of"], compiled.release.applyset());
    let template = &deployment["spec"]["template"];
    assert_eq!(template["metadata"]["labels"], serde_json::json!({ "app": "worker" }));
    assert_eq!(
        template["spec"]["containers"][0]["image"],
        "ghcr.io/shop/web@sha256:00000000000000000000000000000000000000000000000000000000000000aa"
    );
    let inputs = compiled.statement.inputs.iter().map(|Input { path, .. }| path.as_str());
    let inputs: Vec<_> = inputs.collect();
    assert_eq!(inputs, ["envs/live.toml", "lockfiles/live.lock", "manifests/worker.yaml"]);
}

#[test]
fn a_folder_brings_all_its_files_and_lists_are_unfolded() {
    let list = "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [\n\t{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"a\"}},\n\t{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"b\"}, \"status\": {}}]}";
    let environment = [SHOP, "[[manifests]]\npath = \"manifests/team\"\n"].concat();
    let files = [
        ("envs/live.toml", environment.as_str()),
        ("lockfiles/live.lock", LOCK),
        ("manifests/team/list.json", list),
        (
            "manifests/team/more/c.yml",
            "\u{feff}apiVersion: v1\r\nkind: ConfigMap\r\nmetadata:\r\n  name: c\r\n  labels: &l { x: \"y\" }\r\n  annotations: { <<: *l, z: null }\r\n---\r\n",
        ),
        ("manifests/team-b/d.yaml", "not: read"),
    ];
    let compiled = compile_files(&files).expect("sound").remove(0);
    for name in ["a", "b", "c"] {
        object(&compiled, "ConfigMap", name);
    }
    assert_eq!(object(&compiled, "ConfigMap", "b").get("status"), None);
    let annotations = &object(&compiled, "ConfigMap", "c")["metadata"]["annotations"];
    assert_eq!(*annotations, serde_json::json!({ "x": "y" }));
}

#[test]
fn files_are_read_at_any_depth_and_watched() {
    let root = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        fs_err::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("a folder");
        fs_err::write(path, text).expect("written");
    };
    write("envs/live.toml", SHOP);
    let inputs = |source: &Source| source.inputs().map(str::to_owned).collect::<Vec<_>>();
    let source = Source::read(root.path()).expect("readable");
    assert_eq!(inputs(&source), ["envs", "lockfiles", "envs/live.toml"]);
    write("manifests/b/c/d.yaml", "x");
    write("manifests/a.yml", "x");
    write("manifests/README.md", "x");
    let source = Source::read(root.path()).expect("readable");
    let all = [
        "envs",
        "lockfiles",
        "manifests",
        "envs/live.toml",
        "manifests/a.yml",
        "manifests/b/c/d.yaml",
    ];
    assert_eq!(inputs(&source), all);
}

/// Checks what is found in one file, given as cases of name, text and findings.
fn check(cases: &[(&str, &str, &[&str])]) {
    for (case, yaml, expected) in cases {
        let found = lines(compile_own(ENTRY, yaml));
        let expected: Vec<_> =
            expected.iter().map(|line| format!("manifests/worker.yaml:{line}")).collect();
        assert_eq!(found, expected, "{case}");
    }
}

#[test]
fn yaml_that_readers_do_not_agree_on_is_refused() {
    let bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\ne: [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n";
    let deep = "a: ".to_owned() + &"[".repeat(1000);
    check(&[
        (
            "a tab",
            "a:\n\tb: c\n",
            &[
                "2:1: not YAML: found character that cannot start any token (help: YAML is indented by spaces; there is a tab in this line)",
            ],
        ),
        (
            "a quote too few",
            "a: \"{{ .Values.x }}\n",
            &["2:1: not YAML: found unexpected end of stream"],
        ),
        (
            "a doubled key",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\ndata:\n  a: b\n  a: c\n",
            &["6:3: key `a` stands here twice"],
        ),
        (
            "a key that is a number",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\ndata: { 1: b }\n",
            &["4:1: a key is an integer, not a text (help: put it in quotes)"],
        ),
        (
            "a template of Helm",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Release.Name }} }\n",
            &[
                "3:13: an object must have `metadata.name`, a text",
                "3:22: a key is a table, not a text (help: templates of Helm are not rendered here: bring what `helm template` prints)",
            ],
        ),
        (
            "a template of Helm in quotes",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\ndata: { a: \"{{ .Values.a }}\", b: \"{{ .USER }}\" }\n",
            &[
                "4:13: `{{ .Values.a }}` is a template of Helm, which is not rendered here (help: bring what `helm template` prints)",
            ],
        ),
        (
            "a tag",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\ndata: { a: !secret b }\n",
            &[
                "4:9: tag `!secret` means nothing to Kubernetes (help: remove it, or put the value in quotes)",
            ],
        ),
        (
            "a fraction",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\na: { cpu: 0.5 }\n",
            &[
                "4:6: number 0.5 is not a whole one within ±(2^53 − 1) (help: write it as a text: \"0.5\")",
            ],
        ),
        (
            "a huge number",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\na: 90071992547409930\nb: 123456789012345678901234567890\n",
            &[
                "4:1: number 90071992547409930 is not a whole one within ±(2^53 − 1) (help: write it as a text: \"90071992547409930\")",
                "5:1: number 123456789012345678901234567890 is not a whole one within ±(2^53 − 1) (help: write it as a text: \"123456789012345678901234567890\")",
            ],
        ),
        (
            "words that are booleans to some",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\ndata: { a: yes, b: \"no\", c: 'on', d: off }\n",
            &[
                "4:12: `yes` is a boolean to some readers of YAML, and a text to others (help: write `true` or \"yes\")",
                "4:38: `off` is a boolean to some readers of YAML, and a text to others (help: write `false` or \"off\")",
            ],
        ),
        (
            "a number in octal to some",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\nmode: 0644\n",
            &[
                "4:7: `0644` is a number to some readers of YAML, and a text to others (help: write `420`, which is octal 0644, or \"0644\")",
            ],
        ),
        ("an alias of nothing", "a: *b\n", &["1:4: not YAML: unknown anchor"]),
        (
            "a bomb of aliases",
            bomb,
            &["1:1: aliases make this file more than ten times as large as it is"],
        ),
        ("a pit", &deep, &["1:131: not YAML: recursion limit exceeded"]),
        ("a document that is a list", "- a\n", &["1:1: a document is an array, not an object"]),
        ("nothing at all", "", &[]),
        ("only comments", "# nothing\n---\n# more\n", &[]),
    ]);
}

#[test]
fn documents_must_be_objects_of_known_kinds_in_the_right_place() {
    check(&[
        (
            "no kind",
            "apiVersion: v1\nmetadata: { name: x }\n",
            &["1:1: an object must have `kind`, a text"],
        ),
        (
            "no name",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n",
            &["3:1: an object must have `metadata.name`, a text"],
        ),
        (
            "a name that Kubernetes makes",
            "apiVersion: batch/v1\nkind: Job\nmetadata: { generateName: x- }\n",
            &["3:27: `generateName` makes another object at every apply (help: give it a `name`)"],
        ),
        (
            "a misspelt kind",
            "apiVersion: v1\nkind: ConfigMpa\nmetadata: { name: x }\n",
            &["2:7: `v1` has no kind `ConfigMpa` (help: did you mean `ConfigMap`?)"],
        ),
        (
            "a kind of nobody",
            "apiVersion: example.com/v1\nkind: Widget\nmetadata: { name: x }\n",
            &[
                "2:7: whether `Widget` of `example.com/v1` has a namespace cannot be told (help: bring its CustomResourceDefinition along, or say `scopes.Widget = \"Namespaced\"` or `\"Cluster\"` in the entry of `[[manifests]]`)",
            ],
        ),
        (
            "another namespace",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x, namespace: kube-system }\n",
            &[
                "3:33: `ConfigMap/x` is in namespace `kube-system`, not in the release's, `shop-live` (help: remove it to have it in the release's, or say `namespaces = [\"kube-system\"]` in the entry of `[[manifests]]`)",
            ],
        ),
        (
            "a namespace for what has none",
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: { name: x, namespace: shop-live }\nrules: []\n",
            &[
                "3:33: `ClusterRole/x` belongs to the cluster, so it cannot have a namespace (help: remove `metadata.namespace`)",
            ],
        ),
        (
            "what the server writes",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x, uid: abc, resourceVersion: \"1\", creationTimestamp: null }\n",
            &[
                "3:27: `metadata.uid` is written by the API server or by another tool (help: remove it)",
                "3:50: `metadata.resourceVersion` is written by the API server or by another tool (help: remove it)",
            ],
        ),
        (
            "a hook of Helm",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  annotations: { helm.sh/hook: pre-install }\n",
            &[
                "5:18: `ConfigMap/x` is a hook of Helm, `pre-install`, and there is no Helm here to run it (help: remove the annotation: jobs are applied before the workloads anyway)",
            ],
        ),
        (
            "a secret value",
            "apiVersion: v1\nkind: Secret\nmetadata: { name: x }\nstringData: { password: hunter2 }\n",
            &[
                "4:1: `Secret/x` has a secret value, which would stand in the bundle (help: declare its name and keys in `[secrets]`, so that the values come from the secret store)",
            ],
        ),
        (
            "a private key",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\ndata:\n  key: |\n    -----BEGIN PRIVATE KEY-----\n",
            &[
                "5:3: `ConfigMap/x` has a secret value, which would stand in the bundle (help: declare its name and keys in `[secrets]`, so that the values come from the secret store)",
            ],
        ),
        (
            "one object twice",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\n",
            &[
                "6:7: `ConfigMap/x` is in the release twice (help: the other is at manifests/worker.yaml:2:7; remove one of them)",
            ],
        ),
        (
            "an object that is rendered",
            "apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { ports: [{ port: 80 }] }\n",
            &[
                "2:7: `Service/web` is in the release twice (help: the other is at envs/live.toml:20:11; remove one of them)",
            ],
        ),
    ]);
    for (case, more, yaml) in [
        (
            "a namespace that is allowed",
            "namespaces = [\"kube-system\"]\n",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x, namespace: kube-system }\n",
        ),
        (
            "a scope that is said",
            "scopes.Widget = \"Cluster\"\n",
            "apiVersion: example.com/v1\nkind: Widget\nmetadata: { name: x }\n",
        ),
    ] {
        assert_eq!(lines(compile_own(&[ENTRY, more].concat(), yaml)), [""; 0], "{case}");
    }
}

#[test]
fn images_are_found_wherever_they_are() {
    let map =
        |text: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: x }}\n{text}\n");
    let other = "sha256:00000000000000000000000000000000000000000000000000000000000000bb";
    let widget = "apiVersion: example.com/v1\nkind: Widget\nmetadata: { name: x }\nspec:\n  ";
    for (case, yaml, more, expected) in [
        ("in an argument, without a pin", worker(&[("args: [work]", "args: [\"--sidecar=quay.io/a/b:v1\"]")]), "", &["manifests/worker.yaml:22:17: image `quay.io/a/b:v1` has no pin in `lockfiles/live.lock` (help: run `a4co lock`)"] as &[&str]),
        ("in a custom resource, pinned", [widget, "web: { image: ghcr.io/shop/web:1 }"].concat(), "scopes.Widget = \"Namespaced\"\n", &[]),
        ("at a key of the name of an image", [widget, "imageName: postgres:16"].concat(), "scopes.Widget = \"Namespaced\"\n", &["manifests/worker.yaml:5:14: `postgres:16` is not an image with registry and tag, such as `docker.io/library/nats:2.11` (help: write `docker.io/library/postgres:16`, or if it is no image, add it to `not_images`)"]),
        ("at keys of references to images", [widget, "web: { imageRef: nginx, sidecarImageURI: \"nginx:1\", imageName: { of: what } }"].concat(), "scopes.Widget = \"Namespaced\"\n", &["manifests/worker.yaml:5:20: `nginx` is not an image with registry and tag, such as `docker.io/library/nats:2.11` (help: write `docker.io/library/nginx:TAG`, or if it is no image, add it to `not_images`)", "manifests/worker.yaml:5:45: `nginx:1` is not an image with registry and tag, such as `docker.io/library/nats:2.11` (help: write `docker.io/library/nginx:1`, or if it is no image, add it to `not_images`)"]),
        ("in a list of images", [widget, "images: [nginx, \"quay.io/a/b:v1\", { name: web }]"].concat(), "scopes.Widget = \"Namespaced\"\n", &["manifests/worker.yaml:5:12: `nginx` is not an image with registry and tag, such as `docker.io/library/nats:2.11` (help: write `docker.io/library/nginx:TAG`, or if it is no image, add it to `not_images`)", "manifests/worker.yaml:5:20: image `quay.io/a/b:v1` has no pin in `lockfiles/live.lock` (help: run `a4co lock`)"]),
        ("without registry", worker(&[("ghcr.io/shop/web:1", "nginx:1")]), "", &["manifests/worker.yaml:21:16: `nginx:1` is not an image with registry and tag, such as `docker.io/library/nats:2.11` (help: write `docker.io/library/nginx:1`, or if it is no image, add it to `not_images`)"]),
        ("without tag", worker(&[("ghcr.io/shop/web:1", "ghcr.io/shop/web")]), "", &["manifests/worker.yaml:21:16: `ghcr.io/shop/web` is not an image with registry and tag, such as `docker.io/library/nats:2.11` (help: write `ghcr.io/shop/web:TAG`, or if it is no image, add it to `not_images`)"]),
        ("at another key that ends like it", map("a: { sidecarImage: envoy }"), "", &["manifests/worker.yaml:4:20: `envoy` is not an image with registry and tag, such as `docker.io/library/nats:2.11` (help: write `docker.io/library/envoy:TAG`, or if it is no image, add it to `not_images`)"]),
        ("as an argument of a flag", worker(&[("args: [work]", "args: [--sidecar-image, envoy, --init-image=init]")]), "", &["manifests/worker.yaml:22:33: `envoy` is not an image with registry and tag, such as `docker.io/library/nats:2.11` (help: write `docker.io/library/envoy:TAG`, or if it is no image, add it to `not_images`)", "manifests/worker.yaml:22:40: `init` is not an image with registry and tag, such as `docker.io/library/nats:2.11` (help: write `docker.io/library/init:TAG`, or if it is no image, add it to `not_images`)"]),
        ("in an environment variable", worker(&[("args: [work]", "env: [{ name: RELATED_IMAGE_X, value: x }]")]), "", &["manifests/worker.yaml:22:47: `x` is not an image with registry and tag, such as `docker.io/library/nats:2.11` (help: write `docker.io/library/x:TAG`, or if it is no image, add it to `not_images`)"]),
        ("in a file of settings", map("data:\n  a.yaml: |\n    sidecar:\n      image: envoy"), "", &["manifests/worker.yaml:5:3: `envoy` is not an image with registry and tag, such as `docker.io/library/nats:2.11` (help: write `docker.io/library/envoy:TAG`, or if it is no image, add it to `not_images`)"]),
        ("in parts", map("a: { repository: quay.io/a/b, tag: v1 }"), "", &["manifests/worker.yaml:4:6: image `quay.io/a/b:v1` is in parts, so it cannot be pinned where it stands (help: add `quay.io/a/b:v1` to `images` in the entry, so that it is in the bundle)"]),
        ("in parts, declared", map("a: { repository: shop/web, tag: \"1\" }"), "images = [\"ghcr.io/shop/web:1\"]\n", &[]),
        ("what looks like one and is none", map("a: { image: logo }"), "not_images = [\"logo\"]\n", &[]),
        ("an exemption of nothing", map("a: b"), "not_images = [\"logo\"]\n", &["envs/live.toml:26:15: `logo` looks like an image nowhere (help: remove it)"]),
        ("by another digest than the lockfile's", worker(&[("ghcr.io/shop/web:1", &format!("ghcr.io/shop/web:1@{other}"))]), "", &["manifests/worker.yaml:21:16: image `ghcr.io/shop/web:1` has another digest here than in `lockfiles/live.lock` (help: remove `@sha256:…` here, so that the lockfile alone says it)"]),
        ("in the words of a definition", "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: { name: x }\nspec: { description: \"such as quay.io/a/b:v1\" }\n".to_owned(), "", &[]),
    ] {
        let found = lines(compile_own(&[ENTRY, more].concat(), &yaml));
        assert_eq!(found, expected, "{case}");
    }
}

#[test]
fn images_by_digest_stay_and_are_images_of_the_release() {
    let digest = "sha256:00000000000000000000000000000000000000000000000000000000000000bb";
    for (image, tag) in
        [(format!("quay.io/a/b@{digest}"), ""), (format!("quay.io/a/b:v1@{digest}"), "v1")]
    {
        let compiled =
            compile_own(ENTRY, &worker(&[("ghcr.io/shop/web:1", &image)])).expect("sound");
        let deployment = object(&compiled, "Deployment", "worker");
        assert_eq!(deployment["spec"]["template"]["spec"]["containers"][0]["image"], *image);
        let images = &compiled.release.config().images;
        let found = images.iter().find(|image| image.name == "quay.io/a/b").expect("listed");
        assert_eq!((found.tag.as_str(), found.digest.to_string().as_str()), (tag, digest));
    }
}

#[test]
fn images_in_custom_resources_and_arguments_are_pinned() {
    let lock = [LOCK, "[[image]]\nname = \"quay.io/a/b\"\ntag = \"v1\"\ndigest = \"sha256:00000000000000000000000000000000000000000000000000000000000000bb\"\n"].concat();
    let yaml = worker(&[("args: [work]", "args: [\"--x=quay.io/a/b:v1,quay.io/a/b:v1\"]")])
        + "---\napiVersion: example.com/v1\nkind: Widget\nmetadata: { name: x }\nspec: { image: \"quay.io/a/b:v1\" }\n";
    let environment =
        [SHOP, ENTRY, "scopes.Widget = \"Namespaced\"\nreadiness.Widget = \"Ready\"\n"].concat();
    let compiled = compile_locked(&environment, &yaml, &lock).expect("sound");
    let pinned =
        "quay.io/a/b@sha256:00000000000000000000000000000000000000000000000000000000000000bb";
    assert_eq!(object(&compiled, "Widget", "x")["spec"]["image"], pinned);
    let deployment = object(&compiled, "Deployment", "worker");
    let args = &deployment["spec"]["template"]["spec"]["containers"][0]["args"];
    assert_eq!(args[0], format!("--x={pinned},{pinned}"));
    let config = compiled.release.config();
    assert_eq!(config.images.len(), 2);
    let rule = config.readiness.iter().find(|rule| rule.kind == "Widget").expect("a rule");
    assert_eq!(
        (rule.group.as_str(), rule.ready.to_string().as_str()),
        ("example.com", "condition=Ready")
    );
}

/// Pins of [`LOCK`], and of `quay.io/a/b:v1`.
fn more_pins() -> String {
    let digest = "bb".repeat(32);
    let pin = "[[image]]\nname = \"quay.io/a/b\"\ntag = \"v1\"\ndigest = \"sha256:";
    format!("{LOCK}{pin}{digest}\"\n")
}

#[test]
fn images_in_texts_of_services_are_pinned() {
    let environment = SHOP.replace(
        "[services.web]\n",
        "[settings]\nSIDECAR = \"quay.io/a/b:v1\"\n[services.web]\nargs = [\"--sidecar=quay.io/a/b:v1\"]\ncommand = [\"run\", \"quay.io/a/b:v1\"]\nenv = { RUNNER_IMAGE = \"quay.io/a/b:v1\" }\n",
    );
    let compiled = compile_locked(&environment, "", &more_pins()).expect("sound");
    let pinned = format!("quay.io/a/b@sha256:{}", "bb".repeat(32));
    let deployment = object(&compiled, "Deployment", "web");
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["args"][0], format!("--sidecar={pinned}"));
    assert_eq!(container["command"][1], pinned);
    assert_eq!(container["env"][0]["value"], pinned);
    let settings = container["envFrom"][0]["configMapRef"]["name"].as_str().expect("a name");
    assert_eq!(object(&compiled, "ConfigMap", settings)["data"]["SIDECAR"], pinned);
    assert_eq!(compiled.release.config().images.len(), 2);
}

#[test]
fn images_in_texts_of_services_are_in_the_bundle_or_there_is_none() {
    for (case, not_images, changes, expected) in [
        (
            "an argument without a pin",
            "",
            "args = [\"--sidecar=quay.io/a/b:v1\"]\n",
            vec![
                "envs/live.toml:21:9: image `quay.io/a/b:v1` has no pin in `lockfiles/live.lock` (help: run `a4co lock`)",
            ],
        ),
        (
            "a variable that is no whole image",
            "",
            "env = { RUNNER_IMAGE = \"nginx\" }\n",
            vec![
                "envs/live.toml:21:24: `nginx` is not an image with registry and tag, such as `docker.io/library/nats:2.11` (help: write `docker.io/library/nginx:TAG`, or if it is no image, add it to `not_images`)",
            ],
        ),
        (
            "an image with a placeholder",
            "",
            "args = [\"quay.io/a/b:{version}\"]\n",
            vec![
                "envs/live.toml:20:11: `Deployment/web` names the image `quay.io/a/b:1.0.0`, which the release does not have (help: write it without placeholders and with its tag where the environment says it, or if it is no image, add it to `not_images`)",
            ],
        ),
        (
            "an image with a placeholder and a digest",
            "",
            "env.A = \"quay.io/a/{service}@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"\n",
            vec![
                "envs/live.toml:20:11: `Deployment/web` names the image `quay.io/a/web@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb`, which the release does not have (help: write it without placeholders and with its tag where the environment says it, or if it is no image, add it to `not_images`)",
            ],
        ),
        (
            "what looks like one and is none",
            "not_images = [\"logo.png\", \"api.example.com/a:1.0.0\"]\n",
            "env = { HOME_IMAGE = \"logo.png\", A = \"api.example.com/a:{version}\" }\n",
            vec![],
        ),
    ] {
        let service = ["[services.web]\n", changes].concat();
        let environment = [not_images, &SHOP.replace("[services.web]\n", &service)].concat();
        let found = lines(compile_locked(&environment, "", LOCK));
        assert_eq!(found, expected, "{case}");
    }
}

#[test]
fn a_rendered_object_is_found_where_it_is_declared() {
    let history = "\n[services.cart-history]\nport = 8082\n";
    for (case, object, expected) in [
        ("a service", "kind: Service\nmetadata: { name: cart }", "17:11"),
        (
            "a service whose name begins with another's",
            "kind: Service\nmetadata: { name: cart-history }",
            "24:11",
        ),
        ("the namespace", "kind: Namespace\nmetadata: { name: shop-live }", "2:2"),
    ] {
        let environment = [SHOP, history, ENTRY].concat();
        let yaml = format!("apiVersion: v1\n{object}\n");
        let found = lines(compile_locked(&environment, &yaml, LOCK));
        let other = format!("the other is at envs/live.toml:{expected}; remove one of them)");
        assert_eq!(found.len(), 1, "{case}: {found:?}");
        assert!(found[0].ends_with(&other), "{case}: {found:?}");
    }
}

/// A second file of the team.
const MORE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: more }\n";

#[test]
fn entries_must_make_sense() {
    for (case, more, expected) in [
        (
            "no such file",
            "[[manifests]]\npath = \"manifests/wroker.yaml\"\n",
            &[
                "envs/live.toml:24:8: there is no file or folder `manifests/wroker.yaml` with objects (help: did you mean `manifests/worker.yaml`?)",
            ] as &[&str],
        ),
        (
            "a path elsewhere",
            "[[manifests]]\npath = \"../worker.yaml\"\n",
            &[
                "envs/live.toml:24:8: `manifests[0].path`: `../worker.yaml` is not a path below `manifests/`, such as `manifests/operator.yaml`",
            ],
        ),
        (
            "a file twice",
            "[[manifests]]\npath = \"manifests/worker.yaml\"\n[[manifests]]\npath = \"manifests\"\n",
            &[
                "envs/live.toml:26:8: `manifests/worker.yaml` is in two entries of `[[manifests]]` (help: let only one of them have it)",
            ],
        ),
        (
            "a rule that is none",
            "[[manifests]]\npath = \"manifests/worker.yaml\"\nallow = [\"probe\"]\n",
            &[
                "envs/live.toml:25:10: `manifests[0].allow[0]` cannot be `probe` (help: did you mean `probes`?)",
            ],
        ),
        (
            "two rules of readiness for one kind",
            "[[manifests]]\npath = \"manifests/worker.yaml\"\nreadiness.Deployment = \"Ready\"\n[[manifests]]\npath = \"manifests/more.yaml\"\nreadiness.Deployment = \"none\"\n",
            &[
                "envs/live.toml:28:24: `Deployment` has two rules of readiness (help: keep one of them)",
            ],
        ),
        (
            "readiness of a kind that is not there",
            "[[manifests]]\npath = \"manifests/worker.yaml\"\nreadiness.Widget = \"Ready\"\n",
            &[
                "envs/live.toml:25:20: there is no `Widget` here to wait for (help: known here: `Deployment`, `Namespace`, `NetworkPolicy`, `Service`, `ServiceAccount`)",
            ],
        ),
    ] {
        let environment = [SHOP, more].concat();
        let files = [
            ("envs/live.toml", environment.as_str()),
            ("lockfiles/live.lock", LOCK),
            ("manifests/worker.yaml", WORKER),
            ("manifests/more.yaml", MORE),
        ];
        let found = lines(compile_files(&files));
        assert_eq!(found, expected, "{case}");
    }
}

#[test]
fn patches_change_what_they_say() {
    let patch = "
[[patches]]
target = { kind = \"Deployment\", name = \"web\" }
merge.spec.template.spec = { hostname = \"web\", priorityClassName = \"system-cluster-critical\" }
set.\"/metadata/annotations\" = { a = \"ghcr.io/shop/web:1\" }
remove = [\"/spec/template/spec/dnsPolicy\"]
";
    let compiled = compile_own(patch, "").expect("sound");
    let deployment = object(&compiled, "Deployment", "web");
    let spec = &deployment["spec"]["template"]["spec"];
    assert_eq!(spec["hostname"], "web");
    assert_eq!(spec.get("dnsPolicy"), None);
    assert_eq!(spec["containers"][0]["name"], "web", "the rest is as it was");
    let annotation = deployment["metadata"]["annotations"]["a"].as_str().unwrap_or_default();
    assert!(annotation.starts_with("ghcr.io/shop/web@sha256:"), "{annotation}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn patches_must_make_sense() {
    for (case, patch, expected) in [
        (
            "of nothing",
            "target = { kind = \"Deployment\", name = \"wbe\" }\nremove = [\"/spec\"]\n",
            &[
                "envs/live.toml:25:40: there is no `Deployment/wbe` to patch (help: did you mean `Deployment/web`?)",
            ] as &[&str],
        ),
        (
            "without a change",
            "target = { kind = \"Deployment\", name = \"web\" }\nmerge.spec.replicas = 2\n",
            &[
                "envs/live.toml:25:1: the patch of `Deployment/web` changes nothing (help: remove it)",
            ],
        ),
        (
            "of the name",
            "target = { kind = \"Deployment\", name = \"web\" }\nmerge.metadata.name = \"x\"\n",
            &[
                "envs/live.toml:25:1: the patch changes `/metadata/name` of `Deployment/web`, by which it is known",
            ],
        ),
        (
            "of a label of the release",
            "target = { kind = \"Deployment\", name = \"web\" }\nremove = [\"/metadata/labels/app.kubernetes.io~1part-of\"]\n",
            &[
                "envs/live.toml:25:1: the patch changes `/metadata/labels/app.kubernetes.io~1part-of` of `Deployment/web`, by which it is known",
            ],
        ),
        (
            "of what is not there",
            "target = { kind = \"Deployment\", name = \"web\" }\nremove = [\"/spec/x/y\"]\nset.\"/spec/template/spec/containers/7/image\" = \"ghcr.io/shop/web:1\"\n",
            &[
                "envs/live.toml:27:48: `Deployment/web` has no `/spec/template/spec/containers/7/image`",
            ],
        ),
        (
            "with an image without a pin",
            "target = { kind = \"Deployment\", name = \"web\" }\nset.\"/spec/template/spec/containers/0/image\" = \"quay.io/a/b:v1\"\n",
            &[
                "envs/live.toml:26:48: image `quay.io/a/b:v1` has no pin in `lockfiles/live.lock` (help: run `a4co lock`)",
            ],
        ),
        (
            "of one of several",
            "target = { kind = \"Ingress\", name = \"two\" }\nmerge.spec.x = \"y\"\n",
            &[
                "envs/live.toml:25:37: there are several `Ingress/two` (help: add `api_version` or `namespace` to `target`)",
            ],
        ),
        (
            "in another namespace",
            "target = { kind = \"Deployment\", name = \"web\", namespace = \"other\" }\nmerge.spec.replicas = 3\n",
            &[
                "envs/live.toml:25:40: `Deployment/web` is not of the API version and in the namespace of the `target` (help: it is of `apps/v1` in namespace `shop-live`)",
            ],
        ),
        (
            "of another version",
            "target = { kind = \"Namespace\", name = \"shop-live\", api_version = \"v2\" }\nmerge.metadata.labels.a = \"b\"\n",
            &[
                "envs/live.toml:25:39: `Namespace/shop-live` is not of the API version and in the namespace of the `target` (help: it is of `v1`)",
            ],
        ),
        (
            "that brings a secret value",
            "target = { kind = \"Secret\", name = \"token\" }\nmerge.stringData.password = \"hunter2\"\n",
            &[
                "envs/live.toml:25:1: `Secret/token` has a secret value, which would stand in the bundle (help: declare its name and keys in `[secrets]`, so that the values come from the secret store)",
            ],
        ),
        (
            "that brings a secret value to a Secret without",
            "target = { kind = \"Secret\", name = \"token\" }\nset.\"/data\" = { password = \"aHVudGVyMg==\" }\n",
            &[
                "envs/live.toml:25:1: `Secret/token` has a secret value, which would stand in the bundle (help: declare its name and keys in `[secrets]`, so that the values come from the secret store)",
            ],
        ),
        (
            "that brings a private key",
            "target = { kind = \"Deployment\", name = \"web\" }\nset.\"/metadata/annotations\" = { key = \"-----BEGIN EC PRIVATE KEY-----\" }\n",
            &[
                "envs/live.toml:25:1: `Deployment/web` has a secret value, which would stand in the bundle (help: declare its name and keys in `[secrets]`, so that the values come from the secret store)",
            ],
        ),
        (
            "with a fraction",
            "target = { kind = \"Deployment\", name = \"web\" }\nmerge.spec.x = 0.5\n",
            &[
                "envs/live.toml:26:16: `patches[0].merge.spec.x` must be a string, an integer, a boolean, an array or a table, not a float",
            ],
        ),
        (
            "with a pointer that is none",
            "target = { kind = \"Deployment\", name = \"web\" }\nremove = [\"spec\"]\n",
            &[
                "envs/live.toml:26:11: `patches[0].remove[0]`: `spec` is not a JSON pointer such as `/spec/replicas`; in a key, `~1` stands for `/` and `~0` for `~`",
            ],
        ),
    ] {
        let more = ["\n[[patches]]\n", patch, ENTRY, "scopes.Ingress = \"Namespaced\"\n"].concat();
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: { name: token }\n---\napiVersion: example.com/v1\nkind: Ingress\nmetadata: { name: two }\n---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: { name: two }\n";
        let found = lines(compile_own(&more, secret));
        assert_eq!(found, expected, "{case}");
    }
}

#[test]
fn no_secret_value_comes_from_the_environment() {
    let found = lines(compile_own("[settings]\nKEY = \"-----BEGIN PRIVATE KEY-----\"\n", ""));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("envs/live.toml:23:2: `ConfigMap/shop-settings-"), "{found:?}");
    assert!(found[0].contains(" has a secret value, which would stand in the bundle"), "{found:?}");
}

#[test]
fn every_example_is_sound() {
    for (example, environments) in [("web", vec!["live", "test"]), ("vendored", vec!["live"])] {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples")).join(example);
        let compiled = compile(&Source::read(&root).expect("readable")).expect(example);
        let names: Vec<_> = compiled.iter().map(|one| one.environment.as_str()).collect();
        assert_eq!(names, environments, "{example}");
    }
}
