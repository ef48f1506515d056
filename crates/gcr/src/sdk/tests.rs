use secrecy::ExposeSecret as _;
use serde_json::json;

use super::*;
use crate::testing::{EMAIL, KEY, OLD_KEY, SCOPE, cloud, fake, form, verify_padded};

#[tokio::test]
async fn gcp_auth_exchanges_a_key() {
    let server = fake(|request| {
        let form = form(request, "/token")?;
        let (_, claims) = verify_padded(form.get("assertion").ok_or("no assertion")?)?;
        if claims["iss"] == EMAIL && claims["scope"] == SCOPE {
            Ok(json!({ "access_token": "sdk-token", "expires_in": 3599 }))
        } else {
            Err(format!("claims {claims}"))
        }
    })
    .await;
    let url = server.url("/token");
    let token = exchange_key(EMAIL, &KEY.into(), &url, SCOPE)
        .await
        .expect("token");
    assert_eq!(token.secret.expose_secret(), "sdk-token");
    let calls = server.seen().len();
    assert_eq!(calls, 1);
}

#[tokio::test]
async fn what_gcp_auth_cannot_do_is_a_plain_reason() {
    // An old key, and an endpoint that returns an empty token.
    assert!(
        exchange_key(EMAIL, &OLD_KEY.into(), "https://x/token", SCOPE)
            .await
            .is_err()
    );
    let server = fake(|_| Ok(json!({ "access_token": "", "expires_in": 1 }))).await;
    let url = server.url("/token");
    assert!(exchange_key(EMAIL, &KEY.into(), &url, SCOPE).await.is_err());
    let server =
        fake(|_| Ok(json!({ "access_token": { "canary": 1 }, "expires_in": "canary" }))).await;
    let url = server.url("/token");
    let reason = exchange_key(EMAIL, &KEY.into(), &url, SCOPE)
        .await
        .expect_err("no token");
    assert!(!reason.contains("canary"), "{reason}");
}

#[test]
fn a_proxy_or_another_endpoint_rules_gcp_auth_out() {
    assert!(reaches_google(&cloud(&[])));
    for name in PROXIES {
        assert!(!reaches_google(&cloud(&[(name, "http://proxy:3128")])));
    }
    for (name, value) in [
        ("REGCRED_GCR_OAUTH_TOKEN_URL", "https://oauth.corp/token"),
        ("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "s3nsapis.fr"),
    ] {
        assert!(!reaches_google(&cloud(&[(name, value)])), "{name}");
    }
}

#[test]
fn only_the_well_known_file_of_the_process_is_read_by_gcp_auth() {
    assert!(!is_well_known(
        Path::new("/nowhere/.config/gcloud")
            .join(WELL_KNOWN)
            .as_path()
    ));
    if let Some(home) = regcred_core::Env::process().home() {
        let dir = home.join(".config/gcloud");
        assert!(is_well_known(&dir.join(WELL_KNOWN)));
        assert!(!is_well_known(&dir.join("other.json")));
    }
}
