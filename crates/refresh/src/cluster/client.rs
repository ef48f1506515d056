//! A client with a pace, a deadline and a size limit for every request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt as _, Limited};
use kube::client::Body;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::call::Call;
use super::error::{ClusterError, ClusterErrorKind};
use super::pace::Pace;
use crate::backoff::pause;

/// A cluster to work on. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    client: kube::Client,
    pace: Arc<Pace>,
    calls: Arc<AtomicU64>,
    namespace: Arc<str>,
    /// Whether the server checks every write and stores none.
    pub(crate) dry_run: bool,
}

impl Cluster {
    /// A cluster behind a client; at most `requests_per_second`, 0 for no limit.
    pub(super) fn new(client: kube::Client, requests_per_second: u32) -> Self {
        let namespace = client.default_namespace().into();
        let second = Duration::from_secs(1);
        let each = second.checked_div(requests_per_second).unwrap_or_default();
        Self {
            client,
            pace: Arc::new(Pace::new(each, requests_per_second.saturating_mul(2))),
            calls: Arc::default(),
            namespace,
            dry_run: false,
        }
    }

    /// The namespace of the pod, or of the kubeconfig's context.
    pub(crate) fn own_namespace(&self) -> &str {
        &self.namespace
    }

    /// Requests so far.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Sends a request and reads the answer. Repeats it after a pause where the server asks for one
    /// or cannot be reached.
    ///
    /// kube's own `Client::request` is not used: it reads answers of any length, logs those that it
    /// cannot parse, Secrets included, and drops `Retry-After`.
    pub(super) async fn send<T: DeserializeOwned>(&self, call: &Call) -> Result<T, ClusterError> {
        let bytes = self.bytes(call).await?;
        serde_json::from_slice(&bytes).map_err(|_| ClusterError::malformed(&call.place()))
    }

    /// The same, for what may be absent.
    pub(super) async fn find<T: DeserializeOwned>(
        &self,
        call: &Call,
    ) -> Result<Option<T>, ClusterError> {
        match self.send(call).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind == ClusterErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn bytes(&self, call: &Call) -> Result<Bytes, ClusterError> {
        let mut failures = 0;
        loop {
            self.pace.turn().await;
            let error = match self.once(call).await {
                Ok(bytes) => return Ok(bytes),
                Err(error) => error,
            };
            failures += 1;
            if let ClusterErrorKind::Throttled(wait) = error.kind {
                // All requests wait, not this one alone.
                self.pace.hold(wait);
            }
            if failures >= call.attempts || !error.is_passing() {
                return Err(error);
            }
            tokio::time::sleep(pause(failures, RETRY, RETRY_CAP)).await;
        }
    }

    async fn once(&self, call: &Call) -> Result<Bytes, ClusterError> {
        let answer = async {
            let (head, body) = self.respond(call).await?.into_parts();
            let collected = Limited::new(body, call.limit).collect().await;
            let bytes = collected
                .map_err(|_| ClusterError::unreachable(&call.place(), "its answer broke off"))?
                .to_bytes();
            if head.status.is_success() {
                Ok(bytes)
            } else {
                Err(ClusterError::answered(
                    &call.place(),
                    head.status,
                    &head.headers,
                    &bytes,
                ))
            }
        };
        timeout(DEADLINE, answer)
            .await
            .unwrap_or_else(|_| Err(ClusterError::timed_out(&call.place())))
    }

    /// Sends a request once; returns the answer before its body, for a watch.
    pub(super) async fn respond(&self, call: &Call) -> Result<Response<Body>, ClusterError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let request = call.request.clone().map(Body::from);
        let response = self.client.send(request).await;
        response.map_err(|error| ClusterError::of_client(&call.place(), &error))
    }
}

pub(super) const DEADLINE: Duration = Duration::from_secs(20);
const RETRY: Duration = Duration::from_millis(400);
const RETRY_CAP: Duration = Duration::from_secs(5);
