//! Objects as lists and watches return them, with the few fields that decide something. Whole
//! `ObjectMeta` of thousands of objects would be held only to be dropped again.
//!
//! A watch is one list, then its changes. A watch that ends goes on at the last version it has seen;
//! only a version that is too old (410) needs another list.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use k8s_openapi::api::core::v1::{LocalObjectReference, Namespace, Secret, ServiceAccount};
use kube::api::{ListParams, WatchParams};
use kube::core::request::Request;
use kube::core::{ObjectList, WatchEvent};
use serde::Deserialize;
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, sleep, sleep_until};

use super::client::{Call, Cluster, resource};
use super::error::{ClusterErrorKind, ClusterResult};
use crate::backoff::{fraction, pause};

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
    pub(super) fn watch(&self, seconds: u32, version: &str) -> ClusterResult<Call> {
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
    pub(crate) async fn list(&self, what: &Collection) -> ClusterResult<(Vec<Object>, String)> {
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
    pub(crate) async fn namespaces(&self) -> ClusterResult<Vec<Object>> {
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

/// What a watch reports.
#[derive(Debug)]
pub(crate) enum WatchChange {
    /// The object exists: listed, new or changed.
    Present(Object),
    /// The object was deleted: namespace and name.
    Deleted(String, String),
    /// The list is complete.
    Listed,
    /// The right to list or watch is missing; it is tried again much later.
    Forbidden,
}

/// A change, and the watch that reported it.
pub(crate) type ClusterChange = (Arc<Collection>, WatchChange);

/// Watches until the receiver is dropped.
pub(crate) async fn watch(cluster: Cluster, what: Collection, changes: Sender<ClusterChange>) {
    let mut watcher = Watcher {
        cluster,
        what: Arc::new(what),
        changes,
        known: HashSet::new(),
        version: String::new(),
    };
    let mut failures = 0;
    while !watcher.changes.is_closed() {
        let started = Instant::now();
        let error = match watcher.watch().await {
            Ok(()) => {
                failures = 0;
                // A server that ends every watch at once must not be asked without a pause.
                if started.elapsed() < Duration::from_secs(1) {
                    sleep(Duration::from_millis(200).mul_f64(0.5 + fraction())).await;
                }
                continue;
            }
            Err(error) => error,
        };
        let wait = match error.kind {
            ClusterErrorKind::Gone => {
                watcher.version.clear();
                tracing::debug!("listing again: {error}");
                Duration::from_millis(100).mul_f64(fraction())
            }
            ClusterErrorKind::Forbidden | ClusterErrorKind::NotFound => {
                watcher.version.clear();
                tracing::info!("not watched: {error}");
                watcher.report(WatchChange::Forbidden).await;
                Duration::from_secs(600).mul_f64(0.5 + fraction())
            }
            ClusterErrorKind::Throttled(wait) => wait.mul_f64(1.0 + fraction()),
            _ => {
                failures += 1;
                tracing::warn!("the watch broke: {error}");
                pause(failures, RETRY, RETRY_CAP)
            }
        };
        sleep(wait).await;
    }
}

struct Watcher {
    cluster: Cluster,
    what: Arc<Collection>,
    changes: Sender<ClusterChange>,
    known: HashSet<(String, String)>,
    /// The last version seen; empty when a list is needed.
    version: String,
}

impl Watcher {
    async fn list(&mut self) -> ClusterResult<()> {
        let (objects, version) = self.cluster.list(&self.what).await?;
        let mut gone = std::mem::take(&mut self.known);
        for object in objects {
            gone.remove(&key(&object));
            self.present(object).await;
        }
        for (namespace, name) in gone {
            self.report(WatchChange::Deleted(namespace, name)).await;
        }
        self.report(WatchChange::Listed).await;
        self.version = version;
        Ok(())
    }

    /// A list if one is needed, then one watch to its end.
    async fn watch(&mut self) -> ClusterResult<()> {
        if self.version.is_empty() {
            self.list().await?;
        }
        // Between four and five minutes, so that many watches do not end together.
        let seconds = 240 + (fraction() * 60.0) as u32;
        let call = self.what.watch(seconds, &self.version)?;
        let place = call.place();
        let body = self
            .cluster
            .in_time(&call, self.cluster.respond(&call))
            .await;
        let mut body = body.inspect_err(|error| self.cluster.count(error))?;
        let mut buffer: Vec<u8> = Vec::new();
        let end = Instant::now() + Duration::from_secs(u64::from(seconds) + 15);
        loop {
            let frame = tokio::select! {
                frame = body.frame() => frame,
                () = self.changes.closed() => return Ok(()),
                () = sleep_until(end) => return Ok(()),
            };
            let Some(Ok(frame)) = frame else {
                return Ok(());
            };
            buffer.extend_from_slice(&frame.into_data().unwrap_or_default());
            while let Some(at) = buffer.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = buffer.drain(..=at).collect();
                if !line.trim_ascii().is_empty() {
                    self.event(&place, &line).await?;
                }
            }
            if buffer.len() > MAX_EVENT {
                return Err(self.cluster.asked(&place).malformed());
            }
        }
    }

    async fn event(&mut self, place: &str, line: &[u8]) -> ClusterResult<()> {
        let asked = self.cluster.asked(place);
        let event: WatchEvent<Object> =
            serde_json::from_slice(line).map_err(|_| asked.malformed())?;
        match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                self.reached(&object.metadata.resource_version);
                self.present(object).await;
            }
            WatchEvent::Deleted(object) => {
                self.reached(&object.metadata.resource_version);
                let key = key(&object);
                self.known.remove(&key);
                self.report(WatchChange::Deleted(key.0, key.1)).await;
            }
            WatchEvent::Bookmark(bookmark) => self.reached(&bookmark.metadata.resource_version),
            WatchEvent::Error(status) => return Err(asked.in_watch(&status)),
        }
        Ok(())
    }

    fn reached(&mut self, version: &str) {
        if !version.is_empty() {
            version.clone_into(&mut self.version);
        }
    }

    async fn present(&mut self, object: Object) {
        self.known.insert(key(&object));
        self.report(WatchChange::Present(object)).await;
    }

    async fn report(&self, change: WatchChange) {
        // Without a receiver the watch ends.
        let _ = self.changes.send((Arc::clone(&self.what), change)).await;
    }
}

fn key(object: &Object) -> (String, String) {
    let metadata = &object.metadata;
    (metadata.namespace.clone(), metadata.name.clone())
}

const RETRY: Duration = Duration::from_millis(800);
const RETRY_CAP: Duration = Duration::from_secs(30);
const MAX_EVENT: usize = 4 << 20;
