//! Logins from a cloud's provider, under the refresher's own identity or a tenant's.

use std::collections::BTreeMap;
use std::time::Duration;

use regcred_cache::{CacheDir, Cached};
use regcred_core::{
    CacheKey, CacheScope, Clock, CredentialRequest, Credentials, Env, ErrorKind, ImagePattern,
    Issued, Provider, ProviderError, ProviderSpec, RegistryHost, Role,
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::timeout;

use super::token::{TenantIdentity, Token, is_empty, read_line};
use crate::config::Registry;
use crate::life::Life;

/// The requests for one source's logins.
pub(super) struct ProviderFetch<'a> {
    registry: &'a Registry,
    spec: &'static ProviderSpec,
    provider: Box<dyn Provider>,
    clock: &'a Clock,
    tenant: Option<&'a TenantIdentity>,
}

impl<'a> ProviderFetch<'a> {
    pub(super) fn new(
        registry: &'a Registry,
        spec: &'static ProviderSpec,
        env: &Env,
        clock: &'a Clock,
        tenant: Option<&'a TenantIdentity>,
    ) -> Result<Self, ProviderError> {
        let mut env = with_variables(registry, spec, env)?;
        let mut cache = CacheDir::resolve(&env);
        if tenant.is_some() {
            // A tenant's identity decides alone: the provider must fail rather than use ours, and
            // nothing of it is kept on disk.
            env = env.with(spec.with_role(Role::RequirePod).map(|name| (name, "true")));
            cache = None;
        }
        let provider = Cached::new((spec.new)(&env, clock)?, cache, clock.clone());
        Ok(Self {
            registry,
            spec,
            provider: Box::new(provider),
            clock,
            tenant,
        })
    }

    /// Requests the login of each host; hosts that share one answer share one request.
    pub(super) async fn all(&self) -> Result<Token, ProviderError> {
        let proof = match self.tenant {
            Some(tenant) => Some(tenant.token().await?),
            None => None,
        };
        let now = self.clock.now();
        let mut logins = BTreeMap::new();
        let mut expires = None;
        let mut waiting: Vec<&String> = self.registry.hosts.iter().collect();
        while let Some(host) = waiting.first().copied() {
            let request = self.request(host, proof.as_ref())?;
            let plan = self.provider.plan(&request)?;
            let key = plan.key().cloned();
            let issued = timeout(DEADLINE, plan.fetch()).await.unwrap_or_else(|_| {
                let text = format!("no answer within {} s", DEADLINE.as_secs());
                let error = self.failure(ErrorKind::Unreachable, text);
                Err(error.with_next_step("try again later".to_owned()))
            })?;
            if let Some(end) = issued.expires_at {
                expires = Some(expires.map_or(end, |known| end.min(known)));
            }
            let mut rest = Vec::new();
            for other in waiting {
                let other_request = self.request(other, proof.as_ref())?;
                // For the provider the same key means the same answer.
                let shared = other == host
                    || issued.scope == CacheScope::Global
                    || (key.is_some() && self.key(&other_request) == key);
                if shared {
                    self.take(&issued, &other_request, other, &mut logins)?;
                } else {
                    rest.push(other);
                }
            }
            waiting = rest;
        }
        Ok(Token {
            logins,
            life: Life::from(now, expires),
        })
    }

    fn request(
        &self,
        host: &str,
        proof: Option<&SecretString>,
    ) -> Result<CredentialRequest, ProviderError> {
        let invalid = |text: String| self.failure(ErrorKind::NotConfigured, text);
        let mut request =
            CredentialRequest::new(host).map_err(|error| invalid(error.reason().to_owned()))?;
        if !self.provider.serves(&request.registry) {
            let text = format!("{host} is not served: its token must not go there");
            let error = self.failure(ErrorKind::NotServed, text);
            let step = "correct the registry's hosts, or allow a mirror by the provider's variable";
            return Err(error.with_next_step(step.to_owned()));
        }
        let (Some(tenant), Some(proof)) = (self.tenant, proof) else {
            return Ok(request);
        };
        let own = self.key(&request);
        request.service_account_token = Some(proof.clone());
        request.service_account_annotations = tenant.annotations.clone();
        // A provider that ignores the account would return the refresher's own token. The key says
        // whose the answer is; without a key the provider's own strictness must do.
        let distinct = match self.key(&request) {
            Some(theirs) => own != Some(theirs),
            None => self.spec.with_role(Role::RequirePod).next().is_some(),
        };
        if !distinct {
            let keys: Vec<_> = tenant.annotations.keys().map(String::as_str).collect();
            return Err(invalid(format!(
                "the annotation {} does not select an identity for this provider",
                keys.join(", ")
            ))
            .with_next_step("name the annotation that the provider reads".to_owned()));
        }
        Ok(request)
    }

    fn key(&self, request: &CredentialRequest) -> Option<CacheKey> {
        self.provider.plan(request).ok()?.key().cloned()
    }

    fn take(
        &self,
        issued: &Issued,
        request: &CredentialRequest,
        host: &str,
        logins: &mut BTreeMap<String, Credentials>,
    ) -> Result<(), ProviderError> {
        let matching = issued.auth.iter().find(|(key, _)| {
            let pattern = ImagePattern::parse(key);
            pattern.is_ok_and(|pattern| pattern.matches(&request.image))
                || RegistryHost::parse(key)
                    .is_ok_and(|known| known.host() == request.registry.host())
        });
        // The answer for one host of a shared key is the answer for all of them.
        let found = matching.or(match &issued.auth[..] {
            [only] => Some(only),
            _ => None,
        });
        let Some((_, login)) = found else {
            let text = format!("the answer has no login for {host}");
            let error = self.failure(ErrorKind::IdentityUnavailable, text);
            return Err(error.with_next_step("correct the registry's hosts".to_owned()));
        };
        if is_empty(&login.password) {
            let text = format!("the login for {host} has an empty password");
            return Err(self.failure(ErrorKind::Malformed, text));
        }
        logins.insert(host.to_owned(), login.clone());
        Ok(())
    }

    fn failure(&self, kind: ErrorKind, text: String) -> ProviderError {
        ProviderError::new(self.spec.name, kind, text)
    }
}

fn with_variables(
    registry: &Registry,
    spec: &ProviderSpec,
    env: &Env,
) -> Result<Env, ProviderError> {
    let mut vars = registry.env.clone();
    for (name, path) in &registry.env_files {
        let value = read_line(path).map_err(|error| {
            let text = format!("{} of {name} cannot be read", path.display());
            ProviderError::new(spec.name, ErrorKind::NotConfigured, text)
                .with_source(error)
                .with_next_step("correct the path in envFiles, or mount the file".to_owned())
        })?;
        vars.insert(name.clone(), value.expose_secret().to_owned());
    }
    Ok(env.with(vars))
}

/// As long as a kubelet plugin allows its provider.
const DEADLINE: Duration = Duration::from_secs(50);
