//! How one request is answered, decided before anything is asked: which registry, whose identity,
//! which files.

use regcred_cloud::Cloud;
use regcred_core::{CacheKey, CredentialRequest, ProviderError};

use crate::current_step::CurrentStep;
use crate::endpoint::{Endpoint, Service};
use crate::hosts::EcrHost;
use crate::identity::{Chosen, Identity, Metadata, NoCredentials};
use crate::pod::PodRole;
use crate::refusal::not_assumed;
use crate::roles::Wanted;
use crate::sdk::Sdk;
use crate::settings::Settings;
use crate::shared_config::SharedConfig;
use crate::sts::{Sts, session_name};
use crate::{ERRORS, TITLE, vars};

/// The decision, with everything that was read for it.
pub(crate) struct Decision {
    /// The registry as the request writes it.
    pub(crate) registry: String,
    pub(crate) host: EcrHost,
    pub(crate) sdk: Sdk,
    puller: Puller,
    config: SharedConfig,
    metadata: Option<Metadata>,
    plain_endpoint: bool,
}

/// Who asks for the token.
enum Puller {
    Pod(PodRole),
    /// The chain's first source, or the profile that an option names.
    Source(Chosen),
    /// A role of the role map with its session's name, assumed by such a source.
    Role(String, String, Chosen),
}

impl Decision {
    /// Decides, and reads configuration and token files.
    ///
    /// # Errors
    /// For a host that is not ECR's, and an identity that is configured and cannot be used.
    pub(crate) fn of(
        request: &CredentialRequest,
        cloud: &Cloud<Settings>,
        sdk: &Sdk,
    ) -> Result<Self, ProviderError> {
        let (settings, env, registry) = (&*cloud.settings, &cloud.env, &request.registry);
        let host = EcrHost::parse(registry, &settings.also_serve)
            .ok_or_else(|| ERRORS.not_served(registry, TITLE))?;
        let pod = PodRole::of(request, settings)?;
        // A pod that names its role has decided who pulls.
        let wanted = match pod {
            Some(_) => None,
            None => settings.roles.find(registry, &host),
        };
        let named = match (wanted, &settings.profile) {
            (Some(Wanted::Profile(name)), _) => Some((vars::ROLES, name.as_str())),
            (_, Some(name)) if pod.is_none() => Some((vars::PROFILE, name.as_str())),
            _ => None,
        };
        let config = SharedConfig::load(env, named)?;
        let source = || match named {
            Some(_) => Chosen::profile(env, &config),
            None => Chosen::ambient(env, &config),
        };
        let puller = match (pod, wanted) {
            (Some(pod), _) => Puller::Pod(pod),
            (None, Some(Wanted::Role(role))) => {
                Puller::Role(role.clone(), session_name(env).to_owned(), source()?)
            }
            (None, _) => Puller::Source(source()?),
        };
        Ok(Self {
            registry: registry.as_written().to_owned(),
            host,
            sdk: sdk.with_profile(config.key("ca_bundle")),
            puller,
            metadata: Metadata::of(env, &config).ok(),
            config,
            plain_endpoint: settings.plain_endpoint,
        })
    }

    /// What decides the answer, besides the options.
    ///
    /// # Errors
    /// When a setting names no usable endpoint.
    pub(crate) fn key(&self, cloud: &Cloud<Settings>) -> Result<CacheKey, ProviderError> {
        let region = self.known_region().unwrap_or_default();
        let api = self.api(&region)?.key();
        let sts = self.sts(&region)?.key();
        let identity = self.puller.stable_name();
        Ok(cloud.key(
            vars::VARS,
            [
                ("registry", self.registry.as_str()),
                ("region", &region),
                ("api", &api),
                ("sts", &sts),
                ("identity", &identity),
            ],
        ))
    }

    /// Whether this is ECR Public.
    pub(crate) fn is_public(&self) -> bool {
        matches!(self.host, EcrHost::Public { .. })
    }

    /// Files that were expected and could not be read, in words.
    pub(crate) fn notes(&self) -> &[String] {
        self.config.notes()
    }

