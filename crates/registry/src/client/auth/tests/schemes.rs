//! Which scheme is used, and when.

use super::*;

#[tokio::test]
async fn an_anonymous_token_is_fetched_by_the_challenge_of_the_request() {
    let server = registry(bearer, |_, _| token("t1"), |a| a == "Bearer t1").await;
    manifest(&server, None).await.expect("the manifest");
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
        .expect("the manifest");
    let asked = &server.seen_at("/token")[0];
    assert_eq!(
        asked.target(),
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
    known.manifest("v1").await.expect("the manifest");
    known.manifest("v1").await.expect("the manifest");
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
        .expect("the manifest");
}

#[tokio::test]
async fn basic_counts_where_a_bearer_challenge_leads_to_no_token_server() {
    for realm in [
        "factory",
        "/token",
        "ftp://auth.test/",
        "http://10.0.0.6/token",
    ] {
        let server = registry(
            move |_| format!(r#"Bearer realm="{realm}",service="x", Basic realm="factory""#),
            |_, _| Reply::new(404),
            |a| a == "Basic YWxpY2U6czNjcmV0",
        )
        .await;
        let known = repository(&server, Some(("alice", "s3cret")));
        known.manifest("v1").await.expect(realm);
        let asked = server.seen().len();
        known.manifest("v1").await.expect(realm);
        assert_eq!(server.seen().len(), asked + 1, "the scheme is remembered");
        let error = manifest(&server, Some(("alice", "wrong"))).await;
        let error = error.expect_err("wrong password");
        assert!(error.credential_refused(), "{error}");
    }
}

#[tokio::test]
async fn a_refused_login_is_not_sent_again_as_basic() {
    let server = registry(
        |url| format!(r#"{}, Basic realm="x""#, bearer(url)),
        |_, _| Reply::new(403),
        |_| false,
    )
    .await;
    let error = manifest(&server, Some(("alice", "wrong"))).await;
    assert!(error.expect_err("refused").credential_refused());
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_401_that_asks_for_no_login_is_reported_as_such() {
    let answers = |challenge: &'static [&'static str]| {
        Fake::start(move |_| {
            let reply = Reply::new(401);
            challenge.iter().fold(reply, |reply, value| {
                reply.header("www-authenticate", *value)
            })
        })
    };
    for (challenge, expected) in [
        (
            &[][..],
            "the server does not offer a login: the answer has no WWW-Authenticate header",
        ),
        (
            &["\"Basic\""][..],
            "the server does not offer a login: the answer's WWW-Authenticate header cannot be read",
        ),
    ] {
        let server = answers(challenge).await;
        let error = manifest(&server, Some(("alice", "x")))
            .await
            .expect_err("401");
        assert!(error.to_string().ends_with(expected), "{error}");
        assert_eq!(error.login_sent(), Some(false));
        let error = manifest(&server, None).await.expect_err("401");
        assert!(
            !error.to_string().contains("does not offer a login"),
            "{error}"
        );
    }
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
        .expect_err("no usable scheme");
    assert!(error.to_string().contains("(negotiate, ntlm)"), "{error}");
    let server = registry(|_| "BASIC".to_owned(), |_, _| token("x"), |_| false).await;
    let error = manifest(&server, None).await.expect_err("no login");
    assert!(
        error.to_string().contains("no credential for it was found"),
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
            .expect("the manifest");
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
            .expect("the manifest");
        let body = server.seen_at("/token")[1].text();
        assert!(
            body.starts_with("grant_type=password&username=alice&password=s3cret&"),
            "{body}"
        );
    }
}

/// A registry that answers requests without a token with this status, and requires a login for a token.
async fn hiding(status: u16) -> Fake {
    let listener = bind().await;
    let url = format!("http://{}", listener.local_addr().unwrap());
    Fake::on(listener, None, move |seen| match seen.path.as_str() {
        "/v2/" => {
            let challenge = format!(r#"Bearer realm="{url}/token""#);
            Reply::new(401).header("www-authenticate", challenge)
        }
        path if path.starts_with("/token") => match seen.authorization() {
            Some("Basic YWxpY2U6czNjcmV0") => token("t1"),
            _ => Reply::new(401),
        },
        _ if seen.authorization() == Some("Bearer t1") => Reply::ok(MANIFEST),
        _ => Reply::new(status),
    })
}

#[tokio::test]
async fn a_registry_that_hides_an_image_gets_the_login() {
    for status in [403, 404] {
        let server = hiding(status).await;
        let known = repository(&server, Some(("alice", "s3cret")));
        known.manifest("v1").await.expect("the manifest");
        assert_eq!(server.seen().len(), 4, "manifest, ping, token, manifest");
        known.manifest("v1").await.expect("the manifest");
        assert_eq!(server.seen().len(), 5, "the scheme is remembered");

        let server = hiding(status).await;
        let error = manifest(&server, None).await.expect_err("hidden");
        assert_eq!(error.status().map(|s| s.as_u16()), Some(status));
        assert_eq!(error.login_sent(), None);
        assert_eq!(server.seen().len(), 1, "no login, no ping");

        let server = hiding(status).await;
        let error = manifest(&server, Some(("alice", "wrong"))).await;
        let error = error.expect_err("refused");
        assert!(error.credential_refused() && error.login_sent() == Some(true));
    }
}

#[tokio::test]
async fn the_login_is_sent_where_anonymous_requests_are_too_many() {
    let server = hiding(429).await;
    let known = repository(&server, Some(("alice", "s3cret")));
    known.manifest("v1").await.expect("the manifest");
    let error = manifest(&server, None).await.expect_err("too many");
    assert_eq!(error.kind(), regcred_core::ErrorKind::Throttled);
}

#[tokio::test]
async fn a_login_is_sent_only_to_a_server_that_asks_for_one() {
    let server = Fake::start(|_| Reply::new(404)).await;
    let error = manifest(&server, Some(("alice", "s3cret"))).await;
    let error = error.expect_err("missing");
    assert_eq!(error.login_sent(), Some(false));
    let text = error.to_string();
    assert!(text.starts_with("manifest for "), "{text}");
    assert!(server.seen().iter().all(|s| s.authorization().is_none()));

    let public = Fake::start(|_| Reply::ok(MANIFEST)).await;
    manifest(&public, Some(("alice", "s3cret")))
        .await
        .expect("public");
    assert_eq!(public.seen().len(), 1);
}

#[tokio::test]
async fn a_refusal_without_a_challenge_is_explained_by_the_base_address() {
    let listener = bind().await;
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = Fake::on(listener, None, move |seen| match seen.path.as_str() {
        "/v2/" => Reply::new(401).header(
            "www-authenticate",
            format!(r#"Bearer realm="{url}/token",scope="""#),
        ),
        path if path.starts_with("/token") => token("t1"),
        _ if seen.authorization() == Some("Bearer t1") => Reply::ok(MANIFEST),
        _ => Reply::new(401),
    });
    manifest(&server, None).await.expect("the manifest");
    assert_eq!(
        server.seen_at("/token")[0].target(),
        "/token?scope=repository%3Ateam%2Fapp%3Apull&client_id=regcred"
    );
}
