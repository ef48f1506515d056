//! Where a credential may go.

use super::*;

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
    assert_eq!(asked[0].target(), "/token/?moved=1");
    assert!(asked[0].authorization().is_some());
}

#[tokio::test]
async fn a_token_servers_redirect_may_have_bytes_that_are_not_ascii() {
    let server = registry(
        bearer,
        |n, _| match n {
            0 => Reply::new(302).header("location", "/token/caf\u{e9}?service=x"),
            _ => token("t1"),
        },
        |a| a == "Bearer t1",
    )
    .await;
    manifest(&server, Some(("alice", "s3cret")))
        .await
        .expect("let in");
    let asked = server.seen_at("/token/");
    assert_eq!(asked[0].target(), "/token/caf%C3%A9?service=x");
}
