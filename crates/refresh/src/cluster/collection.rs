//! Objects as lists and watches return them, with the few fields that decide something. Whole
//! `ObjectMeta` of thousands of objects would be held only to be dropped again.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{LocalObjectReference, Namespace, Secret, ServiceAccount};
use kube::api::{ListParams, WatchParams};
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

/// The fields of an `ObjectMeta` that are used.
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

/// Objects of one resource; `namespace` is `None` for all namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Collection {
    Namespaces,
    /// Service accounts, of one name or all.
    Accounts {
        namespace: Option<String>,
        name: Option<String>,
    },
    /// Secrets of one name.
    Secrets {
        namespace: Option<String>,
        name: String,
    },
}

impl Object {
    /// Whether the service account lists the pull secret.
    pub(crate) fn lists(&self, secret: &str) -> bool {
        let list = self.image_pull_secrets.iter().flatten();
        list.into_iter().any(|reference| reference.name == secret)
    }
}

impl Collection {
    /// kube's builder of requests, and whether the metadata is enough: of a service account the list
    /// of pull secrets is needed too.
    fn resource(&self) -> (Request, bool) {
        match self {
            Self::Namespaces => (resource::<Namespace>(None), true),
            Self::Accounts { namespace, .. } => {
                (resource::<ServiceAccount>(namespace.as_deref()), false)
            }
            Self::Secrets { namespace, .. } => (resource::<Secret>(namespace.as_deref()), true),
        }
    }

    fn field_selector(&self) -> Option<String> {
        let name = match self {
            Self::Namespaces => None,
            Self::Accounts { name, .. } => name.as_ref(),
            Self::Secrets { name, .. } => Some(name),
        };
        name.map(|name| format!("metadata.name={name}"))
    }

    /// A watch from a resource version on.
    pub(super) fn watch(&self, seconds: u32, version: &str) -> Result<Call, ClusterError> {
        let params = WatchParams {
            field_selector: self.field_selector(),
            timeout: Some(seconds),
            ..WatchParams::default()
        };
        Call::new(match self.resource() {
            (resource, true) => resource.watch_metadata(&params, version),
            (resource, false) => resource.watch(&params, version),
        })
    }
}

impl Cluster {
    /// A whole collection, page by page, and its resource version.
    pub(crate) async fn list(
        &self,
        what: &Collection,
    ) -> Result<(Vec<Object>, String), ClusterError> {
        let mut all = Vec::new();
        let mut params = ListParams {
            field_selector: what.field_selector(),
            limit: Some(PAGE),
            ..ListParams::default()
        };
        loop {
            let built = match what.resource() {
                (resource, true) => resource.list_metadata(&params),
                (resource, false) => resource.list(&params),
            };
            let call = Call::new(built)?.limit(PAGE_BYTES);
            let page: ObjectList<Object> = self.send(&call).await?;
            all.extend(page.items);
            params.continue_token = page.metadata.continue_.filter(|next| !next.is_empty());
            if params.continue_token.is_none() {
                return Ok((all, page.metadata.resource_version.unwrap_or_default()));
            }
        }
    }

    /// All namespaces.
    pub(crate) async fn namespaces(&self) -> Result<Vec<Object>, ClusterError> {
        let mut listed = self.list(&Collection::Namespaces).await;
        // A continuation that has grown too old begins again, once.
        if matches!(&listed, Err(error) if error.kind == ClusterErrorKind::Gone) {
            listed = self.list(&Collection::Namespaces).await;
        }
        listed.map(|(all, _)| all)
    }
}

const PAGE: u32 = 500;
const PAGE_BYTES: usize = 64 << 20;
