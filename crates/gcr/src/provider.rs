//! The provider: from a request to an answer.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_cloud::in_time;
use regcred_core::{
    Clock, CredentialRequest, Credentials, Env, Issued, Plan, Provider, ProviderError,
    ProviderSpec, RegistryHost,
};
use secrecy::{ExposeSecret, SecretString};

use crate::credential_file::{CredentialFile, Search};
use crate::failure::misconfigured;
use crate::hosts::Hosts;
use crate::node::Node;
use crate::reach::Reach;
use crate::settings::{Flow, Settings, Username};
use crate::token::TokenSource;
use crate::vars::{self, VARS};
use crate::{ERRORS, NAME, cache_key, dockercfg, pod};

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
    pub(crate) reach: Reach,
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

    async fn written_down(&self) -> Result<Issued, ProviderError> {
        Ok(self.stored(match self.settings().flow {
            Flow::DockerCfgUrl => dockercfg::behind_url(&self.reach).await?,
            _ => dockercfg::in_metadata(&self.reach).await?,
        }))
    }

    async fn token(
        &self,
        source: Box<dyn TokenSource>,
        request: &CredentialRequest,
    ) -> Result<Issued, ProviderError> {
        let token = source.token(&self.settings().scopes).await?;
        Ok(self.issue(request, token.secret, Some(token.expires_at)))
    }

    /// The key file as a password: on request only, since it does not expire.
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
        let keys = settings.hosts.keys(&request.registry).into_iter();
        Issued::new(keys.map(|key| (key, login.clone())).collect())
            .scope(settings.cache_scope)
            .until(expires_at)
            .keep_for(settings.cache_for)
    }

    /// Logins that an operator wrote down: they do not expire, and are read again after a minute.
    fn stored(&self, auth: Vec<(String, Credentials)>) -> Issued {
        Issued::new(auth)
            .scope(self.settings().cache_scope)
            .keep_for(self.settings().cache_for.unwrap_or(STORED_LOGINS))
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
        // Logins in the metadata name their registries themselves.
        self.settings().flow != Flow::Tokens || self.settings().hosts.serves(registry)
    }

    fn plan<'a>(&'a self, request: &'a CredentialRequest) -> Result<Plan<'a>, ProviderError> {
        if !self.serves(&request.registry) {
            return Err(ERRORS.not_served(&request.registry, SPEC.title));
        }
        let settings = self.settings();
        if settings.flow != Flow::Tokens {
            return Ok(Plan::new(None, in_time(ERRORS, self.written_down())));
        }
        let (key, source) = if pod::is_asked_for(settings, request) {
            let token = request.service_account_token.as_ref();
            let key = token.map(|token| cache_key::of_pod(&self.reach, request, token));
            (key, pod::source(&self.reach, request)?)
        } else if settings.username.is_key_file() {
            let issued = self.issue(request, self.key_file()?, None);
            return Ok(Plan::new(None, async { Ok(issued) }));
        } else {
            let node = Node::find(&self.reach);
            let key = cache_key::of_node(&self.reach, request, &node);
            (key, node.into_source())
        };
        Ok(Plan::new(key, in_time(ERRORS, self.token(source, request))))
    }
}

/// As long as the kubelet's own provider kept them.
const STORED_LOGINS: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
