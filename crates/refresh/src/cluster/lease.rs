//! The Lease: read, create, replace under its resource version.

use chrono::{DateTime, Utc};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{GetParams, PostParams};

use super::client::{Call, Cluster, json, resource, timestamp};
use super::error::ClusterResult;

impl Cluster {
    /// The Lease, if it exists.
    pub(crate) async fn lease(&self, namespace: &str, name: &str) -> ClusterResult<Option<Lease>> {
        let built = resource::<Lease>(Some(namespace)).get(name, &GetParams::default());
        self.find(&Call::new(built)?.of_lease()).await
    }

    /// Writes the Lease as renewed now: creates one that was not found, else replaces exactly the one
    /// that was read.
    pub(crate) async fn write_lease(
        &self,
        mut lease: Lease,
        now: DateTime<Utc>,
    ) -> ClusterResult<Lease> {
        lease.spec.get_or_insert_default().renew_time = Some(MicroTime(timestamp(now)));
        let metadata = &lease.metadata;
        let leases = resource::<Lease>(metadata.namespace.as_deref());
        let params = PostParams::default();
        let built = match (&metadata.name, &metadata.resource_version) {
            (Some(name), Some(_)) => leases.replace(name, &params, json(&lease)),
            _ => leases.create(&params, json(&lease)),
        };
        self.send(&Call::new(built)?.of_lease()).await
    }
}

#[cfg(test)]
mod tests;
