//! Who asks, and who gets to know.

use std::{os::unix::fs::PermissionsExt as _, time::Duration};

use a4co_registry::{Client, Reference, RegistryError};

use crate::kit::{
    INDEX, app, chain, client,
    fake::{Fake, Received, Reply},
    index, observed, options, tls,
};

/// What `Authorization` has to be.
const LOGIN: &str = "Basic bWU6c2VjcmV0"; // me:secret

fn manifest() -> Reply {
    Reply::new(200).header("content-type", INDEX).body(index(&[("linux", "amd64")]))
}

fn challenge(text: &str) -> Reply {
    Reply::new(401).header("www-authenticate", text)
}

/// A client whose `config.json` is `text`.
fn with_credentials(host: &str, text: &str) -> (tempfile::TempDir, Client) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.json");
    fs_err::write(&path, text).unwrap();
    let mut options = options(&[host]);
    options.environment.credential_files = vec![path];
    options.timeouts.helper = Duration::from_millis(300);
    (dir, Client::new(options).unwrap())
}

fn login(host: &str) -> String {
    format!(r#"{{"auths":{{"{host}":{{"auth":"bWU6c2VjcmV0"}}}}}}"#)
}

fn tag() -> Reference {
    Reference::tag("1").unwrap()
}

/// Answers with a token, and whoever has it with a manifest.
fn bearer(request: &Received) -> Reply {
    let host = request.header("host").unwrap();
    if request.target.starts_with("/token") {
        return Reply::new(200).body(r#"{"token":"let-me-in"}"#);
    }
    match request.header("authorization") {
        Some("Bearer let-me-in") => manifest(),
        None => challenge(&format!(
            r#"Bearer realm="http://{host}/token?a=b",service="the registry",scope="repository:team/app:pull""#
        )),
        Some(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_bearer_challenge_is_answered_once_for_many_requests() {
    let fake = Fake::start(bearer).await;
    let (_dir, client) = with_credentials(&fake.host, &login(&fake.host));
    for _ in 0..3 {
        client.manifest(&app(&fake.host), &tag()).await.unwrap();
    }
    let received = fake.received();
    let token = &received[1];
    let scope = "scope=repository%3Ateam%2Fapp%3Apull";
    assert_eq!(token.target, format!("/token?a=b&service=the%20registry&{scope}"));
    assert_eq!(token.header("authorization"), Some(LOGIN));
    assert_eq!(fake.count("GET", "/token"), 1);
    assert_eq!(fake.count("GET", "/manifests/"), 4, "one challenge, three answers");
}

#[tokio::test]
async fn a_token_is_had_without_a_login_too() {
    let fake = Fake::start(bearer).await;
    client(&fake.host).manifest(&app(&fake.host), &tag()).await.unwrap();
    assert_eq!(fake.received()[1].header("authorization"), None);
}

#[tokio::test]
async fn many_requests_at_once_get_one_token() {
    let fake = Fake::start(bearer).await;
    let (client, app) = (client(&fake.host), app(&fake.host));
    let tag = tag();
    let all = (0..8).map(|_| client.manifest(&app, &tag));
    futures::future::try_join_all(all).await.unwrap();
    assert_eq!(fake.count("GET", "/token"), 1);
}

#[tokio::test]
async fn a_token_that_ran_out_is_replaced() {
    let fake = Fake::start(|request| {
        if request.target.contains("/manifests/2") {
            let host = request.header("host").unwrap();
            return challenge(&format!(r#"Bearer realm="http://{host}/token""#));
        }
        bearer(request)
    })
    .await;
    let client = client(&fake.host);
    client.manifest(&app(&fake.host), &tag()).await.unwrap();
    let second = Reference::tag("2").unwrap();
    let error = client.manifest(&app(&fake.host), &second).await.unwrap_err();
    assert!(error.is_denied(), "{error}");
    assert_eq!(fake.count("GET", "/token"), 2, "one more try with a new token, and no more");
}

#[tokio::test]
async fn a_basic_challenge_is_answered_with_the_login() {
    let fake = Fake::start(|request| match request.header("authorization") {
        Some(LOGIN) => manifest(),
        _ => challenge(r#"Basic realm="site""#),
    })
    .await;
    let (_dir, client) = with_credentials(&fake.host, &login(&fake.host));
    client.manifest(&app(&fake.host), &tag()).await.unwrap();
    client.manifest(&app(&fake.host), &tag()).await.unwrap();
    assert_eq!(fake.received().len(), 3, "the login is sent at once the second time");
}

#[tokio::test]
async fn without_a_login_the_error_says_how_to_log_in() {
    let fake = Fake::start(|_| {
        challenge("Basic").body(r#"{"errors":[{"code":"UNAUTHORIZED","message":"who are you?"}]}"#)
    })
    .await;
    let error = client(&fake.host).manifest(&app(&fake.host), &tag()).await.unwrap_err();
    let host = &fake.host;
    assert_eq!(
        error.to_string(),
        format!(
            "{host}/team/app:1: the registry answers 401 Unauthorized: \
             UNAUTHORIZED: who are you?"
        )
    );
    assert!(error.hint().unwrap().contains(&format!("docker login {host}")));
    assert_eq!(fake.received().len(), 1, "it is not asked again");
}

#[tokio::test]
async fn an_identity_token_gets_tokens_by_post() {
    let fake = Fake::start(bearer).await;
    let text = format!(r#"{{"auths":{{"{}":{{"identitytoken":"id&1"}}}}}}"#, fake.host);
    let (_dir, client) = with_credentials(&fake.host, &text);
    client.manifest(&app(&fake.host), &tag()).await.unwrap();
    let token = &fake.received()[1];
    assert_eq!(token.method, "POST");
    assert_eq!(
        std::str::from_utf8(&token.body).unwrap(),
        "service=the%20registry&scope=repository%3Ateam%2Fapp%3Apull&grant_type=refresh_token\
         &client_id=a4co&refresh_token=id%261"
    );
}

#[tokio::test]
async fn credentials_go_to_no_realm_that_somebody_could_listen_to() {
    for (case, realm, why) in [
        ("without encryption", "http://auth.example/token", "no encryption"),
        ("no URL", "::", "no URL"),
        ("a file", "file:///etc/passwd", "no URL"),
        ("a user in it", "https://me@auth.example/", "names a user"),
    ] {
        let text = format!(r#"Bearer realm="{realm}""#);
        let fake = Fake::start(move |_| challenge(&text)).await;
        let (_dir, client) = with_credentials(&fake.host, &login(&fake.host));
        let error = client.manifest(&app(&fake.host), &tag()).await.unwrap_err();
        assert!(matches!(error, RegistryError::Token { .. }), "{case}: {error}");
        assert!(error.to_string().contains(why), "{case}: {error}");
        assert_eq!(fake.received().len(), 1, "{case}");
    }
}

#[tokio::test]
async fn credentials_do_not_leave_the_encryption_for_a_port_of_this_machine() {
    let listener = Fake::start(bearer).await;
    let text = format!(r#"Bearer realm="http://{}/token?a=secret""#, listener.host);
    let (acceptor, ca) = tls::acceptor();
    let registry = Fake::start_with(Some(acceptor), move |_| challenge(&text)).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.json");
    fs_err::write(&path, login(&registry.host)).unwrap();
    let mut options = options(&[]);
    options.environment.credential_files = vec![path];
    options.ca = ca;
    let client = Client::new(options).unwrap();
    let error = client.manifest(&app(&registry.host), &tag()).await.unwrap_err();
    assert!(error.to_string().contains("it has no encryption"), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    assert_eq!(listener.received().len(), 0);
}

#[tokio::test]
async fn a_service_without_a_name_is_left_out() {
    let fake = Fake::start(|request| {
        let host = request.header("host").unwrap();
        if request.target.starts_with("/token") || request.header("authorization").is_some() {
            return bearer(request);
        }
        challenge(&format!(r#"Bearer realm="http://{host}/token",service="""#))
    })
    .await;
    client(&fake.host).manifest(&app(&fake.host), &tag()).await.unwrap();
    assert_eq!(fake.received()[1].target, "/token?scope=repository%3Ateam%2Fapp%3Apull");
}

#[tokio::test]
async fn a_server_of_tokens_is_waited_for_as_it_asks() {
    let fake = Fake::start(move |request| {
        if request.target.starts_with("/token") {
            return Reply::new(429).header("retry-after", "3600");
        }
        bearer(request)
    })
    .await;
    let (client, recorder) = observed(&fake.host);
    client.manifest(&app(&fake.host), &tag()).await.unwrap_err();
    // The longest pause there is.
    assert_eq!(recorder.count("Retrying after 4ms"), 3, "{:?}", recorder.events());
}

#[tokio::test]
async fn what_a_server_of_tokens_says_is_told() {
    for (case, reply, why) in [
        (
            "a wrong password",
            Reply::new(401).body(r#"{"details":"wrong"}"#),
            "401 Unauthorized: wrong",
        ),
        ("no token", Reply::new(200).body("{}"), "holds no token"),
        ("an empty token", Reply::new(200).body(r#"{"token":""}"#), "holds no token"),
        (
            "a token with a line break",
            Reply::new(200).body(r#"{"token":"a\r\nb"}"#),
            "holds no token",
        ),
        ("no JSON", Reply::new(200).body("<html>"), "holds no token"),
        ("a redirect", Reply::new(302).header("location", "https://evil.example"), "302 Found"),
        ("an endless answer", Reply::new(200).endless(), "larger than"),
    ] {
        let fake = Fake::start(move |request| {
            if request.target.starts_with("/token") { reply.clone() } else { bearer(request) }
        })
        .await;
        let (_dir, client) = with_credentials(&fake.host, &login(&fake.host));
        let error = client.manifest(&app(&fake.host), &tag()).await.unwrap_err();
        assert!(error.to_string().contains(why), "{case}: {error}");
        assert!(!chain(&error).contains("secret"), "{case}: {error}");
        assert_eq!(fake.count("GET", "/token"), 1, "{case}");
    }
}

#[tokio::test]
async fn a_server_of_tokens_that_has_too_much_to_do_is_asked_again() {
    let asked = std::sync::atomic::AtomicU32::new(0);
    let fake = Fake::start(move |request| {
        let is_token = request.target.starts_with("/token");
        if is_token && asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 {
            return Reply::new(503);
        }
        bearer(request)
    })
    .await;
    client(&fake.host).manifest(&app(&fake.host), &tag()).await.unwrap();
    assert_eq!(fake.count("GET", "/token"), 2);
}

#[tokio::test]
async fn broken_credentials_are_to_be_mended_and_not_to_be_logged_in_with() {
    let fake = Fake::start(|_| challenge("Basic")).await;
    let host = &fake.host;
    for (case, text, hint) in [
        ("no JSON", "{".to_owned(), "mend `"),
        ("a broken entry", format!(r#"{{"auths":{{"{host}":{{"auth":"!"}}}}}}"#), "the entry `"),
        (
            "a missing helper",
            format!(r#"{{"credHelpers":{{"{host}":"missing-for-sure"}}}}"#),
            "install `docker-credential-missing-for-sure`",
        ),
    ] {
        let (_dir, client) = with_credentials(host, &text);
        let error = client.manifest(&app(host), &tag()).await.unwrap_err();
        let found = error.hint().expect(case);
        assert!(found.contains(hint) && !found.contains("docker login"), "{case}: {found}");
    }
}

#[tokio::test]
async fn a_login_that_a_server_of_tokens_refuses_has_to_be_made_anew() {
    for (status, is_refused) in [(401, true), (403, true), (400, true), (500, false)] {
        let fake = Fake::start(move |request| {
            if request.target.starts_with("/token") { Reply::new(status) } else { bearer(request) }
        })
        .await;
        let (_dir, client) = with_credentials(&fake.host, &login(&fake.host));
        let error = client.manifest(&app(&fake.host), &tag()).await.unwrap_err();
        let expected = is_refused.then(|| format!("log in anew with `docker login {}`", fake.host));
        assert_eq!(error.hint(), expected, "{status}");
    }
}

/// `PATH` with a folder before all others.
fn path_with(dir: &std::path::Path) -> std::ffi::OsString {
    let usual = std::env::var_os("PATH").unwrap();
    let all = std::iter::once(dir.to_owned()).chain(std::env::split_paths(&usual));
    std::env::join_paths(all).unwrap()
}

#[tokio::test]
async fn a_helper_is_asked_and_one_that_hangs_is_killed() {
    let bin = tempfile::tempdir().unwrap();
    let helper = |name: &str, script: &str| {
        let path = bin.path().join(format!("docker-credential-{name}"));
        fs_err::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    let noted = bin.path().join("server");
    let note = format!("cat > {}", noted.display());
    helper("good", &format!("{note}\necho '{{\"Username\":\"me\",\"Secret\":\"secret\"}}'"));
    helper("hangs", "exec sleep 1000");
    helper("fails", "printf 'vault is \\033[31mlocked'; exit 1");
    helper("unknown", "echo 'credentials not found in native keychain'; exit 1");
    helper("malformed", "echo secret");
    helper("empty", "echo '{\"Username\":\"\",\"Secret\":\"\"}'");
    let fake = Fake::start(|request| match request.header("authorization") {
        Some(LOGIN) => manifest(),
        _ => challenge("Basic"),
    })
    .await;
    for (case, name, expected) in [
        ("a good one", "good", Ok(())),
        ("one that hangs", "hangs", Err("does not answer within")),
        ("one that fails", "fails", Err("vault is \\u{1b}[31mlocked")),
        ("one that does not know", "unknown", Err("401")),
        ("one that knows nobody, and says so with nothing", "empty", Err("401")),
        ("one that talks nonsense", "malformed", Err("no credential")),
        ("none at all", "missing-for-sure", Err("cannot run")),
        ("one with a path", "../evil", Err("is not the name")),
    ] {
        let text = format!(r#"{{"credHelpers":{{"{}":"{name}"}}}}"#, fake.host);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        fs_err::write(&path, text).unwrap();
        let mut options = options(&[&fake.host]);
        options.environment.credential_files = vec![path];
        options.environment.helper_path = Some(path_with(bin.path()));
        options.timeouts.helper =
            if name == "hangs" { Duration::from_millis(100) } else { Duration::from_secs(20) };
        let client = Client::new(options).unwrap();
        let result = client.manifest(&app(&fake.host), &tag()).await;
        match expected {
            Ok(()) => {
                result.expect(case);
                assert_eq!(fs_err::read_to_string(&noted).unwrap(), fake.host);
            }
            Err(why) => {
                let is_sent = fake
                    .received()
                    .iter()
                    .any(|it| it.header("authorization") == Some("Basic Og=="));
                assert!(!is_sent, "{case}");
                let error = result.expect_err(case);
                let hint = error.hint().unwrap();
                let is_nobody = ["unknown", "empty"].contains(&name);
                assert_eq!(hint.contains("docker login"), is_nobody, "{case}: {hint}");
                let error = chain(&error);
                assert!(error.contains(why), "{case}: {error}");
                assert!(!error.contains("secret"), "{case}: {error}");
            }
        }
    }
}
