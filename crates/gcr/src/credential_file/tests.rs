use regcred_core::{ErrorKind, report};
use serde_json::json;

use super::*;
use crate::testing::{Dir, EMAIL, KEY, SCOPE, address, fake, form, iam, now, reach, same_form};

fn find(vars: &[(&str, &str)]) -> Result<Search, ProviderError> {
    CredentialFile::find(&Env::map(vars.iter().copied()))
}

fn refusal(path: &str) -> ProviderError {
    let reach = reach(&[("GOOGLE_APPLICATION_CREDENTIALS", path)]);
    match CredentialFile::find(&reach.env) {
        Ok(Search::Found(file)) => file.source(&reach).err().expect("refused"),
        Ok(Search::Nothing(_)) => panic!("the variable names a file"),
        Err(error) => error,
    }
}

#[test]
fn the_variable_comes_before_the_well_known_file() {
    let dir = Dir::new();
    let named = dir.file("key.json", "{}");
    dir.file(".config/gcloud/application_default_credentials.json", "{}");
    dir.file("sdk/application_default_credentials.json", "{}");
    let home = dir.path("");
    let home = home.to_str().expect("UTF-8");
    let sdk = dir.path("sdk");
    let sdk = sdk.to_str().expect("UTF-8");
    for (vars, wanted) in [
        (
            vec![
                ("GOOGLE_APPLICATION_CREDENTIALS", named.as_str()),
                ("HOME", home),
            ],
            "key.json",
        ),
        (
            vec![("HOME", home)],
            ".config/gcloud/application_default_credentials.json",
        ),
        (
            vec![("HOME", home), ("CLOUDSDK_CONFIG", sdk)],
            "sdk/application_default_credentials.json",
        ),
    ] {
        match find(&vars).expect("search") {
            Search::Found(file) => assert_eq!(file.path(), dir.path(wanted)),
            Search::Nothing(why) => panic!("{why}"),
        }
    }
}

#[test]
fn a_missing_file_is_an_error_only_when_it_was_named() {
    let error = find(&[("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")])
        .err()
        .expect("named");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
    assert!(
        error.to_string().contains("GOOGLE_APPLICATION_CREDENTIALS"),
        "{error}"
    );
    for vars in [&[][..], &[("HOME", "/nowhere")]] {
        match find(vars).expect("search") {
            Search::Found(_) => panic!("no file there"),
            Search::Nothing(why) => assert!(why.contains("is not set"), "{why}"),
        }
    }
}

#[test]
fn unsound_files_name_themselves_and_show_nothing() {
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
            "{\"type\":\"authorized_user\",\"client_id\":{\"canary\":1},\
             \"client_secret\":\"canary\",\"refresh_token\":\"canary\"}",
            "another form",
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
    let long = " ".repeat(2 << 20);
    let path = dir.file("long.json", &long);
    assert!(report(&refusal(&path)).contains("larger"));
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

/// The whole way of three kinds of files, up to the token.
async fn token_of(file: &Value, vars: &[(&str, &str)]) -> AccessTokenText {
    let dir = Dir::new();
    let path = dir.json("key.json", file);
    let mut all = vec![("GOOGLE_APPLICATION_CREDENTIALS", path.as_str())];
    all.extend(vars);
    let reach = reach(&all);
    let Ok(Search::Found(file)) = CredentialFile::find(&reach.env) else {
        panic!("the file is there");
    };
    let source = file.source(&reach).expect("source");
    let token = source
        .token(&crate::testing::scopes())
        .await
        .expect("token");
    (
        token.secret.expose_secret().to_owned(),
        (token.expires_at - now()).num_seconds(),
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

fn refreshes(request: &wiremock::Request) -> Result<Value, String> {
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
    let url = format!("http://{}/token", address(&google));
    let token = token_of(&user(), &[("REGCRED_GCR_OAUTH_TOKEN_URL", &url)]).await;
    assert_eq!(token, ("user-token".to_owned(), 3599));
}

#[tokio::test]
async fn a_login_that_must_be_renewed_says_how() {
    let google = fake(|_| Err("reauth related error (invalid_rapt)".to_owned())).await;
    let dir = Dir::new();
    let path = dir.json("key.json", &user());
    let reach = reach(&[
        ("GOOGLE_APPLICATION_CREDENTIALS", &path),
        (
            "REGCRED_GCR_OAUTH_TOKEN_URL",
            &format!("http://{}/token", address(&google)),
        ),
    ]);
    let Ok(Search::Found(file)) = CredentialFile::find(&reach.env) else {
        panic!("the file is there");
    };
    let source = file.source(&reach).expect("source");
    let error = source.token(&[]).await.expect_err("refused");
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
        let login = crate::testing::basic("client-1", "client-secret");
        match crate::testing::header(request, "authorization") == Some(&login) {
            true => Ok(json!({ "access_token": "workforce-token", "expires_in": 3600 })),
            false => Err("not the client".to_owned()),
        }
    })
    .await;
    let mut file = user();
    file["type"] = "external_account_authorized_user".into();
    file["audience"] = "//iam.googleapis.com/locations/global/workforcePools/p/providers/x".into();
    file["token_url"] = format!("{}/v1/oauthtoken", google.uri()).into();
    let token = token_of(&file, &[("REGCRED_GCR_TRUSTED_HOSTS", &address(&google))]).await;
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
            format!("{}/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken", iam.uri()),
        "source_credentials": user(),
    });
    let token = token_of(
        &file,
        &[
            (
                "REGCRED_GCR_OAUTH_TOKEN_URL",
                &format!("http://{}/token", address(&google)),
            ),
            ("REGCRED_GCR_TRUSTED_HOSTS", &address(&iam)),
        ],
    )
    .await;
    assert_eq!(token, ("impersonated-token".to_owned(), 3600));
}

#[test]
fn only_a_key_can_be_a_login_by_itself() {
    let dir = Dir::new();
    let key = json!({ "type": "service_account", "client_email": EMAIL, "private_key": KEY });
    for (file, sound) in [(key, true), (user(), false)] {
        let path = dir.json("key.json", &file);
        let Ok(Search::Found(file)) = find(&[("GOOGLE_APPLICATION_CREDENTIALS", &path)]) else {
            panic!("the file is there");
        };
        assert_eq!(file.require_service_account_key().is_ok(), sound);
    }
}
