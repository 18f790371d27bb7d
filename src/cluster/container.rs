//! What the containers of a pod say about why it is not ready.

use serde_json::Value;

use crate::{
    log::LogSource,
    trouble::{JOB_POD, Source, Trouble},
};

/// Most characters told of what a container left as its last words.
const LAST_WORDS: usize = 300;

/// Signals that end containers, by number.
const SIGNALS: [(i64, &str); 9] = [
    (1, "SIGHUP"),
    (2, "SIGINT"),
    (4, "SIGILL"),
    (6, "SIGABRT"),
    (7, "SIGBUS"),
    (8, "SIGFPE"),
    (9, "SIGKILL"),
    (11, "SIGSEGV"),
    (15, "SIGTERM"),
];

/// Returns the surest trouble of a container of `pod`, which is called `who`. Containers of a
/// Job's pod that end badly are the Job's to judge.
pub(crate) fn trouble(pod: &Value, who: &str, is_job: bool) -> Option<Trouble> {
    let all = [("init container", "initContainerStatuses"), ("container", "containerStatuses")];
    let all = all.into_iter().flat_map(|(what, field)| {
        let statuses = pod["status"][field].as_array();
        statuses.into_iter().flatten().map(move |status| (what, status))
    });
    let troubles = all.filter_map(|(what, status)| {
        let name = status["name"].as_str().unwrap_or_default();
        waiting(status, who).or_else(|| {
            let trouble = ended(status, who, &format!("{what} {name}"), is_job)?;
            // One that is about to run again has ended in the run before.
            let previous = status["state"]["terminated"].is_null();
            Some(Trouble { log: Some(LogSource::of(pod, name, previous)), ..trouble })
        })
    });
    // The first one of equals: init containers run before the others.
    troubles.min_by_key(Trouble::rank)
}

fn waiting(status: &Value, who: &str) -> Option<Trouble> {
    let waiting = &status["state"]["waiting"];
    let words = waiting["message"].as_str().unwrap_or_default();
    Trouble::new(Source::Waiting, waiting["reason"].as_str()?, who, words)
}

/// The trouble of a container that ended though it should run, whether it waits to be started
/// again, runs again, or has just ended.
fn ended(status: &Value, who: &str, container: &str, is_job: bool) -> Option<Trouble> {
    let state = &status["state"];
    let is_failure = |end: &&Value| end["exitCode"].as_i64().is_some_and(|code| code != 0);
    let ends = [&state["terminated"], &status["lastState"]["terminated"]];
    let last = ends.into_iter().find(is_failure);
    let reason = state["waiting"]["reason"].as_str();
    let backs_off = reason.filter(|reason| {
        matches!(*reason, "CrashLoopBackOff" | "RunContainerError" | "PostStartHookError")
    });
    let is_good = status["ready"] == true || state["terminated"]["exitCode"] == 0;
    if is_good || (last.is_none() && backs_off.is_none()) {
        return None;
    }
    let is_out_of_memory = last.is_some_and(|end| end["reason"] == "OOMKilled");
    let reason = match backs_off {
        _ if is_job => JOB_POD,
        _ if is_out_of_memory => "OOMKilled",
        Some(reason) => reason,
        None => "CrashLoopBackOff",
    };
    let is_running = state["running"].is_object();
    let ends = status["restartCount"].as_u64().unwrap_or(0) + u64::from(!is_running);
    let times = if ends == 1 { "once".to_owned() } else { format!("{ends} times") };
    let how = last.map_or_else(String::new, |end| format!(", last with {}", exit(end)));
    let words = format!("{container} ended {times}{how}");
    let trouble = Trouble::new(Source::Ended, reason, who, &words)?;
    Some(Trouble { ends, ..trouble })
}

