use std::collections::BTreeMap;

use regcred_core::{ErrorKind, report};
use regcred_http_testing::{Fake, Seen};
use secrecy::ExposeSecret;
use serde_json::json;

use super::*;
use crate::impersonation::{act_as, own_scopes};
use crate::sts::JWT;
use crate::testing::{
    Dir, EMAIL, POOL, SCOPE, basic, cloud, fake, form, iam, no_authorization, now, same_form,
};

const SAML: &str = "urn:ietf:params:oauth:token-type:saml2";

/// The token service: wants this subject token and type, and these further fields.
async fn sts(
    subject_token: &'static str,
    kind: &'static str,
    more: &'static [(&'static str, &'static str)],
    authorization: Option<String>,
) -> Fake {
    fake(move |request| {
        let mut wanted = vec![
            ("audience", POOL),
            (
                "grant_type",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ),
            (
                "requested_token_type",
                "urn:ietf:params:oauth:token-type:access_token",
            ),
            ("scope", SCOPE),
            ("subject_token", subject_token),
            ("subject_token_type", kind),
        ];
        wanted.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        wanted.extend(more);
        same_form(&form(request, "/v1/token")?, &wanted)?;
        if request.authorization() == authorization.as_deref() {
            Ok(json!({ "access_token": "federated-token", "expires_in": 1800 }))
        } else {
            Err("not the client".to_owned())
        }
    })
    .await
}

fn file(sts: &Fake, kind: &str, source: &Value) -> Value {
    json!({
        "type": "external_account",
        "audience": POOL,
        "subject_token_type": kind,
        "token_url": sts.url("/v1/token"),
        "credential_source": source,
    })
}

type Built = (ExternalAccount, Option<Impersonation>);

fn build(file: &Value, vars: &[(&str, &str)]) -> Result<Built, String> {
    let key = serde_json::from_value(file.clone()).expect("fields");
    let whose = "the identity in /wif.json".to_owned();
    ExternalAccount::new(&cloud(vars).settings, Path::new("/wif.json"), whose, key)
}

async fn token(file: &Value, vars: &[(&str, &str)]) -> Result<String, ProviderError> {
    token_with(file, vars, SCOPE).await
}

async fn token_with(
    file: &Value,
    vars: &[(&str, &str)],
    scopes: &str,
) -> Result<String, ProviderError> {
    let cloud = cloud(vars);
    let (account, acts_as) = build(file, vars).expect("source");
    let accounts = acts_as.as_slice();
    let own = account.token(&cloud, own_scopes(accounts, scopes)).await?;
    let token = act_as(&cloud, own, accounts, scopes).await?;
    Ok(token.secret.expose_secret().to_owned())
}

/// Names the fakes as trusted, as an operator would.
fn trusting<'a>(hosts: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut vars = vec![("REGCRED_GCR_TRUSTED_HOSTS", hosts)];
    vars.extend(more);
    vars
}

#[tokio::test]
async fn a_file_holds_the_subject_token_as_text_or_json() {
    let sts = sts("subject-1", JWT, &[], None).await;
    let dir = Dir::new();
    let text = dir.file("token", " subject-1\n");
    let json_file = dir.json("token.json", &json!({ "t": "subject-1" }));
    let format = json!({ "type": "json", "subject_token_field_name": "t" });
    for source in [
        json!({ "file": text }),
        json!({ "file": json_file, "format": format }),
    ] {
        let file = file(&sts, JWT, &source);
        let token = token(&file, &trusting(&sts.host(), &[])).await;
        assert_eq!(token.expect("token"), "federated-token");
    }
}

#[tokio::test]
async fn a_missing_subject_token_is_named() {
    let sts = sts("x", JWT, &[], None).await;
    let file = file(&sts, JWT, &json!({ "file": "/nowhere/token" }));
    let error = token(&file, &trusting(&sts.host(), &[]))
        .await
        .expect_err("missing");
    assert!(error.to_string().contains("/nowhere/token"), "{error}");
    assert!(sts.seen().is_empty());
}

#[tokio::test]
async fn a_url_is_asked_with_its_headers() {
    let sts = sts("subject-2", JWT, &[], None).await;
    let idp = fake(|request: &Seen| {
        if request.header("metadata") != Some("True") {
            return Err("no Metadata header".to_owned());
        }
        no_authorization(request)?;
        Ok(json!({ "access_token": "subject-2" }))
    })
    .await;
    let source = json!({
        "url": idp.url("/identity?api-version=1"),
        "headers": { "Metadata": "True" },
        "format": { "type": "json", "subject_token_field_name": "access_token" },
    });
    let file = file(&sts, JWT, &source);
    let token = token(&file, &trusting(&sts.host(), &[])).await;
    assert_eq!(token.expect("token"), "federated-token");
}

