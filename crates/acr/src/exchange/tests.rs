use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use serde_json::json;
use wiremock::matchers::{body_string_contains, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::testing::reach;
use crate::vars;

async fn trade(server: &MockServer, host: &str) -> Result<AccessToken, ProviderError> {
    let reach = reach(&[
        (vars::ENDPOINT, &server.uri()),
        (vars::ALSO_SERVE, "registry.corp"),
    ]);
    let host = RegistryHost::parse(host).expect("a host");
    let registry = Registry {
        host: &host,
        is_login_server: host.host() == "contoso.azurecr.io",
        hosts: &reach.settings.hosts,
    };
    let token = jwt(&json!({"tid": "token-tenant"})).into();
    refresh_token(
        &reach,
        &registry,
        &token,
        Some("file-tenant"),
        "the identity",
    )
    .await
}

fn jwt(claims: &serde_json::Value) -> String {
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

async fn answers(server: &MockServer, response: ResponseTemplate) {
    Mock::given(method("POST"))
        .and(path("/oauth2/exchange"))
        .respond_with(response)
        .mount(server)
        .await;
}

fn token_of(body: &serde_json::Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"refresh_token": body}))
}

#[tokio::test]
async fn a_login_server_is_asked_at_once_with_the_tokens_own_tenant() {
    let server = MockServer::start().await;
    let end = now() + TimeDelta::hours(3);
    answers(
        &server,
        token_of(&json!(jwt(&json!({"exp": end.timestamp()})))),
    )
    .await;
    let token = trade(&server, "contoso.azurecr.io").await.expect("a token");
    assert_eq!(token.expires_at.timestamp(), end.timestamp());
    let seen = server.received_requests().await.expect("recorded");
    assert_eq!(seen.len(), 1);
    let body = String::from_utf8_lossy(&seen[0].body).into_owned();
    assert!(body.contains("grant_type=access_token&service=contoso.azurecr.io&access_token=e30."));
    assert!(body.ends_with("&tenant=token-tenant"), "{body}");
}

#[tokio::test]
async fn a_token_that_is_no_jwt_is_kept_for_ten_minutes() {
    let server = MockServer::start().await;
    answers(&server, token_of(&json!("opaque"))).await;
    let token = trade(&server, "contoso.azurecr.io").await.expect("a token");
    let life = token.expires_at - now();
    assert!(
        life > TimeDelta::minutes(9) && life <= TimeDelta::minutes(10),
        "{life}"
    );
}

#[tokio::test]
async fn a_regional_endpoint_says_by_its_challenge_what_it_is_called() {
    for (realm, good) in [
        ("https://contoso.azurecr.io/oauth2/token", true),
        ("https://contoso.eastus2.geo.azurecr.io/oauth2/token", true),
        ("https://contoso.azurecr.io:8443/oauth2/token", false),
        ("http://contoso.azurecr.io/oauth2/token", false),
        ("https://fabrikam.azurecr.io/oauth2/token", false),
        ("https://contoso.azurecr.io.evil.test/oauth2/token", false),
    ] {
        let server = MockServer::start().await;
        let challenge =
            format!("Basic realm=\"x\", BEARER service=contoso.azurecr.io,realm=\"{realm}\"");
        Mock::given(method("GET"))
            .and(path("/v2/"))
            .respond_with(ResponseTemplate::new(401).insert_header("www-authenticate", challenge))
            .mount(&server)
            .await;
        Mock::given(body_string_contains("service=contoso.azurecr.io&"))
            .respond_with(token_of(&json!("opaque")))
            .mount(&server)
            .await;
        let done = trade(&server, "contoso.eastus2.geo.azurecr.io").await;
        assert_eq!(done.is_ok(), good, "{realm}");
        let seen = server.received_requests().await.expect("recorded");
        assert_eq!(seen.len(), if good { 2 } else { 1 }, "{realm}");
    }
}

#[tokio::test]
async fn a_host_without_a_challenge_is_no_registry() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let Err(error) = trade(&server, "registry.corp").await else {
        panic!("a token");
    };
    assert!(
        error.to_string().contains("did not issue a challenge"),
        "{error}"
    );
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let denied = json!({"errors": [{"code": "DENIED", "message": "client with IP '1.2.3.4' is not allowed"}]});
    for (response, kind, word) in [
        (ResponseTemplate::new(401), ErrorKind::Denied, "AcrPull"),
        (
            ResponseTemplate::new(403).set_body_json(denied),
            ErrorKind::Denied,
            "firewall",
        ),
        (
            ResponseTemplate::new(403),
            ErrorKind::Denied,
            "refuses the identity",
        ),
        (
            ResponseTemplate::new(404),
            ErrorKind::Denied,
            "no registry of Azure's",
        ),
        (
            ResponseTemplate::new(302),
            ErrorKind::Malformed,
            "points elsewhere",
        ),
        (token_of(&json!("")), ErrorKind::Malformed, "empty"),
        (
            token_of(&json!(jwt(&json!({"exp": 5})))),
            ErrorKind::Malformed,
            "over already",
        ),
        (
            ResponseTemplate::new(200).set_body_string("canary"),
            ErrorKind::Malformed,
            "cannot read",
        ),
    ] {
        let server = MockServer::start().await;
        answers(&server, response).await;
        let Err(error) = trade(&server, "contoso.azurecr.io").await else {
            panic!("a token");
        };
        let said = regcred_core::report(&error);
        assert_eq!(error.kind(), kind, "{said}");
        assert!(
            said.contains(word) && !said.contains("canary"),
            "{word}: {said}"
        );
    }
}

#[test]
fn a_registry_is_asked_over_https_unless_it_is_this_machine() {
    let reach = reach(&[]);
    for (host, expected) in [
        ("contoso.azurecr.io", "https://contoso.azurecr.io"),
        ("Contoso.azurecr.io:443/x", "https://contoso.azurecr.io:443"),
        ("127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("[::1]:5000", "http://[::1]:5000"),
        ("localhost.evil.test", "https://localhost.evil.test"),
    ] {
        let host = RegistryHost::parse(host).expect("a host");
        assert_eq!(base(&reach, &host), expected);
    }
}

/// The real clock, which the reach of these tests goes by.
fn now() -> DateTime<Utc> {
    regcred_core::Clock::system().now()
}
