//! Fakes of Google's services for the tests beside the code. Each refuses what the real one would
//! refuse, with a reason, so that a wrong request fails its test.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeZone, Utc};
use regcred_core::{Clock, Env};
use regcred_http_testing::{Fake, Reply, Seen};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};

use crate::ERRORS;
use crate::settings::{Cloud, Settings};

/// A key made for these tests, in both forms, and its public half as openssl wrote it.
pub(crate) const KEY: &str = include_str!("../testdata/test-only-key-pkcs8.pem");
pub(crate) const OLD_KEY: &str = include_str!("../testdata/test-only-key-pkcs1.pem");
const PUBLIC_KEY: &[u8] = include_bytes!("../testdata/test-only-public-key.der");

pub(crate) const EMAIL: &str = "puller@my-project.iam.gserviceaccount.com";
pub(crate) const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
pub(crate) const POOL: &str =
    "//iam.googleapis.com/projects/12/locations/global/workloadIdentityPools/pool/providers/oidc";

/// The time at which all tests play.
pub(crate) fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 2, 3, 4, 5)
        .single()
        .expect("date")
}

/// A cloud with just these variables, at the tests' time.
pub(crate) fn cloud(vars: &[(&str, &str)]) -> Cloud {
    let env = Env::map(vars.iter().copied());
    let settings = Settings::read(&env).expect("settings");
    Cloud::new(ERRORS, &env, &Clock::fixed(now()), settings)
}

/// A fake that answers with JSON, or refuses with a reason in OAuth's form.
pub(crate) async fn fake(
    answer: impl Fn(&Seen) -> Result<Value, String> + Send + Sync + 'static,
) -> Fake {
    Fake::start(move |request| match answer(request) {
        Ok(value) => Reply::json(200, &value),
        Err(why) => Reply::json(
            400,
            &json!({ "error": "invalid_request", "error_description": why, "canary": "body" }),
        ),
    })
    .await
}

/// A metadata server with these entries: path below `computeMetadata/v1/` and answers in turn, the
/// last one again and again. It requires its header, and refuses what a proxy passed on.
pub(crate) async fn metadata(entries: &[(&str, &[(u16, &str)])]) -> Fake {
    let entries = entries.iter().map(|(path, answers)| {
        let answers = answers.iter().map(|(s, body)| (*s, (*body).to_owned()));
        let path = format!("/computeMetadata/v1/{path}");
        (path, answers.collect::<VecDeque<_>>())
    });
    let entries: Mutex<BTreeMap<_, _>> = Mutex::new(entries.collect());
    Fake::start(move |request| {
        let answer =
            |status, body: &str| Reply::text(status, body).header("Metadata-Flavor", "Google");
        if request.header("metadata-flavor") != Some("Google") {
            return answer(403, "Missing required header \"Metadata-Flavor\"");
        }
        let foreign = ["x-forwarded-for", "via", "authorization"];
        if foreign.iter().any(|name| request.header(name).is_some()) || request.method != "GET" {
            return answer(403, "not from here");
        }
        let mut entries = entries.lock().expect("one test");
        match entries.get_mut(request.target()) {
            None => answer(404, "not found"),
            Some(answers) => {
                let first = answers.front().cloned().expect("an answer");
                if answers.len() > 1 {
                    answers.pop_front();
                }
                answer(first.0, &first.1)
            }
        }
    })
    .await
}

/// A metadata server with the token `node-token`, valid for an hour.
pub(crate) async fn metadata_with_token() -> Fake {
    metadata(&[(
        "instance/service-accounts/default/token",
        &[(
            200,
            r#"{"access_token":"node-token","expires_in":3600,"token_type":"Bearer"}"#,
        )],
    )])
    .await
}

