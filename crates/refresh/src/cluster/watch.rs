//! A watch is one list, then its changes. A watch that ends goes on at the last version it has seen;
//! only a version that is too old (410) needs another list.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use kube::api::WatchParams;
use kube::core::WatchEvent;
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, sleep, sleep_until};

use super::client::{Call, Cluster};
use super::error::{ClusterErrorKind, ClusterResult};
use super::list::Pages;
use super::object::{Collection, Object};
use crate::backoff::{fraction, pause};

impl Collection {
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
    /// The watch panicked, which is a bug; it begins again with a list.
    Panicked,
}

/// A change, and the watch that reported it.
pub(crate) type ClusterChange = (Arc<Collection>, WatchChange);

/// Watches until the receiver is dropped. Of each object `trim` drops what is not needed.
pub(crate) async fn watch(
    cluster: Cluster,
    what: Collection,
    trim: impl Fn(&mut Object) + Send + Sync,
    changes: Sender<ClusterChange>,
) {
    let mut watcher = Watcher {
        cluster,
        what: Arc::new(what),
        trim,
        changes,
        known: HashSet::new(),
        version: String::new(),
        begun: None,
        has_news: false,
    };
    let mut failures = 0;
    while !watcher.changes.is_closed() {
        watcher.has_news = false;
        watcher.begun = None;
        let ended = AssertUnwindSafe(watcher.watch()).catch_unwind().await;
        let has_worked = watcher.has_worked();
        let error = match ended {
            Ok(Ok(())) if has_worked => {
                failures = 0;
                continue;
            }
            Ok(ended) => ended.err(),
            Err(_) => {
                watcher.version.clear();
                watcher.report(WatchChange::Panicked).await;
                None
            }
        };
        // A server that ends every watch at once, or whose every version is too old, is asked with growing
        // pauses.
        failures = if has_worked { 1 } else { failures + 1 };
        let mut wait = pause(failures, RETRY, RETRY_CAP);
        if let Some(error) = error {
            match error.kind {
                ClusterErrorKind::Gone => {
                    watcher.version.clear();
                    tracing::debug!("listing again: {error}");
                }
                ClusterErrorKind::Forbidden | ClusterErrorKind::NotFound => {
                    watcher.version.clear();
                    tracing::info!("not watched: {error}");
                    watcher.report(WatchChange::Forbidden).await;
                    wait = Duration::from_secs(600).mul_f64(0.5 + fraction());
                }
                ClusterErrorKind::Throttled(asked) => wait = asked.mul_f64(1.0 + fraction()),
                _ => tracing::warn!("the watch broke: {error}"),
            }
        }
        sleep(wait).await;
    }
}

struct Watcher<F> {
    cluster: Cluster,
    what: Arc<Collection>,
    trim: F,
    changes: Sender<ClusterChange>,
    known: HashSet<(String, String)>,
    /// The last version seen; empty when a list is needed.
    version: String,
    /// Since when the server answers the present watch.
    begun: Option<Instant>,
    /// Whether it has reported anything.
    has_news: bool,
}

impl<F: Fn(&mut Object)> Watcher<F> {
    /// Whether the last watch was one: a watch lasts for minutes, or reports something.
    fn has_worked(&self) -> bool {
        self.has_news || self.begun.is_some_and(|begun| begun.elapsed() >= SHORT)
    }

    async fn list(&mut self) -> ClusterResult<()> {
        let (cluster, what) = (self.cluster.clone(), Arc::clone(&self.what));
        let mut pages = Pages::new(&cluster, &what);
        let mut listed = HashSet::new();
        while let Some(page) = pages.next().await? {
            for object in page {
                listed.insert(object.key());
                self.present(object).await;
            }
        }
        let gone: Vec<_> = self.known.difference(&listed).cloned().collect();
        for (namespace, name) in gone {
            self.report(WatchChange::Deleted(namespace, name)).await;
        }
        self.known = listed;
        self.report(WatchChange::Listed).await;
        self.version = pages.version;
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
        self.begun = Some(Instant::now());
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
                self.has_news = true;
                self.reached(&object.metadata.resource_version);
                self.present(object).await;
            }
            WatchEvent::Deleted(object) => {
                self.has_news = true;
                self.reached(&object.metadata.resource_version);
                let key = object.key();
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

    async fn present(&mut self, mut object: Object) {
        (self.trim)(&mut object);
        self.known.insert(object.key());
        self.report(WatchChange::Present(object)).await;
    }

    async fn report(&self, change: WatchChange) {
        // Without a receiver the watch ends.
        let _ = self.changes.send((Arc::clone(&self.what), change)).await;
    }
}

const RETRY: Duration = Duration::from_millis(800);
const RETRY_CAP: Duration = Duration::from_secs(30);
/// A watch that ends before this, without an event, has failed.
const SHORT: Duration = Duration::from_secs(1);
const MAX_EVENT: usize = 4 << 20;

#[cfg(test)]
mod tests;
