//! The provider: from a request to an answer.

use std::path::{Path, PathBuf};
use std::time::Duration;

use regcred_core::{
    CacheKey, Clock, CredentialRequest, Credentials, Env, Issued, Plan, PodTokens, Provider,
    ProviderError, ProviderSpec, RegistryHost,
};

use crate::identity::{Choice, Identity};
use crate::pod_token::PodToken;
use crate::rule::Rule;
use crate::settings::{Cloud, Settings};
use crate::vars::VARS;
use crate::{ERRORS, NAME};

/// Every other registry, as data.
pub const SPEC: ProviderSpec = ProviderSpec {
    name: NAME,
    title: "other registries",
    plugin_aliases: &[],
    helper_aliases: &[],
    silent_helpers: &[],
    replaced_helper: None,
    vars: VARS,
    positional: None,
    default_cache_duration: "0s",
    // Each source has its own, and a stored login has none.
    token_life: Duration::MAX,
    new: |env, clock| Ok(Box::new(Generic::new(env, clock)?)),
};

/// Credentials for the registries of a configuration file.
pub struct Generic {
    cloud: Cloud,
}

impl Generic {
    /// A provider with this environment's settings. Reads the configuration file and sends nothing.
    ///
    /// # Errors
    /// [`regcred_core::ErrorKind::NotConfigured`] for a file that cannot be used.
    pub fn new(env: &Env, clock: &Clock) -> Result<Self, ProviderError> {
        Ok(Self {
            cloud: Cloud::new(ERRORS, env, clock, Settings::read(env)?),
        })
    }

    /// What decides an exchange: the entry and the pod's account.
    fn key(&self, choice: &Choice<'_>, token: &PodToken, request: &CredentialRequest) -> CacheKey {
        let key = self.cloud.key(
            VARS,
            [
                ("registry", &*choice.key),
                ("entry", &*choice.rule.stable_name),
                ("account", &*token.stable_name),
            ],
        );
        let mut key = key;
        if choice.scope == regcred_core::CacheScope::Image {
            key.push("image", &request.image);
        }
        key
    }
}

impl Provider for Generic {
    fn name(&self) -> &'static str {
        NAME
    }

    fn match_images(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for pattern in self.cloud.settings.patterns() {
            if !all.contains(&pattern.text) {
                all.push(pattern.text.clone());
            }
        }
        all
    }

    fn docker_hosts(&self) -> Vec<String> {
        Vec::new()
    }

    fn serves(&self, registry: &RegistryHost) -> bool {
        self.cloud.settings.serves(registry)
    }

    fn pod_tokens(&self) -> Vec<PodTokens> {
        self.cloud.settings.pod_tokens()
    }

    fn secret_files(&self) -> Vec<PathBuf> {
        let rules = self.cloud.settings.rules.iter();
        rules
            .flat_map(Rule::secret_files)
            .map(Path::to_owned)
            .collect()
    }

    fn plan<'a>(&'a self, request: &'a CredentialRequest) -> Result<Plan<'a>, ProviderError> {
        let settings = &self.cloud.settings;
        if !settings.serves(&request.registry) {
            return Err(settings.not_served(&request.registry));
        }
        let choice = Choice::of(settings, request, self.cloud.now())?;
        let scope = choice.scope;
        let now = |issued: Issued| Ok(Plan::new(None, async move { Ok(issued.scope(scope)) }));
        match &choice.identity {
            Identity::Static(login) => now(Issued::login(choice.key, login.read(request)?)),
            Identity::Anonymous => now(Issued::new(Vec::new())),
            Identity::PassThrough(user, token) => {
                let login = Credentials::new(*user, token.secret.clone());
                // It dies with the token; the kubelet has a fresh one for each request.
                let issued = Issued::login(choice.key, login).until(token.expires_at);
                now(issued.keep_for(Duration::ZERO))
            }
            Identity::Helper(helper) => {
                let (helper, key) = (*helper, choice.key);
                Ok(self.cloud.plan(None, async move {
                    let login = helper.login(&request.registry).await?;
                    let auth = login.map(|login| (key, login));
                    Ok(Issued::new(auth.into_iter().collect()).scope(scope))
                }))
            }
            Identity::Exchange(exchange, token) => {
                let key = self.key(&choice, token, request);
                let (exchange, token, place) = (*exchange, token.clone(), choice.key);
                Ok(self.cloud.plan(Some(key), async move {
                    let issued = exchange.login(&self.cloud, &token, request, place).await?;
                    Ok(issued.scope(scope))
                }))
            }
        }
    }
}
