//! Objects as lists and watches return them, with the few fields that decide something. Whole
//! `ObjectMeta` of thousands of objects would be held only to be dropped again.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{LocalObjectReference, Namespace, Secret, ServiceAccount};
use kube::api::ListParams;
use kube::core::ObjectList;
use kube::core::request::Request;
use serde::Deserialize;

use super::call::{Call, resource};
use super::client::Cluster;
use super::error::{ClusterError, ClusterErrorKind};

/// A namespace or a service account, or the metadata of a Secret.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Object {
    pub(crate) metadata: Metadata,
    pub(crate) image_pull_secrets: Option<Vec<LocalObjectReference>>,
}

/// Of an `ObjectMeta` what is used.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) deletion_timestamp: Option<String>,
}

/// Objects of one resource, in one namespace or all.
#[derive(Clone, Debug)]
pub(crate) struct Collection {
    pub(super) resource: Request,
    pub(super) fields: Option<String>,
    pub(super) metadata_only: bool,
}

impl Object {
    /// Whether the service account lists the pull secret.
    pub(crate) fn lists(&self, secret: &str) -> bool {
        let list = self.image_pull_secrets.iter().flatten();
        list.into_iter().any(|reference| reference.name == secret)
    }
}

impl Collection {
    /// All namespaces.
    pub(crate) fn namespaces() -> Self {
        Self {
            resource: resource::<Namespace>(None),
            fields: None,
            metadata_only: true,
        }
    }

    /// Secrets of one name.
    pub(crate) fn secrets(namespace: Option<&str>, name: &str) -> Self {
        Self {
            resource: resource::<Secret>(namespace),
            fields: Some(format!("metadata.name={name}")),
            metadata_only: true,
        }
    }

    /// Service accounts, of one name or all.
    pub(crate) fn accounts(namespace: Option<&str>, name: Option<&str>) -> Self {
        Self {
            resource: resource::<ServiceAccount>(namespace),
            fields: name.map(|name| format!("metadata.name={name}")),
            metadata_only: false,
        }
    }
}

impl Cluster {
    /// A whole collection, page by page, handed on as it comes; returns its resource version.
    pub(crate) async fn list(
        &self,
        what: &Collection,
        mut each: impl FnMut(Object),
    ) -> Result<String, ClusterError> {
        let mut params = ListParams {
            field_selector: what.fields.clone(),
            limit: Some(PAGE),
            ..ListParams::default()
        };
        loop {
            let built = if what.metadata_only {
                what.resource.list_metadata(&params)
            } else {
                what.resource.list(&params)
            };
            let call = Call::new(built)?.limit(PAGE_BYTES);
            let page: ObjectList<Object> = self.send(&call).await?;
            page.items.into_iter().for_each(&mut each);
            params.continue_token = page.metadata.continue_.filter(|next| !next.is_empty());
            if params.continue_token.is_none() {
                return Ok(page.metadata.resource_version.unwrap_or_default());
            }
        }
    }

    /// All namespaces.
    pub(crate) async fn namespaces(&self) -> Result<Vec<Object>, ClusterError> {
        let mut all = Vec::new();
        let collection = Collection::namespaces();
        let mut listed = self.list(&collection, |object| all.push(object)).await;
        // A continuation that has grown too old begins again, once.
        if matches!(&listed, Err(error) if error.kind == ClusterErrorKind::Gone) {
            all.clear();
            listed = self.list(&collection, |object| all.push(object)).await;
        }
        listed.map(|_| all)
    }
}

const PAGE: u32 = 500;
const PAGE_BYTES: usize = 64 << 20;
