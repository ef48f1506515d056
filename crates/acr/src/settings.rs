//! What the operator decided, read once from the environment.

use std::path::PathBuf;

use regcred_cloud::Options;
use regcred_core::{Env, ProviderError};
use regcred_http::Retry;

use crate::audience::normal_audience;
use crate::azure_json::{AzureJson, RETRY};
use crate::bindings::Bindings;
use crate::hosts::{Hosts, may_be_login_server, normal_suffix};
use crate::machine::{METADATA, Machine};
use crate::managed_id::ManagedId;
use crate::mirror::Mirrors;
use crate::{ERRORS, vars};

/// The settings with the clients that use them.
pub(crate) type Cloud = regcred_cloud::Cloud<Settings>;

/// The settings that hold for every request.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) hosts: Hosts,
    pub(crate) mirrors: Mirrors,
    pub(crate) identity: IdentityKind,
    pub(crate) registry_login: RegistryLogin,
    pub(crate) require_pod_identity: bool,
    pub(crate) azure_json: Option<PathBuf>,
    pub(crate) environment_file: Option<PathBuf>,
    /// The name of Azure's environment; azure.json may have another.
    pub(crate) environment: Option<String>,
    /// Entra ID's base URL, when one is prescribed.
    pub(crate) authority: Option<String>,
    /// The one audience, when one is prescribed.
    pub(crate) audience: Option<String>,
    /// The base URL that is asked instead of `https://` and the login server.
    pub(crate) endpoint: Option<String>,
    /// Base URL of the machine's metadata service.
    pub(crate) imds: String,
    pub(crate) managed_identity: Option<ManagedId>,
    pub(crate) bindings: Option<Bindings>,
    /// Whether to include the certificate chain (`x5c`) in the assertion.
    pub(crate) send_chain: bool,
    /// How calls of Entra ID are repeated; azure.json may decide otherwise.
    pub(crate) retry: Retry,
    pub(crate) machine: Machine,
}

/// Which identity was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdentityKind {
    Auto,
    Secret,
    Certificate,
    Workload,
    Managed,
    Cli,
}

/// What the registry receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RegistryLogin {
    /// The registry's refresh token, with the user name that marks one.
    Token,
    /// The same, in the form that docker calls an identity token.
    IdentityToken,
    /// Client id and secret.
    Secret,
}

impl Settings {
    pub(crate) fn read(env: &Env) -> Result<Self, ProviderError> {
        let options = Options::new(ERRORS, env);
        let text = |name| options.text(name).map(str::to_owned);
        let suffix = options.text(vars::SUFFIX).map(|suffix| {
            normal_suffix(suffix)
                .ok_or_else(|| options.wrong(vars::SUFFIX, "is not a domain such as azurecr.corp"))
        });
        let hosts = Hosts {
            also_serve: options.hosts(vars::ALSO_SERVE)?,
            suffixes: suffix.transpose()?.into_iter().collect(),
        };
        let environment_file = options.path(vars::ENVIRONMENT_FILE);
        let azure_json = options.path(vars::AZURE_JSON);
        // A custom cloud's suffix is only known after its description was read; the target is
        // checked again when it is used.
        let custom = environment_file.is_some() || azure_json.is_some();
        let mirrors = options.text(vars::REGISTRY_MIRROR).unwrap_or_default();
        let mirrors = Mirrors::parse(mirrors, |target| {
            hosts.serves(target) || (custom && may_be_login_server(target.host()))
        });
        let mirrors = mirrors.map_err(|what| options.wrong(vars::REGISTRY_MIRROR, &what))?;
        let identity = options.one_of(vars::IDENTITY, &IDENTITIES)?;
        let registry_login = options.one_of(vars::LOGIN, &REGISTRY_LOGINS)?;
        let imds = options.metadata_url(vars::IMDS, &[])?;
        Ok(Self {
            hosts,
            mirrors,
            identity: identity.unwrap_or(IdentityKind::Auto),
            registry_login: registry_login.unwrap_or(RegistryLogin::Token),
            require_pod_identity: options.is_true(vars::REQUIRE_POD_IDENTITY),
            azure_json,
            environment_file,
            environment: text(vars::CLOUD),
            authority: options.url(vars::AUTHORITY_HOST)?,
            audience: options.text(vars::AUDIENCE).map(normal_audience),
            endpoint: options.url(vars::ENDPOINT)?,
            imds: imds.unwrap_or_else(|| METADATA.to_owned()),
            managed_identity: options.text(vars::MANAGED_IDENTITY).map(ManagedId::named),
            bindings: Bindings::read(&options)?,
            send_chain: options.is_true(vars::SEND_CHAIN),
            retry: RETRY,
            machine: Machine::default(),
        })
    }

    /// The configuration file, if one is named.
    pub(crate) fn azure_json(&self) -> Result<Option<AzureJson>, ProviderError> {
        self.azure_json.as_deref().map(AzureJson::read).transpose()
    }
}

const IDENTITIES: [(&str, IdentityKind); 6] = [
    ("auto", IdentityKind::Auto),
    ("secret", IdentityKind::Secret),
    ("certificate", IdentityKind::Certificate),
    ("workload", IdentityKind::Workload),
    ("managed", IdentityKind::Managed),
    ("cli", IdentityKind::Cli),
];
const REGISTRY_LOGINS: [(&str, RegistryLogin); 3] = [
    ("token", RegistryLogin::Token),
    ("identity-token", RegistryLogin::IdentityToken),
    ("secret", RegistryLogin::Secret),
];

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
}
