use secrecy::ExposeSecret;
use serde_json::json;
use wiremock::MockServer;

use super::*;
use crate::testing::{
    Dir, EMAIL, SCOPE, address, fake, iam, metadata, metadata_with_token, now, reach, scopes,
};

async fn token(vars: &[(&str, &str)]) -> Result<String, ProviderError> {
    let token = Node::find(&reach(vars))
        .into_source()
        .token(&scopes())
        .await?;
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

async fn oauth() -> MockServer {
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

/// Makes the directory's `home` one in which somebody has logged in with gcloud.
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
    let oauth_url = format!("http://{}/token", address(&oauth));
    let (file, path) = (user_file(&dir), gcloud(&dir));
    let home = log_in(&dir);
    let (node, bare) = (address(&node), address(&bare));
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
    let node = address(&node);
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
        ("GCE_METADATA_HOST", &address(&refusing)),
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
        ("GCE_METADATA_HOST", &address(&bare)),
        ("PATH", "/nowhere"),
    ])
    .await
    .expect_err("nothing");
    assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
    let shown = error.to_string();
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
        ("GCE_METADATA_HOST", &address(&node)),
        ("REGCRED_GCR_IMPERSONATE", EMAIL),
        ("REGCRED_GCR_IAM_CREDENTIALS_URL", &iam.uri()),
    ])
    .await;
    assert_eq!(token.expect("token"), "impersonated-token");
}

#[tokio::test]
async fn what_gcloud_says_does_not_hide_what_else_was_missing() {
    let dir = Dir::new();
    dir.script("bin/gcloud", "echo 'no active account' >&2; exit 1");
    let bare = metadata(&[]).await;
    let (bare, path) = (address(&bare), dir.path("bin").display().to_string());
    let vars = [
        ("GCE_METADATA_HOST", bare.as_str()),
        ("PATH", &path),
        ("HOME", &log_in(&dir)),
    ];
    let error = token(&vars).await.expect_err("nothing");
    let shown = error.to_string();
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
    let bare = address(&bare);
    let mut vars = vec![("GCE_METADATA_HOST", bare.as_str()), ("PATH", &path)];
    let error = token(&vars).await.expect_err("nothing");
    let shown = error.to_string();
    assert!(shown.contains("there is no login with gcloud"), "{shown}");
    // Alone it is asked all the same: it may know of the machine's account.
    vars.push(("REGCRED_GCR_TOKEN_SOURCES", "gcloud"));
    assert_eq!(token(&vars).await.expect("token"), "gcloud-token");
}
