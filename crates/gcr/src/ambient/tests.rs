use regcred_core::{CredentialRequest, report};
use regcred_http_testing::Fake;
use secrecy::ExposeSecret;
use serde_json::json;

use super::*;
use crate::identity::Identity;
use crate::testing::{Dir, EMAIL, SCOPE, cloud, fake, iam, metadata, metadata_with_token, now};

async fn token(vars: &[(&str, &str)]) -> Result<String, ProviderError> {
    let cloud = cloud(vars);
    let request = CredentialRequest::new("gcr.io/p/a").expect("image");
    let token = Identity::choose(&cloud, &request)?.token(&cloud).await?;
    Ok(token.secret.expose_secret().to_owned())
}

fn user_file(dir: &Dir) -> String {
    dir.json(
        "user.json",
        &json!({
            "type": "authorized_user",
            "client_id": "c", "client_secret": "s", "refresh_token": "r",
        }),
    )
}

async fn oauth() -> Fake {
    fake(|_| Ok(json!({ "access_token": "file-token", "expires_in": 3600 }))).await
}

fn gcloud(dir: &Dir) -> String {
    let end = (now() + chrono::TimeDelta::hours(1)).to_rfc3339();
    dir.script(
        "bin/gcloud",
        &format!(
            r#"echo '{{"credential":{{"access_token":"gcloud-token","token_expiry":"{end}"}}}}'"#
        ),
    );
    log_in(dir);
    dir.path("bin").display().to_string()
}

/// Makes the directory's `home` one with a login of gcloud.
fn log_in(dir: &Dir) -> String {
    dir.file("home/.config/gcloud/credentials.db", "");
    dir.path("home").display().to_string()
}

#[tokio::test]
async fn sources_are_asked_in_the_documented_order() {
    let dir = Dir::new();
    let (node, bare, oauth) = (
        metadata_with_token().await,
        metadata(&[]).await,
        oauth().await,
    );
    let oauth_url = oauth.url("/token");
    let (file, path) = (user_file(&dir), gcloud(&dir));
    let home = log_in(&dir);
    let (node, bare) = (node.host(), bare.host());
    let everything = [
        ("GOOGLE_APPLICATION_CREDENTIALS", file.as_str()),
        ("REGCRED_GCR_OAUTH_TOKEN_URL", &oauth_url),
        ("GCE_METADATA_HOST", &node),
        ("PATH", &path),
    ];
    assert_eq!(token(&everything).await.expect("token"), "file-token");
    let without_file = [("GCE_METADATA_HOST", node.as_str()), ("PATH", &path)];
    assert_eq!(token(&without_file).await.expect("token"), "node-token");
    let without_account = [
        ("GCE_METADATA_HOST", bare.as_str()),
        ("PATH", &path),
        ("HOME", &home),
    ];
    assert_eq!(
        token(&without_account).await.expect("token"),
        "gcloud-token"
    );

    for (sources, wanted) in [
        ("gcloud,file", "gcloud-token"),
        ("metadata", "node-token"),
        ("env,gcloud", "file-token"),
    ] {
        let mut vars = everything.to_vec();
        vars.push(("REGCRED_GCR_TOKEN_SOURCES", sources));
        assert_eq!(token(&vars).await.expect(sources), wanted);
    }
}

#[tokio::test]
async fn a_source_that_is_there_and_fails_ends_the_search() {
    let dir = Dir::new();
    let node = metadata_with_token().await;
    let node = node.host();
    let broken = dir.file("broken.json", "{");
    for file in [broken.as_str(), "/nowhere/key.json"] {
        let error = token(&[
            ("GOOGLE_APPLICATION_CREDENTIALS", file),
            ("GCE_METADATA_HOST", &node),
        ])
        .await
        .expect_err(file);
        assert_eq!(error.kind(), ErrorKind::NotConfigured);
        assert!(error.to_string().contains(file), "{error}");
    }
    let refusing = metadata(&[("instance/service-accounts/default/token", &[(403, "no")])]).await;
    let error = token(&[
        ("GCE_METADATA_HOST", &refusing.host()),
        ("PATH", &gcloud(&dir)),
    ])
    .await
    .expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Denied);
}

#[tokio::test]
async fn an_empty_search_lists_every_place() {
    let bare = metadata(&[]).await;
    let error = token(&[
        ("HOME", "/nowhere"),
        ("GCE_METADATA_HOST", &bare.host()),
        ("PATH", "/nowhere"),
    ])
    .await
    .expect_err("nothing");
    assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
    let shown = report(&error);
    for part in [
        "GOOGLE_APPLICATION_CREDENTIALS is not set",
        "/nowhere/.config/gcloud/application_default_credentials.json",
        "knows no service account",
        "gcloud is not in PATH",
    ] {
        assert!(shown.contains(part), "{shown}");
    }
    assert_eq!(shown.matches("gcr: ").count(), 1, "{shown}");
}

#[tokio::test]
async fn the_node_may_act_as_a_service_account() {
    let node = metadata_with_token().await;
    let iam = iam(
        "node-token",
        json!({ "lifetime": "3600s", "scope": [SCOPE] }),
    )
    .await;
    let token = token(&[
        ("GCE_METADATA_HOST", &node.host()),
        ("REGCRED_GCR_IMPERSONATE", EMAIL),
        ("REGCRED_GCR_IAM_CREDENTIALS_URL", &iam.url("")),
    ])
    .await;
    assert_eq!(token.expect("token"), "impersonated-token");
}

#[tokio::test]
async fn gcloud_s_complaint_does_not_hide_what_else_was_missing() {
    let dir = Dir::new();
    dir.script("bin/gcloud", "echo 'no active account' >&2; exit 1");
    let bare = metadata(&[]).await;
    let (bare, path) = (bare.host(), dir.path("bin").display().to_string());
    let vars = [
        ("GCE_METADATA_HOST", bare.as_str()),
        ("PATH", &path),
        ("HOME", &log_in(&dir)),
    ];
    let error = token(&vars).await.expect_err("nothing");
    let shown = report(&error);
    for part in [
        "no active account",
        "gcloud auth login",
        "GOOGLE_APPLICATION_CREDENTIALS is not set",
        "knows no service account",
    ] {
        assert!(shown.contains(part), "{shown}");
    }
}

#[tokio::test]
async fn a_gcloud_without_login_is_not_started_after_the_metadata_server() {
    let dir = Dir::new();
    let path = gcloud(&dir);
    let bare = metadata(&[]).await;
    let bare = bare.host();
    let mut vars = vec![("GCE_METADATA_HOST", bare.as_str()), ("PATH", &path)];
    let error = token(&vars).await.expect_err("nothing");
    let shown = error.to_string();
    assert!(shown.contains("gcloud has no login"), "{shown}");
    // Alone it is asked all the same: it may know the machine's account.
    vars.push(("REGCRED_GCR_TOKEN_SOURCES", "gcloud"));
    assert_eq!(token(&vars).await.expect("token"), "gcloud-token");
}
