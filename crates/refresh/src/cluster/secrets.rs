//! Secrets: read one, apply one, replace one, delete one. Never a list of their contents.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::objects::{Meta, Object};
use super::{APPLY, Call, Cluster, ClusterError};
use crate::plan::{Form, SecretPlan};
use crate::secret::{Desired, Existing, NAME};

impl Cluster {
    /// The Secret, if it is there.
    pub(crate) async fn secret(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Existing>, ClusterError> {
        let call = Call::get(path(namespace, name));
        let found: Option<Wire> = self.find(&call).await?;
        Ok(found.map(Into::into))
    }

    /// The Secret's resource version, without its content; `None` when it is not there.
    pub(crate) async fn secret_version(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<String>, ClusterError> {
        let call = Call::get(path(namespace, name)).metadata_only(false);
        let found: Option<Object> = self.find(&call).await?;
        Ok(found.map(|object| object.metadata.resource_version))
    }

    /// Server-side apply: creates it, or changes what is ours. Gives the new resource version.
    pub(crate) async fn apply_secret(
        &self,
        namespace: &str,
        plan: &SecretPlan,
        desired: &Desired,
        force: bool,
    ) -> Result<String, ClusterError> {
        let name = plan.name_in(namespace);
        let query = format!(
            "{}?fieldManager={NAME}&force={force}",
            path(namespace, &name)
        );
        let body = desired
            .body(plan, namespace)
            .expose_secret()
            .as_bytes()
            .to_vec();
        let call = Call::patch(self.checked(query), APPLY, body).metadata_only(false);
        let done: Object = self.send(&call).await?;
        Ok(done.metadata.resource_version)
    }

    /// Writes the entries of a Secret that others own, if nobody wrote it meanwhile.
    pub(crate) async fn replace_secret(
        &self,
        namespace: &str,
        name: &str,
        version: &str,
        (form, text): (Form, &SecretString),
    ) -> Result<String, ClusterError> {
        let place = path(namespace, name);
        // The object as a whole, so that nothing of theirs is lost; as it was when the entries were
        // put together, or not at all.
        let mut object: serde_json::Value = self.send(&Call::get(place.clone())).await?;
        object["metadata"]["resourceVersion"] = version.into();
        object["data"][form.key()] = STANDARD.encode(text.expose_secret()).into();
        let query = format!("{place}?fieldManager={NAME}");
        let call = Call::put(self.checked(query), object.to_string()).metadata_only(false);
        let done: Object = self.send(&call).await?;
        Ok(done.metadata.resource_version)
    }

    /// Deletes exactly this Secret: another one of the same name stays.
    pub(crate) async fn delete_secret(
        &self,
        namespace: &str,
        name: &str,
        uid: &str,
    ) -> Result<(), ClusterError> {
        let body = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
        });
        let query = format!("{}?", path(namespace, name));
        let call = Call::delete(self.checked(query), body.to_string());
        let _: Option<serde_json::Value> = self.find(&call).await?;
        Ok(())
    }

    pub(super) fn checked(&self, mut query: String) -> String {
        if self.dry_run {
            query.push_str("&dryRun=All");
        }
        query
    }
}

fn path(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/secrets/{name}")
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    metadata: Meta,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    immutable: Option<bool>,
    #[serde(default)]
    data: Option<BTreeMap<String, Value>>,
}

/// A value of `data` from the moment it is read.
struct Value(SecretString);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

impl From<Wire> for Existing {
    fn from(wire: Wire) -> Self {
        let key = match &*wire.kind {
            kind if kind == Form::Dockercfg.kind() => Form::Dockercfg.key(),
            _ => Form::ConfigJson.key(),
        };
        let value = wire.data.as_ref().and_then(|data| data.get(key));
        let text = value.and_then(|value| {
            let bytes = STANDARD.decode(value.0.expose_secret()).ok()?;
            Some(String::from_utf8(bytes).ok()?.into())
        });
        Self {
            uid: wire.metadata.uid,
            resource_version: wire.metadata.resource_version,
            kind: wire.kind,
            immutable: wire.immutable.unwrap_or(false),
            labels: wire.metadata.labels,
            annotations: wire.metadata.annotations,
            text,
        }
    }
}
