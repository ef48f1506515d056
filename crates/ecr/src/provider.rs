//! The provider: which registry, which identity, which endpoint, then one token call.

mod refusal;

use std::time::Duration;

use chrono::TimeDelta;
use regcred_cloud::DEADLINE;
use regcred_core::{
    CacheKey, CacheScope, Clock, CredentialRequest, Env, ErrorKind, Issued, Plan, Provider,
    ProviderError, RegistryHost,
};
use tokio::time::timeout;

use crate::endpoint::{Endpoint, EndpointError, Service};
use crate::hosts::{EcrHost, match_images};
use crate::identity::{Chain, Identity, IdentityError, Metadata, configured_source};
use crate::journal::Journal;
use crate::pod::PodRole;
use crate::roles::Wanted;
use crate::sdk::Sdk;
use crate::settings::Settings;
use crate::shared_config::SharedConfig;
use crate::sts::Sts;
use crate::{ERRORS, NAME, SPEC, api, vars};

use refusal::{Refusal, refused};

/// Amazon ECR, private and public.
#[derive(Debug)]
pub struct Ecr {
    env: Env,
    settings: Settings,
    sdk: Sdk,
}

/// One request with what was decided about it before anything is asked.
struct Decision {
    host: EcrHost,
    pod: Option<PodRole>,
    wanted: Option<Wanted>,
    config: SharedConfig,
    sdk: Sdk,
}

impl Ecr {
    /// A provider that reads its options from the environment given. No I/O.
    ///
    /// # Errors
    /// [`ErrorKind::NotConfigured`] when an option cannot be read.
    pub fn new(env: &Env, clock: &Clock) -> Result<Self, ProviderError> {
        Ok(Self {
            env: env.clone(),
            settings: Settings::from_env(env)?,
            sdk: Sdk::new(env, clock),
        })
    }

    fn decide(&self, request: &CredentialRequest) -> Result<Decision, ProviderError> {
        let registry = &request.registry;
        let host = EcrHost::parse(registry, &self.settings.also_serve).ok_or_else(|| {
            let text = format!("{registry} is not a valid ECR repository URL");
            ProviderError::new(NAME, ErrorKind::NotServed, text)
        })?;
        let pod = PodRole::from_request(request, &self.env, &self.settings)?;
        // A pod that names its role has said who pulls.
        let wanted = match pod {
            Some(_) => None,
            None => self.settings.roles.find(registry, &host).cloned(),
        };
        let named = match (&wanted, &self.settings.profile) {
            (Some(Wanted::Profile(name)), _) => Some((vars::ROLES, name.as_str())),
            (_, Some(name)) if pod.is_none() => Some((vars::PROFILE, name.as_str())),
            _ => None,
        };
        let config = SharedConfig::load(&self.env, named)?;
        Ok(Decision {
            host,
            pod,
            wanted,
            sdk: self.sdk.with_profile(config.key("ca_bundle")),
            config,
        })
    }

    async fn token(
        &self,
        request: &CredentialRequest,
        plan: &Decision,
        journal: &Journal,
    ) -> Result<Issued, ProviderError> {
        let service = match plan.host {
            EcrHost::Private(_) => Service::Ecr,
            EcrHost::Public { .. } => Service::EcrPublic,
        };
        let region = self.region(plan, journal).await?;
        let api = self.endpoint(service, &region, plan)?;
        let sts = self.endpoint(Service::Sts, &self.sts_region(&region, plan), plan)?;
        let mut renewed = false;
        loop {
            let identity = match self.identity(plan, &sts, journal).await {
                Ok(identity) => identity,
                Err(Refusal::Ambient(error @ IdentityError::Nothing(_)))
                    if service == Service::EcrPublic =>
                {
                    return Ok(self.anonymous(&format!("no AWS identity: {error}")));
                }
                Err(refusal) => return Err(refusal.into()),
            };
            journal.calling(&api);
            match api::token(&plan.sdk, &api, &identity).await {
                Ok(token) => {
                    let registry = request.registry.as_written().to_owned();
                    tracing::debug!("Got ECR credentials from ECR API for {registry}");
                    return Ok(Issued {
                        auth: vec![(registry, token.login)],
                        scope: CacheScope::Registry,
                        expires_at: token.expires_at,
                        cache_for: None,
                    });
                }
                Err(failure) if failure.is_expired_session() && !renewed => renewed = true,
                Err(failure) if service == Service::EcrPublic && failure.lacks_rights() => {
                    return Ok(self.anonymous(&format!("{}: {failure}", identity.source)));
                }
                Err(failure) => return Err(refused(&api, &identity, failure)),
            }
        }
    }

