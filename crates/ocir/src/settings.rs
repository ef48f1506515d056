//! What the operator decided, read once from the environment.

use std::sync::Arc;

use regcred_core::{AlsoServe, Env, ProviderError};
use regcred_http::{Url, secure_url};

use crate::failure::misconfigured;
use crate::hosts::Hosts;
use crate::regions::Regions;
use crate::vars;

/// The settings that hold for every request.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) hosts: Hosts,
    pub(crate) regions: Arc<Regions>,
    pub(crate) method: Method,
    pub(crate) require_pod_identity: bool,
    /// Base URL that stands in for the registry's own when tokens are asked for.
    pub(crate) token_base: Option<String>,
    pub(crate) token_path: String,
    /// Plain http to a registry on this machine.
    pub(crate) plain_http: bool,
    /// Base URLs of the metadata server, in the order of trying.
    pub(crate) metadata: Vec<String>,
    /// Base URL of the auth service, when it is not the region's.
    pub(crate) auth_service: Option<String>,
    pub(crate) proxymux_port: u16,
    /// Whether a fresh token is tried on the repository that is asked for.
    pub(crate) check_token: bool,
}

/// Which principal was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Auto,
    User,
    SecurityToken,
    Instance,
    InstanceOnBehalf,
    Resource,
    Workload,
    Exchange,
    AuthToken,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// A sentence that names the variable, and never its value.
    pub(crate) fn read(env: &Env) -> Result<Self, ProviderError> {
        let also_serve = AlsoServe::parse(env.get(vars::ALSO_SERVE).unwrap_or_default())
            .map_err(|why| misconfigured(format!("{}: {why}", vars::ALSO_SERVE)))?;
        let regions = Arc::new(Regions::read(env)?);
        let token_path = env.get(vars::TOKEN_PATH).unwrap_or(TOKEN_PATH);
        if !token_path.starts_with('/') || token_path.contains(['?', '#']) {
            return Err(misconfigured(format!(
                "{} must be a path that begins with /",
                vars::TOKEN_PATH
            )));
        }
        Ok(Self {
            hosts: Hosts {
                also_serve,
                regions: Arc::clone(&regions),
            },
            regions,
            method: method(env)?,
            require_pod_identity: env.is_true(vars::REQUIRE_POD_IDENTITY),
            token_base: base_url(env, vars::TOKEN_URL)?,
            token_path: token_path.to_owned(),
            plain_http: one_of(env, vars::PROTOCOL, &[("https", false), ("http", true)])?
                .unwrap_or(false),
            metadata: metadata(env)?,
            auth_service: auth_service(env)?,
            proxymux_port: match env.get(vars::PROXYMUX_PORT) {
                None => PROXYMUX_PORT,
                Some(text) => text.parse().map_err(|_| {
                    misconfigured(format!("{} is no port number", vars::PROXYMUX_PORT))
                })?,
            },
            check_token: one_of(
                env,
                vars::VALIDATION,
                &[("enabled", true), ("disabled", false)],
            )?
            .unwrap_or(true),
        })
    }
}

fn method(env: &Env) -> Result<Method, ProviderError> {
    let ours = one_of(env, vars::AUTH_METHOD, &METHODS)?;
    match ours {
        Some(method) => Ok(method),
        None => Ok(one_of(env, vars::CLI_AUTH, &METHODS)?.unwrap_or(Method::Auto)),
    }
}

fn metadata(env: &Env) -> Result<Vec<String>, ProviderError> {
    let Some(text) = env
        .get(vars::METADATA_URL)
        .map(str::trim)
        .filter(|t| !t.is_empty())
    else {
        return Ok(METADATA.iter().map(|base| (*base).to_owned()).collect());
    };
    // A metadata server speaks plain http by its nature.
    let url = Url::parse(text).ok().filter(|url| url.has_host());
    match url.filter(|url| matches!(url.scheme(), "http" | "https")) {
        Some(_) => Ok(vec![text.trim_end_matches('/').to_owned()]),
        None => Err(misconfigured(format!(
            "{} is no http:// or https:// URL",
            vars::METADATA_URL
        ))),
    }
}

/// The SDKs' variables hold the base or the whole address.
fn auth_service(env: &Env) -> Result<Option<String>, ProviderError> {
    let name = match env.get(vars::AUTH_URL) {
        Some(_) => vars::AUTH_URL,
        None => vars::CLI_FEDERATION_ENDPOINT,
    };
    let base = base_url(env, name)?;
    Ok(base.map(|base| {
        base.strip_suffix("/v1/x509")
            .map_or(base.clone(), str::to_owned)
    }))
}

