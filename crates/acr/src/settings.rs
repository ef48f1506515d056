//! What the operator decided, read once from the environment.

use std::path::PathBuf;

use regcred_core::{AlsoServe, Env, ProviderError};
use regcred_http::secure_url;

use crate::azure_json::AzureJson;
use crate::bindings::Bindings;
use crate::failure::misconfigured;
use crate::hosts::{Hosts, may_be_login_server, normal_suffix};
use crate::managed_identity::ManagedId;
use crate::mirror::Mirrors;
use crate::vars;

/// The settings that hold for every request.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) hosts: Hosts,
    pub(crate) mirrors: Mirrors,
    pub(crate) kind: Kind,
    pub(crate) login: Login,
    pub(crate) require_pod_identity: bool,
    pub(crate) azure_json: Option<PathBuf>,
    pub(crate) environment_file: Option<PathBuf>,
    /// The cloud's name; azure.json may have another.
    pub(crate) cloud: Option<String>,
    /// Entra ID's base URL, when one is prescribed.
    pub(crate) authority: Option<String>,
    /// The one audience, when one is prescribed.
    pub(crate) audience: Option<String>,
    /// What is asked in place of `https://` and the login server.
    pub(crate) endpoint: Option<String>,
    /// Base URL of the machine's metadata service.
    pub(crate) imds: String,
    pub(crate) managed_identity: Option<ManagedId>,
    pub(crate) bindings: Option<Bindings>,
    /// Whether the certificate goes along in an assertion.
    pub(crate) send_chain: bool,
    /// Where Azure puts its mark on a machine, and Arc's agent its own.
    pub(crate) machine: Machine,
}

/// Files that tell what machine this is.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// Holds Azure's tag on Azure's machines.
    pub(crate) asset_tag: PathBuf,
    /// Present where Arc's agent is installed.
    pub(crate) arc_agent: PathBuf,
    /// Where Arc's agent leaves its challenges.
    pub(crate) arc_tokens: PathBuf,
}

/// Which identity was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Auto,
    Secret,
    Certificate,
    Workload,
    Managed,
    Cli,
}

/// What the registry is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    /// The registry's refresh token, under the user name that stands for one.
    Token,
    /// The same, in the form that docker calls an identity token.
    IdentityToken,
    /// Client id and secret.
    Secret,
}

impl Settings {
    pub(crate) fn read(env: &Env) -> Result<Self, ProviderError> {
        let of = |name: &'static str| move |why| misconfigured(format!("{name}: {why}"));
        let get = |name| env.get(name).map(|v: &str| v.trim().to_owned());
        let also_serve = AlsoServe::parse(env.get(vars::ALSO_SERVE).unwrap_or_default())
            .map_err(of(vars::ALSO_SERVE))?;
        let mut suffixes = Vec::new();
        if let Some(text) = env.get(vars::SUFFIX) {
            suffixes.push(normal_suffix(text).ok_or_else(|| {
                misconfigured(format!(
                    "{} is no domain such as azurecr.corp",
                    vars::SUFFIX
                ))
            })?);
        }
        let hosts = Hosts {
            also_serve,
            suffixes,
        };
        let environment_file = env.path(vars::ENVIRONMENT_FILE);
        let azure_json = env.path(vars::AZURE_JSON);
        // A custom cloud's suffix is only known once its description was read; the target is
        // checked again when it is used.
        let custom = environment_file.is_some() || azure_json.is_some();
        let mirrors = Mirrors::parse(
            env.get(vars::REGISTRY_MIRROR).unwrap_or_default(),
            |target| hosts.serves(target) || (custom && may_be_login_server(target.host())),
        )
        .map_err(of(vars::REGISTRY_MIRROR))?;
        Ok(Self {
            hosts,
            mirrors,
            kind: kind(env)?,
            login: login(env)?,
            require_pod_identity: env.is_true(vars::REQUIRE_POD_IDENTITY),
            azure_json,
            environment_file,
            cloud: get(vars::CLOUD),
            authority: base_url(env, vars::AUTHORITY_HOST)?,
            audience: get(vars::AUDIENCE).map(|a| normal_audience(&a)),
            endpoint: base_url(env, vars::ENDPOINT)?,
            imds: imds(env),
            managed_identity: get(vars::MANAGED_IDENTITY).map(|id| ManagedId::named(&id)),
            bindings: Bindings::read(env)?,
            send_chain: env.is_true(vars::SEND_CHAIN),
            machine: Machine::default(),
        })
    }

