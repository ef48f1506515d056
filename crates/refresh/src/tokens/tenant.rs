//! A namespace with its own cloud identity, proven by a token of its service account.

use std::collections::BTreeMap;
use std::sync::Arc;

use regcred_core::{ErrorKind, PodServiceAccount as _, ProviderError, ServiceAccount};
use secrecy::SecretString;

use crate::cluster::{KubernetesAccount, TokenError};

/// Whose token: a namespace in its role.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tenant {
    pub(crate) namespace: Arc<str>,
    /// All annotations that name the role.
    pub(crate) role: String,
}

/// A tenant, and what proves its identity.
pub(crate) struct TenantIdentity {
    pub(crate) tenant: Tenant,
    pub(crate) source: KubernetesAccount,
    /// The service account, with those of its annotations that decide something.
    pub(crate) account: ServiceAccount,
    pub(crate) audience: String,
}

impl TenantIdentity {
    /// A fresh token of the service account.
    pub(super) async fn token(&self) -> Result<SecretString, ProviderError> {
        let token = self.source.token(&self.account, &self.audience).await;
        token.map_err(|error| {
            let error_of_ours = error.downcast_ref::<TokenError>();
            let kind = if error_of_ours.is_some_and(TokenError::is_passing) {
                ErrorKind::Unreachable
            } else {
                ErrorKind::IdentityUnavailable
            };
            let which = &self.account.coordinates;
            let text = format!(
                "no token of service account {}/{}",
                which.namespace, which.name
            );
            ProviderError::new("kubernetes", kind, text).with_source(error)
        })
    }

    /// The annotations that name the cloud identity, as the provider reads them.
    pub(super) fn annotations(&self) -> &BTreeMap<String, String> {
        &self.account.annotations
    }
}
