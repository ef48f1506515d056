//! Following a collection: one list, then changes, for ever. A dropped watch goes on where it was;
//! only a version that has grown too old (410) is answered by another list.

use std::collections::HashSet;
use std::time::Duration;

use http_body_util::BodyExt as _;
use serde::Deserialize;
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, sleep, timeout};

use super::objects::Object;
use super::{Call, Cluster, ClusterError, Kind, quoted};
use crate::token::{fraction, pause};

/// What is followed.
#[derive(Clone, Debug)]
pub(crate) struct Collection {
    /// Path of the list.
    pub(crate) path: String,
    /// Field selector.
    pub(crate) fields: Option<String>,
    /// Whether metadata is enough.
    pub(crate) metadata_only: bool,
}

/// What is told.
#[derive(Debug)]
pub(crate) enum Change {
    /// It is there, new or changed.
    There(Object),
    /// It is gone: namespace and name.
    Gone(String, String),
    /// The list is complete.
    Listed,
    /// There is no right to follow the collection; it is tried again much later.
    Refused,
}

/// Follows until the receiver is dropped.
pub(crate) async fn follow(cluster: Cluster, what: Collection, changes: Sender<Change>) {
    let mut follower = Follower {
        cluster,
        what,
        changes,
        known: HashSet::new(),
        version: String::new(),
    };
    let mut failures = 0;
    while !follower.changes.is_closed() {
        let started = Instant::now();
        let error = match follower.step().await {
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
            Kind::Gone => {
                follower.version.clear();
                tracing::debug!("listing again: {error}");
                Duration::from_millis(100).mul_f64(fraction())
            }
            Kind::Forbidden | Kind::NotFound => {
                follower.version.clear();
                tracing::info!("not followed: {error}");
                let _ = follower.changes.send(Change::Refused).await;
                Duration::from_secs(600).mul_f64(0.5 + fraction())
            }
            Kind::Throttled(wait) => wait.mul_f64(1.0 + fraction()),
            _ => {
                failures += 1;
                tracing::warn!("the watch broke: {error}");
                pause(failures, RETRY, RETRY_CAP)
            }
        };
        sleep(wait).await;
    }
}

struct Follower {
    cluster: Cluster,
    what: Collection,
    changes: Sender<Change>,
    known: HashSet<(String, String)>,
    /// The last version seen; empty when a list is needed.
    version: String,
}

impl Follower {
    /// A list when one is needed, then one watch to its end.
    async fn step(&mut self) -> Result<(), ClusterError> {
        if self.version.is_empty() {
            self.list().await?;
        }
        self.watch().await
    }

    async fn list(&mut self) -> Result<(), ClusterError> {
        let mut objects = Vec::new();
        let Collection {
            path,
            fields,
            metadata_only,
        } = &self.what;
        let listed = self
            .cluster
            .list(path, fields.as_deref(), *metadata_only, |o| objects.push(o));
        let version = listed.await?;
        let mut gone = std::mem::take(&mut self.known);
        for object in objects {
            gone.remove(&key(&object));
            self.there(object).await;
        }
        for (namespace, name) in gone {
            let _ = self.changes.send(Change::Gone(namespace, name)).await;
        }
        let _ = self.changes.send(Change::Listed).await;
        self.version = version;
        Ok(())
    }

    async fn watch(&mut self) -> Result<(), ClusterError> {
        // Between four and five minutes, so that many watches do not end together.
        let seconds = 240 + (fraction() * 60.0) as u64;
        let mut query = format!(
            "{}?watch=true&allowWatchBookmarks=true&timeoutSeconds={seconds}&resourceVersion={}",
            self.what.path,
            quoted(&self.version)
        );
        if let Some(fields) = &self.what.fields {
            query.push_str(&format!("&fieldSelector={}", quoted(fields)));
        }
        let mut call = Call::get(query);
        if self.what.metadata_only {
            call = call.metadata_only(false);
        }
        let answer = timeout(Duration::from_secs(20), self.cluster.respond(&call)).await;
        let response =
            answer.map_err(|_| ClusterError::unreachable(&call, "it did not answer in time"))??;
        let (head, mut body) = response.into_parts();
        if !head.status.is_success() {
            return Err(ClusterError::answered(
                &call,
                head.status,
                &head.headers,
                b"",
            ));
        }
        let mut buffer: Vec<u8> = Vec::new();
        let end = Instant::now() + Duration::from_secs(seconds + 15);
        loop {
            let frame = tokio::select! {
                frame = body.frame() => frame,
                () = self.changes.closed() => return Ok(()),
                () = tokio::time::sleep_until(end) => return Ok(()),
            };
            let data = match frame {
                None => return Ok(()),
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
                Some(Err(_)) => return Ok(()),
            };
            buffer.extend_from_slice(&data);
            while let Some(at) = buffer.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = buffer.drain(..=at).collect();
                if !line.trim_ascii().is_empty() {
                    self.event(&call, &line).await?;
                }
            }
            if buffer.len() > MAX_EVENT {
                return Err(ClusterError::malformed(&call));
            }
        }
    }

    async fn event(&mut self, call: &Call, line: &[u8]) -> Result<(), ClusterError> {
        let event: Event =
            serde_json::from_slice(line).map_err(|_| ClusterError::malformed(call))?;
        if event.kind == "ERROR" {
            return Err(ClusterError::in_watch(call, &event.object));
        }
        let object: Object =
            serde_json::from_value(event.object).map_err(|_| ClusterError::malformed(call))?;
        if !object.metadata.resource_version.is_empty() {
            self.version.clone_from(&object.metadata.resource_version);
        }
        match event.kind.as_str() {
            "ADDED" | "MODIFIED" => self.there(object).await,
            "DELETED" => {
                let key = key(&object);
                self.known.remove(&key);
                let _ = self.changes.send(Change::Gone(key.0, key.1)).await;
            }
            // A bookmark has said all it has to say with its version.
            _ => {}
        }
        Ok(())
    }

    async fn there(&mut self, object: Object) {
        self.known.insert(key(&object));
        let _ = self.changes.send(Change::There(object)).await;
    }
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    object: serde_json::Value,
}

fn key(object: &Object) -> (String, String) {
    (
        object.metadata.namespace.clone(),
        object.metadata.name.clone(),
    )
}

const RETRY: Duration = Duration::from_millis(800);
const RETRY_CAP: Duration = Duration::from_secs(30);
const MAX_EVENT: usize = 4 << 20;
