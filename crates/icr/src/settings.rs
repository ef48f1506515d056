//! What the operator decided, read once from the environment.

use regcred_core::{AlsoServe, Credentials, Env, ProviderError};
use regcred_http::secure_url;
use secrecy::SecretString;

use crate::failure::misconfigured;
use crate::hosts::Hosts;
use crate::vars;

/// The settings that hold for every request.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) hosts: Hosts,
    pub(crate) auth_type: AuthType,
    /// IAM's base URLs, in the order of trying.
    pub(crate) iam: Vec<String>,
    /// Base URL of the metadata server.
    pub(crate) vpc: String,
    /// API version of the metadata server, when one is prescribed.
    pub(crate) ims_version: Option<String>,
    /// The OAuth client that asks IAM.
    pub(crate) client: Option<Credentials>,
    pub(crate) login: Login,
    pub(crate) profile_annotation: String,
    pub(crate) require_pod_identity: bool,
}

/// Which identity was asked for, in the words of IBM's SDKs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthType {
    Auto,
    Iam,
    IamAssume,
    Container,
    Vpc,
    BearerToken,
}

/// What the registry is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    /// `iambearer` and an access token.
    Token,
    /// The long-lived secret itself.
    Secret,
}

impl Settings {
    pub(crate) fn read(env: &Env) -> Result<Self, ProviderError> {
        let also_serve = AlsoServe::parse(env.get(vars::ALSO_SERVE).unwrap_or_default())
            .map_err(|why| misconfigured(format!("{}: {why}", vars::ALSO_SERVE)))?;
        let iam = env
            .get(vars::IAM_URL)
            .or_else(|| env.get(vars::IAM_URL_ALIAS));
        Ok(Self {
            hosts: Hosts { also_serve },
            auth_type: auth_type(env)?,
            iam: match iam {
                None => vec![PUBLIC.to_owned(), PRIVATE.to_owned()],
                Some(url) => vec![iam_base(url)?],
            },
            vpc: env
                .get(vars::VPC_URL)
                .unwrap_or(METADATA)
                .trim_end_matches('/')
                .to_owned(),
            ims_version: ims_version(env)?,
            client: client(env)?,
            login: match env.get(vars::LOGIN) {
                None | Some("token") => Login::Token,
                Some("secret") => Login::Secret,
                Some(_) => {
                    return Err(misconfigured(format!(
                        "{} must be token or secret",
                        vars::LOGIN
                    )));
                }
            },
            profile_annotation: env
                .get(vars::PROFILE_ANNOTATION)
                .unwrap_or(DEFAULT_ANNOTATION)
                .to_owned(),
            require_pod_identity: env.is_true(vars::REQUIRE_POD_IDENTITY),
        })
    }
}

fn auth_type(env: &Env) -> Result<AuthType, ProviderError> {
    let named = env
        .get(vars::AUTH_TYPE)
        .or_else(|| env.get(vars::AUTH_TYPE_ALIAS));
    let Some(word) = named else {
        return Ok(AuthType::Auto);
    };
    match word.to_ascii_lowercase().as_str() {
        "auto" => Ok(AuthType::Auto),
        "iam" => Ok(AuthType::Iam),
        "iamassume" => Ok(AuthType::IamAssume),
        "container" | "pod-identity" => Ok(AuthType::Container),
        "vpc" => Ok(AuthType::Vpc),
        "bearertoken" => Ok(AuthType::BearerToken),
        _ => Err(misconfigured(format!(
            "{} must be auto, iam, iamAssume, container, vpc or bearerToken",
            vars::AUTH_TYPE
        ))),
    }
}

/// The base of a configured URL: the SDKs also take the whole path.
fn iam_base(url: &str) -> Result<String, ProviderError> {
    let base = match url.trim().trim_end_matches('/') {
        "public" => PUBLIC,
        "private" => PRIVATE,
        "test" => TEST,
        "private-test" => PRIVATE_TEST,
        url => url.strip_suffix("/identity/token").unwrap_or(url),
    };
    let is_base = secure_url(base).is_some_and(|url| url.query().is_none());
    match is_base {
        true => Ok(base.to_owned()),
        false => Err(misconfigured(format!(
            "{} is no https:// URL, nor public, private, test or private-test",
            vars::IAM_URL
        ))),
    }
}

fn ims_version(env: &Env) -> Result<Option<String>, ProviderError> {
    let Some(version) = env.get(vars::IMS_VERSION) else {
        return Ok(None);
    };
    chrono::NaiveDate::parse_from_str(version, "%Y-%m-%d")
        .map(|date| Some(date.to_string()))
        .map_err(|_| {
            misconfigured(format!(
                "{} must be a date as 2025-08-26",
                vars::IMS_VERSION
            ))
        })
}

fn client(env: &Env) -> Result<Option<Credentials>, ProviderError> {
    match (env.get(vars::CLIENT_ID), env.get(vars::CLIENT_SECRET)) {
        (Some(id), Some(secret)) => Ok(Some(Credentials::new(id, SecretString::from(secret)))),
        (None, None) => Ok(None),
        _ => Err(misconfigured(format!(
            "{} and {} go together: set both or none",
            vars::CLIENT_ID,
            vars::CLIENT_SECRET
        ))),
    }
}

const PUBLIC: &str = "https://iam.cloud.ibm.com";
const PRIVATE: &str = "https://private.iam.cloud.ibm.com";
const TEST: &str = "https://iam.test.cloud.ibm.com";
const PRIVATE_TEST: &str = "https://private.iam.test.cloud.ibm.com";
/// The address and not the name: where there is no such server, the name may take long to fail.
const METADATA: &str = "http://169.254.169.254";
const DEFAULT_ANNOTATION: &str = "regcred.dev/ibm-profile-id";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iam_is_named_by_word_base_or_whole_path() {
        for (value, base) in [
            ("private", PRIVATE),
            ("test", TEST),
            ("https://iam.corp/", "https://iam.corp"),
            ("https://iam.corp/identity/token", "https://iam.corp"),
        ] {
            let settings = Settings::read(&Env::map([(vars::IAM_URL, value)])).expect(value);
            assert_eq!(settings.iam, [base]);
        }
        let settings = Settings::read(&Env::default()).expect("defaults");
        assert_eq!(settings.iam, [PUBLIC, PRIVATE]);
    }

    #[test]
    fn keys_go_to_https_only() {
        for url in ["http://iam.corp", "https://u:canary@iam.corp", "iam.corp"] {
            let error = Settings::read(&Env::map([(vars::IAM_URL_ALIAS, url)])).expect_err(url);
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }

    #[test]
    fn words_are_checked_and_never_echoed() {
        for name in [
            vars::AUTH_TYPE,
            vars::LOGIN,
            vars::IMS_VERSION,
            vars::CLIENT_SECRET,
            vars::IAM_URL,
        ] {
            let error = Settings::read(&Env::map([(name, "canary")])).expect_err(name);
            assert!(!error.to_string().contains("canary"), "{error}");
        }
        let env = Env::map([(vars::AUTH_TYPE_ALIAS, "Pod-Identity")]);
        assert_eq!(
            Settings::read(&env).expect("read").auth_type,
            AuthType::Container
        );
    }
}
