//! The provider: from a request to an answer.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_core::{
    CacheKey, Clock, CredentialRequest, Credentials, Env, Issued, Plan, Provider, ProviderError,
    ProviderSpec, RegistryHost,
};
use secrecy::{ExposeSecret, SecretString};

use crate::credential_file::{CredentialFile, Search};
use crate::failure::misconfigured;
use crate::hosts::Hosts;
use crate::reach::Reach;
use crate::settings::{Flow, Settings, Username};
use crate::vars::{self, VARS};
use crate::{ERRORS, NAME, cache_key, dockercfg, node, pod};

/// Google Container Registry and Artifact Registry, as data.
pub const SPEC: ProviderSpec = ProviderSpec {
    name: NAME,
    title: "Google Artifact Registry and Container Registry",
    plugin_aliases: &["auth-provider-gcp"],
    helper_aliases: &["docker-credential-gcr"],
    silent_helpers: &[],
    vars: VARS,
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
    /// [`regcred_core::ErrorKind::NotConfigured`] for a variable with a value that it cannot have.
    pub fn new(env: &Env, clock: &Clock) -> Result<Self, ProviderError> {
        Ok(Self {
            reach: Reach::new(env, clock, Settings::read(env)?),
        })
    }

    fn settings(&self) -> &Settings {
        &self.reach.settings
    }

    async fn answer(&self, request: &CredentialRequest) -> Result<Issued, ProviderError> {
        let settings = self.settings();
        match settings.flow {
            Flow::Tokens => {}
            Flow::DockerCfg => return Ok(self.stored(dockercfg::in_metadata(&self.reach).await?)),
            Flow::DockerCfgUrl => {
                return Ok(self.stored(dockercfg::behind_url(&self.reach).await?));
            }
        }
        if pod::is_asked_for(settings, request) {
            let token = pod::source(&self.reach, request)?
                .token(&settings.scopes)
                .await?;
            return Ok(self.issue(request, token.secret, Some(token.expires_at)));
        }
        match settings.username {
            Username::Token | Username::Oauth2AccessToken => {
                let token = node::source(&self.reach).token(&settings.scopes).await?;
                Ok(self.issue(request, token.secret, Some(token.expires_at)))
            }
            Username::JsonKey | Username::JsonKeyBase64 => {
                Ok(self.issue(request, self.key_file()?, None))
            }
        }
    }

    /// The key file as a password: on request only, since it does not end.
    fn key_file(&self) -> Result<SecretString, ProviderError> {
        let file = match CredentialFile::find(&self.reach.env)? {
            Search::Found(file) => file,
            Search::Nothing(why) => {
                return Err(misconfigured(format!(
                    "the user name {} needs a service account key file: {why}",
                    self.settings().username.as_str()
                )));
            }
        };
        file.require_service_account_key()?;
        Ok(match self.settings().username {
            Username::JsonKeyBase64 => STANDARD.encode(file.text().expose_secret()).into(),
            _ => file.text().clone(),
        })
    }

    fn issue(
        &self,
        request: &CredentialRequest,
        password: SecretString,
        expires_at: Option<chrono::DateTime<chrono::Utc>>,
    ) -> Issued {
        let settings = self.settings();
        // A pod's answer is a token, whatever the node's would be.
        let username = match expires_at {
            Some(_) if settings.username.is_key_file() => Username::Token,
            _ => settings.username,
        };
        let login = Credentials::new(username.as_str(), password);
        Issued {
            auth: settings
                .hosts
                .keys(&request.registry)
                .into_iter()
                .map(|key| (key, login.clone()))
                .collect(),
            scope: settings.cache_scope,
            expires_at,
            cache_for: settings.cache_for,
        }
    }

    /// Logins that somebody wrote down: they have no end, and are read again after a minute.
    fn stored(&self, auth: Vec<(String, Credentials)>) -> Issued {
        Issued {
            auth,
            scope: self.settings().cache_scope,
            expires_at: None,
            cache_for: Some(self.settings().cache_for.unwrap_or(STORED_LOGINS)),
        }
    }
}

impl Gcr {
    async fn fetch(&self, request: &CredentialRequest) -> Result<Issued, ProviderError> {
        self.answer(request).await
    }

    fn key(&self, request: &CredentialRequest) -> Option<CacheKey> {
        cache_key::of(&self.reach, request)
    }
}

impl Provider for Gcr {
    fn name(&self) -> &'static str {
        NAME
    }

    fn match_images(&self) -> Vec<String> {
        self.settings().hosts.patterns()
    }

    fn docker_hosts(&self) -> Vec<String> {
        Hosts::by_name(self.reach.env.is_true(vars::DOCKER_ARTIFACT))
    }

    fn serves(&self, registry: &RegistryHost) -> bool {
        // Logins in the metadata say themselves for which registry they are.
        self.settings().flow != Flow::Tokens || self.settings().hosts.serves(registry)
    }

    fn plan<'a>(&'a self, request: &'a CredentialRequest) -> Result<Plan<'a>, ProviderError> {
        if !self.serves(&request.registry) {
            return Err(ERRORS.not_served(&request.registry, SPEC.title));
        }
        Ok(Plan::new(self.key(request), self.fetch(request)))
    }
}

/// As long as the kubelet's own provider kept them.
const STORED_LOGINS: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
