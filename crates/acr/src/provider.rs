//! The provider: from a request to an answer.

use std::sync::Arc;
use std::time::Duration;

use regcred_core::{
    CacheKey, Clock, CredentialRequest, Credentials, Env, Issued, Plan, Provider, ProviderError,
    ProviderSpec, RegistryHost,
};
use secrecy::SecretString;

use crate::audience::REGISTRIES;
use crate::azure_json::AzureJson;
use crate::entra_token::TokenRequest;
use crate::environment::AzureEnvironment;
use crate::environment_file::EnvironmentFile;
use crate::exchange::Exchange;
use crate::hosts::{Hosts, LoginServer, may_be_login_server};
use crate::identity::Identity;
use crate::identity_choice;
use crate::settings::{Cloud, RegistryLogin, Settings};
use crate::static_login;
use crate::vars::{self, VARS};
use crate::{ERRORS, NAME};

/// Azure Container Registry, as data.
pub const SPEC: ProviderSpec = ProviderSpec {
    name: NAME,
    title: "Azure Container Registry",
    plugin_aliases: &["azure-acr-credential-provider"],
    helper_aliases: &["docker-credential-acr-env", "docker-credential-acr"],
    silent_helpers: &[],
    replaced_helper: None,
    vars: VARS,
    positional: Some(vars::AZURE_JSON),
    token_life: Duration::from_secs(3 * 3600),
    default_cache_duration: "10m",
    new: |env, clock| Ok(Box::new(Acr::new(env, clock)?)),
};

/// Credentials for azurecr.io and its names in other clouds.
pub struct Acr {
    cloud: Cloud,
}

/// What was decided about a request before anything is sent, with all that was read for it.
struct Decision {
    json: AzureJson,
    environment_file: Option<EnvironmentFile>,
    hosts: Hosts,
    /// The registry whose token is wanted.
    target: RegistryHost,
    /// The registries that the answer is for.
    keys: Vec<String>,
    identity: Identity,
}

impl Acr {
    /// A provider with this environment's settings. Does no I/O.
    ///
    /// # Errors
    /// [`regcred_core::ErrorKind::NotConfigured`] for a variable with a value that it cannot have.
    pub fn new(env: &Env, clock: &Clock) -> Result<Self, ProviderError> {
        let cloud = Cloud::new(ERRORS, env, clock, Settings::read(env)?);
        Ok(Self {
            cloud: cloud.with_options(|options| options.connect_timeout = CONNECT),
        })
    }

    /// The configured hosts with those of the cloud that a file describes, and the file.
    fn hosts(&self) -> (Hosts, Option<Result<EnvironmentFile, ProviderError>>) {
        let mut hosts = self.cloud.settings.hosts.clone();
        let path = self.cloud.settings.environment_file.as_deref();
        let file = path.map(EnvironmentFile::read);
        if let Some(Ok(file)) = &file {
            hosts.suffixes.extend(file.suffix());
        }
        (hosts, file)
    }

    /// The clients and settings, with what azure.json decides about calls.
    fn cloud(&self, json: &AzureJson) -> Cloud {
        let mut cloud = self.cloud.clone();
        if let Some(retry) = json.retry() {
            let settings = Settings::clone(&cloud.settings);
            cloud.settings = Arc::new(Settings { retry, ..settings });
        }
        match &json.user_agent {
            Some(agent) => cloud.with_options(|options| options.user_agent.clone_from(agent)),
            None => cloud,
        }
    }

