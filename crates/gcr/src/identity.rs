//! Whose token a request gets, chosen before anything is sent: the pod's, or that of the machine or
//! the person. The choice decides: when it fails, the other is not tried.

use regcred_cloud::AccessToken;
use regcred_core::{CacheKey, CredentialRequest, ProviderError};

use crate::ambient::Ambient;
use crate::impersonation::{Impersonation, act_as, own_scopes};
use crate::pod::{self, Pod};
use crate::settings::Cloud;
use crate::vars::VARS;

/// An identity and what it needs to prove itself.
pub(crate) enum Identity {
    Pod(Pod),
    Ambient(Ambient),
}

impl Identity {
    /// Chooses the identity for a request.
    ///
    /// # Errors
    /// When the pod's is required and cannot be used.
    pub(crate) fn choose(
        cloud: &Cloud,
        request: &CredentialRequest,
    ) -> Result<Self, ProviderError> {
        if pod::is_asked_for(&cloud.settings, request) {
            Pod::of(&cloud.settings, request).map(Self::Pod)
        } else {
            Ok(Self::Ambient(Ambient::find(cloud)))
        }
    }

    /// The key of the answer: identity and options, but not the host, so that one token serves
    /// every registry of Google's on a node. `None` when the identity is not known.
    pub(crate) fn key(&self, cloud: &Cloud, request: &CredentialRequest) -> Option<CacheKey> {
        let mut parts = match self {
            Self::Pod(pod) => pod.key_parts(),
            Self::Ambient(ambient) => ambient.key_parts(cloud)?,
        };
        if !cloud.settings.hosts.is_covered(&request.registry) {
            parts.push(("host", request.registry.as_written().to_owned()));
        }
        let parts = parts.iter().map(|(name, value)| (*name, value.as_str()));
        Some(cloud.key(VARS, parts))
    }

    /// An access token.
    pub(crate) async fn token(self, cloud: &Cloud) -> Result<AccessToken, ProviderError> {
        let settings = &cloud.settings;
        match self {
            Self::Pod(pod) => pod.token(cloud).await,
            Self::Ambient(ambient) => {
                let account = settings.impersonate.as_deref();
                let account =
                    account.map(|email| Impersonation::of(settings, "the node's identity", email));
                let accounts = account.as_slice();
                let scopes = own_scopes(accounts, &settings.scopes);
                let own = ambient.token(cloud, scopes).await?;
                act_as(cloud, own, accounts, &settings.scopes).await
            }
        }
    }
}
