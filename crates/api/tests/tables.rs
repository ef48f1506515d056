//! The tables of cases in `tests/data`: one test for each file, all failures of a file at once.

use regcred_api::docker_config::{self, BadEntries, Format};
use regcred_api::pull_secret::{self, Content};
use regcred_api::{ApiVersion, CredentialProviderResponse, GoDuration};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DurationCase {
    text: String,
    nanos: Option<i64>,
    printed: Option<String>,
    error: Option<String>,
}

#[test]
fn durations() {
    let cases: Vec<DurationCase> = table(include_str!("data/durations.yaml"));
    let found = cases.iter().map(|case| {
        let parsed = case.text.parse::<GoDuration>();
        let found = match &parsed {
            Ok(duration) => (Some(duration.0), Some(duration.to_string()), None),
            Err(error) => (None, None, Some(error.to_string())),
        };
        let wanted = (case.nanos, case.printed.clone(), case.error.clone());
        (
            case.text.clone(),
            format!("{found:?}"),
            format!("{wanted:?}"),
        )
    });
    check(found);
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DockerCase {
    what: String,
    #[serde(default)]
    form: Option<String>,
    text: String,
    entries: Option<Vec<[String; 3]>>,
    error: Option<String>,
    error_contains: Option<String>,
    kept: Option<Vec<String>>,
}

#[test]
fn docker_configurations() {
    let cases: Vec<DockerCase> = table(include_str!("data/docker-config.yaml"));
    for case in &cases {
        let (what, text) = (&case.what, case.text.as_bytes());
        let form = match case.form.as_deref() {
            None => Format::ConfigJson,
            Some("dockercfg") => Format::Dockercfg,
            Some(other) => panic!("{what}: form {other}"),
        };
        let strict = docker_config::parse(text, form, BadEntries::RejectFile);
        match (&strict, &case.entries) {
            (Ok(config), Some(wanted)) => {
                let entries = config.entries.iter().map(|entry| {
                    let password = entry.password.expose_secret().to_owned();
                    [entry.server.clone(), entry.username.clone(), password]
                });
                assert_eq!(entries.collect::<Vec<_>>(), *wanted, "{what}");
            }
            (Err(error), None) => {
                let error = error.to_string();
                let same = case.error.as_ref().is_none_or(|wanted| *wanted == error);
                let part = case.error_contains.as_deref().unwrap_or_default();
                assert!(same && error.contains(part), "{what}: {error}");
                assert!(
                    case.error.is_some() || !part.is_empty(),
                    "{what}: no error given"
                );
            }
            (other, _) => panic!("{what}: {other:?}"),
        }
        let skipping = docker_config::parse(text, form, BadEntries::Skip);
        match (skipping, &case.kept) {
            (Ok(config), Some(kept)) => {
                let servers = config.entries.iter().map(|entry| entry.server.clone());
                assert_eq!(servers.collect::<Vec<_>>(), *kept, "{what}");
                assert_eq!(config.rejected.len(), 1, "{what}");
            }
            (Ok(config), None) => assert!(strict.is_ok() && config.rejected.is_empty(), "{what}"),
            (Err(_), kept) => assert!(strict.is_err() && kept.is_none(), "{what}"),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResponseCase {
    what: String,
    asked: Option<String>,
    token: Option<String>,
    stdout: String,
    #[serde(rename = "type")]
    key_type: Option<String>,
    duration: Option<String>,
    auth: Option<Vec<[String; 3]>>,
    error: Option<String>,
}

#[test]
fn responses() {
    let cases: Vec<ResponseCase> = table(include_str!("data/responses.yaml"));
    let found = cases.iter().map(|case| {
        let asked = case.asked.as_deref().unwrap_or("v1");
        let asked: ApiVersion = format!("credentialprovider.kubelet.k8s.io/{asked}")
            .parse()
            .expect("a version");
        let token = case.token.clone().map(SecretString::from);
        let stdout = case.stdout.as_bytes();
        let found = match CredentialProviderResponse::decode(stdout, asked, token.as_ref()) {
            Ok(answer) => {
                let auth = answer.auth.iter().map(|(key, login)| {
                    let password = login.password.expose_secret().to_owned();
                    [key.clone(), login.username.clone(), password]
                });
                (
                    Some(answer.cache_key_type.as_str().to_owned()),
                    answer.cache_duration.map(|duration| duration.to_string()),
                    Some(auth.collect::<Vec<_>>()),
                    None,
                )
            }
            Err(error) => (None, None, None, Some(error.to_string())),
        };
        let wanted = (
            case.key_type.clone(),
            case.duration.clone(),
            case.auth.clone(),
            case.error.clone(),
        );
        (
            case.what.clone(),
            format!("{found:?}"),
            format!("{wanted:?}"),
        )
    });
    check(found);
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretCase {
    what: String,
    text: String,
    secrets: Option<Vec<FoundSecret>>,
    error_contains: Option<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct FoundSecret {
    name: String,
    servers: Option<Vec<String>>,
    #[serde(default)]
    skipped: bool,
}

#[test]
fn pull_secrets() {
    for case in table::<SecretCase>(include_str!("data/pull-secrets.yaml")) {
        let what = &case.what;
        match pull_secret::parse(case.text.as_bytes(), BadEntries::RejectFile) {
            Ok(secrets) => {
                let found = secrets.into_iter().map(|secret| match secret.content {
                    Content::Skipped(_) => FoundSecret {
                        name: secret.name,
                        servers: None,
                        skipped: true,
                    },
                    Content::Config(config) => FoundSecret {
                        name: secret.name,
                        servers: Some(config.entries.into_iter().map(|e| e.server).collect()),
                        skipped: false,
                    },
                });
                assert_eq!(Some(found.collect()), case.secrets, "{what}");
            }
            Err(error) => {
                let part = case.error_contains.as_deref();
                let part = part.unwrap_or_else(|| panic!("{what}: {error}"));
                assert!(error.to_string().contains(part), "{what}: {error}");
            }
        }
    }
}

fn table<T: DeserializeOwned>(text: &str) -> Vec<T> {
    let cases: Vec<T> = serde_saphyr::from_str(text).expect("a table of cases");
    assert!(cases.len() > 10, "the table has its cases");
    cases
}

fn check(cases: impl Iterator<Item = (String, String, String)>) {
    let wrong: Vec<_> = cases.filter(|(_, found, wanted)| found != wanted).collect();
    assert!(wrong.is_empty(), "case, found, expected: {wrong:#?}");
}
