//! The provider: from a request to an answer.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_core::{
    Clock, CredentialRequest, Credentials, Env, Issued, Plan, Provider, ProviderError,
    ProviderSpec, RegistryHost,
};
use secrecy::{ExposeSecret, SecretString};

use crate::credential_file::{CredentialFile, Search};
use crate::file_identity::key_text;
use crate::hosts::Hosts;
use crate::identity::Identity;
use crate::settings::{AuthFlow, Cloud, Settings, Username};
use crate::vars::{self, VARS};
use crate::{ERRORS, NAME, docker_credential_gcr, dockercfg, pod};

/// Google Container Registry and Artifact Registry, as data.
pub const SPEC: ProviderSpec = ProviderSpec {
    name: NAME,
    title: "Google Artifact Registry and Container Registry",
    plugin_aliases: &["auth-provider-gcp", "gcp-credential-provider"],
    helper_aliases: &["docker-credential-gcr", "docker-credential-gcloud"],
    silent_helpers: &[],
    replaced_helper: Some(docker_credential_gcr::HELPER),
    vars: VARS,
    positional: None,
    token_life: Duration::from_secs(3600),
    default_cache_duration: "1m",
    new: |env, clock| Ok(Box::new(Gcr::new(env, clock)?)),
};

/// Credentials for gcr.io and pkg.dev.
pub struct Gcr {
    cloud: Cloud,
}

impl Gcr {
    /// A provider with this environment's settings. Does no I/O.
    ///
    /// # Errors
    /// [`regcred_core::ErrorKind::NotConfigured`] for a variable with a value that it cannot have.
    pub fn new(env: &Env, clock: &Clock) -> Result<Self, ProviderError> {
        Ok(Self {
            cloud: Cloud::new(ERRORS, env, clock, Settings::read(env)?),
        })
    }

    /// Logins that an operator wrote down: they do not expire, and are read again after a minute.
    async fn stored_logins(&self) -> Result<Issued, ProviderError> {
        let settings = &self.cloud.settings;
        let auth = match settings.flow {
            AuthFlow::DockerCfgUrl => dockercfg::at_url(&self.cloud).await?,
            _ => dockercfg::in_metadata(&self.cloud).await?,
        };
        Ok(Issued::new(auth)
            .scope(settings.cache_scope)
            .keep_for(settings.cache_for.unwrap_or(STORED_LOGINS)))
    }

    /// The key file as a password: on request only, since it does not expire.
    fn key_file(&self) -> Result<SecretString, ProviderError> {
        let username = self.cloud.settings.username;
        match CredentialFile::find(&self.cloud.env)? {
            Search::Absent(why) => Err(ERRORS.misconfigured(format!(
                "the user name {} needs a service account key file: {why}",
                username.as_str()
            ))),
            Search::Found(file) => {
                let text = key_text(&file)?;
                if username == Username::JsonKeyBase64 {
                    Ok(STANDARD.encode(text.expose_secret()).into())
                } else {
                    Ok(text.clone())
                }
            }
        }
    }

    fn issue(
        &self,
        request: &CredentialRequest,
        username: Username,
        password: SecretString,
    ) -> Issued {
        let settings = &self.cloud.settings;
        let login = Credentials::new(username.as_str(), password);
        let keys = settings.hosts.keys(&request.registry).into_iter();
        Issued::new(keys.map(|key| (key, login.clone())).collect())
            .scope(settings.cache_scope)
            .keep_for(settings.cache_for)
    }
}

impl Provider for Gcr {
    fn name(&self) -> &'static str {
        NAME
    }

    fn match_images(&self) -> Vec<String> {
        self.cloud.settings.hosts.patterns()
    }

    fn docker_hosts(&self) -> Vec<String> {
        Hosts::by_name(self.cloud.env.is_true(vars::DOCKER_ARTIFACT))
    }

    fn serves(&self, registry: &RegistryHost) -> bool {
        // Logins in the metadata name their registries themselves.
        let settings = &self.cloud.settings;
        settings.flow != AuthFlow::Tokens || settings.hosts.serves(registry)
    }

    fn plan<'a>(&'a self, request: &'a CredentialRequest) -> Result<Plan<'a>, ProviderError> {
        let settings = &self.cloud.settings;
        if !self.serves(&request.registry) {
            return Err(ERRORS.not_served(&request.registry, SPEC.title));
        }
        if settings.flow != AuthFlow::Tokens {
            return Ok(self.cloud.plan(None, self.stored_logins()));
        }
        if settings.username.is_key_file() && !pod::is_asked_for(settings, request) {
            let issued = self.issue(request, settings.username, self.key_file()?);
            return Ok(Plan::new(None, async { Ok(issued) }));
        }
        let identity = Identity::choose(&self.cloud, request)?;
        let key = identity.key(&self.cloud, request);
        Ok(self.cloud.plan(key, async move {
            let token = identity.token(&self.cloud).await?;
            // A pod's password is a token, whatever the node's would be.
            let username = match settings.username {
                username if username.is_key_file() => Username::Token,
                username => username,
            };
            let issued = self.issue(request, username, token.secret);
            Ok(issued.until(token.expires_at))
        }))
    }
}

/// As long as the kubelet's own provider kept them.
const STORED_LOGINS: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
