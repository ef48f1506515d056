use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use regcred_http_testing::{Fake, Reply};
use serde_json::json;

use super::*;
use crate::testing::{cloud, fake};

async fn trade(server: &Fake, host: &str) -> Result<AccessToken, ProviderError> {
    let url = server.url("");
    let cloud = cloud(&[(vars::ENDPOINT, &url), (vars::ALSO_SERVE, "registry.corp")]);
    let registry = RegistryHost::parse(host).expect("a host");
    let exchange = Exchange {
        cloud: &cloud,
        hosts: &cloud.settings.hosts,
        registry: &registry,
        is_login_server: registry.host() == "contoso.azurecr.io",
        identity: "the identity",
    };
    let token = jwt(&json!({"tid": "token-tenant"})).into();
    exchange.refresh_token(&token, Some("file-tenant")).await
}

fn jwt(claims: &serde_json::Value) -> String {
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

fn token_of(token: &str) -> Reply {
    Reply::json(200, &json!({"refresh_token": token}))
}

#[tokio::test]
async fn a_login_server_is_asked_at_once_with_the_tokens_own_tenant() {
    let end = now() + TimeDelta::hours(3);
    let server = fake(token_of(&jwt(&json!({"exp": end.timestamp()})))).await;
    let token = trade(&server, "contoso.azurecr.io").await.expect("a token");
    let known = token.expires_at.expect("known");
    assert_eq!(known.timestamp(), end.timestamp());
    let [seen] = &server.seen()[..] else {
        panic!("not one request");
    };
    assert_eq!(seen.line(), "POST /oauth2/exchange");
    let body = seen.text();
    assert!(body.contains("grant_type=access_token&service=contoso.azurecr.io&access_token=e30."));
    assert!(body.ends_with("&tenant=token-tenant"), "{body}");
}

#[tokio::test]
async fn a_token_whose_end_is_not_known_is_used_and_not_kept() {
    let without_end = jwt(&json!({"sub": "puller"}));
    for text in ["opaque", &without_end] {
        let server = fake(token_of(text)).await;
        let token = trade(&server, "contoso.azurecr.io").await.expect("a token");
        assert_eq!(token.expires_at, None, "{text}");
    }
}

#[tokio::test]
async fn a_regional_endpoint_names_itself_in_its_challenge() {
    for (realm, good) in [
        ("https://contoso.azurecr.io/oauth2/token", true),
        ("https://contoso.eastus2.geo.azurecr.io/oauth2/token", true),
        ("https://contoso.azurecr.io:8443/oauth2/token", false),
        ("http://contoso.azurecr.io/oauth2/token", false),
        ("https://fabrikam.azurecr.io/oauth2/token", false),
        ("https://contoso.azurecr.io.evil.test/oauth2/token", false),
    ] {
        let challenge =
            format!("Basic realm=\"x\", BEARER service=contoso.azurecr.io,realm=\"{realm}\"");
        let server = Fake::start(move |seen| match seen.line().as_str() {
            "GET /v2/" => Reply::new(401).header("www-authenticate", challenge.as_str()),
            _ if seen.text().contains("service=contoso.azurecr.io&") => token_of("opaque"),
            _ => Reply::new(404),
        })
        .await;
        let done = trade(&server, "contoso.eastus2.geo.azurecr.io").await;
        assert_eq!(done.is_ok(), good, "{realm}");
        let seen = server.seen().len();
        assert_eq!(seen, if good { 2 } else { 1 }, "{realm}");
    }
}

#[tokio::test]
async fn a_host_without_a_challenge_is_not_a_registry() {
    let server = fake(Reply::new(200)).await;
    let done = trade(&server, "registry.corp").await;
    let error = done.expect_err("no challenge").to_string();
    assert!(error.contains("did not issue a challenge"), "{error}");
}

#[tokio::test]
async fn refusals_are_distinguished() {
    let denied = json!({"errors": [{"code": "DENIED", "message": "client with IP '1.2.3.4' is not allowed"}]});
    for (response, kind, word) in [
        (Reply::new(401), ErrorKind::Denied, "AcrPull"),
        (Reply::json(403, &denied), ErrorKind::Denied, "firewall"),
        (Reply::new(403), ErrorKind::Denied, "AcrPull"),
        (
            Reply::new(404),
            ErrorKind::Malformed,
            "not an Azure registry",
        ),
        (Reply::new(302), ErrorKind::Malformed, "points elsewhere"),
        (token_of(""), ErrorKind::Malformed, "no access token"),
        (
            token_of(&jwt(&json!({"exp": 5}))),
            ErrorKind::Malformed,
            "already expired",
        ),
        (
            Reply::ok("canary"),
            ErrorKind::Malformed,
            "not the expected JSON",
        ),
    ] {
        let server = fake(response).await;
        let done = trade(&server, "contoso.azurecr.io").await;
        let error = done.expect_err(word);
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
    let cloud = cloud(&[]);
    for (host, expected) in [
        ("contoso.azurecr.io", "https://contoso.azurecr.io"),
        ("Contoso.azurecr.io:443/x", "https://contoso.azurecr.io:443"),
        ("127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("[::1]:5000", "http://[::1]:5000"),
        ("localhost.evil.test", "https://localhost.evil.test"),
    ] {
        let exchange = Exchange {
            cloud: &cloud,
            hosts: &cloud.settings.hosts,
            registry: &RegistryHost::parse(host).expect("a host"),
            is_login_server: true,
            identity: "",
        };
        assert_eq!(exchange.base(), expected);
    }
}

/// The real clock, which the cloud of these tests uses.
fn now() -> DateTime<Utc> {
    regcred_core::Clock::system().now()
}
