//! The provider: from a request to an answer.

use std::time::Duration;

use regcred_cloud::in_time;
use regcred_core::{
    CacheKey, Clock, CredentialRequest, Credentials, Env, Issued, Plan, Provider, ProviderError,
    ProviderSpec, RegistryHost,
};
use secrecy::SecretString;

use crate::azure_json::AzureJson;
use crate::cloud::{Cloud, Environment};
use crate::exchange::{self, Registry};
use crate::failure::{NoToken, misconfigured};
use crate::hosts::{Hosts, LoginServer, may_be_login_server};
use crate::identity::Identity;
use crate::reach::Reach;
use crate::settings::{Login, Settings};
use crate::static_login;
use crate::vars::{self, VARS};
use crate::{ERRORS, NAME};

/// Azure Container Registry, as data.
pub const SPEC: ProviderSpec = ProviderSpec {
    name: NAME,
    title: "Azure Container Registry",
    plugin_aliases: &[],
    helper_aliases: &["docker-credential-acr-env"],
    silent_helpers: &[],
    vars: VARS,
    positional: Some(vars::AZURE_JSON),
    default_cache_duration: "10m",
    new: |env, clock| Ok(Box::new(Acr::new(env, clock)?)),
};

/// Credentials for azurecr.io and its kin.
pub struct Acr {
    reach: Reach,
}

/// What was decided about a request before anything is sent, with all that was read for it.
struct Decision {
    json: AzureJson,
    hosts: Hosts,
    environment: Option<Environment>,
    /// The registry whose token is wanted.
    target: RegistryHost,
    /// What the answer is for.
    keys: Vec<String>,
}

/// How the answer is obtained.
enum Means {
    /// A login that needs no call: the admin user's, or on request the service principal's.
    Stored(Credentials),
    Identity(Identity),
}

impl Acr {
    /// A provider with this environment's settings. Does no I/O.
    ///
    /// # Errors
    /// [`regcred_core::ErrorKind::NotConfigured`] for a variable with a value that it cannot have.
    pub fn new(env: &Env, clock: &Clock) -> Result<Self, ProviderError> {
        Ok(Self {
            reach: Reach::new(env, clock, Settings::read(env)?),
        })
    }

    fn settings(&self) -> &Settings {
        &self.reach.settings
    }

    /// The configured hosts, and those of the cloud that a file describes. The file is read only
    /// where one is named.
    fn hosts(&self) -> Hosts {
        let mut hosts = self.settings().hosts.clone();
        if let Some(path) = &self.settings().environment_file
            && let Ok(environment) = Environment::read(path)
        {
            hosts.suffixes.extend(environment.suffix());
        }
        hosts
    }

    /// Whether the resource manager of a custom cloud must be asked for the suffix of its
    /// registries.
    fn asks_for_suffix(&self) -> bool {
        let json = self.settings().azure_json();
        json.is_ok_and(|json| json.is_some_and(|json| json.resource_manager.is_some()))
    }

    fn decide(&self, request: &CredentialRequest) -> Result<(Decision, Means), ProviderError> {
        let settings = self.settings();
        let named = settings.azure_json()?;
        let environment = settings.environment_file.as_deref().map(Environment::read);
        let mut hosts = settings.hosts.clone();
        if let Some(Ok(environment)) = &environment {
            hosts.suffixes.extend(environment.suffix());
        }
        let (target, keys, mirrored) = match settings.mirrors.find(request) {
            Some(mirror) => {
                let own = mirror.target.as_written().to_owned();
                (
                    mirror.target.clone(),
                    vec![own, mirror.source.clone()],
                    true,
                )
            }
            None => {
                let asks_for_suffix = named.as_ref().is_some_and(|j| j.resource_manager.is_some());
                let target = target(&hosts, &request.registry, asks_for_suffix)?;
                (
                    target,
                    vec![request.registry.as_written().to_owned()],
                    false,
                )
            }
        };
        let means = self.means(named.as_ref(), &hosts, &target, request, mirrored)?;
        let decision = Decision {
            json: named.unwrap_or_default(),
            // A description that cannot be read matters only where it is needed.
            environment: match means {
                Means::Stored(_) => None,
                Means::Identity(_) => environment.transpose()?,
            },
            hosts,
            target,
            keys,
        };
        Ok((decision, means))
    }

