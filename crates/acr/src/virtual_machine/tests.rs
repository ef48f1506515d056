use regcred_core::{ErrorKind, ProviderError};
use regcred_http_testing::{Fake, Reply};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::*;
use crate::audience::REGISTRIES;
use crate::testing::{cloud, fake, only_get};

async fn asked(url: &str, id: &ManagedId) -> Result<String, ProviderError> {
    let request = TokenRequest {
        cloud: &cloud(&[(vars::IMDS, url)]),
        authority: "",
        audience: REGISTRIES,
        identity: "",
    };
    let token = token(&request, id).await.map_err(|failed| failed.error)?;
    Ok(token.expose_secret().to_owned())
}

fn issued() -> Reply {
    let body = json!({
        "access_token": "t", "expires_on": "1700000000", "resource": REGISTRIES,
        "token_type": "Bearer",
    });
    Reply::json(200, &body)
}

#[tokio::test]
async fn a_machine_is_asked_in_the_documented_form() {
    for (id, word, value) in [
        (ManagedId::Client("c".to_owned()), "client_id", "c"),
        (ManagedId::Object("o".to_owned()), "object_id", "o"),
        (ManagedId::Resource("/r".to_owned()), "msi_res_id", "/r"),
    ] {
        let server = fake(issued()).await;
        assert_eq!(asked(&server.url(""), &id).await.expect("a token"), "t");
        let version = ("api-version", "2019-08-01");
        let params = [version, ("resource", REGISTRIES), (word, value)];
        let seen = only_get(&server, "/metadata/identity/oauth2/token", &params);
        assert_eq!(seen.header("metadata"), Some("true"));
    }
}

#[tokio::test]
async fn other_forms_of_the_response_are_accepted_too() {
    for body in [
        json!({"access_token": "t", "expires_on": 1_700_000_000}),
        json!({"access_token": "t", "expires_on": "2030-01-01T00:00:00Z", "token_type": "Bearer"}),
        json!({"access_token": "t", "expires_in": "86399"}),
    ] {
        let server = fake(Reply::json(200, &body)).await;
        let token = asked(&server.url(""), &ManagedId::System).await;
        assert_eq!(token.expect("a token"), "t", "{body}");
    }
    for body in [
        "canary",
        "{}",
        "[]",
        r#"{"access_token":""}"#,
        r#"{"access_token":{"canary":1}}"#,
    ] {
        let server = fake(Reply::ok(body)).await;
        let done = asked(&server.url(""), &ManagedId::System).await;
        let error = done.expect_err(body);
        assert_eq!(error.kind(), ErrorKind::Malformed, "{body}");
        assert!(!regcred_core::report(&error).contains("canary"));
    }
}

#[tokio::test]
async fn a_service_that_is_not_ready_is_asked_again() {
    let mut replies: Vec<_> = [404, 410, 503].map(Reply::new).into();
    replies.push(issued());
    let server = Fake::answering(replies).await;
    let token = asked(&server.url(""), &ManagedId::System).await;
    assert_eq!(token.expect("a token"), "t");
}

#[tokio::test]
async fn an_identity_that_is_not_assigned_is_not_available() {
    let refusal = json!({"error": "invalid_request", "error_description": "Identity not found"});
    let server = fake(Reply::json(400, &refusal)).await;
    for (id, word) in [
        (ManagedId::System, "no system-assigned identity"),
        (
            ManagedId::Client("c".to_owned()),
            "c is not assigned to this machine",
        ),
    ] {
        let error = asked(&server.url(""), &id).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
        assert!(error.to_string().contains(word), "{error}");
    }
    assert_eq!(server.seen().len(), 2, "a refusal is not repeated");
}

#[tokio::test]
async fn a_machine_without_the_service_is_an_error_with_advice() {
    // Bound and not listened on, so that no other process has the port.
    let closed = tokio::net::TcpSocket::new_v4().expect("a socket");
    closed.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    let url = format!("http://{}", closed.local_addr().expect("an address"));
    let error = asked(&url, &ManagedId::System).await;
    let error = error.expect_err("no service");
    assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
    let shown = regcred_core::report(&error);
    assert!(shown.contains("log in with az"), "{shown}");
}
