//! The Kubernetes API, as far as it is used: a client with a pace, a deadline for every request,
//! and errors that say what to do next.
//!
//! Connection, trust and authentication are kube's. Requests are made here, because answers are
//! asked for without their secret parts where the API can leave those out, and because a cluster of
//! thousands of namespaces should not be held in memory.

mod accounts;
mod connect;
mod error;
mod events;
mod kubernetes_account;
mod leases;
mod objects;
mod pace;
mod secrets;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Limited};
use kube::client::Body;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

pub use connect::{ConnectError, connect};
pub(crate) use error::{ClusterError, Kind};
pub(crate) use events::{Budget, Happening};
pub use kubernetes_account::KubernetesAccount;
pub(crate) use kubernetes_account::TokenError;
pub(crate) use leases::{Lease, micro_time};
pub(crate) use objects::{NAMESPACES, Object};
pub(crate) use pace::Pace;
pub(crate) use watch::{Change, Collection, follow};

use crate::token::pause;
use kubernetes_account::AccountTokens;

/// A cluster to work on. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    client: kube::Client,
    pace: Arc<Pace>,
    calls: Arc<AtomicU64>,
    namespace: Arc<str>,
    tokens: Arc<AccountTokens>,
    dry_run: bool,
}

/// A request before it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: Method,
    path: String,
    content: &'static str,
    body: Bytes,
    accept: &'static str,
    limit: usize,
    attempts: u32,
}

impl Cluster {
    /// A cluster behind a client; so many requests a second, 0 for no limit.
    #[must_use]
    pub fn new(client: kube::Client, requests_per_second: u32) -> Self {
        let namespace = client.default_namespace().into();
        Self {
            client,
            pace: Arc::new(Pace::new(requests_per_second)),
            calls: Arc::default(),
            namespace,
            tokens: Arc::default(),
            dry_run: false,
        }
    }

    /// The same cluster, whose server checks every write and stores none.
    #[must_use]
    pub fn with_server_dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// The namespace of the pod, or of the kubeconfig's context.
    #[must_use]
    pub fn own_namespace(&self) -> &str {
        &self.namespace
    }

    /// Requests so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Sends a request, again after a pause where the server asks for one or cannot be reached, and
    /// reads the answer.
    pub(crate) async fn send<T: DeserializeOwned>(&self, call: &Call) -> Result<T, ClusterError> {
        let bytes = self.bytes(call).await?;
        serde_json::from_slice(&bytes).map_err(|_| ClusterError::malformed(call))
    }

    /// The same, for what may be absent.
    pub(crate) async fn find<T: DeserializeOwned>(
        &self,
        call: &Call,
    ) -> Result<Option<T>, ClusterError> {
        match self.send(call).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind == Kind::NotFound => Ok(None),
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
            if let Kind::Throttled(wait) = error.kind {
                // Everybody waits, not this request alone.
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
            let response = self.respond(call).await?;
            let (head, body) = response.into_parts();
            let collected = Limited::new(body, call.limit).collect().await;
            let bytes = collected
                .map_err(|_| ClusterError::unreachable(call, "its answer broke off"))?
                .to_bytes();
            match head.status.is_success() {
                true => Ok(bytes),
                false => Err(ClusterError::answered(
                    call,
                    head.status,
                    &head.headers,
                    &bytes,
                )),
            }
        };
        match timeout(DEADLINE, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(ClusterError::unreachable(call, "it did not answer in time")),
        }
    }

    /// Sends a request once and gives the answer before its body, for a watch.
    async fn respond(&self, call: &Call) -> Result<Response<Body>, ClusterError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let request = Request::builder()
            .method(call.method.clone())
            .uri(&call.path)
            .header("accept", call.accept)
            .header("content-type", call.content)
            .body(Body::from(call.body.clone()))
            .map_err(|_| ClusterError::malformed(call))?;
        self.client
            .send(request)
            .await
            .map_err(|error| ClusterError::of_client(call, &error))
    }
}

impl Call {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path.into())
    }

    pub(crate) fn post(path: impl Into<String>, body: impl Into<Bytes>) -> Self {
        // Asked twice it may act twice.
        Self::new(Method::POST, path.into())
            .with_body(JSON, body)
            .attempts(1)
    }

    pub(crate) fn put(path: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self::new(Method::PUT, path.into()).with_body(JSON, body)
    }

    pub(crate) fn patch(
        path: impl Into<String>,
        content: &'static str,
        body: impl Into<Bytes>,
    ) -> Self {
        Self::new(Method::PATCH, path.into()).with_body(content, body)
    }

    pub(crate) fn delete(path: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self::new(Method::DELETE, path.into()).with_body(JSON, body)
    }

    /// Asks for the objects' metadata alone.
    pub(crate) fn metadata_only(mut self, list: bool) -> Self {
        self.accept = match list {
            true => "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
            false => "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
        };
        self
    }

    pub(crate) fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    pub(crate) fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Method and path, without the query.
    fn place(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        format!("{} {path}", self.method)
    }

    fn new(method: Method, path: String) -> Self {
        Self {
            method,
            path,
            content: JSON,
            body: Bytes::new(),
            accept: JSON,
            limit: 4 << 20,
            attempts: 4,
        }
    }

    fn with_body(mut self, content: &'static str, body: impl Into<Bytes>) -> Self {
        self.content = content;
        self.body = body.into();
        self
    }
}

/// Text as a part of a query.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    text.bytes()
        .map(|b| match plain(b) {
            true => char::from(b).to_string(),
            false => format!("%{b:02X}"),
        })
        .collect()
}

const JSON: &str = "application/json";
pub(crate) const JSON_PATCH: &str = "application/json-patch+json";
pub(crate) const APPLY: &str = "application/apply-patch+yaml";
const DEADLINE: Duration = Duration::from_secs(20);
const RETRY: Duration = Duration::from_millis(400);
const RETRY_CAP: Duration = Duration::from_secs(5);
