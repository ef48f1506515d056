//! Objects as lists and watches return them, with the few fields that decide something. Whole
//! `ObjectMeta` of thousands of objects would be held only to be dropped again.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{LocalObjectReference, Namespace, Secret, ServiceAccount};
use kube::core::request::Request;
use serde::Deserialize;

use super::client::resource;

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

    /// Its namespace and name.
    pub(super) fn key(&self) -> (String, String) {
        let metadata = &self.metadata;
        (metadata.namespace.clone(), metadata.name.clone())
    }
}

impl Collection {
    /// kube's builder of requests, and whether the metadata is enough: of a service account the list
    /// of pull secrets is needed too.
    pub(super) fn resource(&self) -> (Request, bool) {
        match self {
            Self::Namespaces => (resource::<Namespace>(None), true),
            Self::Accounts { namespace, .. } => {
                (resource::<ServiceAccount>(namespace.as_deref()), false)
            }
            Self::Secrets { namespace, .. } => (resource::<Secret>(namespace.as_deref()), true),
        }
    }

    pub(super) fn field_selector(&self) -> Option<String> {
        let name = match self {
            Self::Namespaces => None,
            Self::Accounts { name, .. } => name.as_ref(),
            Self::Secrets { name, .. } => Some(name),
        };
        name.map(|name| format!("metadata.name={name}"))
    }
}
