//! What the operator decided, read once from the environment.

use std::sync::Arc;

use regcred_cloud::Options;
use regcred_core::{Env, ProviderError};

use crate::hosts::Hosts;
use crate::regions::Regions;
use crate::{ERRORS, vars};

/// The settings with the clients that use them.
pub(crate) type Cloud = regcred_cloud::Cloud<Settings>;

/// The settings that hold for every request.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) hosts: Hosts,
    pub(crate) regions: Arc<Regions>,
    pub(crate) method: Method,
    pub(crate) require_pod_identity: bool,
    /// Base URL at which tokens are requested instead of the registry's own.
    pub(crate) token_base: Option<String>,
    pub(crate) token_path: String,
    /// Plain http to a registry on this machine.
    pub(crate) plain_http: bool,
    /// Base URLs of the metadata server, in the order of trying.
    pub(crate) metadata: Vec<String>,
    /// Base URL of the auth service, when it is not the region's.
    pub(crate) auth_service: Option<String>,
    pub(crate) proxymux_port: u16,
    /// Whether a fresh token is tried on the requested repository.
    pub(crate) check_token: bool,
}

/// Which identity was asked for.
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
    pub(crate) fn read(env: &Env) -> Result<Self, ProviderError> {
        let options = Options::new(ERRORS, env);
        let regions = Arc::new(Regions::read(env)?);
        let method = match options.one_of(vars::AUTH_METHOD, &METHODS)? {
            None => options.one_of(vars::CLI_AUTH, &METHODS)?,
            named => named,
        };
        Ok(Self {
            hosts: Hosts {
                also_serve: options.hosts(vars::ALSO_SERVE)?,
                regions: Arc::clone(&regions),
            },
            regions,
            method: method.unwrap_or(Method::Auto),
            require_pod_identity: options.is_true(vars::REQUIRE_POD_IDENTITY),
            token_base: options.url(vars::TOKEN_URL)?,
            token_path: token_path(&options)?,
            plain_http: options
                .one_of(vars::PROTOCOL, &[("https", false), ("http", true)])?
                .unwrap_or(false),
            metadata: metadata(&options)?,
            auth_service: auth_service(&options)?,
            proxymux_port: match options.text(vars::PROXYMUX_PORT).map(str::parse) {
                None => PROXYMUX_PORT,
                Some(Ok(port)) => port,
                Some(Err(_)) => {
                    return Err(options.wrong(vars::PROXYMUX_PORT, "is not a port number"));
                }
            },
            check_token: options
                .one_of(vars::VALIDATION, &[("enabled", true), ("disabled", false)])?
                .unwrap_or(true),
        })
    }
}

fn token_path(options: &Options<'_>) -> Result<String, ProviderError> {
    let path = options.text(vars::TOKEN_PATH).unwrap_or(TOKEN_PATH);
    if path.starts_with('/') && !path.contains(['?', '#']) {
        Ok(path.to_owned())
    } else {
        Err(options.wrong(vars::TOKEN_PATH, "must be a path that begins with /"))
    }
}

fn metadata(options: &Options<'_>) -> Result<Vec<String>, ProviderError> {
    let named = options.metadata_url(vars::METADATA_URL, &[])?;
    Ok(named.map_or_else(|| METADATA.map(str::to_owned).into(), |url| vec![url]))
}

/// The SDKs' variables hold the base or the whole address.
fn auth_service(options: &Options<'_>) -> Result<Option<String>, ProviderError> {
    let url = match options.url(vars::AUTH_URL)? {
        None => options.url(vars::CLI_FEDERATION_ENDPOINT)?,
        named => named,
    };
    Ok(url.map(|url| url.strip_suffix("/v1/x509").unwrap_or(&url).to_owned()))
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
pub(crate) const METADATA: [&str; 2] = [
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
            assert_eq!(read(vars).expect("valid").method, method);
        }
    }

    #[test]
    fn addresses_are_https_or_of_this_machine() {
        let settings = read(&[
            (vars::AUTH_URL, "https://auth.corp/v1/x509"),
            (vars::TOKEN_URL, "http://127.0.0.1:80/"),
            (vars::METADATA_URL, "http://169.254.0.2/opc/v2/"),
        ])
        .expect("valid");
        assert_eq!(settings.auth_service.as_deref(), Some("https://auth.corp"));
        assert_eq!(settings.token_base.as_deref(), Some("http://127.0.0.1:80"));
        assert_eq!(settings.metadata, ["http://169.254.0.2/opc/v2"]);
        let settings = read(&[(vars::METADATA_URL, " ")]).expect("blank is not set");
        assert_eq!(settings.metadata, METADATA);
        assert!(read(&[(vars::METADATA_URL, "http://10.0.0.1/opc/v2/")]).is_err());
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
            let text = error.to_string();
            assert!(text.contains(name) && !text.contains("canary"), "{text}");
        }
    }
}
