//! The provider: decide, get an identity, then one call for the token.

use std::time::Duration;

use chrono::TimeDelta;
use regcred_cloud::{Cloud, DEADLINE};
use regcred_core::{
    Clock, CredentialRequest, Env, ErrorKind, Issued, Plan, Provider, ProviderError, ProviderSpec,
    RegistryHost,
};
use tokio::time::timeout;

use crate::authorization_token::authorization_token;
use crate::current_step::CurrentStep;
use crate::decision::Decision;
use crate::hosts::{EcrHost, match_images};
use crate::refusal::no_token;
use crate::sdk::Sdk;
use crate::settings::Settings;
use crate::{ERRORS, NAME, TITLE, vars};

/// Amazon ECR as data: names, variables, flags.
pub const SPEC: ProviderSpec = ProviderSpec {
    name: NAME,
    title: TITLE,
    plugin_aliases: &[],
    helper_aliases: &["docker-credential-ecr-login"],
    silent_helpers: &["docker-credential-ecr-login"],
    vars: vars::VARS,
    positional: None,
    default_cache_duration: "12h",
    new: |env, clock| Ok(Box::new(Ecr::new(env, clock)?)),
};

/// Amazon ECR, private and public.
#[derive(Debug)]
pub struct Ecr {
    cloud: Cloud<Settings>,
    sdk: Sdk,
}

impl Ecr {
    /// A provider with this environment's settings. Does no I/O.
    ///
    /// # Errors
    /// [`ErrorKind::NotConfigured`] when an option cannot be read.
    pub fn new(env: &Env, clock: &Clock) -> Result<Self, ProviderError> {
        Ok(Self {
            cloud: Cloud::new(ERRORS, env, clock, Settings::read(env)?),
            sdk: Sdk::new(env, clock),
        })
    }

    async fn fetch(&self, decision: Decision) -> Result<Issued, ProviderError> {
        for note in decision.notes() {
            tracing::warn!("{note}");
        }
        // The words that Kubernetes' own troubleshooting page tells people to look for.
        tracing::debug!("unable to get ECR credentials from cache, checking ECR API");
        let step = CurrentStep::default();
        let answer = timeout(DEADLINE, self.answer(&decision, &step)).await;
        answer.unwrap_or_else(|_| {
            let text = format!(
                "no result within {} s, it was waiting for {}",
                DEADLINE.as_secs(),
                step.in_words()
            );
            Err(ERRORS.of_kind(ErrorKind::Unreachable, text))
        })
    }

    async fn answer(
        &self,
        decision: &Decision,
        step: &CurrentStep,
    ) -> Result<Issued, ProviderError> {
        let region = decision.region(step).await?;
        let api = decision.api(&region)?;
        let sts = decision.sts(&region)?;
        let mut renewed = false;
        loop {
            let identity = match decision.identity(&sts, step).await? {
                Ok(identity) => identity,
                Err(reason) if decision.is_public() => {
                    return Ok(self.anonymous(&format!("no AWS identity: {reason}")));
                }
                Err(reason) => {
                    return Err(ERRORS.no_identity(format!("no AWS identity: {reason}")));
                }
            };
            step.calls(&api);
            match authorization_token(&decision.sdk, &api, &identity).await {
                Ok(token) => {
                    let registry = decision.registry.as_str();
                    tracing::debug!("Got ECR credentials from ECR API for {registry}");
                    return Ok(Issued::login(registry, token.login).until(token.expires_at));
                }
                Err(failure) if failure.is_expired_session() && !renewed => renewed = true,
                Err(failure) if decision.is_public() && failure.lacks_rights() => {
                    return Ok(self.anonymous(&format!("{}: {failure}", identity.source)));
                }
                Err(failure) => return Err(no_token(&api, &identity, failure)),
            }
        }
    }

    /// The public registry serves everyone: missing rights mean no credentials, not a failed pull.
    fn anonymous(&self, reason: &str) -> Issued {
        tracing::warn!("no credentials for the public registry, pulling without: {reason}");
        Issued::new(Vec::new())
            .until(self.cloud.now() + ANONYMOUS)
            .keep_for(ANONYMOUS.to_std().unwrap_or(Duration::ZERO))
    }
}

impl Provider for Ecr {
    fn name(&self) -> &'static str {
        NAME
    }

    fn match_images(&self) -> Vec<String> {
        match_images(&self.cloud.settings.also_serve)
    }

    fn docker_hosts(&self) -> Vec<String> {
        Vec::new()
    }

    fn serves(&self, registry: &RegistryHost) -> bool {
        EcrHost::parse(registry, &self.cloud.settings.also_serve).is_some()
    }

    fn plan<'a>(&'a self, request: &'a CredentialRequest) -> Result<Plan<'a>, ProviderError> {
        let decision = Decision::of(request, &self.cloud, &self.sdk)?;
        let key = decision.key(&self.cloud)?;
        Ok(Plan::new(Some(key), self.fetch(decision)))
    }
}

const ANONYMOUS: TimeDelta = TimeDelta::minutes(5);

#[cfg(test)]
mod tests;
