//! How one request is answered, decided before anything is asked: which registry, whose identity,
//! which files.

use std::path::PathBuf;

use regcred_core::{CacheKey, CredentialRequest, ProviderError};

use crate::endpoint::{Endpoint, Service};
use crate::hosts::EcrHost;
use crate::identity::{Identity, Metadata};
use crate::roles::Wanted;
use crate::settings::Cloud;
use crate::shared_config::SharedConfig;
use crate::sts::Sts;
use crate::transport::trusting;
use crate::{ERRORS, TITLE, pod, vars};

/// The decision, with everything that was read for it.
pub(crate) struct Decision {
    /// The registry as the request writes it.
    pub(crate) registry: String,
    /// With the authorities that the profile names.
    pub(crate) cloud: Cloud,
    /// Whether this is ECR Public.
    pub(crate) is_public: bool,
    pub(crate) identity: Identity,
    pub(crate) config: SharedConfig,
    api: Endpoint,
    sts: Endpoint,
    /// The region of the host's name, else the configured one; `None`: the instance's.
    region: Option<String>,
    /// The region of STS where it is another: ECR Public has one region for all.
    sts_region: Option<String>,
}

impl Decision {
    /// Decides, and reads configuration and token files.
    pub(crate) fn of(request: &CredentialRequest, cloud: &Cloud) -> Result<Self, ProviderError> {
        let (settings, env, registry) = (&*cloud.settings, &cloud.env, &request.registry);
        let host = EcrHost::parse(registry, &settings.also_serve)
            .ok_or_else(|| ERRORS.not_served(registry, TITLE))?;
        let pod = pod::identity(request, settings)?;
        // A pod that names its role has decided who pulls.
        let wanted = settings.roles.find(registry, &host);
        let wanted = wanted.filter(|_| pod.is_none());
        let named = match (wanted, &settings.profile) {
            (Some(Wanted::Profile(name)), _) => Some((vars::ROLES, name.as_str())),
            (_, Some(name)) if pod.is_none() => Some((vars::PROFILE, name.as_str())),
            _ => None,
        };
        let config = SharedConfig::load(env, named)?;
        let identity = match (pod, named) {
            (Some(role), _) => Identity::pod(role),
            (None, Some(_)) => Identity::profile(env, &config)?,
            (None, None) => Identity::ambient(env, &config)?,
        };
        let identity = match wanted {
            Some(Wanted::Role(role)) => identity.assuming(role, env),
            _ => identity,
        };
        let configured = config.setting("AWS_REGION");
        let configured = configured.or_else(|| env.get("AWS_DEFAULT_REGION"));
        let configured = configured.map(str::to_owned);
        let endpoint = |service| Endpoint::choose(service, &host, &config, settings.plain_endpoint);
        let api = if host.is_public {
            Service::EcrPublic
        } else {
            Service::Ecr
        };
        let bundle = config.key("ca_bundle").map(PathBuf::from);
        Ok(Self {
            registry: registry.as_written().to_owned(),
            cloud: trusting(cloud.clone(), bundle, "the profile's ca_bundle"),
            is_public: host.is_public,
            identity,
            api: endpoint(api)?,
            sts: endpoint(Service::Sts)?,
            sts_region: configured.clone().filter(|_| host.is_public),
            region: host.region.or(configured),
            config,
        })
    }

    /// What decides the answer, besides the options.
    pub(crate) fn key(&self) -> CacheKey {
        self.cloud.key(
            vars::VARS,
            [
                ("registry", self.registry.as_str()),
                ("region", self.region.as_deref().unwrap_or_default()),
                ("api", &self.api.key()),
                ("sts", &self.sts.key()),
                ("identity", &self.identity.stable_name()),
            ],
        )
    }

    /// The API that issues the token, and STS.
    pub(crate) async fn endpoints(&self) -> Result<(Endpoint, Sts<'_>), ProviderError> {
        let region = match &self.region {
            Some(region) => region,
            None => &self.instance_region().await?,
        };
        let cloud = &self.cloud;
        let sts_region = self.sts_region.as_ref().unwrap_or(region);
        let endpoint = self.sts.in_region(sts_region);
        Ok((self.api.in_region(region), Sts { cloud, endpoint }))
    }

    async fn instance_region(&self) -> Result<String, ProviderError> {
        let metadata = Metadata::of(&self.cloud.env, &self.config);
        let region = metadata.region(&self.cloud).await;
        region.map_err(|reason| {
            let registry = &self.registry;
            ERRORS.misconfigured(format!(
                "no region for {registry}: neither AWS_REGION nor the profile has one, and instance \
                 metadata has none ({reason}); set AWS_REGION or write {}={registry}=REGION",
                vars::ALSO_SERVE
            ))
        })
    }
}
