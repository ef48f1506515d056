//! Under whose identity a namespace's token is requested.

use std::collections::BTreeMap;

use regcred_core::ServiceAccountCoordinates;

use super::context::Refresher;
use crate::cluster::{Cluster, ClusterResult};
use crate::digest::hash;
use crate::plan::{LONGEST_VALUE, Namespace};
use crate::tokens::{Tenant, TenantIdentity};

/// Whose identity counts.
pub(super) enum Who {
    /// The refresher's own (`None`) or the namespace's.
    Known(Option<Box<TenantIdentity>>),
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
    ) -> ClusterResult<Who> {
        let Some(identity) = &self.plan.sources[source].registry.namespace_identity else {
            return Ok(Who::Known(None));
        };
        let name = &identity.service_account;
        let account = cluster.account(&namespace.name, name).await?;
        let value = |key: &String| {
            let account = account.as_ref();
            let on_account = account.and_then(|found| found.metadata.annotations.get(key));
            let value = on_account.or_else(|| namespace.annotations.get(key));
            value.filter(|value| !value.trim().is_empty()).cloned()
        };
        let role = value(&identity.annotation);
        let needed = identity.required || role.is_some();
        let (Some(role), Some(found)) = (role, &account) else {
            return Ok(match (needed, account) {
                (false, _) => Who::Known(None),
                (true, None) => Who::Missing(format!("service account {name} does not exist")),
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
        if let Some((key, _)) = annotations
            .iter()
            .find(|(_, value)| value.len() > LONGEST_VALUE)
        {
            let text = format!("the annotation {key} is longer than {LONGEST_VALUE} bytes");
            return Ok(Who::Missing(text));
        }
        Ok(Who::Known(Some(Box::new(TenantIdentity {
            tenant: Tenant {
                namespace: namespace.name.clone(),
                role: hash(
                    annotations
                        .iter()
                        .flat_map(|(key, value)| [&**key, &**value]),
                ),
            },
            cluster: cluster.clone(),
            account: ServiceAccountCoordinates {
                namespace: namespace.name.to_string(),
                name: name.clone(),
                uid: found.metadata.uid.clone(),
            },
            annotations,
            audience: identity.audience.clone(),
        }))))
    }
}
