//! The Lease object: read, create, replace under its resource version.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Call, Cluster, ClusterError};

/// `coordination.k8s.io/v1 Lease`, as far as it is used.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Lease {
    pub(crate) holder_identity: Option<String>,
    pub(crate) lease_duration_seconds: Option<u64>,
    pub(crate) acquire_time: Option<String>,
    pub(crate) renew_time: Option<String>,
    pub(crate) lease_transitions: Option<u64>,
    #[serde(skip)]
    pub(crate) resource_version: String,
}

#[derive(Deserialize)]
struct Wire {
    metadata: super::objects::Meta,
    #[serde(default)]
    spec: Option<Lease>,
}

impl From<Wire> for Lease {
    fn from(wire: Wire) -> Self {
        Self {
            resource_version: wire.metadata.resource_version,
            ..wire.spec.unwrap_or_default()
        }
    }
}

impl Cluster {
    /// The Lease, if it is there.
    pub(crate) async fn lease(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Lease>, ClusterError> {
        let call = Call::get(format!("{}/{name}", path(namespace))).attempts(1);
        let found: Option<Wire> = self.find(&call).await?;
        Ok(found.map(Into::into))
    }

    /// Writes the Lease: creates it when it was not there, else replaces exactly the one read.
    pub(crate) async fn write_lease(
        &self,
        namespace: &str,
        name: &str,
        lease: &Lease,
    ) -> Result<Lease, ClusterError> {
        let mut body = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": name, "namespace": namespace},
            "spec": lease,
        });
        let call = if lease.resource_version.is_empty() {
            Call::post(path(namespace), body.to_string())
        } else {
            body["metadata"]["resourceVersion"] = lease.resource_version.as_str().into();
            Call::put(format!("{}/{name}", path(namespace)), body.to_string()).attempts(1)
        };
        let written: Wire = self.send(&call).await?;
        Ok(written.into())
    }
}

/// `metav1.MicroTime`.
pub(crate) fn micro_time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn path(namespace: &str) -> String {
    format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases")
}
