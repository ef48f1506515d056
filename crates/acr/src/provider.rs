//! The provider: from a request to an answer.

use std::time::Duration;

use regcred_core::{
    CacheKey, CacheScope, Clock, CredentialRequest, Credentials, Env, Issued, Plan, Provider,
    ProviderError, ProviderSpec, RegistryHost,
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

/// What a request is about, before anything is sent.
struct Decision {
    json: Option<AzureJson>,
    /// The registry whose token is wanted.
    target: RegistryHost,
    /// What the answer is for.
    keys: Vec<String>,
    mirrored: bool,
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

    fn decide(&self, request: &CredentialRequest) -> Result<Decision, ProviderError> {
        let settings = self.settings();
        let own = request.registry.as_written().to_owned();
        let json = settings.azure_json()?;
        if let Some(mirror) = settings.mirrors.find(request) {
            return Ok(Decision {
                json,
                target: mirror.target.clone(),
                keys: vec![mirror.target.as_written().to_owned(), mirror.source.clone()],
                mirrored: true,
            });
        }
        let hosts = self.hosts();
        let served = hosts.serves(&request.registry)
            || (self.asks_for_suffix() && may_be_login_server(request.registry.host()));
        if !served {
            return Err(not_served(&request.registry));
        }
        let target = match hosts.also_serve.value(&request.registry) {
            None => request.registry.clone(),
            Some(behind) => RegistryHost::parse(behind)
                .ok()
                .filter(|host| hosts.serves(host))
                .ok_or_else(|| {
                    misconfigured(format!(
                        "{behind:?} in {} is no login server",
                        vars::ALSO_SERVE
                    ))
                })?,
        };
        Ok(Decision {
            json,
            target,
            keys: vec![own],
            mirrored: false,
        })
    }

    fn identity(
        &self,
        plan: &Decision,
        request: &CredentialRequest,
    ) -> Result<Identity, ProviderError> {
        Identity::choose(&self.reach, plan.json.as_ref(), request, plan.mirrored)
    }

    /// A login that needs no call: the admin user's, or on request the service principal's.
    fn stored(
        &self,
        plan: &Decision,
        request: &CredentialRequest,
    ) -> Result<Option<Credentials>, ProviderError> {
        let hosts = self.hosts();
        // A pod with an identity of its own does not get the node's login.
        if request.service_account_token.is_none() || plan.mirrored {
            let login_server = hosts.login_server(plan.target.host());
            let login = static_login::find(&self.reach.env, &plan.target, login_server)?;
            if login.is_some() && !self.settings().require_pod_identity {
                return Ok(login);
            }
        }
        if self.settings().login != Login::Secret {
            return Ok(None);
        }
        match self.identity(plan, request)?.secret() {
            Some((client, secret)) => Ok(Some(Credentials::new(client, secret.clone()))),
            None => Err(misconfigured(format!(
                "{}=secret needs a service principal with a secret",
                vars::LOGIN
            ))),
        }
    }

    async fn answer(&self, request: &CredentialRequest) -> Result<Issued, ProviderError> {
        let plan = self.decide(request)?;
        if let Some(login) = self.stored(&plan, request)? {
            return Ok(issue(&plan, &login, None));
        }
        let identity = self.identity(&plan, request)?;
        let none = AzureJson::default();
        let json = plan.json.as_ref().unwrap_or(&none);
        let reach = self.reach.with(json);
        let cloud = Cloud::resolve(&reach, json, plan.target.host()).await?;
        let hosts = self.hosts();
        let is_login_server = in_cloud(&hosts, &cloud, &plan.target)?;
        let token = entra_token(&reach, &identity, &cloud).await?;
        let registry = Registry {
            host: &plan.target,
            is_login_server,
            hosts: &hosts,
        };
        let tenant = json.tenant_id.as_deref();
        let refresh =
            exchange::refresh_token(&reach, &registry, &token, tenant, &identity.label()).await?;
        let username = match self.settings().login {
            Login::IdentityToken => IDENTITY_TOKEN,
            _ => NULL_GUID,
        };
        let login = Credentials::new(username, refresh.secret);
        Ok(issue(&plan, &login, Some(refresh.expires_at)))
    }
}

impl Acr {
    async fn fetch(&self, request: &CredentialRequest) -> Result<Issued, ProviderError> {
        self.answer(request).await
    }

    fn key(&self, request: &CredentialRequest) -> Option<CacheKey> {
        let plan = self.decide(request).ok()?;
        if self.stored(&plan, request).ok()?.is_some() {
            return None;
        }
        let settings = self.settings();
        let identity = self.identity(&plan, request).ok()?;
        let identity = identity.stable_name(settings);
        let get = |name| self.reach.env.get(name).unwrap_or_default();
        let cloud = settings.cloud.as_deref();
        let cloud = cloud.or(plan.json.as_ref().and_then(|json| json.cloud.as_deref()));
        let login = format!("{:?}", settings.login);
        let keys = plan.keys.join(" ");
        let target = format!("{}:{:?}", plan.target.host(), plan.target.port());
        Some(CacheKey::new([
            ("registry", target.as_str()),
            ("for", keys.as_str()),
            ("identity", identity.as_str()),
            ("cloud", cloud.unwrap_or_default()),
            ("authority", get(vars::AUTHORITY_HOST)),
            ("described", get(vars::ENVIRONMENT_FILE)),
            ("audience", get(vars::AUDIENCE)),
            ("endpoint", get(vars::ENDPOINT)),
            ("service", get(vars::IDENTITY_ENDPOINT)),
            ("cli", get(vars::CONFIG_DIR)),
            ("login", login.as_str()),
        ]))
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
        if !self.serves(&request.registry) {
            return Err(ERRORS.not_served(&request.registry, SPEC.title));
        }
        Ok(Plan::new(self.key(request), self.fetch(request)))
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

fn issue(
    plan: &Decision,
    login: &Credentials,
    expires_at: Option<chrono::DateTime<chrono::Utc>>,
) -> Issued {
    let keys = plan.keys.iter();
    Issued {
        auth: keys.map(|key| (key.clone(), login.clone())).collect(),
        scope: CacheScope::Registry,
        expires_at,
        cache_for: expires_at.is_none().then_some(KEEP_SECRET),
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
/// Germany's registries are in no cloud any more.
const CLOSED_CLOUD: &str = ".azurecr.de";
/// How long a caller may keep a secret that has no end of its own.
const KEEP_SECRET: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests;
