use regcred_core::{ErrorKind, report};
use regcred_http_testing::Seen;
use serde_json::json;

use super::*;
use crate::credential_file::Search;
use crate::testing::{Dir, EMAIL, KEY, SCOPE, basic, cloud, fake, form, iam, now, same_form};

fn read(cloud: &Cloud) -> CredentialFile {
    match CredentialFile::find(&cloud.env) {
        Ok(Search::Found(file)) => file,
        _ => panic!("the variable names a file"),
    }
}

fn refusal(path: &str) -> ProviderError {
    let cloud = cloud(&[("GOOGLE_APPLICATION_CREDENTIALS", path)]);
    let identity = FileIdentity::of(&cloud.settings, &read(&cloud));
    identity.err().expect("refused")
}

#[test]
fn wrong_files_are_named_and_not_shown() {
    let dir = Dir::new();
    for (text, part) in [
        ("canary", "not JSON"),
        ("{\"canary\":1}", "no field \"type\""),
        (
            "{\"type\":\"gdch_service_account\"}",
            "gdch_service_account",
        ),
        ("{\"type\":\"service_account\"}", "missing field"),
        (
            "{\"type\":\"service_account\",\"client_email\":\"\"}",
            "missing field `client_email`",
        ),
        (
            "{\"type\":\"authorized_user\",\"client_id\":{\"canary\":1},\
             \"client_secret\":\"canary\",\"refresh_token\":\"canary\"}",
            "expected form",
        ),
        (
            "{\"type\":\"impersonated_service_account\",\
             \"service_account_impersonation_url\":\"https://evil.com/x\",\
             \"source_credentials\":{}}",
            "evil.com",
        ),
    ] {
        let path = dir.file("key.json", text);
        let error = refusal(&path);
        assert_eq!(error.kind(), ErrorKind::NotConfigured, "{text}");
        let shown = report(&error);
        assert!(shown.contains(part) && shown.contains(&path), "{shown}");
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[test]
fn an_impersonation_of_an_impersonation_is_refused() {
    let dir = Dir::new();
    let url = format!(
        "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken"
    );
    let path = dir.json(
        "key.json",
        &json!({
            "type": "impersonated_service_account",
            "service_account_impersonation_url": url,
            "source_credentials": {
                "type": "impersonated_service_account",
                "service_account_impersonation_url": url,
                "source_credentials": {},
            },
        }),
    );
    assert!(report(&refusal(&path)).contains("delegates"));
}

/// The token of a file and its life in seconds.
async fn token_of(file: &Value, vars: &[(&str, &str)]) -> AccessTokenText {
    let dir = Dir::new();
    let path = dir.json("key.json", file);
    let mut all = vec![("GOOGLE_APPLICATION_CREDENTIALS", path.as_str())];
    all.extend(vars);
    let cloud = cloud(&all);
    let identity = FileIdentity::of(&cloud.settings, &read(&cloud)).expect("identity");
    let token = identity.token(&cloud, SCOPE).await.expect("token");
    (
        token.secret.expose_secret().to_owned(),
        (token.expires_at.expect("known") - now()).num_seconds(),
    )
}

type AccessTokenText = (String, i64);

fn user() -> Value {
    json!({
        "type": "authorized_user",
        "client_id": "client-1",
        "client_secret": "client-secret",
        "refresh_token": "refresh-1",
    })
}

fn refreshes(request: &Seen) -> Result<Value, String> {
    same_form(
        &form(request, "/token")?,
        &[
            ("grant_type", "refresh_token"),
            ("client_id", "client-1"),
            ("client_secret", "client-secret"),
            ("refresh_token", "refresh-1"),
        ],
    )?;
    Ok(json!({ "access_token": "user-token", "expires_in": 3599, "scope": "x", "id_token": "y" }))
}

#[tokio::test]
async fn a_login_is_refreshed() {
    let google = fake(refreshes).await;
    let url = google.url("/token");
    let token = token_of(&user(), &[("REGCRED_GCR_OAUTH_TOKEN_URL", &url)]).await;
    assert_eq!(token, ("user-token".to_owned(), 3599));
}

/// Each file as Go's encoder writes it: every field that is not set is there, empty.
#[tokio::test]
async fn empty_fields_and_null_count_as_missing() {
    let google = fake(|request| {
        let form = form(request, "/token")?;
        match (form.get("refresh_token"), form.get("assertion")) {
            (Some(_), None) | (None, Some(_)) => {
                Ok(json!({ "access_token": "any-token", "expires_in": 3599 }))
            }
            _ => Err("neither a login nor a key".to_owned()),
        }
    })
    .await;
    let mut person = user();
    for field in ["token_url", "universe_domain", "private_key", "audience"] {
        person[field] = "".into();
    }
    person["delegates"] = Value::Null;
    let key = json!({
        "type": "service_account", "client_email": EMAIL, "private_key": KEY,
        "private_key_id": "", "token_uri": "", "universe_domain": "", "client_id": "",
        "client_secret": "", "refresh_token": "", "source_credentials": null,
    });
    for file in [&person, &key] {
        let vars = [("REGCRED_GCR_OAUTH_TOKEN_URL", google.url("/token"))];
        let vars = vars.each_ref().map(|(name, value)| (*name, value.as_str()));
        let token = token_of(file, &vars).await;
        assert_eq!(token, ("any-token".to_owned(), 3599));
    }

    let iam = iam(
        "any-token",
        json!({ "lifetime": "3600s", "scope": [SCOPE] }),
    )
    .await;
    let acting = json!({
        "type": "impersonated_service_account",
        "delegates": null,
        "quota_project_id": "",
        "universe_domain": "",
        "service_account_impersonation_url":
            format!("{}/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken", iam.url("")),
        "source_credentials": person,
    });
    let token = token_of(
        &acting,
        &[
            ("REGCRED_GCR_OAUTH_TOKEN_URL", &google.url("/token")),
            ("REGCRED_GCR_TRUSTED_HOSTS", &iam.host()),
        ],
    )
    .await;
    assert_eq!(token, ("impersonated-token".to_owned(), 3600));
}

#[tokio::test]
async fn a_federated_file_of_gos_encoder_is_read() {
    let dir = Dir::new();
    let subject = dir.file("subject", "foreign-token");
    let google = fake(|request| {
        let form = form(request, "/v1/token")?;
        match form.get("subject_token").map(String::as_str) {
            Some("foreign-token") => {
                Ok(json!({ "access_token": "federated-token", "expires_in": 1800 }))
            }
            _ => Err("not the subject token".to_owned()),
        }
    })
    .await;
    let file = json!({
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/12/locations/global/workloadIdentityPools/p/providers/o",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": google.url("/v1/token"),
        "service_account_impersonation_url": "",
        "service_account_impersonation": { "token_lifetime_seconds": 0 },
        "client_id": "",
        "client_secret": "",
        "workforce_pool_user_project": "",
        "universe_domain": "",
        "credential_source": {
            "file": subject, "url": "", "headers": null, "executable": null, "certificate": null,
            "environment_id": "", "region_url": "", "regional_cred_verification_url": "",
            "format": { "type": "", "subject_token_field_name": "" },
        },
    });
    let token = token_of(&file, &[("REGCRED_GCR_TRUSTED_HOSTS", &google.host())]).await;
    assert_eq!(token, ("federated-token".to_owned(), 1800));
}

#[tokio::test]
async fn a_login_that_must_be_renewed_names_the_command() {
    let google = fake(|_| Err("reauth related error (invalid_rapt)".to_owned())).await;
    let dir = Dir::new();
    let path = dir.json("key.json", &user());
    let cloud = cloud(&[
        ("GOOGLE_APPLICATION_CREDENTIALS", &path),
        ("REGCRED_GCR_OAUTH_TOKEN_URL", &google.url("/token")),
    ]);
    let identity = FileIdentity::of(&cloud.settings, &read(&cloud)).expect("identity");
    let error = identity.token(&cloud, SCOPE).await.expect_err("refused");
    let shown = report(&error);
    for part in [
        &path,
        "gcloud auth application-default login",
        "invalid_rapt",
    ] {
        assert!(shown.contains(part), "{shown}");
    }
    for secret in ["client-secret", "refresh-1"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test]
async fn a_federated_login_is_refreshed_at_its_own_endpoint() {
    let google = fake(|request| {
        same_form(
            &form(request, "/v1/oauthtoken")?,
            &[
                ("grant_type", "refresh_token"),
                ("refresh_token", "refresh-1"),
            ],
        )?;
        if request.authorization() == Some(&basic("client-1", "client-secret")) {
            Ok(json!({ "access_token": "workforce-token", "expires_in": 3600 }))
        } else {
            Err("not the client".to_owned())
        }
    })
    .await;
    let mut file = user();
    file["type"] = "external_account_authorized_user".into();
    file["audience"] = "//iam.googleapis.com/locations/global/workforcePools/p/providers/x".into();
    file["token_url"] = google.url("/v1/oauthtoken").into();
    let token = token_of(&file, &[("REGCRED_GCR_TRUSTED_HOSTS", &google.host())]).await;
    assert_eq!(token, ("workforce-token".to_owned(), 3600));
}

#[tokio::test]
async fn a_login_acts_as_a_service_account_through_delegates() {
    let google = fake(refreshes).await;
    let delegate = "projects/-/serviceAccounts/middle@p.iam.gserviceaccount.com";
    let iam = iam(
        "user-token",
        json!({ "lifetime": "3600s", "scope": [SCOPE], "delegates": [delegate] }),
    )
    .await;
    let file = json!({
        "type": "impersonated_service_account",
        "delegates": [delegate],
        "service_account_impersonation_url":
            format!("{}/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken", iam.url("")),
        "source_credentials": user(),
    });
    let token = token_of(
        &file,
        &[
            ("REGCRED_GCR_OAUTH_TOKEN_URL", &google.url("/token")),
            ("REGCRED_GCR_TRUSTED_HOSTS", &iam.host()),
        ],
    )
    .await;
    assert_eq!(token, ("impersonated-token".to_owned(), 3600));
}

#[test]
fn only_a_key_can_be_a_login_by_itself() {
    let dir = Dir::new();
    let key = json!({ "type": "service_account", "client_email": EMAIL, "private_key": KEY });
    for (file, good) in [(key, true), (user(), false)] {
        let path = dir.json("key.json", &file);
        let file = read(&cloud(&[("GOOGLE_APPLICATION_CREDENTIALS", &path)]));
        assert_eq!(key_text(&file).is_ok(), good);
    }
}
