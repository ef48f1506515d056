//! Watching a collection: one list, then its changes. A watch that ends goes on at the last version it
//! has seen; only a version that is too old (410) needs another list.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use kube::core::WatchEvent;
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::client::{Cluster, DEADLINE};
use super::collection::{Collection, Object};
use super::error::{ClusterError, ClusterErrorKind};
use crate::backoff::{fraction, pause};

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
        let error = match watcher.step().await {
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
    /// A list if one is needed, then one watch to its end.
    async fn step(&mut self) -> Result<(), ClusterError> {
        if self.version.is_empty() {
            self.list().await?;
        }
        self.watch().await
    }

    async fn list(&mut self) -> Result<(), ClusterError> {
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

    async fn watch(&mut self) -> Result<(), ClusterError> {
        // Between four and five minutes, so that many watches do not end together.
        let seconds = 240 + (fraction() * 60.0) as u32;
        let call = self.what.watch(seconds, &self.version)?;
        let place = call.place();
        let (head, mut body) = timeout(DEADLINE, self.cluster.respond(&call))
            .await
            .map_err(|_| ClusterError::timed_out(&place))??
            .into_parts();
        if !head.status.is_success() {
            return Err(ClusterError::answered(
                &place,
                head.status,
                &head.headers,
                b"",
            ));
        }
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
                return Err(ClusterError::malformed(&place));
            }
        }
    }

    async fn event(&mut self, place: &str, line: &[u8]) -> Result<(), ClusterError> {
        let event: WatchEvent<Object> =
            serde_json::from_slice(line).map_err(|_| ClusterError::malformed(place))?;
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
            WatchEvent::Error(status) => return Err(ClusterError::in_watch(place, &status)),
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
