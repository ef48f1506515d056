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
async fn a_token_servers_redirect_to_itself_is_followed_with_the_bytes_that_it_sent() {
    for (status, location, target) in [
        (301, "/token/?moved=1", "/token/?moved=1"),
        (
            302,
            "/token/caf\u{e9}?service=x",
            "/token/caf%C3%A9?service=x",
        ),
    ] {
        let server = registry(
            bearer,
            move |n, _| match n {
                0 => Reply::new(status).header("location", location),
                _ => token("t1"),
            },
            |a| a == "Bearer t1",
        )
        .await;
        manifest(&server, Some(("alice", "s3cret")))
            .await
            .expect("the manifest");
        let asked = server.seen_at("/token/");
        assert_eq!(asked[0].target(), target);
        assert!(asked[0].authorization().is_some());
    }
}