    /// The region of the host's name; only names without one ask further.
    async fn region(&self, plan: &Decision, journal: &Journal) -> Result<String, ProviderError> {
        if let EcrHost::Public { .. } = plan.host {
            return Ok(PUBLIC_REGION.to_owned());
        }
        if let Some(region) = plan.known_region() {
            return Ok(region);
        }
        journal.now("the region from instance metadata");
        if !Metadata::disabled(&self.env)
            && let Some(region) = Metadata::new(&plan.sdk, &plan.config).region().await
        {
            return Ok(region);
        }
        let text = format!(
            "no region for this host, set AWS_REGION or write {}=HOST=REGION",
            vars::ALSO_SERVE
        );
        Err(ProviderError::new(NAME, ErrorKind::NotConfigured, text))
    }

    /// STS of the registry's region; for the public registry, which has one region for all, the
    /// configured one.
    fn sts_region(&self, region: &str, plan: &Decision) -> String {
        match plan.host {
            EcrHost::Public { .. } => configured_region(&plan.config),
            EcrHost::Private(_) => None,
        }
        .unwrap_or_else(|| region.to_owned())
    }

    fn endpoint(
        &self,
        service: Service,
        region: &str,
        plan: &Decision,
    ) -> Result<Endpoint, EndpointError> {
        Endpoint::choose(service, region, &plan.host, &plan.config, &self.settings)
    }

    async fn identity(
        &self,
        plan: &Decision,
        endpoint: &Endpoint,
        journal: &Journal,
    ) -> Result<Identity, Refusal> {
        let sts = Sts {
            sdk: &plan.sdk,
            endpoint,
        };
        if let Some(pod) = &plan.pod {
            journal.calling(endpoint);
            let credentials = sts
                .with_web_identity(&pod.role, &pod.session_name(), &pod.token)
                .await
                .map_err(|error| Refusal::role(&pod.role, "the pod's token", error))?;
            return Ok(Identity {
                credentials,
                source: format!("the pod's role {}", pod.role),
            });
        }
        let chain = Chain {
            env: &self.env,
            config: &plan.config,
            sdk: &plan.sdk,
            sts: endpoint,
            journal,
        };
        let named_profile = matches!(plan.wanted, Some(Wanted::Profile(_)));
        let base = if named_profile || self.settings.profile.is_some() {
            chain.profile_only().await.map_err(Refusal::Named)?
        } else {
            let ambient = chain.resolve().await;
            match plan.wanted {
                Some(_) => ambient.map_err(Refusal::Named)?,
                None => ambient.map_err(Refusal::Ambient)?,
            }
        };
        let Some(Wanted::Role(role)) = &plan.wanted else {
            return Ok(base);
        };
        journal.calling(endpoint);
        let session = self
            .env
            .get("AWS_ROLE_SESSION_NAME")
            .unwrap_or("ecr-credential-provider");
        let credentials = sts
            .with_credentials(role, session, base.credentials)
            .await
            .map_err(|error| Refusal::role(role, &base.source, error))?;
        Ok(Identity {
            credentials,
            source: format!("the role {role} by {}", base.source),
        })
    }

