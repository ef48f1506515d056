//! Under whose identity a namespace's token is requested.

use std::collections::BTreeMap;
use std::time::Duration;

use regcred_core::{ServiceAccount, ServiceAccountCoordinates};

use super::context::Refresher;
use crate::cluster::{Cluster, ClusterError, KubernetesAccount};
use crate::plan::Namespace;
use crate::tokens::{Tenant, TenantIdentity};

/// Whose identity counts.
pub(super) enum Who {
    /// The refresher's own.
    Refresher,
    /// The namespace's.
    Tenant(Box<TenantIdentity>),
    /// None: the namespace names no role, and must.
    Missing(String),
}

impl Refresher {
    /// Whose identity counts for a source in a namespace.
    pub(super) async fn who(
        &self,
        cluster: &Cluster,
        source: usize,
        namespace: &Namespace,
    ) -> Result<Who, ClusterError> {
        let Some(identity) = &self.plan.sources[source].identity else {
            return Ok(Who::Refresher);
        };
        let name = &identity.service_account;
        let account = cluster.account(&namespace.name, name).await?;
        let value = |key: &String| {
            let on_account = account
                .as_ref()
                .and_then(|account| account.metadata.annotations.get(key));
            let value = on_account.or_else(|| namespace.annotations.get(key));
            value.filter(|value| !value.trim().is_empty()).cloned()
        };
        let role = value(&identity.annotation);
        let needed = identity.required || role.is_some();
        let (Some(role), Some(found)) = (role, &account) else {
            return Ok(match (needed, account) {
                (false, _) => Who::Refresher,
                (true, None) => Who::Missing(format!("there is no service account {name}")),
                (true, Some(_)) => Who::Missing(format!(
                    "neither the namespace nor its service account {name} has the annotation {}",
                    identity.annotation
                )),
            });
        };
        let further = identity.also_pass.iter();
        let further = further.filter_map(|key| Some((key.clone(), value(key)?)));
        let mut annotations: BTreeMap<String, String> = further.collect();
        annotations.insert(identity.annotation.clone(), role);
        let source =
            KubernetesAccount::new(cluster, self.clock.clone(), &*namespace.name, name.as_str());
        Ok(Who::Tenant(Box::new(TenantIdentity {
            tenant: Tenant {
                namespace: namespace.name.clone(),
                role: format!("{annotations:?}"),
            },
            source: source.living_for(TOKEN_LIFE),
            account: ServiceAccount {
                coordinates: ServiceAccountCoordinates {
                    namespace: namespace.name.to_string(),
                    name: name.clone(),
                    uid: found.metadata.uid.clone(),
                },
                annotations,
            },
            audience: identity.audience.clone(),
        })))
    }
}

impl Who {
    pub(super) fn tenant(&self) -> Option<&TenantIdentity> {
        match self {
            Self::Tenant(identity) => Some(identity),
            _ => None,
        }
    }
}

/// The shortest that the API server grants: the cloud reads the token at once.
const TOKEN_LIFE: Duration = Duration::from_secs(600);
