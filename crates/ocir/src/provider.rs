//! The provider: from a request to an answer.

use std::time::Duration;

use regcred_cloud::{AccessToken, in_time};
use regcred_core::{
    CacheKey, Clock, CredentialRequest, Credentials, Env, Issued, Plan, Provider, ProviderError,
    ProviderSpec, RegistryHost,
};

use crate::plugin_config;
use crate::principal::Principal;
use crate::reach::Reach;
use crate::registry;
use crate::session::Sessions;
use crate::settings::Settings;
use crate::vars::{self, VARS};
use crate::{ERRORS, NAME};

/// Oracle Cloud Infrastructure Registry, as data.
pub const SPEC: ProviderSpec = ProviderSpec {
    name: NAME,
    title: "Oracle Cloud Infrastructure Registry",
    plugin_aliases: &["credential-provider-oke"],
    helper_aliases: &[],
    silent_helpers: &[],
    vars: VARS,
    positional: None,
    default_cache_duration: "30m",
    new: |env, clock| Ok(Box::new(Ocir::new(env, clock)?)),
};

/// Credentials for OCIR.
pub struct Ocir {
    reach: Reach,
    sessions: Sessions,
}

impl Ocir {
    /// A provider with this environment's settings. Does no I/O.
    ///
    /// # Errors
    /// [`regcred_core::ErrorKind::NotConfigured`] for a variable with a value that it cannot have.
    pub fn new(env: &Env, clock: &Clock) -> Result<Self, ProviderError> {
        Ok(Self {
            reach: Reach::new(env, clock, Settings::read(env)?),
            sessions: Sessions::default(),
        })
    }

    fn settings(&self) -> &Settings {
        &self.reach.settings
    }

    /// The settings with those of the earlier plugin's configuration file, none of which decides
    /// which hosts are served.
    fn reach(&self) -> Result<Reach, ProviderError> {
        if self.reach.env.get(vars::PLUGIN_CONFIG).is_none() {
            return Ok(self.reach.clone());
        }
        let env = plugin_config::merge(&self.reach.env)?;
        let settings = Settings::read(&env)?;
        Ok(self.reach.with(env, settings))
    }

    async fn fetch(
        &self,
        reach: &Reach,
        principal: &Principal,
        request: &CredentialRequest,
    ) -> Result<Issued, ProviderError> {
        let token = self.token(reach, principal, request).await?;
        let useless =
            reach.settings.check_token && registry::is_refused(reach, request, &token).await?;
        if useless {
            tracing::warn!("{}", registry::unauthorised(request, &principal.label()));
        }
        let login = Credentials::new(USERNAME, token.secret);
        // Answers without an expiry are never cached.
        let expires_at = Some(token.expires_at).filter(|_| !useless);
        Ok(Issued::login(request.registry.as_written(), login).until(expires_at))
    }

    /// A registry token. A session that was made earlier and is refused is replaced once.
    async fn token(
        &self,
        reach: &Reach,
        principal: &Principal,
        request: &CredentialRequest,
    ) -> Result<AccessToken, ProviderError> {
        let who = principal.label();
        let (session, earlier) = self.sessions.of(principal, reach, None).await?;
        match registry::token(reach, &session, request, &who).await {
            Err(error) if earlier && registry::is_not_authenticated(&error) => {
                tracing::debug!("the session is refused and replaced: {error}");
                let stale = Some(&session);
                let (session, _) = self.sessions.of(principal, reach, stale).await?;
                registry::token(reach, &session, request, &who).await
            }
            result => result,
        }
    }
}

impl Provider for Ocir {
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
        let reach = self.reach()?;
        let principal = Principal::choose(&reach.env, &reach.settings, request)?;
        let registry = request.registry.as_written();
        if let Principal::AuthToken(login) = principal {
            let issued = Issued::login(registry, login.read()?).keep_for(KEEP_SECRET);
            return Ok(Plan::new(None, async { Ok(issued) }));
        }
        let key = principal.stable_name().map(|principal| {
            CacheKey::new([("registry", registry), ("principal", &principal)])
                .with_options(VARS, &reach.env)
        });
        let fetch = async move { self.fetch(&reach, &principal, request).await };
        Ok(Plan::new(key, in_time(ERRORS, fetch)))
    }
}

/// The user name that stands for a token.
const USERNAME: &str = "BEARER_TOKEN";
/// How long a caller may keep a secret that does not expire.
const KEEP_SECRET: Duration = Duration::from_secs(3600);
