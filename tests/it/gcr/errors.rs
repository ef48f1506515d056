//! A failure names the source that was tried, the status and the API's own reason, on every face,
//! and never a secret; a server that is busy is asked again.

use regcred_tests::FakeGoogle;
use regcred_tests::google::{KEY_ACCOUNT, TARGET_ACCOUNT};
use serde_json::{Value, json};

use super::foreign::Foreign;
use super::{Dir, HOST, IMAGE, Vars, asked, plugin, text, vars};

#[test]
fn a_proxy_that_cannot_be_reached_is_named() {
    let google = FakeGoogle::start();
    let dir = Dir::new();
    let key = dir.json("key.json", &google.key_file());
    for (variable, proxy) in [
        ("HTTPS_PROXY", "http://alice:c4n4ry@127.0.0.1:9"),
        ("https_proxy", "127.0.0.1:9"),
    ] {
        let env = vars(&[
            ("GOOGLE_APPLICATION_CREDENTIALS", key.as_str()),
            ("REGCRED_GCR_OAUTH_TOKEN_URL", "https://cloud.invalid/token"),
            (variable, proxy),
        ]);
        let done = plugin(&env).args(["token", HOST]).run();
        let error = done.fails(7);
        let expected =
            format!("cannot connect to the proxy 127.0.0.1:9 ({variable}): Connection refused");
        assert!(error.contains(&expected), "{error}");
        assert!(
            !error.contains("alice") && !error.contains("c4n4ry"),
            "{error}"
        );
    }
}

#[test]
fn a_refusal_names_source_status_and_reason() {
    let google = FakeGoogle::start();
    let dir = Dir::new();
    let changed = |mut file: Value, field: &str, value: Value| {
        file[field] = value;
        file
    };
    let (key, user) = (google.key_file(), google.user_file());
    let foreign = |audience: &str| {
        let token = google.cluster().token(audience, 600);
        google.external_file(&json!({"file": dir.file("foreign-token", &token)}))
    };
    let strange_pool =
        "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/x/providers/y";
    let forbidden = "other@demo-project.iam.gserviceaccount.com";
    for (name, file, code, parts) in [
        (
            "a key that was deleted",
            changed(key.clone(), "private_key_id", json!("0000")),
            6,
            vec![
                KEY_ACCOUNT,
                "400",
                "invalid_grant",
                "Invalid JWT Signature.",
            ],
        ),
        (
            "a login that was revoked",
            changed(user.clone(), "refresh_token", json!("1//revoked")),
            6,
            vec![
                "gcloud auth application-default login",
                "400",
                "invalid_grant",
                "Token has been expired or revoked.",
            ],
        ),
        (
            "a client that is gone",
            changed(user.clone(), "client_id", json!("no-client")),
            6,
            vec!["401", "invalid_client", "The OAuth client was not found."],
        ),
        (
            "a federated login that was revoked",
            changed(google.external_user_file(), "refresh_token", json!("old")),
            6,
            vec!["the Security Token Service", "400", "expired or revoked"],
        ),
        (
            "a subject token for another",
            foreign("another"),
            6,
            vec![
                "the subject token of",
                "400",
                "invalid_grant",
                "does not match the expected audience",
            ],
        ),
        (
            "a pool that is gone",
            changed(foreign("another"), "audience", json!(strange_pool)),
            6,
            vec![strange_pool, "400", "invalid_target"],
        ),
        (
            "an account that may not be acted as",
            google.impersonating_file(&user, forbidden, &[]),
            6,
            vec![
                "as other@",
                "the identity in",
                "403",
                "Permission 'iam.serviceAccounts.getAccessToken' denied",
            ],
        ),
        (
            "a file of no known type",
            changed(key, "type", json!("gdch_service_account")),
            4,
            vec!["gdch_service_account", "service_account, authorized_user"],
        ),
        (
            "a file that sends secrets elsewhere",
            changed(
                foreign("x"),
                "token_url",
                json!("https://sts.evil.example/v1/token"),
            ),
            4,
            vec!["token_url", "sts.evil.example", "REGCRED_GCR_TRUSTED_HOSTS"],
        ),
    ] {
        let path = dir.json("credentials.json", &file);
        let mut env = google.env();
        env.extend(vars(&[("GOOGLE_APPLICATION_CREDENTIALS", &path)]));
        let says = |said: &str| {
            for part in &parts {
                assert!(said.contains(part), "{name}: {part:?} is not in: {said}");
            }
            assert!(said.contains(&path), "{name}: {said}");
            for secret in secrets(&file) {
                assert!(!said.contains(secret), "{name}: a secret in: {said}");
            }
        };
        says(asked(&env, IMAGE).fails(code));
        says(plugin(&env).args(["token", HOST]).run().fails(code));
        let helper = plugin(&env).args(["docker", "get"]).stdin(HOST).run();
        assert_eq!(helper.code(), Some(1));
        says(&helper.stdout());
    }
}