    fn means(
        &self,
        json: Option<&AzureJson>,
        hosts: &Hosts,
        target: &RegistryHost,
        request: &CredentialRequest,
        mirrored: bool,
    ) -> Result<Means, ProviderError> {
        let settings = self.settings();
        // A pod with an identity of its own does not get the node's login.
        if request.service_account_token.is_none() || mirrored {
            let login_server = hosts.login_server(target.host());
            let login = static_login::find(&self.reach.env, target, login_server)?;
            if let Some(login) = login.filter(|_| !settings.require_pod_identity) {
                return Ok(Means::Stored(login));
            }
        }
        let identity = Identity::choose(&self.reach, json, request, mirrored)?;
        if settings.login != Login::Secret {
            return Ok(Means::Identity(identity));
        }
        match identity.secret() {
            Some((client, secret)) => Ok(Means::Stored(Credentials::new(client, secret.clone()))),
            None => Err(misconfigured(format!(
                "{}=secret needs a service principal with a secret",
                vars::LOGIN
            ))),
        }
    }

    async fn fetch(
        &self,
        decision: &Decision,
        identity: &Identity,
    ) -> Result<Issued, ProviderError> {
        let Decision {
            json,
            hosts,
            target,
            ..
        } = decision;
        let reach = self.reach.with(json);
        let environment = decision.environment.as_ref();
        let cloud = Cloud::resolve(&reach, json, environment, target.host()).await?;
        let is_login_server = in_cloud(hosts, &cloud, target)?;
        let token = entra_token(&reach, identity, &cloud).await?;
        let registry = Registry {
            host: target,
            is_login_server,
            hosts,
        };
        let tenant = json.tenant_id.as_deref();
        let refresh =
            exchange::refresh_token(&reach, &registry, &token, tenant, &identity.label()).await?;
        let username = match self.settings().login {
            Login::IdentityToken => IDENTITY_TOKEN,
            _ => NULL_GUID,
        };
        let login = Credentials::new(username, refresh.secret);
        Ok(decision.issue(&login).until(refresh.expires_at))
    }
}

impl Decision {
    fn key(&self, identity: &Identity, env: &Env) -> CacheKey {
        let of_json = |text: &Option<String>| text.clone().unwrap_or_default();
        let json = &self.json;
        let (cloud, tenant) = (of_json(&json.cloud), of_json(&json.tenant_id));
        let manager = of_json(&json.resource_manager);
        CacheKey::new([
            (
                "registry",
                self.target.as_written().to_ascii_lowercase().as_str(),
            ),
            ("for", &self.keys.join(" ")),
            ("identity", &identity.stable_name()),
            ("cloud of azure.json", &cloud),
            ("tenant of azure.json", &tenant),
            ("resource manager of azure.json", &manager),
        ])
        .with_options(VARS, env)
    }

    fn issue(&self, login: &Credentials) -> Issued {
        let keys = self.keys.iter();
        Issued::new(keys.map(|key| (key.clone(), login.clone())).collect())
    }
}

/// The login server behind the registry that was asked for.
fn target(
    hosts: &Hosts,
    registry: &RegistryHost,
    asks_for_suffix: bool,
) -> Result<RegistryHost, ProviderError> {
    let may_be_served = asks_for_suffix && may_be_login_server(registry.host());
    if !hosts.serves(registry) && !may_be_served {
        return Err(not_served(registry));
    }
    match hosts.also_serve.value(registry) {
        None => Ok(registry.clone()),
        Some(other) => RegistryHost::parse(other)
            .ok()
            .filter(|host| hosts.serves(host))
            .ok_or_else(|| {
                misconfigured(format!(
                    "{other:?} in {} is not a login server",
                    vars::ALSO_SERVE
                ))
            }),
    }
}

