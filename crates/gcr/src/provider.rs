//! The provider: from a request to an answer.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use regcred_core::{
    Clock, CredentialRequest, Credentials, Env, ErrorKind, Issued, Provider, ProviderError,
    ProviderSpec, RegistryHost,
};

use crate::NAME;
use crate::failure::failure;
use crate::flags::FLAGS;
use crate::metadata::Metadata;
use crate::reach::Reach;
use crate::settings::Settings;
use crate::token::{AccessToken, TokenSource};
use crate::vars::VARS;

/// Google Container Registry and Artifact Registry, as data.
pub const SPEC: ProviderSpec = ProviderSpec {
    name: NAME,
    title: "Google Artifact Registry and Container Registry",
    plugin_aliases: &["auth-provider-gcp"],
    helper_aliases: &["docker-credential-gcr"],
    vars: VARS,
    flags: FLAGS,
    positional: None,
    default_cache_duration: "1m",
    new: |env, clock| Ok(Box::new(Gcr::new(env, clock)?)),
};

/// Credentials for gcr.io and pkg.dev.
pub struct Gcr {
    reach: Reach,
}

impl Gcr {
    /// A provider with this environment's settings. Does no I/O.
    ///
    /// # Errors
    /// [`ErrorKind::NotConfigured`] for a variable with a value that it cannot have.
    pub fn new(env: &Env, clock: &Clock) -> Result<Self, ProviderError> {
        Ok(Self {
            reach: Reach {
                env: env.clone(),
                clock: clock.clone(),
                settings: Arc::new(Settings::read(env)?),
            },
        })
    }

    fn settings(&self) -> &Settings {
        &self.reach.settings
    }

    async fn answer(&self, request: &CredentialRequest) -> Result<Issued, ProviderError> {
        let token = Metadata::new(&self.reach)?
            .token(&self.settings().scopes)
            .await?;
        Ok(self.issue(request, token))
    }

    fn issue(&self, request: &CredentialRequest, token: AccessToken) -> Issued {
        let settings = self.settings();
        let login = Credentials::new(settings.username.as_str(), token.secret);
        Issued {
            auth: settings
                .hosts
                .keys(&request.registry)
                .into_iter()
                .map(|key| (key, login.clone()))
                .collect(),
            scope: settings.cache_scope,
            expires_at: Some(token.expires_at),
            cache_for: settings.cache_for,
        }
    }
}

#[async_trait]
impl Provider for Gcr {
    fn name(&self) -> &'static str {
        NAME
    }

    fn match_images(&self) -> Vec<String> {
        self.settings().hosts.patterns()
    }

    fn serves(&self, registry: &RegistryHost) -> bool {
        self.settings().hosts.serves(registry)
    }

    async fn credentials(&self, request: &CredentialRequest) -> Result<Issued, ProviderError> {
        if !self.serves(&request.registry) {
            return Err(failure(
                ErrorKind::NotServed,
                format!(
                    "{} is no registry of Google's; --also-serve adds a host",
                    request.registry
                ),
            ));
        }
        match tokio::time::timeout(DEADLINE, self.answer(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(failure(
                ErrorKind::Unreachable,
                format!("no token within {} s", DEADLINE.as_secs()),
            )),
        }
    }
}

/// The kubelet ends a plugin after a minute; the reason should be out before.
const DEADLINE: Duration = Duration::from_secs(45);
