//! A namespace with its own cloud identity, proven by a token of its service account.

use std::collections::BTreeMap;
use std::sync::Arc;

use regcred_core::{ErrorKind, ProviderError, ServiceAccountCoordinates};
use secrecy::SecretString;

use crate::cluster::Cluster;

/// Whose token: a namespace in its role.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tenant {
    pub(crate) namespace: Arc<str>,
    /// All annotations that name the role, as JSON.
    pub(crate) role: String,
}

/// A tenant, and what proves its identity.
pub(crate) struct TenantIdentity {
    pub(crate) tenant: Tenant,
    pub(crate) cluster: Cluster,
    pub(crate) account: ServiceAccountCoordinates,
    /// The annotations that name the cloud identity, as the provider reads them.
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) audience: String,
}

impl TenantIdentity {
    /// A new token of the service account.
    pub(super) async fn token(&self) -> Result<SecretString, ProviderError> {
        let which = &self.account;
        let token = self.cluster.account_token(which, &self.audience).await;
        token.map_err(|error| {
            let kind = if error.is_passing() {
                ErrorKind::Unreachable
            } else {
                ErrorKind::IdentityUnavailable
            };
            let (namespace, name) = (&which.namespace, &which.name);
            let text = format!("no token of service account {namespace}/{name}");
            ProviderError::new("kubernetes", kind, text).with_source(error)
        })
    }
}