#[test]
fn nothing_at_all_names_every_place_that_was_looked_at() {
    let dir = Dir::new();
    let home = dir.path("home").display().to_string();
    let env = vars(&[
        ("HOME", &home),
        ("PATH", "/nonexistent"),
        // A port without a listener.
        ("GCE_METADATA_HOST", "127.0.0.1:9"),
        ("REGCRED_GCR_TOKEN_SOURCES", "file,gcloud"),
    ]);
    let done = plugin(&env).args(["token", HOST]).run();
    let said = done.fails(5);
    for part in [
        "GOOGLE_APPLICATION_CREDENTIALS is not set",
        "application_default_credentials.json",
        "gcloud is not in PATH",
    ] {
        assert!(said.contains(part), "{part:?} is not in: {said}");
    }

    let named = vars(&[("GOOGLE_APPLICATION_CREDENTIALS", "/nonexistent/key.json")]);
    let done = plugin(&named).args(["token", HOST]).run();
    let said = done.fails(4);
    assert!(said.contains("/nonexistent/key.json"), "{said}");
}

#[test]
fn programs_run_on_the_operators_word_only() {
    let google = FakeGoogle::start();
    let dir = Dir::new();
    let foreign = Foreign::start(&google, &dir);
    let files = foreign.files(&google);
    let file = files.iter().find(|(name, ..)| *name == "executable");
    let path = dir.json("program.json", &file.expect("one of them").2);
    let mut env = google.env();
    env.extend(vars(&[("GOOGLE_APPLICATION_CREDENTIALS", &path)]));
    let done = asked(&env, IMAGE);
    let said = done.fails(4);
    assert!(
        said.contains("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1"),
        "{said}"
    );
    assert!(google.server().seen().is_empty());
}

#[test]
fn busy_services_are_asked_again() {
    let google = FakeGoogle::start();
    let dir = Dir::new();
    let file = google.impersonating_file(&google.user_file(), TARGET_ACCOUNT, &[]);
    let path = dir.json("acting.json", &file);
    let mut env: Vars = google.env();
    env.extend(vars(&[("GOOGLE_APPLICATION_CREDENTIALS", &path)]));
    google.be_busy(2);
    let answer = asked(&env, IMAGE).json();
    let owner = google.owner(super::password(&answer));
    assert_eq!(owner.as_deref(), Some(TARGET_ACCOUNT));
    assert_eq!(google.server().seen().len(), 4);
}

/// The secrets in a credentials file.
fn secrets(file: &Value) -> Vec<&str> {
    let mut parts = vec![file];
    parts.extend(file.get("source_credentials"));
    parts
        .iter()
        .flat_map(|part| ["private_key", "client_secret", "refresh_token"].map(|n| text(&part[n])))
        .filter(|secret| !secret.is_empty())
        .collect()
}