    async fn fetch(&self, decision: &Decision) -> Result<Issued, ProviderError> {
        let (json, target) = (&decision.json, &decision.target);
        let cloud = &self.cloud(json);
        let file = decision.environment_file.as_ref();
        let environment = AzureEnvironment::resolve(cloud, json, file, target.host()).await?;
        let exchange = Exchange {
            cloud,
            hosts: &decision.hosts,
            registry: target,
            is_login_server: is_login_server(&decision.hosts, &environment, target)?,
            identity: &decision.identity.label(),
        };
        let identity = &decision.identity;
        let token = entra_token(cloud, &environment, identity, exchange.identity).await?;
        let tenant = json.tenant_id.as_deref();
        let refresh = exchange.refresh_token(&token, tenant).await?;
        let username = match cloud.settings.registry_login {
            RegistryLogin::IdentityToken => IDENTITY_TOKEN,
            _ => NULL_GUID,
        };
        let login = Credentials::new(username, refresh.secret);
        Ok(issue(&decision.keys, &login).until(refresh.expires_at))
    }
}

impl Decision {
    fn key(&self, cloud: &Cloud) -> CacheKey {
        let json = &self.json;
        let of_json = |text: &'static str, value| (text, Option::unwrap_or_default(value));
        let registry = self.target.as_written().to_ascii_lowercase();
        let parts = [
            ("registry", &*registry),
            ("for", &self.keys.join(" ")),
            ("identity", &self.identity.stable_name()),
            of_json("azure.json's cloud", json.cloud.as_deref()),
            of_json("azure.json's tenant", json.tenant_id.as_deref()),
            of_json("azure.json's manager", json.resource_manager.as_deref()),
        ];
        cloud.key(VARS, parts)
    }
}

impl Provider for Acr {
    fn name(&self) -> &'static str {
        NAME
    }

    fn match_images(&self) -> Vec<String> {
        let mut patterns = self.hosts().0.patterns();
        patterns.extend(self.cloud.settings.mirrors.patterns().map(str::to_owned));
        patterns
    }

    fn docker_hosts(&self) -> Vec<String> {
        Vec::new()
    }

    fn serves(&self, registry: &RegistryHost) -> bool {
        let settings = &self.cloud.settings;
        settings.hosts.serves(registry)
            || settings.mirrors.concern(registry)
            || self.hosts().0.serves(registry)
            || (may_be_login_server(registry.host())
                && matches!(settings.azure_json(), Ok(json) if asks_for_suffix(json.as_ref())))
    }

    fn plan<'a>(&'a self, request: &'a CredentialRequest) -> Result<Plan<'a>, ProviderError> {
        let settings = &self.cloud.settings;
        let json = settings.azure_json()?;
        let (hosts, environment_file) = self.hosts();
        let mirror = settings.mirrors.find(request);
        let (target, keys) = if let Some(mirror) = mirror {
            let own = mirror.target.as_written().to_owned();
            (mirror.target.clone(), vec![own, mirror.source.clone()])
        } else {
            let target = target(&hosts, &request.registry, asks_for_suffix(json.as_ref()))?;
            (target, vec![request.registry.as_written().to_owned()])
        };
        let stored = |login| {
            let issued = issue(&keys, login).keep_for(KEEP_SECRET);
            Ok(Plan::new(None, async { Ok(issued) }))
        };
        // A pod with an identity of its own does not get the node's login.
        if request.service_account_token.is_none() || mirror.is_some() {
            let login_server = hosts.login_server(target.host());
            let login = static_login::find(&self.cloud.env, &target, login_server)?;
            if let Some(login) = login.filter(|_| !settings.require_pod_identity) {
                return stored(&login);
            }
        }
        let mirrored = mirror.is_some();
        let identity = identity_choice::choose(&self.cloud, json.as_ref(), request, mirrored)?;
        if settings.registry_login == RegistryLogin::Secret {
            let (client, secret) = identity.secret().ok_or_else(|| {
                let name = vars::LOGIN;
                ERRORS.misconfigured(format!(
                    "{name}=secret needs a service principal with a secret"
                ))
            })?;
            return stored(&Credentials::new(client, secret.clone()));
        }
        let decision = Decision {
            json: json.unwrap_or_default(),
            // A description that cannot be read matters only where it is needed.
            environment_file: environment_file.transpose()?,
            hosts,
            target,
            keys,
            identity,
        };
        let key = decision.key(&self.cloud);
        Ok(self
            .cloud
            .plan(Some(key), async move { self.fetch(&decision).await }))
    }
}

