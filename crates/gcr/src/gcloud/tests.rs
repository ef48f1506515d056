use regcred_core::{ErrorKind, report};
use secrecy::ExposeSecret;

use super::*;
use crate::testing::{Dir, cloud, now};

/// A gcloud that answers the exact command, with a token of this life; fresh ones live an hour.
fn install(dir: &Dir, seconds: i64) -> String {
    let end = |seconds| (now() + TimeDelta::seconds(seconds)).to_rfc3339();
    dir.script(
        "bin/gcloud",
        &format!(
            r#"[ "$1 $2 $3 $4" = "config config-helper --format=json(credential) --quiet" ] || exit 2
case $5 in
  '') echo '{{"credential":{{"access_token":"kept","token_expiry":"{}"}}}}' ;;
  --force-auth-refresh) echo '{{"credential":{{"access_token":"fresh","token_expiry":"{}"}}}}' ;;
  *) exit 2 ;;
esac"#,
            end(seconds),
            end(3600)
        ),
    );
    path_of(dir)
}

fn path_of(dir: &Dir) -> String {
    format!("relative:{}", dir.path("bin").display())
}

async fn ask(path: &str) -> Result<AccessToken, ProviderError> {
    ask_with(path, true).await
}

async fn ask_with(path: &str, may_ask_metadata: bool) -> Result<AccessToken, ProviderError> {
    let cloud = cloud(&[("PATH", path)]);
    Gcloud::find(&cloud.env)
        .expect("installed")
        .token(&cloud, may_ask_metadata)
        .await
}

#[tokio::test]
async fn the_kept_token_is_used_until_shortly_before_its_expiry() {
    let dir = Dir::new();
    let token = ask(&install(&dir, 1200)).await.expect("token");
    assert_eq!(token.secret.expose_secret(), "kept");
    assert_eq!(token.expires_at, Some(now() + TimeDelta::seconds(1200)));
    let token = ask(&install(&dir, 60)).await.expect("token");
    assert_eq!(token.secret.expose_secret(), "fresh");
    assert_eq!(token.expires_at, Some(now() + TimeDelta::seconds(3600)));
}

#[tokio::test]
async fn its_complaint_is_passed_on_and_its_output_never() {
    let dir = Dir::new();
    dir.script(
        "bin/gcloud",
        "echo canary; echo 'no active account' >&2; exit 1",
    );
    let error = ask(&path_of(&dir)).await.expect_err("no login");
    assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
    let shown = report(&error);
    assert!(shown.contains("no active account"), "{shown}");
    assert!(!shown.contains("canary"), "{shown}");

    dir.script("bin/gcloud", r#"echo '{"credential":"canary"}'"#);
    let error = ask(&path_of(&dir)).await.expect_err("no token");
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(!report(&error).contains("canary"));
}

/// So gcloud prints the token of a file that its configuration names.
#[tokio::test]
async fn a_token_without_an_expiry_is_used() {
    let dir = Dir::new();
    dir.script(
        "bin/gcloud",
        r#"echo '{"credential":{"access_token":"from-file","token_expiry":null}}'"#,
    );
    let token = ask(&path_of(&dir)).await.expect("a token");
    assert_eq!(token.secret.expose_secret(), "from-file");
    assert_eq!(token.expires_at, None);
}

fn has_login(vars: &[(&str, &str)]) -> bool {
    Gcloud::at("gcloud".into(), &cloud(vars).env).has_login
}

#[test]
fn a_login_is_seen_without_starting_it() {
    let dir = Dir::new();
    let home = dir.path("home").display().to_string();
    let has = |more: &[(&str, &str)]| {
        let vars: Vec<_> = more
            .iter()
            .copied()
            .chain([("HOME", home.as_str())])
            .collect();
        has_login(&vars)
    };
    assert!(!has(&[]));
    assert!(!has_login(&[]));
    for name in LOGIN_VARS {
        assert!(has(&[(name, "x")]), "{name}");
    }
    dir.file("home/.config/gcloud/active_config", "work\n");
    dir.file("home/.config/gcloud/configurations/config_work", "[core]\n");
    dir.file(
        "home/.config/gcloud/configurations/config_ci",
        "[auth]\naccess_token_file = /t\n",
    );
    assert!(!has(&[]));
    assert!(has(&[("CLOUDSDK_ACTIVE_CONFIG_NAME", "ci")]));
    dir.file("elsewhere/credentials.db", "");
    let elsewhere = dir.path("elsewhere").display().to_string();
    assert!(has(&[("CLOUDSDK_CONFIG", &elsewhere)]));
    dir.file("home/.config/gcloud/credentials.db", "");
    assert!(has(&[]));
}

#[tokio::test]
async fn it_does_not_ask_for_the_metadata_server_again() {
    let dir = Dir::new();
    dir.script(
        "bin/gcloud",
        r#"[ "$CLOUDSDK_CORE_CHECK_GCE_METADATA" = false ] || { echo it asks >&2; exit 1; }
echo '{"credential":{"access_token":"kept","token_expiry":"2026-01-02T04:04:05Z"}}'"#,
    );
    let path = path_of(&dir);
    assert!(ask(&path).await.is_err());
    assert!(ask_with(&path, false).await.is_ok());
}

#[test]
fn it_is_looked_for_in_the_environments_path() {
    let dir = Dir::new();
    assert!(Gcloud::find(&cloud(&[("PATH", &path_of(&dir))]).env).is_none());
    assert!(Gcloud::find(&cloud(&[]).env).is_none());
    install(&dir, 0);
    assert!(Gcloud::find(&cloud(&[("PATH", &path_of(&dir))]).env).is_some());
}