/// How a container ended, with its last words if it left some.
fn exit(end: &Value) -> String {
    let code = end["exitCode"].as_i64().unwrap_or_default();
    let number = end["signal"].as_i64().filter(|signal| *signal > 0).unwrap_or(code - 128);
    let signal = SIGNALS.iter().find(|(known, _)| *known == number);
    let mut text = format!("exit code {code}");
    if let Some((_, name)) = signal {
        text = format!("{text} ({name})");
    }
    let message = end["message"].as_str().map(str::trim).filter(|message| !message.is_empty());
    if let Some(message) = message {
        let words: String = message.chars().take(LAST_WORDS).collect();
        text = format!("{text}: {words}");
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(pod: &Value, is_job: bool) -> Option<(String, u64)> {
        trouble(pod, "pod web-1", is_job).map(|trouble| (trouble.text, trouble.ends))
    }

    fn with(status: &Value) -> Value {
        json!({ "status": { "containerStatuses": [status] } })
    }

    #[test]
    fn a_container_tells_its_trouble_in_the_clusters_own_words() {
        let waiting = |reason: &str| json!({ "waiting": { "reason": reason, "message": "words" } });
        let end = |code: i64, reason: &str| json!({ "exitCode": code, "reason": reason });
        let ended = |code: i64, reason: &str| json!({ "terminated": end(code, reason) });
        for (case, status, expected) in [
            (
                "an image that cannot be pulled",
                json!({ "name": "web", "state": waiting("ImagePullBackOff") }),
                Some(("ImagePullBackOff: words", 0)),
            ),
            (
                "a missing Secret",
                json!({ "name": "web", "state": waiting("CreateContainerConfigError") }),
                Some(("CreateContainerConfigError: words", 0)),
            ),
            (
                "a crash loop",
                json!({ "name": "web", "restartCount": 3, "state": waiting("CrashLoopBackOff"),
                    "lastState": ended(1, "Error") }),
                Some(("CrashLoopBackOff: container web ended 4 times, last with exit code 1", 4)),
            ),
            (
                "a crash loop that happens to run",
                json!({ "name": "web", "restartCount": 3, "state": { "running": {} },
                    "lastState": ended(139, "Error") }),
                Some((
                    "CrashLoopBackOff: container web ended 3 times, last with exit code 139 \
                     (SIGSEGV)",
                    3,
                )),
            ),
            (
                "a first crash",
                json!({ "name": "web", "state": { "terminated": { "exitCode": 2,
                    "message": "no database\n" } } }),
                Some((
                    "CrashLoopBackOff: container web ended once, last with exit code 2: no database",
                    1,
                )),
            ),
            (
                "too little memory",
                json!({ "name": "web", "restartCount": 1, "state": waiting("CrashLoopBackOff"),
                    "lastState": ended(137, "OOMKilled") }),
                Some((
                    "OOMKilled: container web ended 2 times, last with exit code 137 (SIGKILL)",
                    2,
                )),
            ),
            (
                "nothing but starting",
                json!({ "name": "web", "state": waiting("ContainerCreating") }),
                None,
            ),
            (
                "a crash long ago",
                json!({ "name": "web", "ready": true, "restartCount": 1,
                    "state": { "running": {} }, "lastState": ended(1, "Error") }),
                None,
            ),
            (
                "an end that is meant",
                json!({ "name": "web", "state": ended(0, "Completed") }),
                None,
            ),
        ] {
            let expected = expected.map(|(text, ends)| (format!("pod web-1: {text}"), ends));
            assert_eq!(told(&with(&status), false), expected, "{case}");
        }
    }

    #[test]
    fn the_last_words_are_those_of_the_run_that_ended() {
        let end = json!({ "exitCode": 1 });
        let waiting = json!({ "waiting": { "reason": "CrashLoopBackOff" } });
        for (case, state, previous) in [
            ("it waits to be started again", waiting, true),
            ("it runs again", json!({ "running": {} }), true),
            ("it has just ended", json!({ "terminated": end }), false),
        ] {
            let mut pod = with(&json!({ "name": "web", "state": state,
                "lastState": { "terminated": end } }));
            pod["metadata"] = json!({ "namespace": "shop", "name": "web-1" });
            let log = trouble(&pod, "pod web-1", false).and_then(|trouble| trouble.log);
            assert_eq!(log, Some(LogSource::of(&pod, "web", previous)), "{case}");
        }
    }

    #[test]
    fn what_a_job_starts_is_the_jobs_to_judge() {
        let pod = with(&json!({ "name": "migrate", "state": { "terminated": { "exitCode": 3 } } }));
        let words = "pod web-1: container migrate ended once, last with exit code 3";
        assert_eq!(told(&pod, true), Some((words.to_owned(), 1)));
    }

    #[test]
    fn an_init_container_is_named_as_such_and_the_surest_trouble_is_told() {
        let waits = |name: &str, reason: &str| json!({ "name": name, "state": { "waiting": { "reason": reason } } });
        let crash = json!({ "name": "wait", "restartCount": 1,
            "lastState": { "terminated": { "exitCode": 1 } } });
        let pod = |containers: Value| json!({ "status": { "initContainerStatuses": [crash], "containerStatuses": containers } });
        let words = "pod web-1: CrashLoopBackOff: init container wait ended 2 times, last with \
                     exit code 1";
        let starting = pod(json!([waits("web", "PodInitializing")]));
        assert_eq!(told(&starting, false), Some((words.to_owned(), 2)));
        let worse = pod(json!([waits("web", "InvalidImageName")]));
        assert_eq!(told(&worse, false), Some(("pod web-1: InvalidImageName".to_owned(), 0)));
    }
}
