//! Google's own clients use the same fakes: `google-auth` for Python with every kind of file, and
//! `gcloud` where it is installed. What they are given is what the fakes issued, so what the fakes
//! demand is what Google's clients send.

use regcred_tests::google::{
    DISTANT_ACCOUNT, KEY_ACCOUNT, MIDDLE_ACCOUNT, NODE_ACCOUNT, PERSON, STAFF, TARGET_ACCOUNT,
};
use regcred_tests::need::find;
use regcred_tests::{FakeGceMetadata, FakeGoogle, python_with};
use serde_json::{Value, json};

use super::foreign::Foreign;
use super::{Dir, HOST, other, plugin, vars};

#[test]
fn google_auth_gets_on_with_the_fakes() {
    let Some(python) = python_with("google.auth") else {
        return;
    };
    let google = FakeGoogle::start();
    let machine = FakeGceMetadata::start_beside(&google);
    let dir = Dir::new();
    let foreign = Foreign::start(&google, &dir);
    let (key, user) = (google.key_file(), google.user_file());
    let mut cases: Vec<(&str, Value)> = vec![
        (KEY_ACCOUNT, key.clone()),
        (PERSON, user.clone()),
        (STAFF, google.external_user_file()),
        (NODE_ACCOUNT, json!({"type": "metadata"})),
        (NODE_ACCOUNT, json!({"type": "default"})),
    ];
    for (_, owner, file) in foreign.files(&google) {
        let mut acting = file.clone();
        acting["service_account_impersonation_url"] =
            json!(google.impersonation_url(TARGET_ACCOUNT));
        cases.extend([(owner, file), (TARGET_ACCOUNT, acting)]);
    }
    for (source, account, delegates) in [
        (&key, TARGET_ACCOUNT, &[][..]),
        (&user, DISTANT_ACCOUNT, &[MIDDLE_ACCOUNT]),
    ] {
        cases.push((
            account,
            google.impersonating_file(source, account, delegates),
        ));
    }

    let mut env = machine.env();
    env.extend(foreign.vars());
    // Under which address it looks whether there is a metadata server at all.
    let address = machine.server().authority();
    env.extend(vars(&[
        ("GCE_METADATA_IP", &address),
        ("HOME", "/nonexistent"),
    ]));
    let files: Vec<&Value> = cases.iter().map(|(_, file)| file).collect();
    let token_url = format!("{}/token", google.server().url());
    let said = other(&python, &env)
        .args(["-c", PROGRAM, &token_url])
        .stdin(json!(files).to_string())
        .run()
        .success();
    let tokens: Vec<&str> = said.lines().collect();
    assert_eq!(tokens.len(), cases.len(), "{said}");
    for (token, (owner, file)) in tokens.iter().zip(&cases) {
        assert_eq!(google.owner(token).as_deref(), Some(*owner), "{file}");
    }
}

#[test]
fn gclouds_login_is_used_and_its_end_is_told() {
    let Some(gcloud) = find("gcloud") else {
        eprintln!("SKIPPED: no gcloud on PATH");
        return;
    };
    let google = FakeGoogle::start();
    let dir = Dir::new();
    let key = dir.json("key.json", &google.key_file());
    let bin = gcloud.parent().expect("a directory").display().to_string();
    let mut env = vars(&[
        ("HOME", &dir.path("home").display().to_string()),
        ("PATH", &format!("{bin}:/usr/bin:/bin")),
        // The first login of all looks for a metadata server, whose name may not resolve here.
        ("CLOUDSDK_CORE_CHECK_GCE_METADATA", "false"),
    ]);
    let login = format!("--cred-file={key}");
    let login = other(&gcloud, &env).args(["auth", "login", &login, "--quiet"]);
    let _ = login.run().success();
    // Nothing answers there, as on a laptop.
    env.extend(vars(&[("REGCRED_GCR_TOKEN_SOURCES", "file,gcloud")]));
    let token = plugin(&env).args(["token", HOST]).run().success();
    assert_eq!(google.owner(token.trim()).as_deref(), Some(KEY_ACCOUNT));
    let kept = plugin(&env)
        .args(["token", HOST, "-o", "json"])
        .run()
        .json();
    assert_eq!(kept["password"], token.trim(), "gcloud keeps its token");
    let end = google
        .ledger()
        .find(token.trim())
        .expect("issued")
        .expires_at;
    let said = chrono::DateTime::parse_from_rfc3339(super::text(&kept["expiresAt"]));
    let off = said.expect("a date").timestamp() - end;
    assert!(off.abs() <= 2, "{off} s beside the token's real end");
}

/// Prints one token for each file on standard input.
const PROGRAM: &str = r#"
import json, sys
import google.auth
from google.auth import (
    aws, compute_engine, external_account_authorized_user, identity_pool, impersonated_credentials,
    pluggable)
from google.auth.transport.requests import Request
from google.oauth2 import credentials as user, service_account

SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
TOKEN_URL = sys.argv[1]

def client(file):
    kind = file["type"]
    if kind == "metadata":
        return compute_engine.Credentials()
    if kind == "default":
        return google.auth.default(scopes=SCOPES)[0]
    if kind == "authorized_user":
        return user.Credentials(
            None, refresh_token=file["refresh_token"], token_uri=TOKEN_URL,
            client_id=file["client_id"], client_secret=file["client_secret"])
    if kind == "impersonated_service_account":
        source = client(file["source_credentials"])
        url = file["service_account_impersonation_url"]
        return impersonated_credentials.Credentials(
            source, url.rsplit("/", 1)[1].split(":")[0], SCOPES,
            delegates=file["delegates"], iam_endpoint_override=url)
    if kind == "service_account":
        return service_account.Credentials.from_service_account_info(file, scopes=SCOPES)
    if kind == "external_account_authorized_user":
        return external_account_authorized_user.Credentials.from_info(file)
    source = file["credential_source"]
    module = aws if "environment_id" in source else (
        pluggable if "executable" in source else identity_pool)
    return module.Credentials.from_info(file, scopes=SCOPES)

for file in json.load(sys.stdin):
    found = client(file)
    found.refresh(Request())
    print(found.token)
"#;
