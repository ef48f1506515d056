//! A client with a pace, and requests to the API server, built by kube from a resource's type, with a
//! deadline and a size limit for each.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Method, Request};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use k8s_openapi::jiff::Timestamp;
use kube::Resource;
use kube::client::Body;
use kube::core::request;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::api_user::ApiUser;
use super::error::{Asked, ClusterError, ClusterErrorKind, ClusterResult};
use super::fence::Fence;
use super::pace::{EventBudget, Pace};
use super::request_counts::RequestCounts;
use super::transport::Way;
use crate::backoff::pause;

/// A cluster to work on. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    client: kube::Client,
    pace: Arc<Pace>,
    counts: Arc<Mutex<RequestCounts>>,
    namespace: Arc<str>,
    /// The server and the proxy, for messages.
    way: Arc<str>,
    user: Arc<ApiUser>,
    fence: Arc<Fence>,
    pub(super) events: Arc<EventBudget>,
    /// Whether the server checks every write and stores none.
    pub(crate) dry_run: bool,
}

impl Cluster {
    /// A cluster behind a client; at most `requests_per_second`, 0 for no limit.
    pub(super) fn new(client: kube::Client, way: &Way, requests_per_second: u32) -> Self {
        let namespace = client.default_namespace().into();
        let second = Duration::from_secs(1);
        let each = second.checked_div(requests_per_second).unwrap_or_default();
        Self {
            client,
            pace: Arc::new(Pace::new(each, requests_per_second.saturating_mul(2))),
            counts: Arc::default(),
            namespace,
            way: way.shown.as_str().into(),
            user: Arc::new(way.user.clone()),
            fence: Arc::default(),
            events: Arc::default(),
            dry_run: false,
        }
    }

    /// The namespace of the pod, or of the kubeconfig's context.
    pub(crate) fn own_namespace(&self) -> &str {
        &self.namespace
    }

    /// What keeps this process from writing while another may hold the Lease.
    pub(crate) fn fence(&self) -> &Fence {
        &self.fence
    }

    /// Requests so far.
    pub(crate) fn counts(&self) -> RequestCounts {
        self.lock_counts().clone()
    }

    /// Counts a request that failed.
    pub(crate) fn count(&self, error: &ClusterError) {
        self.lock_counts().fail(error);
    }

    fn lock_counts(&self) -> MutexGuard<'_, RequestCounts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request and reads the answer. Repeats it after a pause where the server asks for one
    /// or cannot be reached.
    ///
    /// kube's own `Client::request` is not used: it reads answers of any length, logs those that it
    /// cannot parse, Secrets included, and drops `Retry-After`.
    pub(super) async fn send<T: DeserializeOwned>(&self, call: &Call) -> ClusterResult<T> {
        let bytes = self.bytes(call).await?;
        serde_json::from_slice(&bytes).map_err(|_| self.asked(&call.place()).malformed())
    }