impl Provider for Acr {
    fn name(&self) -> &'static str {
        NAME
    }

    fn match_images(&self) -> Vec<String> {
        let mut patterns = self.hosts().patterns();
        patterns.extend(self.settings().mirrors.patterns().map(str::to_owned));
        patterns
    }

    fn docker_hosts(&self) -> Vec<String> {
        Vec::new()
    }

    fn serves(&self, registry: &RegistryHost) -> bool {
        let settings = self.settings();
        settings.hosts.serves(registry)
            || settings.mirrors.concern(registry)
            || (settings.environment_file.is_some() && self.hosts().serves(registry))
            || (may_be_login_server(registry.host()) && self.asks_for_suffix())
    }

    fn plan<'a>(&'a self, request: &'a CredentialRequest) -> Result<Plan<'a>, ProviderError> {
        let (decision, means) = self.decide(request)?;
        let identity = match means {
            Means::Stored(login) => {
                let issued = decision.issue(&login).keep_for(KEEP_SECRET);
                return Ok(Plan::new(None, async { Ok(issued) }));
            }
            Means::Identity(identity) => identity,
        };
        let key = decision.key(&identity, &self.reach.env);
        let fetch = async move { self.fetch(&decision, &identity).await };
        Ok(Plan::new(Some(key), in_time(ERRORS, fetch)))
    }
}

/// The identity's token for the registry's audience; for the resource manager's where the cloud
/// does not know that one.
async fn entra_token(
    reach: &Reach,
    identity: &Identity,
    cloud: &Cloud,
) -> Result<SecretString, ProviderError> {
    if let Some(audience) = &reach.settings.audience {
        let token = identity.token(reach, cloud, audience).await;
        return token.map_err(NoToken::into_error);
    }
    match identity.token(reach, cloud, AUDIENCE).await {
        Err(NoToken::UnknownAudience(error)) => {
            tracing::debug!(%error, "asking for a token of the resource manager");
            let token = identity.token(reach, cloud, &cloud.arm).await;
            token.map_err(NoToken::into_error)
        }
        done => done.map_err(NoToken::into_error),
    }
}

/// Whether the target is a login server of the cloud, whose name in the protocol is its own.
fn in_cloud(hosts: &Hosts, cloud: &Cloud, target: &RegistryHost) -> Result<bool, ProviderError> {
    let Some(known) = hosts.login_server(target.host()) else {
        let described = cloud.suffix.as_deref();
        let described = described.and_then(|suffix| LoginServer::parse(target.host(), suffix));
        return match described {
            Some(login_server) => Ok(login_server.region.is_none()),
            None if hosts.also_serve.contains(target) => Ok(false),
            None => Err(not_served(target)),
        };
    };
    match &cloud.suffix {
        Some(suffix) if suffix != known.suffix && known.suffix != CLOSED_CLOUD => {
            Err(misconfigured(format!(
                "{target} is not in the configured cloud, whose registries end in {suffix}"
            )))
        }
        _ => Ok(known.region.is_none() && target.port().is_none_or(|port| port == 443)),
    }
}

fn not_served(registry: &RegistryHost) -> ProviderError {
    ERRORS.not_served(registry, SPEC.title)
}

/// What the registry calls a user that is a token.
const NULL_GUID: &str = "00000000-0000-0000-0000-000000000000";
/// What docker calls it.
const IDENTITY_TOKEN: &str = "<token>";
/// In every cloud, also the sovereign ones.
const AUDIENCE: &str = "https://containerregistry.azure.net";
/// Germany's registries do not belong to any cloud today.
const CLOSED_CLOUD: &str = ".azurecr.de";
/// How long a caller may keep a secret that does not expire.
const KEEP_SECRET: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests;
