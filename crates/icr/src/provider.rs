//! The provider: from a request to an answer.

use std::time::Duration;

use regcred_core::{
    CacheKey, CacheScope, Clock, CredentialRequest, Credentials, Env, Issued, Plan, Provider,
    ProviderError, ProviderSpec, RegistryHost,
};

use crate::failure::misconfigured;
use crate::identity::Identity;
use crate::reach::Reach;
use crate::settings::{Login, Settings};
use crate::vars::{self, VARS};
use crate::{ERRORS, NAME};

/// IBM Cloud Container Registry, as data.
pub const SPEC: ProviderSpec = ProviderSpec {
    name: NAME,
    title: "IBM Cloud Container Registry",
    plugin_aliases: &[],
    helper_aliases: &[],
    silent_helpers: &[],
    vars: VARS,
    positional: None,
    default_cache_duration: "30m",
    new: |env, clock| Ok(Box::new(Icr::new(env, clock)?)),
};

/// Credentials for icr.io.
pub struct Icr {
    reach: Reach,
}

impl Icr {
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

    fn identity(&self, request: &CredentialRequest) -> Result<Identity, ProviderError> {
        Identity::choose(&self.reach.env, self.settings(), request)
    }

    async fn answer(&self, request: &CredentialRequest) -> Result<Issued, ProviderError> {
        let identity = self.identity(request)?;
        let key = request.registry.as_written().to_owned();
        if self.settings().login == Login::Secret {
            return Ok(Issued {
                auth: vec![(key, long_lived(&identity)?)],
                scope: CacheScope::Registry,
                expires_at: None,
                cache_for: Some(KEEP_SECRET),
            });
        }
        let token = identity.token(&self.reach).await?;
        Ok(Issued {
            auth: vec![(key, Credentials::new("iambearer", token.secret))],
            scope: CacheScope::Registry,
            expires_at: Some(token.expires_at),
            cache_for: None,
        })
    }
}

impl Icr {
    async fn fetch(&self, request: &CredentialRequest) -> Result<Issued, ProviderError> {
        self.answer(request).await
    }

    fn key(&self, request: &CredentialRequest) -> Option<CacheKey> {
        if self.settings().login == Login::Secret {
            return None;
        }
        let identity = self.identity(request).ok()?.stable_name()?;
        let iam = self.settings().iam.join(" ");
        Some(CacheKey::new([
            ("registry", request.registry.as_written()),
            ("identity", identity.as_str()),
            ("iam", iam.as_str()),
            ("vpc", self.settings().vpc.as_str()),
        ]))
    }
}

impl Provider for Icr {
    fn name(&self) -> &'static str {
        NAME
    }

    fn match_images(&self) -> Vec<String> {
        self.settings().hosts.patterns()
    }

    fn docker_hosts(&self) -> Vec<String> {
        Vec::new()
    }

    fn serves(&self, registry: &RegistryHost) -> bool {
        self.settings().hosts.serves(registry)
    }

    fn plan<'a>(&'a self, request: &'a CredentialRequest) -> Result<Plan<'a>, ProviderError> {
        if !self.serves(&request.registry) {
            return Err(ERRORS.not_served(&request.registry, SPEC.title));
        }
        Ok(Plan::new(self.key(request), self.fetch(request)))
    }
}

/// The login that the registry itself trades for a token. The user name says what the password is.
fn long_lived(identity: &Identity) -> Result<Credentials, ProviderError> {
    match identity {
        Identity::ApiKey(key) => Ok(Credentials::new("iamapikey", key.clone())),
        Identity::Refresh(token) => Ok(Credentials::new("iamrefresh", token.clone())),
        Identity::Assume(key, profile) => match &profile.id {
            Some(id) => Ok(Credentials::new(id.as_str(), key.clone())),
            None => Err(misconfigured(format!(
                "the registry takes a trusted profile by its id only: set {}",
                vars::PROFILE_ID
            ))),
        },
        _ => Err(misconfigured(format!(
            "{}=secret needs an API key or a refresh token",
            vars::LOGIN
        ))),
    }
}

/// How long a caller may keep a secret that has no end of its own.
const KEEP_SECRET: Duration = Duration::from_secs(3600);
