//! What an environment takes, what it may take, and what the namespace may hold.

mod kit;

use kit::{changed, compile_one, lines};
use serde_json::{Value, json};

#[test]
fn an_environment_outside_of_its_budget_is_refused() {
    for (case, budget, expected) in [
        (
            "inside",
            "pods = { min = 4, max = 4 }\ncpu.max = \"400m\"\nmemory.min = \"256Mi\"",
            vec![],
        ),
        (
            "more pods than it may have",
            "pods.max = 3",
            vec![
                "envs/live.toml:24:12: the environment takes 4 of pods, and its budget is at most 3 (help: change what it takes, or the budget, if that is wanted)",
            ],
        ),
        (
            "less of everything than it has to, all at once",
            "pods.min = 5\ncpu = { min = \"1\" }\nmemory.min = \"1Gi\"\nstorage.min = \"1Gi\"",
            vec![
                "envs/live.toml:24:12: the environment takes 4 of pods, and its budget is at least 5 (help: change what it takes, or the budget, if that is wanted)",
                "envs/live.toml:25:15: the environment takes 400m of CPU, and its budget is at least 1 (help: change what it takes, or the budget, if that is wanted)",
                "envs/live.toml:26:14: the environment takes 256Mi of memory, and its budget is at least 1Gi (help: change what it takes, or the budget, if that is wanted)",
                "envs/live.toml:27:15: the environment takes 0 of storage, and its budget is at least 1Gi (help: change what it takes, or the budget, if that is wanted)",
            ],
        ),
    ] {
        let environment = changed(&[("", &format!("[budget]\n{budget}\n"))]);
        assert_eq!(lines(compile_one(&environment)), expected, "{case}");
    }
}

fn of_kind(objects: &[Value], kind: &str) -> Value {
    objects.iter().find(|object| object["kind"] == kind).cloned().unwrap_or_default()
}

#[test]
fn the_quota_is_what_the_environment_takes_while_it_is_replaced_and_some_room() {
    let environment = changed(&[("", "[quota]\nheadroom_percent = 50\n")]);
    let compiled = compile_one(&environment).expect("sound");
    let objects: Vec<_> =
        compiled.release.objects().iter().map(a4co_bundle::Object::manifest).collect();
    // 2 services of 2 pods, each with one more while it is replaced, and half as much again.
    assert_eq!(
        of_kind(&objects, "ResourceQuota")["spec"]["hard"],
        json!({
            "pods": "9",
            "requests.cpu": "900m",
            "requests.memory": "576Mi",
            "limits.cpu": "1800m",
            "limits.memory": "1152Mi",
            "services.loadbalancers": "0",
            "services.nodeports": "0",
        })
    );
    assert_eq!(
        of_kind(&objects, "LimitRange")["spec"]["limits"][0]["default"],
        json!({ "cpu": "500m", "memory": "256Mi" })
    );
}
