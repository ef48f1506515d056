//! A request to the API server, built by kube from a resource's type, with its bounds.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Method, Request};
use k8s_openapi::jiff::Timestamp;
use kube::Resource;
use kube::core::request;
use serde::Serialize;

use super::error::ClusterError;

/// A request before it is sent. Without `Debug`: its body may hold a Secret.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) request: Request<Bytes>,
    /// The longest response body that is read, in bytes.
    pub(super) limit: usize,
    /// How often it is sent at most.
    pub(super) attempts: u32,
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
pub(super) fn timestamp(time: DateTime<Utc>) -> Timestamp {
    Timestamp::from_microsecond(time.timestamp_micros()).unwrap_or_default()
}

impl Call {
    pub(super) fn new(
        built: Result<Request<Vec<u8>>, request::Error>,
    ) -> Result<Self, ClusterError> {
        let request = built.map_err(|error| ClusterError::unbuilt(&error))?;
        // A create that is sent twice may act twice.
        let attempts = if request.method() == Method::POST {
            1
        } else {
            4
        };
        Ok(Self {
            request: request.map(Bytes::from),
            limit: 4 << 20,
            attempts,
        })
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