fn issue(keys: &[String], login: &Credentials) -> Issued {
    Issued::new(
        keys.iter()
            .map(|key| (key.clone(), login.clone()))
            .collect(),
    )
}

/// Whether the resource manager of a custom cloud must be asked for the suffix of its registries.
fn asks_for_suffix(json: Option<&AzureJson>) -> bool {
    json.is_some_and(|json| json.resource_manager.is_some())
}

/// The login server behind the registry that was asked for.
fn target(
    hosts: &Hosts,
    registry: &RegistryHost,
    asks_for_suffix: bool,
) -> Result<RegistryHost, ProviderError> {
    let may_be_served = asks_for_suffix && may_be_login_server(registry.host());
    if !hosts.serves(registry) && !may_be_served {
        return Err(ERRORS.not_served(registry, SPEC.title));
    }
    let Some(other) = hosts.also_serve.value(registry) else {
        return Ok(registry.clone());
    };
    let target = RegistryHost::parse(other).ok();
    target.filter(|host| hosts.serves(host)).ok_or_else(|| {
        let name = vars::ALSO_SERVE;
        ERRORS.misconfigured(format!(
            "{name} has a host for {registry} that is not a login server"
        ))
    })
}

/// The identity's token for the audience of registries; for the resource manager's where the cloud
/// does not know that one.
async fn entra_token(
    cloud: &Cloud,
    environment: &AzureEnvironment,
    identity: &Identity,
    label: &str,
) -> Result<SecretString, ProviderError> {
    let prescribed = cloud.settings.audience.as_deref();
    let request = TokenRequest {
        cloud,
        authority: &environment.authority,
        audience: prescribed.unwrap_or(REGISTRIES),
        identity: label,
    };
    let mut token = identity.token(&request).await;
    if let Err(failed) = &token
        && failed.is_unknown_audience
        && prescribed.is_none()
    {
        tracing::debug!(error = %failed.error, "asking for a token of the resource manager");
        let audience = &environment.arm;
        token = identity
            .token(&TokenRequest {
                audience,
                ..request
            })
            .await;
    }
    token.map_err(|failed| failed.error)
}

/// Whether the target, which must be of the environment, is a login server with its own name in the
/// protocol.
fn is_login_server(
    hosts: &Hosts,
    environment: &AzureEnvironment,
    target: &RegistryHost,
) -> Result<bool, ProviderError> {
    let described = environment.suffix.as_deref();
    let Some(known) = hosts.login_server(target.host()) else {
        return match described.and_then(|suffix| LoginServer::parse(target.host(), suffix)) {
            Some(login_server) => Ok(login_server.region.is_none()),
            None if hosts.also_serve.contains(target) => Ok(false),
            None => Err(ERRORS.not_served(target, SPEC.title)),
        };
    };
    match described {
        Some(suffix) if suffix != known.suffix && known.suffix != CLOSED_CLOUD => Err(ERRORS
            .misconfigured(format!(
                "{target} is not in the configured cloud, whose registries end in {suffix}"
            ))),
        _ => Ok(known.region.is_none() && target.port().is_none_or(|port| port == 443)),
    }
}

/// The registry's user name for a token.
const NULL_GUID: &str = "00000000-0000-0000-0000-000000000000";
/// Docker's.
const IDENTITY_TOKEN: &str = "<token>";
/// Germany's registries do not belong to any cloud today.
const CLOSED_CLOUD: &str = ".azurecr.de";
/// How long a caller may keep a secret that does not expire.
const KEEP_SECRET: Duration = Duration::from_secs(3600);
const CONNECT: Duration = Duration::from_secs(8);

#[cfg(test)]
mod tests;
