//! Objects and lists, with the few fields that decide something.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Call, Cluster, ClusterError, Kind, quoted};

/// A namespace or a service account, or the metadata of a Secret.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Object {
    pub(crate) metadata: Meta,
    pub(crate) image_pull_secrets: Option<Vec<Reference>>,
}

/// `ObjectMeta`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Meta {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) deletion_timestamp: Option<String>,
}

/// `LocalObjectReference`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Reference {
    pub(crate) name: String,
}

/// A page of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct List {
    pub(crate) metadata: ListMeta,
    /// Null for a list of metadata in which there is nothing.
    pub(crate) items: Option<Vec<Object>>,
}

/// `ListMeta`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ListMeta {
    pub(crate) resource_version: String,
    #[serde(rename = "continue")]
    pub(crate) next: String,
}

impl Cluster {
    /// A whole collection, page by page, handed on as it comes; gives its resource version.
    pub(crate) async fn list(
        &self,
        path: &str,
        fields: Option<&str>,
        metadata_only: bool,
        mut each: impl FnMut(Object),
    ) -> Result<String, ClusterError> {
        let mut next = String::new();
        loop {
            let mut query = format!("{path}?limit={PAGE}");
            if let Some(fields) = fields {
                query.push_str(&format!("&fieldSelector={}", quoted(fields)));
            }
            if !next.is_empty() {
                query.push_str(&format!("&continue={}", quoted(&next)));
            }
            let mut call = Call::get(query).limit(PAGE_BYTES);
            if metadata_only {
                call = call.metadata_only(true);
            }
            let page: List = self.send(&call).await?;
            page.items.into_iter().flatten().for_each(&mut each);
            if page.metadata.next.is_empty() {
                return Ok(page.metadata.resource_version);
            }
            next = page.metadata.next;
        }
    }

    /// All namespaces.
    pub(crate) async fn namespaces(&self) -> Result<Vec<Object>, ClusterError> {
        // A continuation that has grown too old begins again, once.
        for last in [false, true] {
            let mut all = Vec::new();
            match self
                .list(NAMESPACES, None, true, |object| all.push(object))
                .await
            {
                Err(error) if error.kind == Kind::Gone && !last => {}
                Err(error) => return Err(error),
                Ok(_) => return Ok(all),
            }
        }
        Ok(Vec::new())
    }
}

pub(crate) const NAMESPACES: &str = "/api/v1/namespaces";
const PAGE: usize = 500;
const PAGE_BYTES: usize = 64 << 20;