    /// The API that issues the token.
    pub(crate) fn api(&self, region: &str) -> Result<Endpoint, ProviderError> {
        match self.host {
            EcrHost::Private(_) => self.endpoint(Service::Ecr, region),
            EcrHost::Public { .. } => self.endpoint(Service::EcrPublic, region),
        }
    }

    /// STS of the registry's region; for the public registry, which has one region for all, of the
    /// configured one.
    pub(crate) fn sts(&self, region: &str) -> Result<Endpoint, ProviderError> {
        let configured = match self.host {
            EcrHost::Public { .. } => configured_region(&self.config),
            EcrHost::Private(_) => None,
        };
        self.endpoint(Service::Sts, configured.as_deref().unwrap_or(region))
    }

    /// The region of the host's name, else the configured one, else the instance's.
    pub(crate) async fn region(&self, step: &CurrentStep) -> Result<String, ProviderError> {
        if let Some(region) = self.known_region() {
            return Ok(region);
        }
        step.asks("the region from instance metadata");
        if let Some(metadata) = &self.metadata
            && let Some(region) = metadata.region(&self.sdk).await
        {
            return Ok(region);
        }
        Err(ERRORS.misconfigured(format!(
            "no region for this host; set AWS_REGION or write {}=HOST=REGION",
            vars::ALSO_SERVE
        )))
    }

    /// The keys that sign the call of the API; `None`, with the reason, when no source has an
    /// identity.
    pub(crate) async fn identity(
        &self,
        endpoint: &Endpoint,
        step: &CurrentStep,
    ) -> Result<Result<Identity, String>, ProviderError> {
        let sdk = &self.sdk;
        let sts = Sts { sdk, endpoint };
        let (credentials, source) = match &self.puller {
            Puller::Pod(pod) => {
                step.calls(endpoint);
                let session = pod.session_name();
                let keys = sts.with_web_identity(&pod.role, &session, &pod.token).await;
                let keys = keys.map_err(|e| not_assumed(&pod.role, "the pod's token", e))?;
                (keys, format!("the pod's role {}", pod.role))
            }
            Puller::Source(source) => {
                return match source.identity(&self.config, sdk, endpoint, step).await {
                    Ok(identity) => Ok(Ok(identity)),
                    Err(NoCredentials::Absent(reason)) => Ok(Err(reason)),
                    Err(error) => Err(error.into()),
                };
            }
            Puller::Role(role, session, by) => {
                let base = by.identity(&self.config, sdk, endpoint, step).await?;
                step.calls(endpoint);
                let keys = sts.with_credentials(role, session, base.credentials).await;
                let keys = keys.map_err(|e| not_assumed(role, &base.source, e))?;
                (keys, format!("the role {role} by {}", base.source))
            }
        };
        Ok(Ok(Identity {
            credentials,
            source,
        }))
    }

    /// The region without asking for it.
    fn known_region(&self) -> Option<String> {
        match &self.host {
            EcrHost::Private(host) => host.region.clone(),
            EcrHost::Public { .. } => Some(PUBLIC_REGION.to_owned()),
        }
        .or_else(|| configured_region(&self.config))
    }

    fn endpoint(&self, service: Service, region: &str) -> Result<Endpoint, ProviderError> {
        Endpoint::choose(
            service,
            region,
            &self.host,
            &self.config,
            self.plain_endpoint,
        )
    }
}

impl Puller {
    /// Who this is, without secrets and the same for each of its sessions.
    fn stable_name(&self) -> String {
        match self {
            Self::Pod(pod) => format!("pod {}", pod.stable_name()),
            Self::Source(source) => source.stable_name(),
            Self::Role(role, _, by) => format!("{role} by {}", by.stable_name()),
        }
    }
}

fn configured_region(config: &SharedConfig) -> Option<String> {
    config
        .setting("AWS_REGION", "region")
        .or_else(|| config.setting("AWS_DEFAULT_REGION", "region"))
}

/// ECR Public has one API region for all.
const PUBLIC_REGION: &str = "us-east-1";