    /// The configuration file, if one is named.
    pub(crate) fn azure_json(&self) -> Result<Option<AzureJson>, ProviderError> {
        self.azure_json.as_deref().map(AzureJson::read).transpose()
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            asset_tag: "/sys/class/dmi/id/chassis_asset_tag".into(),
            arc_agent: "/opt/azcmagent/bin/himds".into(),
            arc_tokens: "/var/opt/azcmagent/tokens".into(),
        }
    }
}

/// An audience without the ending of a scope and without a final slash.
pub(crate) fn normal_audience(text: &str) -> String {
    let text = text.trim();
    let text = text.strip_suffix("/.default").unwrap_or(text);
    text.trim_end_matches('/').to_owned()
}

/// The base of an address that may be given secrets, without a final slash.
pub(crate) fn secure_base(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches('/');
    let url = secure_url(text)?;
    url.query().is_none().then(|| text.to_owned())
}

fn base_url(env: &Env, name: &'static str) -> Result<Option<String>, ProviderError> {
    let Some(text) = env.get(name) else {
        return Ok(None);
    };
    secure_base(text).map(Some).ok_or_else(|| {
        misconfigured(format!(
            "{name} is no https:// address (plain http is for this machine only)"
        ))
    })
}

/// As Azure's SDKs take it: scheme and host, to which the path is appended.
fn imds(env: &Env) -> String {
    let base = env.get(vars::IMDS).unwrap_or(METADATA).trim();
    base.trim_end_matches('/').to_owned()
}

fn kind(env: &Env) -> Result<Kind, ProviderError> {
    let word = env.get(vars::IDENTITY).unwrap_or("auto");
    Ok(match word.to_ascii_lowercase().as_str() {
        "auto" => Kind::Auto,
        "secret" => Kind::Secret,
        "certificate" => Kind::Certificate,
        "workload" => Kind::Workload,
        "managed" => Kind::Managed,
        "cli" => Kind::Cli,
        _ => {
            return Err(misconfigured(format!(
                "{} must be auto, secret, certificate, workload, managed or cli",
                vars::IDENTITY
            )));
        }
    })
}

fn login(env: &Env) -> Result<Login, ProviderError> {
    match env.get(vars::LOGIN) {
        None | Some("token") => Ok(Login::Token),
        Some("identity-token") => Ok(Login::IdentityToken),
        Some("secret") => Ok(Login::Secret),
        Some(_) => Err(misconfigured(format!(
            "{} must be token, identity-token or secret",
            vars::LOGIN
        ))),
    }
}

/// The address and not a name: there is none.
pub(crate) const METADATA: &str = "http://169.254.169.254";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_checked_and_never_echoed() {
        for name in [
            vars::IDENTITY,
            vars::LOGIN,
            vars::AUTHORITY_HOST,
            vars::ENDPOINT,
            vars::SUFFIX,
            vars::IB_APISERVER_IP,
        ] {
            let error = Settings::read(&Env::map([(name, "canary")])).expect_err(name);
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_base_has_no_query_and_no_final_slash() {
        for (text, base) in [
            (
                " https://login.microsoftonline.com/",
                Some("https://login.microsoftonline.com"),
            ),
            ("http://127.0.0.1:8080", Some("http://127.0.0.1:8080")),
            ("http://login.microsoftonline.com", None),
            ("https://h/?x=1", None),
        ] {
            assert_eq!(secure_base(text).as_deref(), base, "{text}");
        }
    }

    #[test]
    fn audiences_are_named_as_resource_or_as_scope() {
        for text in ["https://a.net", "https://a.net/", "https://a.net/.default"] {
            assert_eq!(normal_audience(text), "https://a.net");
        }
    }
}
