//! A request as it goes over the wire.

use http::{Method, Request};
use serde_json::Value;

/// A request as it goes over the wire.
pub(crate) struct Raw<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) content: &'a str,
    pub(crate) accept: &'a str,
    pub(crate) body: Value,
}

impl<'a> Raw<'a> {
    pub(crate) fn get(path: &'a str) -> Self {
        Self::new(Method::GET, path, Value::Null)
    }

    pub(crate) fn new(method: Method, path: &'a str, body: Value) -> Self {
        let json = "application/json";
        Self {
            method,
            path,
            content: json,
            accept: json,
            body,
        }
    }

    pub(crate) async fn send(&self, client: &kube::Client) -> http::Response<kube::client::Body> {
        let request = Request::builder()
            .method(self.method.clone())
            .uri(self.path)
            .header("content-type", self.content)
            .header("accept", self.accept)
            .body(kube::client::Body::from(match &self.body {
                Value::Null => Vec::new(),
                body => body.to_string().into_bytes(),
            }))
            .expect("a request");
        client.send(request).await.expect("an answer")
    }

    pub(crate) fn patch(path: &'a str, content: &'a str, body: Value) -> Self {
        Self {
            content,
            ..Self::new(Method::PATCH, path, body)
        }
    }
}
