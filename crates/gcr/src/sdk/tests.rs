use secrecy::ExposeSecret as _;
use serde_json::json;

use super::*;
use crate::testing::{Dir, EMAIL, KEY, OLD_KEY, SCOPE, address, fake, form, scopes, verify_padded};

#[tokio::test]
async fn gcp_auth_exchanges_a_key() {
    let server = fake(|request| {
        let form = form(request, "/token")?;
        let (_, claims) = verify_padded(form.get("assertion").ok_or("no assertion")?)?;
        match claims["iss"] == EMAIL && claims["scope"] == SCOPE {
            true => Ok(json!({ "access_token": "sdk-token", "expires_in": 3599 })),
            false => Err(format!("claims {claims}")),
        }
    })
    .await;
    let url = format!("http://{}/token", address(&server));
    let token = key_file_token(EMAIL, &KEY.into(), &url, &scopes())
        .await
        .expect("token");
    assert_eq!(token.secret.expose_secret(), "sdk-token");
    let calls = server.received_requests().await.expect("recorded").len();
    assert_eq!(calls, 1);
}

#[tokio::test]
async fn what_gcp_auth_cannot_do_is_a_plain_failure() {
    // An old key, and an endpoint that gives an empty token.
    assert!(
        key_file_token(EMAIL, &OLD_KEY.into(), "https://x/token", &scopes())
            .await
            .is_err()
    );
    let server = fake(|_| Ok(json!({ "access_token": "", "expires_in": 1 }))).await;
    let url = format!("http://{}/token", address(&server));
    assert!(
        key_file_token(EMAIL, &KEY.into(), &url, &scopes())
            .await
            .is_err()
    );
    let server =
        fake(|_| Ok(json!({ "access_token": { "canary": 1 }, "expires_in": "canary" }))).await;
    let url = format!("http://{}/token", address(&server));
    let reason = key_file_token(EMAIL, &KEY.into(), &url, &scopes())
        .await
        .expect_err("no token");
    assert!(!reason.contains("canary"), "{reason}");
}

#[test]
fn a_proxy_rules_gcp_auth_out() {
    assert!(reaches_google(&Env::default()));
    for name in PROXIES {
        assert!(!reaches_google(&Env::map([(name, "http://proxy:3128")])));
    }
}

#[test]
fn only_the_processs_own_home_is_read_by_gcp_auth() {
    let dir = Dir::new();
    let home = dir.path("");
    let env = Env::map([("HOME", home.to_str().expect("UTF-8"))]);
    let path = home.join(".config/gcloud").join(WELL_KNOWN);
    assert!(!reads_well_known(&env, &path));
    if let Some(home) = std::env::home_dir() {
        let path = home.join(".config/gcloud").join(WELL_KNOWN);
        let env = Env::map([("HOME", home.to_str().expect("UTF-8"))]);
        assert!(reads_well_known(&env, &path));
        let moved = env.with([("CLOUDSDK_CONFIG", "/elsewhere")]);
        assert!(!reads_well_known(&moved, &path));
    }
}