    /// The public registry serves anybody: no rights mean no credentials, not a failed pull.
    fn anonymous(&self, reason: &str) -> Issued {
        tracing::warn!("no credentials for the public registry, pulling without: {reason}");
        Issued {
            auth: Vec::new(),
            scope: CacheScope::Registry,
            expires_at: Some(self.sdk.clock.now() + TimeDelta::seconds(ANONYMOUS_SECONDS)),
            cache_for: Some(Duration::from_secs(ANONYMOUS_SECONDS.unsigned_abs())),
        }
    }
}

impl Ecr {
    async fn fetch(&self, request: &CredentialRequest) -> Result<Issued, ProviderError> {
        let plan = self.decide(request)?;
        for note in plan.config.notes() {
            tracing::warn!("{note}");
        }
        // The words that Kubernetes' own troubleshooting page tells people to look for.
        tracing::debug!("unable to get ECR credentials from cache, checking ECR API");
        let journal = Journal::default();
        timeout(DEADLINE, self.token(request, &plan, &journal))
            .await
            .unwrap_or_else(|_| {
                let text = format!(
                    "no result within {} s, it was waiting for {}",
                    DEADLINE.as_secs(),
                    journal.last()
                );
                Err(ProviderError::new(NAME, ErrorKind::Unreachable, text))
            })
    }

    fn key(&self, request: &CredentialRequest) -> Option<CacheKey> {
        let plan = self.decide(request).ok()?;
        let service = match plan.host {
            EcrHost::Private(_) => Service::Ecr,
            EcrHost::Public { .. } => Service::EcrPublic,
        };
        let region = match plan.host {
            EcrHost::Private(_) => plan.known_region().unwrap_or_default(),
            EcrHost::Public { .. } => PUBLIC_REGION.to_owned(),
        };
        let endpoint = self.endpoint(service, &region, &plan).ok()?.key();
        let identity = match (&plan.pod, &plan.wanted) {
            (Some(pod), _) => format!("pod {}", pod.stable_name()),
            (None, wanted) => {
                let base = match (wanted, &self.settings.profile) {
                    (Some(Wanted::Profile(_)), _) | (_, Some(_)) => {
                        format!("profile {}", plan.config.identity_parts())
                    }
                    _ => configured_source(&self.env, &plan.config),
                };
                match wanted {
                    Some(Wanted::Role(role)) => format!("{role} by {base}"),
                    _ => base,
                }
            }
        };
        Some(CacheKey::new([
            ("registry", request.registry.as_written()),
            ("region", region.as_str()),
            ("endpoint", endpoint.as_str()),
            ("identity", identity.as_str()),
        ]))
    }
}

impl Provider for Ecr {
    fn name(&self) -> &'static str {
        NAME
    }

    fn match_images(&self) -> Vec<String> {
        match_images(&self.settings.also_serve)
    }

    fn docker_hosts(&self) -> Vec<String> {
        Vec::new()
    }

    fn serves(&self, registry: &RegistryHost) -> bool {
        EcrHost::parse(registry, &self.settings.also_serve).is_some()
    }

    fn plan<'a>(&'a self, request: &'a CredentialRequest) -> Result<Plan<'a>, ProviderError> {
        if !self.serves(&request.registry) {
            return Err(ERRORS.not_served(&request.registry, SPEC.title));
        }
        Ok(Plan::new(self.key(request), self.fetch(request)))
    }
}

impl Decision {
    /// The region without asking anybody.
    fn known_region(&self) -> Option<String> {
        match &self.host {
            EcrHost::Private(host) => host.region.clone(),
            EcrHost::Public { .. } => None,
        }
        .or_else(|| configured_region(&self.config))
    }
}

fn configured_region(config: &SharedConfig) -> Option<String> {
    config
        .setting("AWS_REGION", "region")
        .or_else(|| config.setting("AWS_DEFAULT_REGION", "region"))
}

/// ECR Public has one API region for all.
const PUBLIC_REGION: &str = "us-east-1";

const ANONYMOUS_SECONDS: i64 = 300;

#[cfg(test)]
mod tests;
