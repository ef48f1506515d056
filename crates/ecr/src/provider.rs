//! The provider: decide, get an identity, then one call for the token.

use std::time::Duration;

use regcred_core::{
    Clock, CredentialRequest, Env, ErrorKind, Issued, Plan, Provider, ProviderError, ProviderSpec,
    RegistryHost,
};

use crate::api_failure::{ApiFailure, DENIED, EXPIRED, UNKNOWN_KEYS};
use crate::authorization_token::{private, public};
use crate::decision::Decision;
use crate::endpoint::Endpoint;
use crate::hosts::{EcrHost, match_images};
use crate::identity::NoCredentials;
use crate::sdk::{LONGEST_CALL, config};
use crate::settings::{Cloud, Settings};
use crate::{ERRORS, NAME, TITLE, transport, vars};

/// Amazon ECR as data: names, variables, flags.
pub const SPEC: ProviderSpec = ProviderSpec {
    name: NAME,
    title: TITLE,
    plugin_aliases: &[],
    helper_aliases: &["docker-credential-ecr-login"],
    silent_helpers: &["docker-credential-ecr-login"],
    replaced_helper: None,
    vars: vars::VARS,
    positional: None,
    token_life: Duration::from_secs(12 * 3600),
    default_cache_duration: "12h",
    new: |env, clock| Ok(Box::new(Ecr::new(env, clock)?)),
};

/// Amazon ECR, private and public.
#[derive(Debug)]
pub struct Ecr {
    cloud: Cloud,
}

impl Ecr {
    /// A provider with this environment's settings. Does no I/O.
    ///
    /// # Errors
    /// [`ErrorKind::NotConfigured`] when an option cannot be read.
    pub fn new(env: &Env, clock: &Clock) -> Result<Self, ProviderError> {
        let cloud = transport::cloud(env, clock, Settings::read(env)?);
        Ok(Self { cloud })
    }

    async fn fetch(&self, decision: Decision) -> Result<Issued, ProviderError> {
        let for_keys = decision.identity.looked_at_profiles();
        for note in decision.config.notes(for_keys) {
            tracing::warn!("{note}");
        }
        // The words that Kubernetes' own troubleshooting page tells people to look for.
        tracing::debug!("unable to get ECR credentials from cache, checking ECR API");
        let (api, sts) = decision.endpoints().await?;
        let mut renewed = false;
        loop {
            let (identity, files) = (&decision.identity, &decision.config);
            let keys = match identity.credentials(files, &sts).await {
                Err(NoCredentials::Absent(reason)) => {
                    if decision.is_public && !identity.has_mapped_role() {
                        return Ok(self.anonymous(&format!("no AWS identity: {reason}")));
                    }
                    let registry = &decision.registry;
                    let message = format!("no AWS identity for {registry}: {reason}");
                    let error = ERRORS.no_identity(message);
                    return Err(error.with_next_step(CONFIGURE.to_owned()));
                }
                Err(NoCredentials::Failed(error)) => {
                    let registry = &decision.registry;
                    return Err(
                        error.reworded(|sentence| format!("no token for {registry}: {sentence}"))
                    );
                }
                Ok(keys) => keys,
            };
            let config = config(&decision.cloud, &api, Some(keys), LONGEST_CALL)?;
            let whose = format!("the identity from {}", identity.name());
            let call = ERRORS.token_call(whose, format!("the API at {}", api.address()));
            let asked = if decision.is_public {
                public(&config, self.cloud.now()).await
            } else {
                private(&config, self.cloud.now()).await
            };
            let failure = match asked {
                Ok((login, expires_at)) => {
                    let registry = decision.registry.as_str();
                    tracing::debug!("Got ECR credentials from ECR API for {registry}");
                    return Ok(Issued::login(registry, login).until(expires_at));
                }
                Err(failure) => failure,
            };
            if failure.has_code(EXPIRED) && !renewed {
                renewed = true;
                continue;
            }
            let may_not = failure.has_code(DENIED) || failure.has_code(UNKNOWN_KEYS);
            let error = call.named_in(no_token(&decision, &api, failure));
            if decision.is_public && may_not {
                let step = error
                    .next_step()
                    .map_or_else(String::new, |step| format!("; {step}"));
                return Ok(self.anonymous(&(error.reason() + &step)));
            }
            return Err(error);
        }
    }

    /// The public registry serves everyone: missing rights mean no credentials, not a failed pull.
    fn anonymous(&self, reason: &str) -> Issued {
        tracing::warn!("no credentials for the public registry, pulling without: {reason}");
        let issued = Issued::new(Vec::new()).keep_for(ANONYMOUS);
        issued.until(self.cloud.now() + ANONYMOUS)
    }
}

/// An API that did not issue a token.
fn no_token(decision: &Decision, api: &Endpoint, failure: ApiFailure) -> ProviderError {
    let (did, usual) = match failure.kind {
        ErrorKind::Denied if !failure.has_code(DENIED) => {
            ("refused the identity", Some(CHECK_POLICIES))
        }
        ErrorKind::Denied if decision.is_public => ("refused the identity", Some(ALLOW_PUBLIC)),
        ErrorKind::Denied => ("refused the identity", Some(ALLOW)),
        ErrorKind::Throttled => ("throttles this account", Some(SHARE)),
        _ => ("did not issue one", None),
    };
    let (registry, identity) = (&decision.registry, decision.identity.name());
    let address = api.address();
    let text = format!(
        "no token for {registry} with the identity from {identity}: the API at {address} {did}"
    );
    failure.into_error(text, usual)
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
        let decision = Decision::of(request, &self.cloud)?;
        let key = decision.key();
        Ok(self.cloud.plan(Some(key), self.fetch(decision)))
    }
}

const ANONYMOUS: Duration = Duration::from_secs(5 * 60);
const CONFIGURE: &str =
    "give the instance an IAM role, or configure one of the sources before instance metadata";
const ALLOW: &str = "allow ecr:GetAuthorizationToken on Resource \"*\"";
const ALLOW_PUBLIC: &str = "to pull with a login, allow ecr-public:GetAuthorizationToken and \
     sts:GetServiceBearerToken";
const CHECK_POLICIES: &str = "check the policies of the identity and of the API's VPC endpoint";
const SHARE: &str =
    "let all processes of the node share the cache, or raise the quota of GetAuthorizationToken";
