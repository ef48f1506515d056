//! What the operator decided, read once from the environment.

use regcred_cloud::{Options, secure_base};
use regcred_core::{Credentials, Env, ProviderError};

use crate::hosts::Hosts;
use crate::{ERRORS, vars};

/// The settings with the clients that use them.
pub(crate) type Cloud = regcred_cloud::Cloud<Settings>;

/// The settings that hold for every request.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) hosts: Hosts,
    pub(crate) auth_type: AuthType,
    /// IAM's base URLs, in the order of trying.
    pub(crate) iam: Vec<String>,
    /// Base URL of the metadata server.
    pub(crate) vpc: String,
    /// Whether the machine was named as a VPC instance: only then is the server worth waiting for.
    pub(crate) expects_vpc: bool,
    /// API version of the metadata server, when one is prescribed.
    pub(crate) ims_version: Option<String>,
    /// The OAuth client that asks IAM.
    pub(crate) client: Option<Credentials>,
    pub(crate) registry_login: RegistryLogin,
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

/// What the registry receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RegistryLogin {
    /// `iambearer` and an access token.
    Token,
    /// The long-lived secret itself.
    Secret,
}

impl Settings {
    pub(crate) fn read(env: &Env) -> Result<Self, ProviderError> {
        let options = Options::new(ERRORS, env);
        let also_serve = options.hosts(vars::ALSO_SERVE)?;
        let auth_type = match options.one_of(vars::AUTH_TYPE, &AUTH_TYPES)? {
            None => options.one_of(vars::AUTH_TYPE_ALIAS, &AUTH_TYPES)?,
            named => named,
        };
        let auth_type = auth_type.unwrap_or(AuthType::Auto);
        // IBM's SDKs have one variable for the server of whatever authenticates.
        let (iam_names, vpc_names) = if auth_type == AuthType::Vpc {
            (&[vars::IAM_URL][..], &[vars::VPC_URL, vars::AUTH_URL][..])
        } else {
            (&[vars::IAM_URL, vars::AUTH_URL][..], &[vars::VPC_URL][..])
        };
        Ok(Self {
            hosts: Hosts { also_serve },
            auth_type,
            iam: iam(&options, iam_names)?,
            vpc: vpc(&options, vpc_names)?,
            expects_vpc: auth_type == AuthType::Vpc || options.first(vpc_names).is_some(),
            ims_version: ims_version(&options)?,
            client: client(&options)?,
            registry_login: options
                .one_of(vars::LOGIN, &REGISTRY_LOGINS)?
                .unwrap_or(RegistryLogin::Token),
            profile_annotation: options
                .text(vars::PROFILE_ANNOTATION)
                .unwrap_or(DEFAULT_ANNOTATION)
                .to_owned(),
            require_pod_identity: options.is_true(vars::REQUIRE_POD_IDENTITY),
        })
    }
}

/// The bases in the first of the variables that is set, else those to try one after another.
fn iam(options: &Options<'_>, names: &[&str]) -> Result<Vec<String>, ProviderError> {
    let named = names
        .iter()
        .find_map(|name| Some((*name, options.text(name)?)));
    match named {
        None => Ok(vec![PUBLIC.to_owned(), PRIVATE.to_owned()]),
        Some((name, url)) => Ok(vec![iam_base(options, name, url)?]),
    }
}

/// The metadata server in the first of the variables that is set.
fn vpc(options: &Options<'_>, names: &[&str]) -> Result<String, ProviderError> {
    for name in names {
        if let Some(url) = options.metadata_url(name, &[METADATA_NAME])? {
            return Ok(url);
        }
    }
    Ok(METADATA.to_owned())
}