    /// The same, for what may be absent.
    pub(super) async fn find<T: DeserializeOwned>(&self, call: &Call) -> ClusterResult<Option<T>> {
        match self.send(call).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind == ClusterErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn bytes(&self, call: &Call) -> ClusterResult<Bytes> {
        let mut failures = 0;
        loop {
            if !call.is_of_lease {
                self.pace.turn().await;
            }
            let error = match self.once(call).await {
                Ok(bytes) => return Ok(bytes),
                Err(error) => error,
            };
            self.count(&error);
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

    async fn once(&self, call: &Call) -> ClusterResult<Bytes> {
        let answer = async {
            let body = self.respond(call).await?;
            self.read(call, body).await
        };
        self.in_time(call, answer).await
    }

    /// Sends a request once; returns the body of a success before it is read.
    pub(super) async fn respond(&self, call: &Call) -> ClusterResult<Body> {
        if call.needs_lease() && !self.fence.is_open() {
            return Err(self.asked(&call.place()).without_lease());
        }
        self.lock_counts().sent += 1;
        let request = call.request.clone().map(Body::from);
        let response = self.client.send(request).await;
        let place = call.place();
        let asked = self.asked(&place);
        let response = response.map_err(|error| match &error {
            kube::Error::Auth(why) => asked.no_credentials(self.user.why_none(why)),
            _ => asked.unreachable(&error),
        })?;
        let (head, body) = response.into_parts();
        if head.status.is_success() {
            return Ok(body);
        }
        let (status, headers) = (head.status, &head.headers);
        let body = self.read(call, body).await?;
        Err(asked.answered(status, headers, &body))
    }

    /// Ends what takes longer than a request may.
    pub(super) async fn in_time<T>(
        &self,
        call: &Call,
        work: impl Future<Output = ClusterResult<T>>,
    ) -> ClusterResult<T> {
        let done = timeout(DEADLINE, work).await;
        done.unwrap_or_else(|_| Err(self.timed_out(&call.place())))
    }

    /// No answer in time.
    pub(crate) fn timed_out(&self, place: &str) -> ClusterError {
        self.asked(place).timed_out()
    }

    /// A request with this method and path, for its errors.
    pub(super) fn asked<'a>(&'a self, place: &'a str) -> Asked<'a> {
        Asked {
            identity: &self.user.shown,
            server: &self.way,
            place,
        }
    }

    async fn read(&self, call: &Call, body: Body) -> ClusterResult<Bytes> {
        let read = Limited::new(body, call.limit).collect().await;
        let read = read.map_err(|error| {
            let place = call.place();
            let asked = self.asked(&place);
            if error.is::<LengthLimitError>() {
                asked.too_large(call.limit)
            } else {
                asked.broke_off()
            }
        });
        Ok(read?.to_bytes())
    }
}

const DEADLINE: Duration = Duration::from_secs(20);
const RETRY: Duration = Duration::from_millis(400);
const RETRY_CAP: Duration = Duration::from_secs(5);

/// A request before it is sent. Without `Debug`: its body may hold a Secret.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) request: Request<Bytes>,
    /// The longest response body that is read, in bytes.
    pub(super) limit: usize,
    /// How often it is sent at most.
    pub(super) attempts: u32,
    /// Whether it reads or renews the Lease: it waits for no other request.
    is_of_lease: bool,
}

/// kube's builder of requests for a resource, in one namespace or all.
pub(super) fn resource<K: Resource<DynamicType = ()>>(namespace: Option<&str>) -> request::Request {
    request::Request::new(K::url_path(&(), namespace))
}

/// An object as a request's body; those of the library cannot fail.
pub(super) fn json(object: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(object).unwrap_or_default()
}

/// A time as the library's objects hold it, to the microsecond.
pub(crate) fn timestamp(time: DateTime<Utc>) -> Timestamp {
    Timestamp::from_microsecond(time.timestamp_micros()).unwrap_or_default()
}

impl Call {
    pub(super) fn new(built: Result<Request<Vec<u8>>, request::Error>) -> ClusterResult<Self> {
        let request = built.map_err(|error| ClusterError::unbuilt(&error))?;
        // A create that is sent twice may act twice.
        let is_create = request.method() == Method::POST;
        let attempts = if is_create { 1 } else { 4 };
        Ok(Self {
            request: request.map(Bytes::from),
            limit: 4 << 20,
            attempts,
            is_of_lease: false,
        })
    }

    /// Of the Lease. It is sent once.
    pub(super) fn of_lease(mut self) -> Self {
        self.is_of_lease = true;
        self.attempts(1)
    }

    /// Whether it is a write that only a leader may make.
    fn needs_lease(&self) -> bool {
        !self.is_of_lease && self.request.method() != Method::GET
    }

    /// Sets the media type of a patch that kube has no builder for.
    pub(super) fn json_patch(mut self) -> Self {
        let value = HeaderValue::from_static("application/json-patch+json");
        self.request.headers_mut().insert(CONTENT_TYPE, value);
        self
    }

    /// Asks for the written object's metadata alone.
    pub(super) fn metadata_only(mut self) -> Self {
        let value = HeaderValue::from_static(
            "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
        );
        self.request.headers_mut().insert(ACCEPT, value);
        self
    }

    pub(super) fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    pub(super) fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Method and path, without the query.
    pub(super) fn place(&self) -> String {
        format!("{} {}", self.request.method(), self.request.uri().path())
    }
}
