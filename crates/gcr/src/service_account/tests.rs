use regcred_core::{ErrorKind, report};
use regcred_http_testing::Fake;
use serde_json::Value;

use secrecy::ExposeSecret as _;

use super::*;
use crate::testing::{
    EMAIL, KEY, OLD_KEY, SCOPE, cloud, fake, form, no_authorization, now, same_form, verify,
};

fn key(private_key: &str) -> Value {
    json!({
        "type": "service_account",
        "project_id": "my-project",
        "private_key_id": "key-1",
        "private_key": private_key,
        "client_email": EMAIL,
        "token_uri": "https://oauth2.googleapis.com/token",
    })
}

fn source(cloud: &Cloud, key: Value) -> Result<ServiceAccount, String> {
    let key = serde_json::from_value(key).expect("fields");
    ServiceAccount::new(&cloud.settings, Path::new("/keys/key.json"), key)
}

/// Google's endpoint: the assertion must be signed, in time and addressed to its public name.
async fn google() -> Fake {
    fake(|request| {
        let form = form(request, "/token")?;
        no_authorization(request)?;
        let assertion = form.get("assertion").ok_or("no assertion")?.to_owned();
        same_form(
            &form,
            &[
                ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                ("assertion", &assertion),
            ],
        )?;
        let (header, claims) = verify(&assertion)?;
        if header != json!({ "alg": "RS256", "typ": "JWT", "kid": "key-1" }) {
            return Err(format!("header {header}"));
        }
        let issued = now().timestamp() - 10;
        let wanted = json!({
            "iss": EMAIL,
            "scope": SCOPE,
            "aud": "https://oauth2.googleapis.com/token",
            "iat": issued,
            "exp": issued + 3600,
        });
        if claims != wanted {
            return Err(format!("claims {claims}"));
        }
        Ok(json!({ "access_token": "key-token", "expires_in": 3599, "token_type": "Bearer" }))
    })
    .await
}

fn at(server: &Fake) -> Cloud {
    let url = server.url("/token");
    cloud(&[("REGCRED_GCR_OAUTH_TOKEN_URL", &url)])
}

#[tokio::test]
async fn the_key_signs_an_assertion_that_is_exchanged() {
    let server = google().await;
    for private_key in [KEY.to_owned(), OLD_KEY.to_owned(), KEY.replace('\n', "\\n")] {
        let cloud = at(&server);
        let token = source(&cloud, key(&private_key))
            .expect("key")
            .token(&cloud, SCOPE)
            .await
            .expect("token");
        assert_eq!(token.secret.expose_secret(), "key-token");
        assert_eq!(token.expires_at, Some(now() + TimeDelta::seconds(3599)));
    }
}

#[tokio::test]
async fn a_refusal_names_key_status_and_googles_reason() {
    let server = fake(|_| Err("Invalid JWT Signature.".to_owned())).await;
    let cloud = at(&server);
    let error = source(&cloud, key(KEY))
        .expect("key")
        .token(&cloud, SCOPE)
        .await
        .expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Denied);
    let shown = report(&error);
    for part in [EMAIL, "/keys/key.json", "400", "Invalid JWT Signature."] {
        assert!(shown.contains(part), "{shown}");
    }
    assert!(!shown.contains("canary"), "{shown}");
}

#[tokio::test]
async fn a_self_signed_token_needs_no_server() {
    let cloud = cloud(&[("REGCRED_GCR_SELF_SIGNED_JWT", "true")]);
    let token = source(&cloud, key(KEY))
        .expect("key")
        .token(&cloud, SCOPE)
        .await
        .expect("token");
    let (_, claims) = verify(token.secret.expose_secret()).expect("signed");
    let issued = now().timestamp() - 10;
    assert_eq!(
        claims,
        json!({
            "iss": EMAIL,
            "sub": EMAIL,
            "scope": SCOPE,
            "iat": issued,
            "exp": issued + 3600,
        })
    );
    let end = token.expires_at.expect("known");
    assert_eq!(end.timestamp(), issued + 3600);
}

#[tokio::test]
async fn outside_googleapis_tokens_are_self_signed() {
    let cloud = cloud(&[("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "s3nsapis.fr")]);
    let mut key = key(KEY);
    key["universe_domain"] = "s3nsapis.fr".into();
    key["token_uri"] = "https://oauth2.s3nsapis.fr/token".into();
    let token = source(&cloud, key)
        .expect("key")
        .token(&cloud, SCOPE)
        .await
        .expect("token");
    verify(token.secret.expose_secret()).expect("signed");
}

#[test]
fn unsound_files_are_refused_without_showing_the_key() {
    let change = |name: &str, value: &str| {
        let mut key = key(KEY);
        key[name] = value.into();
        key
    };
    for (key, part) in [
        (change("private_key", "canary"), "private_key"),
        (
            change(
                "private_key",
                "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n",
            ),
            "private_key",
        ),
        (change("token_uri", "https://evil.com/token"), "evil.com"),
        (change("universe_domain", "evil.com"), "universe"),
    ] {
        let reason = source(&cloud(&[]), key).err().expect(part);
        assert!(reason.contains(part), "{reason}");
        assert!(!reason.contains("canary"), "{reason}");
    }
}
