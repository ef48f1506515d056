use regcred_core::report;
use regcred_http_testing::{Fake, Reply};
use secrecy::ExposeSecret;

use super::*;
use crate::testing::{SCOPE, cloud, metadata, metadata_with_token, now};

async fn ask(server: &Fake) -> Result<AccessToken, ProviderError> {
    let cloud = cloud(&[
        ("GCE_METADATA_HOST", &server.host()),
        // The server of the link is never behind a proxy.
        ("HTTP_PROXY", "http://192.0.2.1:3128"),
    ]);
    Metadata::new(&cloud)?.token(SCOPE).await
}

fn requests(server: &Fake) -> usize {
    server.seen().len()
}

#[tokio::test]
async fn a_token_is_requested_once_and_keeps_its_expiry() {
    let server = metadata_with_token().await;
    let token = ask(&server).await.expect("token");
    assert_eq!(token.secret.expose_secret(), "node-token");
    assert_eq!(token.expires_at, Some(now() + TimeDelta::hours(1)));
    assert_eq!(requests(&server), 1);
}

#[tokio::test]
async fn chosen_scopes_are_passed_on() {
    let server = metadata(&[(
        "instance/service-accounts/default/token?scopes=a,b",
        &[(200, r#"{"access_token":"narrow","expires_in":600}"#)],
    )])
    .await;
    let cloud = cloud(&[("GCE_METADATA_HOST", &server.host())]);
    let token = Metadata::new(&cloud)
        .expect("client")
        .token("a b")
        .await
        .expect("token");
    assert_eq!(token.secret.expose_secret(), "narrow");
}

#[tokio::test]
async fn a_token_that_is_about_to_expire_is_requested_once_more() {
    let expiring = r#"{"access_token":"expiring","expires_in":5}"#;
    let server = metadata(&[(
        TOKEN,
        &[
            (200, expiring),
            (200, r#"{"access_token":"fresh","expires_in":3000}"#),
        ],
    )])
    .await;
    let token = ask(&server).await.expect("token");
    assert_eq!(token.secret.expose_secret(), "fresh");
    assert_eq!(requests(&server), 2);

    let server = metadata(&[(TOKEN, &[(200, expiring)])]).await;
    let error = ask(&server).await.expect_err("expiring");
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert_eq!(requests(&server), 2);

    // Half a minute is enough for a pull that starts now.
    let short = r#"{"access_token":"short","expires_in":30}"#;
    let server = metadata(&[(TOKEN, &[(200, short)])]).await;
    assert!(ask(&server).await.is_ok());
}

#[tokio::test]
async fn a_machine_without_service_account_is_reported() {
    let error = ask(&metadata(&[]).await).await.expect_err("no account");
    assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
    assert!(error.to_string().contains("no service account"), "{error}");
}

#[tokio::test]
async fn another_server_in_its_place_is_detected() {
    for status in [200, 404, 401] {
        let body = r#"{"access_token":"canary","expires_in":3600}"#;
        let server = Fake::start(move |_| Reply::text(status, body)).await;
        let error = ask(&server).await.expect_err("captive portal");
        assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
        assert!(error.to_string().contains("not Google's"), "{error}");
        assert!(!report(&error).contains("canary"));
    }
}

#[tokio::test]
async fn a_server_in_distress_is_not_taken_for_a_stranger() {
    let server = Fake::start(|_| Reply::new(503)).await;
    let error = ask(&server).await.expect_err("503");
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert_eq!(requests(&server), 4);
}

#[tokio::test]
async fn answers_without_a_whole_token_are_refused_and_not_shown() {
    for body in [
        "<html>canary</html>",
        r#"{"access_token":"","expires_in":3600}"#,
        r#"{"expires_in":3600}"#,
        r#"{"access_token":"canary","expires_in":0}"#,
        r#"{"access_token":"canary","expires_in":-5}"#,
        r#"{"access_token":["canary"],"expires_in":5}"#,
    ] {
        let server = metadata(&[(TOKEN, &[(200, body)])]).await;
        let error = ask(&server).await.expect_err(body);
        assert_eq!(error.kind(), ErrorKind::Malformed, "{body}");
        assert!(!report(&error).contains("canary"), "{}", report(&error));
    }
}

#[tokio::test]
async fn a_token_without_expires_in_is_used_as_upstream_uses_it() {
    for body in [
        r#"{"access_token":"node-token"}"#,
        r#"{"access_token":"node-token","expires_in":99999999999999}"#,
    ] {
        let server = metadata(&[(TOKEN, &[(200, body)])]).await;
        let token = ask(&server).await.expect(body);
        assert_eq!(token.secret.expose_secret(), "node-token");
        assert_eq!(token.expires_at, None, "so it is not kept: {body}");
        assert_eq!(requests(&server), 1);
    }
}

#[tokio::test]
async fn a_passing_failure_is_waited_out_and_a_refusal_is_not() {
    let server = metadata(&[(
        TOKEN,
        &[
            (503, "later"),
            (200, r#"{"access_token":"t","expires_in":3600}"#),
        ],
    )])
    .await;
    assert!(ask(&server).await.is_ok());

    let server = metadata(&[(TOKEN, &[(403, "canary")])]).await;
    let error = ask(&server).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(report(&error).contains("403"), "{}", report(&error));
    assert!(!report(&error).contains("canary"));
    assert_eq!(requests(&server), 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let target = metadata_with_token().await;
    let location = target.url("/");
    let server = Fake::start(move |_| {
        Reply::new(302)
            .header("Metadata-Flavor", "Google")
            .header("Location", &*location)
    })
    .await;
    ask(&server).await.expect_err("redirect");
    assert_eq!(requests(&target), 0);
}

#[tokio::test]
async fn a_server_that_was_named_and_is_down_is_unreachable() {
    // Taken and not listened on, so that no other process listens there either.
    let closed = tokio::net::TcpSocket::new_v4().expect("socket");
    closed.bind(([127, 0, 0, 1], 0).into()).expect("port");
    let host = closed.local_addr().expect("address").to_string();
    let cloud = cloud(&[("GCE_METADATA_HOST", &host)]);
    let error = Metadata::new(&cloud)
        .expect("client")
        .token(SCOPE)
        .await
        .expect_err("down");
    assert_eq!(error.kind(), ErrorKind::Unreachable);
}

#[tokio::test]
async fn entries_are_trimmed_and_may_be_missing() {
    let server = metadata(&[("project/project-id", &[(200, "my-project\r\n")])]).await;
    let cloud = cloud(&[("GCE_METADATA_HOST", &server.host())]);
    let metadata = Metadata::new(&cloud).expect("client");
    let found = metadata.text("project/project-id").await.expect("answer");
    assert_eq!(found.as_deref(), Some("my-project"));
    assert_eq!(metadata.text("project/x").await.expect("answer"), None);
    let error = metadata.required("project/x").await.expect_err("missing");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
}

#[test]
fn access_scopes_that_allow_no_pulls_are_named() {
    let scope = |name: &str| format!("https://www.googleapis.com/auth/{name}");
    for name in [
        "devstorage.read_only",
        "devstorage.full_control",
        "cloud-platform",
        "cloud-platform.read-only",
    ] {
        let list = format!("{}\r\n{}\n", scope("logging.write"), scope(name));
        assert_eq!(missing_scope(&list), None, "{name}");
    }
    for list in [
        String::new(),
        scope("logging.write"),
        "devstorage".to_owned(),
    ] {
        let advice = missing_scope(&list).expect("missing");
        assert!(advice.contains("devstorage.read_only"), "{advice}");
        assert!(advice.contains(&list), "{advice}");
    }
}

#[test]
fn the_public_name_does_not_tell_what_the_machine_is() {
    for host in [
        "169.254.169.254",
        "169.254.169.254:80",
        "metadata.google.internal",
        "Metadata.Google.Internal.",
        "metadata.google.internal.:80",
    ] {
        assert!(is_public(host), "{host}");
    }
    for host in [
        "127.0.0.1:8080",
        "metadata",
        "metadata.google.internal.corp",
        "metadata.google.internal:8080",
    ] {
        assert!(!is_public(host), "{host}");
    }
}
