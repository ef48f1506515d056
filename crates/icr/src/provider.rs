//! The provider: from a request to an answer.

use std::time::Duration;

use regcred_core::{
    CacheKey, Clock, CredentialRequest, Credentials, Env, Issued, Plan, Provider, ProviderError,
    ProviderSpec, RegistryHost,
};

use crate::identity::Identity;
use crate::settings::{Cloud, RegistryLogin, Settings};
use crate::vars::{self, VARS};
use crate::{ERRORS, NAME};

/// IBM Cloud Container Registry, as data.
pub const SPEC: ProviderSpec = ProviderSpec {
    name: NAME,
    title: "IBM Cloud Container Registry",
    plugin_aliases: &[],
    helper_aliases: &[],
    silent_helpers: &[],
    replaced_helper: None,
    vars: VARS,
    positional: None,
    token_life: Duration::from_secs(3600),
    default_cache_duration: "30m",
    new: |env, clock| Ok(Box::new(Icr::new(env, clock)?)),
};

/// Credentials for icr.io.
pub struct Icr {
    cloud: Cloud,
}

impl Icr {
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

    fn key(&self, registry: &str, identity: &Identity) -> Option<CacheKey> {
        let identity = identity.stable_name()?;
        let parts = [("registry", registry), ("identity", &*identity)];
        Some(self.cloud.key(VARS, parts))
    }
}

impl Provider for Icr {
    fn name(&self) -> &'static str {
        NAME
    }

    fn match_images(&self) -> Vec<String> {
        self.cloud.settings.hosts.patterns()
    }

    fn docker_hosts(&self) -> Vec<String> {
        Vec::new()
    }

    fn serves(&self, registry: &RegistryHost) -> bool {
        self.cloud.settings.hosts.serves(registry)
    }

    fn plan<'a>(&'a self, request: &'a CredentialRequest) -> Result<Plan<'a>, ProviderError> {
        let settings = &self.cloud.settings;
        if !self.serves(&request.registry) {
            return Err(ERRORS.not_served(&request.registry, SPEC.title));
        }
        let identity = Identity::choose(&self.cloud.env, settings, request)?;
        let registry = request.registry.as_written();
        if settings.registry_login == RegistryLogin::Secret {
            let issued = Issued::login(registry, long_lived(&identity)?).keep_for(KEEP_SECRET);
            return Ok(Plan::new(None, async { Ok(issued) }));
        }
        let key = self.key(registry, &identity);
        Ok(self.cloud.plan(key, async move {
            let token = identity.token(&self.cloud).await?;
            let login = Credentials::new("iambearer", token.secret);
            Ok(Issued::login(registry, login).until(token.expires_at))
        }))
    }
}

/// The login that the registry itself trades for a token. The user name states what the password is.
fn long_lived(identity: &Identity) -> Result<Credentials, ProviderError> {
    match identity {
        Identity::ApiKey(key) => Ok(Credentials::new("iamapikey", key.clone())),
        Identity::Refresh(token) => Ok(Credentials::new("iamrefresh", token.clone())),
        Identity::Assume(key, profile) => match &profile.id {
            Some(id) => Ok(Credentials::new(id.as_str(), key.clone())),
            None => Err(ERRORS.misconfigured(format!(
                "the registry accepts a trusted profile by its id only: set {}",
                vars::PROFILE_ID
            ))),
        },
        _ => Err(ERRORS.misconfigured(format!(
            "{}=secret needs an API key or a refresh token",
            vars::LOGIN
        ))),
    }
}

/// How long a caller may keep a secret that does not expire.
const KEEP_SECRET: Duration = Duration::from_secs(3600);
const CONNECT: Duration = Duration::from_secs(4);
