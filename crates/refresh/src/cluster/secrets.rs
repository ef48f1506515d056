//! Secrets: read one, apply one, replace one, delete one. Never a list of their contents.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, GetParams, Patch, PatchParams, PostParams, Preconditions};
use regcred_api::docker_config::Format;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::client::{Call, Cluster, resource};
use super::error::ClusterResult;
use super::object::{Metadata, Object};
use crate::names::NAME;

/// A pull secret as it is in the cluster.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoredSecret {
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    pub(crate) immutable: bool,
    pub(crate) content: SecretContent,
    /// The fields that were applied under our name and not changed since; `None` if the server does not
    /// keep that.
    pub(crate) applied: Option<Value>,
}

impl StoredSecret {
    /// Whether another writer has changed or removed the field since it was applied.
    pub(crate) fn is_foreign(&self, path: &[&str]) -> bool {
        let Some(applied) = &self.applied else {
            return false;
        };
        let mut steps = path.iter();
        let found = steps.try_fold(applied, |field, step| field.get(format!("f:{step}")));
        found.is_none()
    }
}

/// The fields of a pull secret that the refresher writes.
#[derive(Clone, Debug, Default)]
pub(crate) struct SecretContent {
    /// Its `type`.
    pub(crate) kind: String,
    /// The decoded value of the key that belongs to its type, if present.
    pub(crate) text: Option<SecretString>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
}

impl SecretContent {
    /// The text; empty if the field is not set.
    pub(crate) fn exposed_text(&self) -> &str {
        self.text.as_ref().map_or("", |text| text.expose_secret())
    }
}

impl Cluster {
    /// The Secret, if it exists.
    pub(crate) async fn secret(
        &self,
        namespace: &str,
        name: &str,
    ) -> ClusterResult<Option<StoredSecret>> {
        let built = secrets(namespace).get(name, &GetParams::default());
        let found: Option<SecretBody> = self.find(&Call::new(built)?).await?;
        Ok(found.map(Into::into))
    }

    /// The Secret's resource version, without its content; `None` if it does not exist.
    pub(crate) async fn secret_version(
        &self,
        namespace: &str,
        name: &str,
    ) -> ClusterResult<Option<String>> {
        let built = secrets(namespace).get_metadata(name, &GetParams::default());
        let found: Option<Object> = self.find(&Call::new(built)?).await?;
        Ok(found.map(|object| object.metadata.resource_version))
    }

    /// Server-side apply: creates the Secret, or changes what is ours. Returns the new resource
    /// version.
    pub(crate) async fn apply_secret(
        &self,
        namespace: &str,
        name: &str,
        content: &SecretContent,
        force: bool,
    ) -> ClusterResult<String> {
        let data = ByteString(content.exposed_text().as_bytes().to_vec());
        let secret = Secret {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                namespace: Some(namespace.to_owned()),
                labels: Some(content.labels.clone()),
                annotations: Some(content.annotations.clone()),
                ..ObjectMeta::default()
            },
            data: Some([(key(&content.kind).to_owned(), data)].into()),
            type_: Some(content.kind.clone()),
            ..Secret::default()
        };
        let params = PatchParams {
            force,
            ..self.patch_params()
        };
        let built = secrets(namespace).patch_metadata(name, &params, &Patch::Apply(&secret));
        let done: Object = self.send(&Call::new(built)?).await?;
        Ok(done.metadata.resource_version)
    }

    /// Writes the entries of a Secret that others own, if it has not changed since `version`.
    pub(crate) async fn replace_secret(
        &self,
        namespace: &str,
        name: &str,
        version: &str,
        content: &SecretContent,
    ) -> ClusterResult<String> {
        // The object as a whole, so that nothing of theirs is lost; as it was when the entries were
        // put together, or not at all.
        let built = secrets(namespace).get(name, &GetParams::default());
        let mut object: Value = self.send(&Call::new(built)?).await?;
        object["metadata"]["resourceVersion"] = version.into();
        object["data"][key(&content.kind)] = STANDARD.encode(content.exposed_text()).into();
        let params = PostParams {
            dry_run: self.dry_run,
            field_manager: Some(NAME.to_owned()),
        };
        let body = object.to_string().into_bytes();
        let built = secrets(namespace).replace(name, &params, body);
        let done: Object = self.send(&Call::new(built)?.metadata_only()).await?;
        Ok(done.metadata.resource_version)
    }

    /// Deletes exactly this Secret: another one of the same name stays.
    pub(crate) async fn delete_secret(
        &self,
        namespace: &str,
        name: &str,
        uid: &str,
    ) -> ClusterResult<()> {
        let params = DeleteParams {
            dry_run: self.dry_run,
            ..DeleteParams::default()
        };
        let params = params.preconditions(Preconditions {
            uid: Some(uid.to_owned()),
            ..Preconditions::default()
        });
        let built = secrets(namespace).delete(name, &params);
        let _: Option<serde::de::IgnoredAny> = self.find(&Call::new(built)?).await?;
        Ok(())
    }
}

fn secrets(namespace: &str) -> kube::core::request::Request {
    resource::<Secret>(Some(namespace))
}

/// The key of the docker configuration in a Secret of this type.
fn key(kind: &str) -> &'static str {
    let format = Format::of_secret_type(kind).unwrap_or(Format::ConfigJson);
    format.secret_key()
}

/// A Secret as it is read. The library's own type holds its data unmasked.
#[derive(Deserialize)]
struct SecretBody {
    #[serde(default)]
    metadata: SecretMetadata,
    #[serde(default, rename = "type")]
    kind: String,
    immutable: Option<bool>,
    data: Option<BTreeMap<String, SecretString>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SecretMetadata {
    #[serde(flatten)]
    common: Metadata,
    #[serde(rename = "managedFields")]
    managed: Vec<ManagedFields>,
}

/// The fields of one writer.
#[derive(Deserialize)]
struct ManagedFields {
    #[serde(default)]
    manager: String,
    #[serde(default)]
    operation: String,
    #[serde(default, rename = "fieldsV1")]
    fields: Value,
}

impl SecretMetadata {
    fn applied(&mut self) -> Option<Value> {
        let is_known = !self.managed.is_empty();
        let mut all = self.managed.drain(..);
        let ours = all.find(|one| one.manager == NAME && one.operation == "Apply");
        is_known.then(|| ours.map(|one| one.fields).unwrap_or_default())
    }
}

impl From<SecretBody> for StoredSecret {
    fn from(mut body: SecretBody) -> Self {
        let value = body
            .data
            .as_ref()
            .and_then(|data| data.get(key(&body.kind)));
        let text = value.and_then(|value| {
            let bytes = STANDARD.decode(value.expose_secret()).ok()?;
            Some(String::from_utf8(bytes).ok()?.into())
        });
        let applied = body.metadata.applied();
        let metadata = body.metadata.common;
        Self {
            uid: metadata.uid,
            resource_version: metadata.resource_version,
            immutable: body.immutable.unwrap_or(false),
            content: SecretContent {
                kind: body.kind,
                text,
                labels: metadata.labels,
                annotations: metadata.annotations,
            },
            applied,
        }
    }
}