/// The IAM Credentials API: returns `impersonated-token` for `bearer` and exactly this body.
pub(crate) async fn iam(bearer: &'static str, wanted: Value) -> Fake {
    fake(move |request| {
        let path = format!("/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken");
        if request.line() != format!("POST {path}") {
            return Err(request.line());
        }
        if request.authorization() != Some(&format!("Bearer {bearer}")) {
            return Err("not the bearer".to_owned());
        }
        if request.header("content-type") != Some("application/json") {
            return Err("not JSON".to_owned());
        }
        let body: Value = serde_json::from_slice(&request.body).map_err(|e| e.to_string())?;
        if body != wanted {
            return Err(format!("the body is {body}"));
        }
        Ok(json!({
            "accessToken": "impersonated-token",
            "expireTime": "2026-01-02T04:04:05Z",
        }))
    })
    .await
}

/// The form of a POST to this path; no field may be there twice.
pub(crate) fn form(request: &Seen, path: &str) -> Result<BTreeMap<String, String>, String> {
    if request.line() != format!("POST {path}") {
        return Err(request.line());
    }
    if request.header("content-type") != Some("application/x-www-form-urlencoded") {
        return Err("not a form".to_owned());
    }
    let pairs = request.form();
    let form: BTreeMap<_, _> = pairs.iter().cloned().collect();
    if form.len() == pairs.len() {
        Ok(form)
    } else {
        Err(format!("a field twice in {pairs:?}"))
    }
}

/// Compares whole forms: nothing missing, nothing more.
pub(crate) fn same_form(
    form: &BTreeMap<String, String>,
    wanted: &[(&str, &str)],
) -> Result<(), String> {
    let form: BTreeMap<&str, &str> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let wanted: BTreeMap<&str, &str> = wanted.iter().copied().collect();
    if form == wanted {
        Ok(())
    } else {
        Err(format!("form {form:?}, wanted {wanted:?}"))
    }
}

pub(crate) fn no_authorization(request: &Seen) -> Result<(), String> {
    match request.authorization() {
        Some(_) => Err("a header authorization".to_owned()),
        None => Ok(()),
    }
}

/// `Authorization: Basic` of these two.
pub(crate) fn basic(username: &str, password: &str) -> String {
    format!(
        "Basic {}",
        STANDARD.encode(format!("{username}:{password}"))
    )
}

/// Header and claims of a JWT whose signature is the tests' key's.
pub(crate) fn verify(token: &str) -> Result<(Value, Value), String> {
    verify_with(token, |text| URL_SAFE_NO_PAD.decode(text).ok())
}

/// The same for gcp_auth's form, which pads its segments.
pub(crate) fn verify_padded(token: &str) -> Result<(Value, Value), String> {
    verify_with(token, |text| URL_SAFE.decode(text).ok())
}

fn verify_with(
    token: &str,
    decode: impl Fn(&str) -> Option<Vec<u8>>,
) -> Result<(Value, Value), String> {
    let (signed, signature) = token.rsplit_once('.').ok_or("not a JWT")?;
    let (header, claims) = signed.split_once('.').ok_or("not a JWT")?;
    let signature = decode(signature).ok_or("the signature is not base64url")?;
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, PUBLIC_KEY)
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| "the signature is wrong")?;
    let json = |text: &str| {
        let bytes = decode(text).ok_or("a segment is not base64url")?;
        serde_json::from_slice::<Value>(&bytes).map_err(|_| "a segment is not JSON")
    };
    Ok((json(header)?, json(claims)?))
}

/// A directory that is removed with the test.
pub(crate) struct Dir(tempfile::TempDir);

impl Dir {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("directory"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file and returns its path as text.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("directory");
        std::fs::write(&path, text).expect("file");
        path.to_str().expect("UTF-8").to_owned()
    }

    /// Writes a JSON file.
    pub(crate) fn json(&self, name: &str, value: &Value) -> String {
        self.file(name, &value.to_string())
    }

    /// Writes a shell script that can be run.
    pub(crate) fn script(&self, name: &str, text: &str) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.file(name, &format!("#!/bin/sh\n{text}\n"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("mode");
        path
    }
}
