//! The provider: from a request to an answer.

use std::time::Duration;

use regcred_cloud::AccessToken;
use regcred_core::{
    Clock, CredentialRequest, Credentials, Env, Issued, Plan, Provider, ProviderError,
    ProviderSpec, RegistryHost,
};
use regcred_http::CaBundle;

use crate::identity::Identity;
use crate::sessions::Sessions;
use crate::settings::{Cloud, Settings};
use crate::vars::{self, VARS};
use crate::{ERRORS, NAME, plugin_config, registry};

/// Oracle Cloud Infrastructure Registry, as data.
pub const SPEC: ProviderSpec = ProviderSpec {
    name: NAME,
    title: "Oracle Cloud Infrastructure Registry",
    plugin_aliases: &["credential-provider-oke"],
    helper_aliases: &[],
    silent_helpers: &[],
    replaced_helper: None,
    vars: VARS,
    positional: None,
    token_life: Duration::from_secs(3600),
    default_cache_duration: "30m",
    new: |env, clock| Ok(Box::new(Ocir::new(env, clock)?)),
};

/// Credentials for OCIR.
pub struct Ocir {
    cloud: Cloud,
    sessions: Sessions,
}

impl Ocir {
    /// A provider with this environment's settings. Does no I/O.
    ///
    /// # Errors
    /// [`regcred_core::ErrorKind::NotConfigured`] for a variable with a value that it cannot have.
    pub fn new(env: &Env, clock: &Clock) -> Result<Self, ProviderError> {
        let cloud = Cloud::new(ERRORS, env, clock, Settings::read(env)?);
        let bundle = env.path(vars::CLI_CERT_BUNDLE);
        Ok(Self {
            cloud: cloud.with_options(|options| {
                options.connect_timeout = CONNECT;
                options.ca_bundle = bundle.map(|path| CaBundle {
                    path,
                    named_by: vars::CLI_CERT_BUNDLE,
                });
            }),
            sessions: Sessions::default(),
        })
    }

    /// The settings with those of the earlier plugin's configuration file, none of which decides
    /// which hosts are served.
    fn cloud(&self) -> Result<Cloud, ProviderError> {
        let Some(file) = self.cloud.env.get(vars::PLUGIN_CONFIG) else {
            return Ok(self.cloud.clone());
        };
        let env = plugin_config::merge(&self.cloud.env, file)?;
        let settings = Settings::read(&env)?;
        Ok(self.cloud.with_settings(env, settings))
    }

    async fn fetch(
        &self,
        cloud: &Cloud,
        identity: &Identity,
        request: &CredentialRequest,
    ) -> Result<Issued, ProviderError> {
        let token = self.token(cloud, identity, request).await?;
        let useless =
            cloud.settings.check_token && registry::is_refused(cloud, request, &token).await?;
        if useless {
            tracing::warn!("{}", registry::unauthorised(request, &identity.label()));
        }
        let login = Credentials::new(USERNAME, token.secret);
        // Answers without an expiry are never cached.
        let expires_at = token.expires_at.filter(|_| !useless);
        Ok(Issued::login(request.registry.as_written(), login).until(expires_at))
    }

    /// A registry token. A session that was made earlier and is refused is replaced once.
    async fn token(
        &self,
        cloud: &Cloud,
        identity: &Identity,
        request: &CredentialRequest,
    ) -> Result<AccessToken, ProviderError> {
        let who = identity.label();
        let (session, earlier) = self.sessions.of(identity, cloud, None).await?;
        match registry::token(cloud, &session, request, &who).await {
            Err(error) if earlier && registry::is_not_authenticated(&error) => {
                tracing::debug!("the session is refused and replaced: {error}");
                let stale = Some(&session);
                let (session, _) = self.sessions.of(identity, cloud, stale).await?;
                registry::token(cloud, &session, request, &who).await
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
        self.cloud.settings.hosts.patterns()
    }

    fn docker_hosts(&self) -> Vec<String> {
        Vec::new()
    }

    fn serves(&self, registry: &RegistryHost) -> bool {
        self.cloud.settings.hosts.serves(registry)
    }

    fn plan<'a>(&'a self, request: &'a CredentialRequest) -> Result<Plan<'a>, ProviderError> {
        if !self.serves(&request.registry) {
            return Err(ERRORS.not_served(&request.registry, SPEC.title));
        }
        let cloud = self.cloud()?;
        let identity = Identity::choose(&cloud.env, &cloud.settings, request)?;
        let registry = request.registry.as_written();
        if let Identity::AuthToken(login) = identity {
            let issued = Issued::login(registry, login.read()?).keep_for(KEEP_SECRET);
            return Ok(Plan::new(None, async { Ok(issued) }));
        }
        let key = identity.stable_name().map(|identity| {
            let parts = [("registry", registry), ("identity", &*identity)];
            cloud.key(VARS, parts)
        });
        Ok(self.cloud.plan(
            key,
            async move { self.fetch(&cloud, &identity, request).await },
        ))
    }
}

/// The user name that marks the password as a token.
const USERNAME: &str = "BEARER_TOKEN";
/// How long a caller may keep a secret that does not expire.
const KEEP_SECRET: Duration = Duration::from_secs(3600);
const CONNECT: Duration = Duration::from_secs(4);
