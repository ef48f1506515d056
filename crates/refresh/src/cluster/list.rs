//! Whole collections, page by page: no page is larger than the process can bear, however large its objects.

use kube::api::ListParams;
use kube::core::ObjectList;

use super::client::{Call, Cluster};
use super::error::{ClusterErrorKind, ClusterResult};
use super::object::{Collection, Object};

/// A collection as it is read.
pub(super) struct Pages<'a> {
    cluster: &'a Cluster,
    what: &'a Collection,
    params: ListParams,
    /// Its resource version, after the last page.
    pub(super) version: String,
    ended: bool,
}

impl<'a> Pages<'a> {
    pub(super) fn new(cluster: &'a Cluster, what: &'a Collection) -> Self {
        let params = ListParams {
            field_selector: what.field_selector(),
            limit: Some(PAGE),
            ..ListParams::default()
        };
        Self {
            cluster,
            what,
            params,
            version: String::new(),
            ended: false,
        }
    }

    /// The next page; `None` after the last.
    pub(super) async fn next(&mut self) -> ClusterResult<Option<Vec<Object>>> {
        while !self.ended {
            let built = match self.what.resource() {
                (resource, true) => resource.list_metadata(&self.params),
                (resource, false) => resource.list(&self.params),
            };
            let call = Call::new(built)?.limit(PAGE_BYTES);
            let limit = self.params.limit.unwrap_or(PAGE);
            let page: ObjectList<Object> = match self.cluster.send(&call).await {
                // One object is always smaller than a page.
                Err(error) if error.kind == ClusterErrorKind::TooLarge && limit > 1 => {
                    self.params.limit = Some(limit / 8 + 1);
                    continue;
                }
                page => page?,
            };
            self.params.limit = Some((limit * 2).min(PAGE));
            let next = page.metadata.continue_.filter(|next| !next.is_empty());
            self.ended = next.is_none();
            self.params.continue_token = next;
            self.version = page.metadata.resource_version.unwrap_or_default();
            return Ok(Some(page.items));
        }
        Ok(None)
    }
}

impl Cluster {
    /// All namespaces; of each `trim` drops what is not needed.
    pub(crate) async fn namespaces(
        &self,
        trim: impl Fn(&mut Object),
    ) -> ClusterResult<Vec<Object>> {
        let mut listed = self.list(&Collection::Namespaces, &trim).await;
        // A continuation that has grown too old begins again, once.
        if matches!(&listed, Err(error) if error.kind == ClusterErrorKind::Gone) {
            listed = self.list(&Collection::Namespaces, &trim).await;
        }
        listed
    }

    /// A whole collection.
    pub(super) async fn list(
        &self,
        what: &Collection,
        trim: impl Fn(&mut Object),
    ) -> ClusterResult<Vec<Object>> {
        let mut all = Vec::new();
        let mut pages = Pages::new(self, what);
        while let Some(mut page) = pages.next().await? {
            page.iter_mut().for_each(&trim);
            all.extend(page);
        }
        Ok(all)
    }
}

const PAGE: u32 = 500;
/// A page of ordinary objects has a tenth of this.
const PAGE_BYTES: usize = 8 << 20;

#[cfg(test)]
mod tests;
