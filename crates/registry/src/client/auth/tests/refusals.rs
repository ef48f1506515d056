//! Token servers that do not return a token.

use super::*;

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
async fn after_any_answer_of_a_token_server_to_a_login_another_credential_may_work() {
    let replies = [400, 404, 405, 418, 422, 500, 503].map(Reply::new);
    let unreadable = [Reply::ok("<html>log in</html>"), Reply::ok("{}")];
    for reply in replies.into_iter().chain(unreadable) {
        let server = registry(bearer, move |_, _| reply.clone(), |_| false).await;
        let error = manifest(&server, Some(("alice", "s3cret"))).await;
        let error = error.expect_err("no token");
        assert!(error.is_curable_by_credential(), "{}", report(&error));
    }
}

#[tokio::test]
async fn a_token_server_that_is_not_reached_is_not_cured_by_another_credential() {
    let gone = bind().await;
    let closed = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let challenge = move |_: &str| bearer(&closed);
    let server = registry(challenge, |_, _| token("unused"), |_| false).await;
    let error = manifest(&server, Some(("alice", "s3cret"))).await;
    let error = error.expect_err("no token server");
    assert!(!error.is_curable_by_credential(), "{}", report(&error));
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
async fn an_answer_without_a_token_is_an_error() {
    for (body, shown) in [
        ("{}", "returned no token"),
        (r#"{"token":""}"#, "returned no token"),
        ("canary", "not the expected JSON"),
    ] {
        let server = registry(bearer, move |_, _| Reply::ok(body), |_| false).await;
        let text = report(&manifest(&server, None).await.expect_err("no token"));
        assert!(text.contains(shown) && !text.contains("canary"), "{text}");
    }
}

#[tokio::test]
async fn a_flickering_token_server_is_asked_again() {
    let server = registry(
        bearer,
        |n, _| if n < 2 { Reply::new(503) } else { token("t1") },
        |a| a == "Bearer t1",
    )
    .await;
    manifest(&server, None).await.expect("the manifest");
}

#[tokio::test]
async fn a_refusal_of_the_token_server_is_remembered_for_all_layers() {
    let unauthorised = r#"{"details":"incorrect username or password"}"#;
    let server = registry(
        bearer,
        move |_, _| Reply::new(401).body(unauthorised),
        |_| false,
    )
    .await;
    let repository = repository(&server, Some(("alice", "wrong")));
    let blob = Descriptor::of("a/b", b"{}");
    for _ in 0..4 {
        let error = repository.manifest("v1").await.expect_err("refused");
        assert!(error.credential_refused(), "{error}");
        let error = repository.blob(&blob, 0).await.expect_err("refused");
        let text = error.to_string();
        assert!(
            text.starts_with("failed to authorize blob sha256:"),
            "{text}"
        );
        assert!(text.ends_with("incorrect username or password"), "{text}");
    }
    assert_eq!(server.seen_at("/token").len(), 1);
}

#[tokio::test]
async fn a_limit_of_the_token_server_is_named_and_not_remembered() {
    let server = registry(
        bearer,
        |n, _| match n {
            0..3 => Reply::new(429).header("ratelimit-limit", "5;w=60"),
            _ => token("t1"),
        },
        |a| a == "Bearer t1",
    )
    .await;
    let repository = repository(&server, None);
    let error = repository.manifest("v1").await.expect_err("throttled");
    let text = error.to_string();
    assert!(
        text.ends_with(" (the limit is 5 requests in 1 min)"),
        "{text}"
    );
    assert_eq!(error.kind(), regcred_core::ErrorKind::Throttled);
    repository.manifest("v1").await.expect("the manifest");
}