#[tokio::test]
async fn the_client_logs_in_and_the_scope_is_narrowed_last() {
    let login = basic("client-1", "a:b");
    let sts = sts("subject", JWT, &[], Some(login)).await;
    let iam = iam(
        "federated-token",
        json!({ "lifetime": "7200s", "scope": ["narrow"] }),
    )
    .await;
    let dir = Dir::new();
    let mut file = file(&sts, JWT, &json!({ "file": dir.file("token", "subject") }));
    file["client_id"] = "client-1".into();
    file["client_secret"] = "a:b".into();
    file["service_account_impersonation_url"] = format!(
        "{}/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken",
        iam.url("")
    )
    .into();
    file["service_account_impersonation"] = json!({ "token_lifetime_seconds": 7200 });
    let hosts = format!("{},{}", sts.host(), iam.host());
    let token = token_with(&file, &trusting(&hosts, &[]), "narrow").await;
    assert_eq!(token.expect("token"), "impersonated-token");
}

#[tokio::test]
async fn workforce_pools_bill_a_project() {
    const WORKFORCE: &str = "//iam.googleapis.com/locations/global/workforcePools/p/providers/x";
    let sts = sts(
        "subject",
        JWT,
        &[
            ("audience", WORKFORCE),
            ("options", r#"{"userProject":"p1"}"#),
        ],
        None,
    )
    .await;
    let dir = Dir::new();
    let mut file = file(&sts, JWT, &json!({ "file": dir.file("token", "subject") }));
    file["workforce_pool_user_project"] = "p1".into();
    let vars = trusting("127.0.0.1", &[]);
    assert!(build(&file, &vars).is_err(), "not a workforce pool");
    file["audience"] = WORKFORCE.into();
    assert_eq!(token(&file, &vars).await.expect("token"), "federated-token");
}

#[tokio::test]
async fn a_program_prints_the_subject_token() {
    let sts = sts("saml-1", SAML, &[], None).await;
    let dir = Dir::new();
    let program = dir.script(
        "program",
        r#"[ "$1" = --flag ] || exit 3
[ "$GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE" = urn:ietf:params:oauth:token-type:saml2 ] || exit 4
[ "$GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE" = 0 ] || exit 5
case $GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE in //iam.googleapis.com/*) ;; *) exit 6 ;; esac
echo '{"version":1,"success":true,"token_type":"urn:ietf:params:oauth:token-type:saml2","saml_response":"saml-1"}'"#,
    );
    let file = file(
        &sts,
        SAML,
        &json!({ "executable": { "command": format!("{program} --flag") } }),
    );
    let vars = trusting("127.0.0.1", &[]);
    let error = token(&file, &vars).await.expect_err("not allowed");
    assert!(
        error
            .to_string()
            .contains("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1"),
        "{error}"
    );
    let vars = trusting(
        "127.0.0.1",
        &[("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")],
    );
    assert_eq!(token(&file, &vars).await.expect("token"), "federated-token");
}

#[tokio::test]
async fn a_saved_response_spares_the_program_until_it_expires() {
    let sts = sts("saved", JWT, &[], None).await;
    let dir = Dir::new();
    let program = dir.script("program", "exit 7");
    let saved = |end: i64| {
        json!({
            "version": 1, "success": true, "token_type": JWT, "id_token": "saved",
            "expiration_time": end,
        })
    };
    let output = dir.json("output.json", &saved(now().timestamp() + 60));
    let file = file(
        &sts,
        JWT,
        &json!({ "executable": { "command": program, "output_file": output } }),
    );
    let vars = trusting(
        "127.0.0.1",
        &[("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")],
    );
    assert_eq!(token(&file, &vars).await.expect("token"), "federated-token");
    dir.json("output.json", &saved(now().timestamp()));
    let error = token(&file, &vars).await.expect_err("the program runs");
    assert!(
        report(&error).contains("exit status 7"),
        "{}",
        report(&error)
    );
}

#[tokio::test]
async fn wrong_responses_of_a_program_are_refused_and_not_shown() {
    let sts = sts("x", JWT, &[], None).await;
    for (answer, part) in [
        ("canary", "documented JSON form"),
        (r#"{"version":2,"success":true}"#, "version 1"),
        (r#"{"version":1,"id_token":"canary"}"#, "succeeded"),
        (
            r#"{"version":1,"success":false,"code":"401","message":"log in first"}"#,
            "401: log in first",
        ),
        (
            r#"{"version":1,"success":true,"token_type":"x","id_token":"canary"}"#,
            "token_type",
        ),
        (
            r#"{"version":1,"success":true,"token_type":"urn:ietf:params:oauth:token-type:jwt"}"#,
            "no token",
        ),
        (
            r#"{"version":1,"success":true,"token_type":"urn:ietf:params:oauth:token-type:jwt","id_token":"canary","expiration_time":1}"#,
            "expired",
        ),
    ] {
        let dir = Dir::new();
        let program = dir.script("program", &format!("echo '{answer}'"));
        let file = file(&sts, JWT, &json!({ "executable": { "command": program } }));
        let vars = trusting(
            "127.0.0.1",
            &[("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")],
        );
        let error = token(&file, &vars).await.expect_err(part);
        let shown = report(&error);
        assert!(shown.contains(part) && !shown.contains("canary"), "{shown}");
    }
}

#[tokio::test]
async fn an_expired_subject_token_is_refused_with_googles_reason() {
    let sts = fake(|_| Err("the token has expired".to_owned())).await;
    let dir = Dir::new();
    let expired = dir.file("token", "subject-token-9");
    let file = file(&sts, JWT, &json!({ "file": expired }));
    let error = token(&file, &trusting("127.0.0.1", &[]))
        .await
        .expect_err("expired");
    assert_eq!(error.kind(), ErrorKind::Denied);
    let shown = report(&error);
    assert!(shown.contains("has expired"), "{shown}");
    assert!(shown.contains("/wif.json"), "{shown}");
}

#[test]
fn files_that_name_strange_places_are_refused() {
    let good = json!({
        "audience": POOL,
        "subject_token_type": JWT,
        "credential_source": { "file": "/token" },
    });
    assert!(build(&good, &[]).is_ok());
    let strange: BTreeMap<&str, Value> = BTreeMap::from([
        ("token_url", json!("https://sts.evil.com/v1/token")),
        (
            "service_account_impersonation_url",
            json!("http://iamcredentials.googleapis.com/x"),
        ),
        ("universe_domain", json!("evil.com")),
        ("credential_source", json!({ "url": "http://evil.com/t" })),
    ]);
    for (field, value) in strange {
        let mut file = good.clone();
        file[field] = value;
        let reason = build(&file, &[]).err().expect(field);
        assert!(
            reason.contains("evil.com") || reason.contains(field),
            "{reason}"
        );
    }
    for source in [
        json!({}),
        json!({ "file": "/a", "url": "https://b" }),
        json!({ "executable": { "command": " " } }),
        json!({ "executable": { "command": "x", "timeout_millis": 1 } }),
        json!({ "environment_id": "aws2", "regional_cred_verification_url": "x" }),
    ] {
        let mut file = good.clone();
        file["credential_source"] = source.clone();
        assert!(build(&file, &[]).is_err(), "{source}");
    }
}

#[tokio::test]
async fn a_certificate_chain_is_the_subject_token() {
    let dir = Dir::new();
    let own = rcgen::generate_simple_self_signed(vec!["workload".to_owned()]).expect("made");
    let ca = rcgen::generate_simple_self_signed(vec!["ca".to_owned()]).expect("made");
    let config = dir.json(
        "config.json",
        &json!({ "cert_configs": { "workload": {
            "cert_path": dir.file("cert.pem", &own.cert.pem()),
            "key_path": dir.file("key.pem", &own.signing_key.serialize_pem()),
        } } }),
    );
    let chain = format!("{}{}", own.cert.pem(), ca.cert.pem());
    let source = json!({ "certificate": {
        "certificate_config_location": config,
        "trust_chain_path": dir.file("chain.pem", &chain),
    } });
    let cloud = cloud(&[]);
    let key: ExternalAccountKey = serde_json::from_value(json!({
        "audience": POOL,
        "subject_token_type": "urn:ietf:params:oauth:token-type:mtls",
        "credential_source": source,
    }))
    .expect("fields");
    let subject = Subject::new(&cloud.settings, &key, None).expect("source");
    let (_, token) = subject.token(&cloud, POOL).await.expect("chain");
    let chain: Vec<String> = serde_json::from_str(token.expose_secret()).expect("list");
    let encoded = |der: &[u8]| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(der)
    };
    assert_eq!(chain, [encoded(own.cert.der()), encoded(ca.cert.der())]);
    let whose = String::new();
    let (account, _) =
        ExternalAccount::new(&cloud.settings, Path::new("/x"), whose, key).expect("account");
    let url = "https://sts.mtls.googleapis.com/v1/token";
    assert_eq!(account.exchange.url, url);
}
