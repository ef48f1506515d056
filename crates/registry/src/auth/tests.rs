use std::sync::atomic::{AtomicUsize, Ordering};

use regcred_core::{Credentials, report};

use crate::fake::{Fake, Reply, Seen, bind, client};
use crate::{Descriptor, Hosts, RegistryError, Repository};

const MANIFEST: &str = r#"{"schemaVersion":2,"manifests":[]}"#;

/// A registry with a token server on the same port. The script says what `/token` answers.
async fn registry(
    challenge: impl Fn(&str) -> String + Send + Sync + 'static,
    token: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static,
    let_in: impl Fn(&str) -> bool + Send + Sync + 'static,
) -> Fake {
    let listener = bind().await;
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = AtomicUsize::new(0);
    Fake::on(listener, None, move |seen| {
        if seen.path.starts_with("/token") {
            return token(asked.fetch_add(1, Ordering::SeqCst), seen);
        }
        if seen.authorization().is_some_and(&let_in) {
            return match seen.path.contains("/blobs/") {
                true => Reply::ok("{}"),
                false => Reply::ok(MANIFEST),
            };
        }
        Reply::new(401).header("www-authenticate", &challenge(&url))
    })
}

fn bearer(url: &str) -> String {
    format!(r#"Bearer realm="{url}/token",service="reg",scope="repository:team/app:pull""#)
}

fn token(text: &str) -> Reply {
    Reply::ok(format!(r#"{{"token":"{text}"}}"#))
}

fn repository(server: &Fake, login: Option<(&str, &str)>) -> Repository {
    let login = login.map(|(user, password)| Credentials::new(user, password));
    client(Hosts::none()).repository(&server.image(), login.as_ref())
}

async fn manifest(server: &Fake, login: Option<(&str, &str)>) -> Result<(), RegistryError> {
    repository(server, login).manifest("v1").await.map(drop)
}

fn lines(server: &Fake) -> Vec<String> {
    let seen = server.seen();
    seen.iter()
        .map(|s| format!("{} {}", s.method, s.path))
        .collect()
}

#[tokio::test]
async fn an_anonymous_token_is_fetched_by_the_challenge_of_the_request() {
    let server = registry(bearer, |_, _| token("t1"), |a| a == "Bearer t1").await;
    manifest(&server, None).await.expect("let in");
    assert_eq!(
        lines(&server),
        [
            "GET /v2/team/app/manifests/v1",
            "GET /token?service=reg&scope=repository%3Ateam%2Fapp%3Apull&client_id=regcred",
            "GET /v2/team/app/manifests/v1",
        ]
    );
    let authorizations: Vec<_> = server
        .seen()
        .iter()
        .map(|s| s.authorization().map(str::to_owned))
        .collect();
    assert_eq!(authorizations, [None, None, Some("Bearer t1".to_owned())]);
}

#[tokio::test]
async fn a_login_goes_to_the_token_server_as_basic() {
    let server = registry(
        |url| bearer(url).replace("/token", "/token?a=b"),
        |_, seen| match seen.authorization() {
            Some("Basic YWxpY2U6czNjcmV0") => token("t1"),
            _ => Reply::new(401),
        },
        |a| a == "Bearer t1",
    )
    .await;
    manifest(&server, Some(("alice", "s3cret")))
        .await
        .expect("let in");
    let asked = &server.seen_at("/token")[0];
    assert_eq!(
        asked.path,
        "/token?a=b&service=reg&scope=repository%3Ateam%2Fapp%3Apull&client_id=regcred&account=alice"
    );
    let first = &server.seen()[0];
    assert_eq!(first.authorization(), None, "no login without a challenge");
}

#[tokio::test]
async fn basic_is_offered_once() {
    let server = registry(
        |_| r#"Basic realm="x""#.to_owned(),
        |_, _| token("unused"),
        |a| a == "Basic YWxpY2U6czNjcmV0",
    )
    .await;
    let known = repository(&server, Some(("alice", "s3cret")));
    known.manifest("v1").await.expect("let in");
    known.manifest("v1").await.expect("let in");
    assert_eq!(server.seen().len(), 3, "the scheme is remembered");
    let error = manifest(&server, Some(("alice", "canary")))
        .await
        .expect_err("wrong");
    assert_eq!(server.seen().len(), 5);
    assert!(error.credential_refused() && error.is_curable_by_credential());
    assert!(
        error.to_string().starts_with("pull access denied for "),
        "{error}"
    );
    assert!(!report(&error).contains("canary"));
}

#[tokio::test]
async fn bearer_is_preferred_among_several_challenges_of_one_line() {
    let server = registry(
        |url| format!(r#"Negotiate, Basic realm="a, b", {}"#, bearer(url)),
        |_, _| token("t1"),
        |a| a == "Bearer t1",
    )
    .await;
    manifest(&server, Some(("alice", "s3cret")))
        .await
        .expect("let in");
}

#[tokio::test]
async fn what_cannot_be_answered_is_named() {
    let server = registry(
        |_| "Negotiate, NTLM".to_owned(),
        |_, _| token("x"),
        |_| false,
    )
    .await;
    let error = manifest(&server, Some(("alice", "x")))
        .await
        .expect_err("no way in");
    assert!(error.to_string().contains("(negotiate, ntlm)"), "{error}");
    let server = registry(|_| "BASIC".to_owned(), |_, _| token("x"), |_| false).await;
    let error = manifest(&server, None).await.expect_err("no login");
    assert!(
        error.to_string().contains("there is no credential"),
        "{error}"
    );
    assert!(error.is_curable_by_credential());
}

#[tokio::test]
async fn an_identity_token_is_exchanged_by_post() {
    for user in ["", "<token>"] {
        let answer = r#"{"access_token":"t1","expires_in":"300"}"#;
        let server = registry(bearer, move |_, _| Reply::ok(answer), |a| a == "Bearer t1").await;
        manifest(&server, Some((user, "re/fresh")))
            .await
            .expect("let in");
        let asked = &server.seen_at("/token")[0];
        assert_eq!(
            (asked.method.as_str(), asked.authorization()),
            ("POST", None)
        );
        assert_eq!(
            asked.body,
            "grant_type=refresh_token&refresh_token=re%2Ffresh&service=reg\
             &scope=repository%3Ateam%2Fapp%3Apull&client_id=regcred"
        );
    }
}

#[tokio::test]
async fn a_token_server_without_get_is_asked_by_post() {
    for status in [404, 405] {
        let server = registry(
            bearer,
            move |_, seen| match seen.method.as_str() {
                "POST" => token("t1"),
                _ => Reply::new(status),
            },
            |a| a == "Bearer t1",
        )
        .await;
        manifest(&server, Some(("alice", "s3cret")))
            .await
            .expect("let in");
        let body = &server.seen_at("/token")[1].body;
        assert!(
            body.starts_with("grant_type=password&username=alice&password=s3cret&"),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_refused_login_is_not_tried_another_way() {
    for status in [400, 401, 403] {
        let refusal = move |_, _: &Seen| {
            Reply::new(status).body(r#"{"details":"incorrect username or password"}"#)
        };
        let server = registry(bearer, refusal, |_| false).await;
        let error = manifest(&server, Some(("alice", "canary")))
            .await
            .expect_err("refused");
        assert_eq!(server.seen_at("/token").len(), 1);
        assert_eq!(error.status().map(|s| s.as_u16()), Some(status));
        assert!(error.is_curable_by_credential() && error.credential_refused());
        let text = report(&error);
        assert!(text.contains("incorrect username or password"), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }
}

#[tokio::test]
async fn requests_that_run_together_fetch_one_token() {
    let server = registry(bearer, |n, _| token(&format!("t{n}")), |a| a == "Bearer t0").await;
    let repository = repository(&server, None);
    let blob = Descriptor::of("x", b"{}");
    let fetches = (0..8).map(|_| async { repository.blob_bytes(&blob, 10).await });
    for result in futures_util::future::join_all(fetches).await {
        result.expect("let in");
    }
    assert_eq!(server.seen_at("/token").len(), 1);
}

#[tokio::test]
async fn a_dropped_fetch_does_not_hurt_the_others() {
    let server = registry(bearer, |_, _| token("t1"), |a| a == "Bearer t1").await;
    let repository = repository(&server, None);
    for patience in [0, 1, 2, 5] {
        let patience = std::time::Duration::from_millis(patience);
        let _ = tokio::time::timeout(patience, repository.manifest("v1")).await;
    }
    repository.manifest("v1").await.expect("let in");
}

#[tokio::test]
async fn a_token_that_expires_on_the_way_is_renewed() {
    // The token server's n-th token serves for three requests.
    let used = AtomicUsize::new(0);
    let server = registry(
        |url| format!("{},error=\"invalid_token\"", bearer(url)),
        |n, _| token(&format!("t{n}")),
        move |a| {
            let number: usize = a.strip_prefix("Bearer t").unwrap().parse().unwrap();
            let used = used.fetch_add(1, Ordering::SeqCst);
            number >= used / 4
        },
    )
    .await;
    let repository = repository(&server, None);
    for _ in 0..10 {
        repository.manifest("v1").await.expect("renewed");
    }
    assert!(server.seen_at("/token").len() >= 3);
}

#[tokio::test]
async fn a_second_refusal_is_final() {
    let server = registry(
        |url| format!("{},error=\"insufficient_scope\"", bearer(url)),
        |_, _| token("weak"),
        |_| false,
    )
    .await;
    let repository = repository(&server, Some(("alice", "s3cret")));
    let error = repository.manifest("v1").await.expect_err("refused");
    assert_eq!(lines(&server).len(), 3);
    let text = error.to_string();
    assert!(
        text.starts_with("pull access denied for ") && text.ends_with(": insufficient scope"),
        "{text}"
    );
    // The next request drops the known token, gets another, and gives up again.
    repository.manifest("v1").await.expect_err("refused");
    assert_eq!(lines(&server).len(), 6);
}

#[tokio::test]
async fn no_life_in_the_answer_is_neither_for_ever_nor_a_loop() {
    for life in [
        "",
        r#","expires_in":0"#,
        r#","expires_in":-5"#,
        r#","expires_in":null"#,
        r#","expires_in":1e99"#,
    ] {
        let answer = format!(r#"{{"token":"","access_token":"t1"{life}}}"#);
        let server = registry(
            bearer,
            move |_, _| Reply::ok(answer.clone()),
            |a| a == "Bearer t1",
        )
        .await;
        let repository = repository(&server, None);
        for _ in 0..3 {
            repository.manifest("v1").await.expect("let in");
        }
        assert_eq!(server.seen_at("/token").len(), 1, "{life}");
    }
}

#[tokio::test]
async fn an_answer_without_a_token_is_an_error() {
    for (body, shown) in [
        ("{}", "gave no token"),
        (r#"{"token":""}"#, "gave no token"),
        ("canary", "not the expected JSON"),
    ] {
        let server = registry(bearer, move |_, _| Reply::ok(body), |_| false).await;
        let text = report(&manifest(&server, None).await.expect_err("no token"));
        assert!(text.contains(shown) && !text.contains("canary"), "{text}");
    }
}

#[tokio::test]
async fn a_credential_never_goes_where_a_registry_must_not_send_it() {
    for realm in [
        "http://10.0.0.6/token",
        "https://169.254.169.254/",
        "https://u:p@127.0.0.1/",
        "http://auth.example/",
    ] {
        let challenge = move |_: &str| format!(r#"Bearer realm="{realm}""#);
        let server = registry(challenge, |_, _| token("x"), |_| false).await;
        let error = manifest(&server, Some(("alice", "canary")))
            .await
            .expect_err("refused");
        let text = report(&error);
        assert!(text.contains("refusing the token server"), "{text}");
        assert!(!text.contains("canary") && !error.is_curable_by_credential());
    }
}

#[tokio::test]
async fn a_token_servers_redirect_elsewhere_is_not_followed() {
    let other = Fake::start(|_| token("t1")).await;
    let elsewhere = other.url("/token");
    let server = registry(
        bearer,
        move |_, _| Reply::new(307).header("location", &elsewhere),
        |a| a == "Bearer t1",
    )
    .await;
    let error = manifest(&server, Some(("alice", "s3cret")))
        .await
        .expect_err("not followed");
    assert_eq!(error.status().map(|s| s.as_u16()), Some(307));
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn a_token_servers_redirect_on_the_spot_is_followed() {
    let server = registry(
        bearer,
        |n, _| match n {
            0 => Reply::new(301).header("location", "/token/?moved=1"),
            _ => token("t1"),
        },
        |a| a == "Bearer t1",
    )
    .await;
    manifest(&server, Some(("alice", "s3cret")))
        .await
        .expect("let in");
    let asked = server.seen_at("/token/");
    assert_eq!(asked[0].path, "/token/?moved=1");
    assert!(asked[0].authorization().is_some());
}

#[tokio::test]
async fn a_refusal_without_a_challenge_is_explained_by_the_base_address() {
    let listener = bind().await;
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = Fake::on(listener, None, move |seen| match seen.path.as_str() {
        "/v2/" => Reply::new(401).header(
            "www-authenticate",
            &format!(r#"Bearer realm="{url}/token",scope="""#),
        ),
        path if path.starts_with("/token") => token("t1"),
        _ if seen.authorization() == Some("Bearer t1") => Reply::ok(MANIFEST),
        _ => Reply::new(401),
    });
    manifest(&server, None).await.expect("let in");
    assert_eq!(
        server.seen_at("/token")[0].path,
        "/token?scope=repository%3Ateam%2Fapp%3Apull&client_id=regcred"
    );
}

#[tokio::test]
async fn credentials_do_not_share_tokens() {
    let server = registry(
        bearer,
        |_, seen| {
            token(if seen.authorization().is_some() {
                "rich"
            } else {
                "poor"
            })
        },
        |a| a == "Bearer rich",
    )
    .await;
    let client = client(Hosts::none());
    let login = Credentials::new("alice", "s3cret");
    let rich = client.repository(&server.image(), Some(&login));
    let poor = client.repository(&server.image(), None);
    rich.manifest("v1").await.expect("let in");
    assert!(poor.manifest("v1").await.is_err());
    // What has neither name nor password is no credential.
    let nobody = client.repository(&server.image(), Some(&Credentials::new("", "")));
    assert!(nobody.manifest("v1").await.is_err());
    assert!(server.seen_at("/token").iter().all(|s| s.method == "GET"));
}

#[tokio::test]
async fn a_flickering_token_server_is_asked_again() {
    let server = registry(
        bearer,
        |n, _| if n < 2 { Reply::new(503) } else { token("t1") },
        |a| a == "Bearer t1",
    )
    .await;
    manifest(&server, None).await.expect("let in");
}