/// The base of a configured URL: the SDKs also take the whole path.
fn iam_base(options: &Options<'_>, name: &str, url: &str) -> Result<String, ProviderError> {
    let base = match url.trim_end_matches('/') {
        "public" => PUBLIC,
        "private" => PRIVATE,
        "test" => TEST,
        "private-test" => PRIVATE_TEST,
        url => url.strip_suffix("/identity/token").unwrap_or(url),
    };
    let wrong = "is not an https:// URL, nor public, private, test or private-test";
    secure_base(base).ok_or_else(|| options.wrong(name, wrong))
}

fn ims_version(options: &Options<'_>) -> Result<Option<String>, ProviderError> {
    let Some(version) = options.text(vars::IMS_VERSION) else {
        return Ok(None);
    };
    chrono::NaiveDate::parse_from_str(version, "%Y-%m-%d")
        .map(|date| Some(date.to_string()))
        .map_err(|_| options.wrong(vars::IMS_VERSION, "must be a date such as 2025-08-26"))
}

fn client(options: &Options<'_>) -> Result<Option<Credentials>, ProviderError> {
    match (
        options.text(vars::CLIENT_ID),
        options.secret(vars::CLIENT_SECRET),
    ) {
        (Some(id), Some(secret)) => Ok(Some(Credentials::new(id, secret))),
        (None, None) => Ok(None),
        _ => Err(ERRORS.misconfigured(format!(
            "{} and {} belong together: set both or neither",
            vars::CLIENT_ID,
            vars::CLIENT_SECRET
        ))),
    }
}

const AUTH_TYPES: [(&str, AuthType); 7] = [
    ("auto", AuthType::Auto),
    ("iam", AuthType::Iam),
    ("iamAssume", AuthType::IamAssume),
    ("container", AuthType::Container),
    ("pod-identity", AuthType::Container),
    ("vpc", AuthType::Vpc),
    ("bearerToken", AuthType::BearerToken),
];

const REGISTRY_LOGINS: [(&str, RegistryLogin); 2] = [
    ("token", RegistryLogin::Token),
    ("secret", RegistryLogin::Secret),
];

const PUBLIC: &str = "https://iam.cloud.ibm.com";
const PRIVATE: &str = "https://private.iam.cloud.ibm.com";
const TEST: &str = "https://iam.test.cloud.ibm.com";
const PRIVATE_TEST: &str = "https://private.iam.test.cloud.ibm.com";
/// The address and not the name: without such a server, looking up the name may take long.
const METADATA: &str = "http://169.254.169.254";
/// IBM's name for it.
const METADATA_NAME: &str = "api.metadata.cloud.ibm.com";
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
            for name in [vars::AUTH_URL, vars::IAM_URL] {
                let error = Settings::read(&Env::map([(name, url)])).expect_err(url);
                let text = error.to_string();
                assert!(text.contains(name) && !text.contains("canary"), "{text}");
            }
        }
    }

    #[test]
    fn with_vpc_the_auth_url_is_the_metadata_services() {
        let vpc = (vars::AUTH_TYPE, "vpc");
        let url = (vars::AUTH_URL, "http://api.metadata.cloud.ibm.com/");
        let settings = Settings::read(&Env::map([vpc, url])).expect("vpc");
        assert_eq!(settings.vpc, "http://api.metadata.cloud.ibm.com");
        assert_eq!(settings.iam, [PUBLIC, PRIVATE]);
        let exact = (vars::VPC_URL, "https://192.0.2.1");
        let settings = Settings::read(&Env::map([vpc, url, exact])).expect("both");
        assert_eq!(settings.vpc, "https://192.0.2.1");
    }

    #[test]
    fn the_instances_identity_goes_to_no_other_machine_in_clear_text() {
        let vpc = (vars::AUTH_TYPE, "vpc");
        for url in [
            "http://10.0.0.5",
            "http://metadata.corp",
            "http://169.254.169.254@evil.test",
        ] {
            for name in [vars::VPC_URL, vars::AUTH_URL] {
                let error = Settings::read(&Env::map([vpc, (name, url)])).expect_err(url);
                let text = error.to_string();
                assert!(text.contains(name) && !text.contains("evil"), "{text}");
            }
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