/// An https URL, or an http one of this machine, without a slash at its end.
pub(crate) fn base_url(env: &Env, name: &str) -> Result<Option<String>, ProviderError> {
    let Some(text) = env.get(name).map(str::trim) else {
        return Ok(None);
    };
    match secure_url(text) {
        Some(_) => Ok(Some(text.trim_end_matches('/').to_owned())),
        None => Err(misconfigured(format!("{name} is no https:// URL"))),
    }
}

fn one_of<T: Copy>(env: &Env, name: &str, words: &[(&str, T)]) -> Result<Option<T>, ProviderError> {
    let Some(text) = env.get(name) else {
        return Ok(None);
    };
    let mut found = words
        .iter()
        .filter(|(word, _)| word.eq_ignore_ascii_case(text.trim()));
    match found.next() {
        Some((_, value)) => Ok(Some(*value)),
        None => {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Err(misconfigured(format!(
                "{name} must be {}",
                known.join(", ")
            )))
        }
    }
}

/// The words of Oracle's command line, of the earlier kubelet plugin, and ours.
const METHODS: [(&str, Method); 10] = [
    ("auto", Method::Auto),
    ("api_key", Method::User),
    ("user_principal", Method::User),
    ("security_token", Method::SecurityToken),
    ("instance_principal", Method::Instance),
    ("instance_obo_user", Method::InstanceOnBehalf),
    ("resource_principal", Method::Resource),
    ("oke_workload_identity", Method::Workload),
    ("token_exchange", Method::Exchange),
    ("auth_token", Method::AuthToken),
];

const TOKEN_PATH: &str = "/20180419/docker/token";
/// By IPv4, and on a network without it by IPv6.
const METADATA: [&str; 2] = [
    "http://169.254.169.254/opc/v2",
    "http://[fd00:c1::a9fe:a9fe]/opc/v2",
];
const PROXYMUX_PORT: u16 = 12250;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<Settings, ProviderError> {
        Settings::read(&Env::map(vars.iter().copied()))
    }

    #[test]
    fn methods_are_the_command_lines_and_the_earlier_plugins() {
        for (vars, method) in [
            (&[][..], Method::Auto),
            (
                &[(vars::AUTH_METHOD, "INSTANCE_PRINCIPAL")],
                Method::Instance,
            ),
            (&[(vars::AUTH_METHOD, "USER_PRINCIPAL")], Method::User),
            (
                &[(vars::CLI_AUTH, "instance_obo_user")],
                Method::InstanceOnBehalf,
            ),
            (
                &[
                    (vars::CLI_AUTH, "api_key"),
                    (vars::AUTH_METHOD, "resource_principal"),
                ],
                Method::Resource,
            ),
        ] {
            assert_eq!(read(vars).expect("sound").method, method);
        }
    }

    #[test]
    fn addresses_are_https_or_of_this_machine() {
        let settings = read(&[
            (vars::AUTH_URL, "https://auth.corp/v1/x509"),
            (vars::TOKEN_URL, "http://127.0.0.1:80/"),
            (vars::METADATA_URL, "http://10.0.0.1/opc/v2/"),
        ])
        .expect("sound");
        assert_eq!(settings.auth_service.as_deref(), Some("https://auth.corp"));
        assert_eq!(settings.token_base.as_deref(), Some("http://127.0.0.1:80"));
        assert_eq!(settings.metadata, ["http://10.0.0.1/opc/v2"]);
        let settings = read(&[(vars::METADATA_URL, " ")]).expect("blank is not set");
        assert_eq!(settings.metadata, METADATA);
        for url in [
            "http://auth.corp",
            "https://u:p@auth.corp",
            "https://auth.corp#x",
            "auth.corp",
        ] {
            assert!(read(&[(vars::AUTH_URL, url)]).is_err(), "{url}");
            assert!(read(&[(vars::TOKEN_URL, url)]).is_err(), "{url}");
        }
    }

    #[test]
    fn wrong_words_are_refused_and_never_echoed() {
        for name in [
            vars::AUTH_METHOD,
            vars::CLI_AUTH,
            vars::PROTOCOL,
            vars::VALIDATION,
            vars::TOKEN_PATH,
            vars::PROXYMUX_PORT,
            vars::METADATA_URL,
        ] {
            let error = read(&[(name, "canary")]).expect_err(name);
            let said = error.to_string();
            assert!(said.contains(name) && !said.contains("canary"), "{said}");
        }
    }
}
