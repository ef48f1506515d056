//! Under whose identity a namespace's token is asked for.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use regcred_core::{
    ErrorKind, PodServiceAccount as _, ProviderError, ServiceAccount, ServiceAccountCoordinates,
};
use secrecy::SecretString;

use super::Refresher;
use crate::cluster::{Cluster, ClusterError, KubernetesAccount, TokenError};
use crate::plan::Namespace;
use crate::source::Proof;
use crate::tokens::Tenant;

/// Who asks.
pub(super) enum Who {
    /// The refresher itself.
    Refresher,
    /// The namespace.
    Tenant(Box<(Tenant, AccountProof)>),
    /// Nobody: the namespace names no role, and must.
    Nobody(String),
}

/// A token of the namespace's service account.
pub(super) struct AccountProof {
    source: KubernetesAccount,
    /// With what of its annotations decides.
    account: ServiceAccount,
    audience: String,
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
        let account = cluster
            .account(&namespace.name, &identity.service_account)
            .await?;
        let value = |key: &String| {
            let on_account = account
                .as_ref()
                .and_then(|a| a.metadata.annotations.get(key));
            let value = on_account.or_else(|| namespace.annotations.get(key));
            value.filter(|value| !value.trim().is_empty()).cloned()
        };
        let role = value(&identity.annotation);
        let needed = identity.required || role.is_some();
        let (Some(role), Some(found)) = (role, &account) else {
            return Ok(match (needed, account) {
                (false, _) => Who::Refresher,
                (true, None) => Who::Nobody(format!(
                    "there is no service account {}",
                    identity.service_account
                )),
                (true, Some(_)) => Who::Nobody(format!(
                    "neither the namespace nor its service account {} has the annotation {}",
                    identity.service_account, identity.annotation
                )),
            });
        };
        let further = identity.also_pass.iter();
        let further = further.filter_map(|key| Some((key.clone(), value(key)?)));
        let mut annotations: BTreeMap<String, String> = further.collect();
        annotations.insert(identity.annotation.clone(), role);
        let tenant = Tenant {
            namespace: namespace.name.clone(),
            role: format!("{annotations:?}"),
        };
        let name = &identity.service_account;
        let source =
            KubernetesAccount::new(cluster, self.clock.clone(), &*namespace.name, name.as_str());
        let proof = AccountProof {
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
        };
        Ok(Who::Tenant(Box::new((tenant, proof))))
    }
}

impl Who {
    pub(super) fn tenant(&self) -> Option<(&Tenant, &dyn Proof)> {
        match self {
            Self::Tenant(both) => Some((&both.0, &both.1 as &dyn Proof)),
            _ => None,
        }
    }
}

#[async_trait]
impl Proof for AccountProof {
    async fn token(&self) -> Result<SecretString, ProviderError> {
        let asked = self.source.token(&self.account, &self.audience).await;
        asked.map_err(|error| {
            let passing = error
                .downcast_ref::<TokenError>()
                .is_some_and(TokenError::is_passing);
            let kind = match passing {
                true => ErrorKind::Unreachable,
                false => ErrorKind::IdentityUnavailable,
            };
            let ServiceAccountCoordinates {
                namespace, name, ..
            } = &self.account.coordinates;
            let text = format!("no token of service account {namespace}/{name}");
            ProviderError::new("kubernetes", kind, text).with_source(error)
        })
    }

    fn annotations(&self) -> BTreeMap<String, String> {
        self.account.annotations.clone()
    }
}

/// The shortest that there is: it is shown to the cloud at once.
const TOKEN_LIFE: Duration = Duration::from_secs(600);
