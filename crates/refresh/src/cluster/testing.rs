//! An API server in memory, so that its answers need no time and a paused clock does not run away.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use kube::client::Body;
use serde_json::Value;
use tower::service_fn;

use super::client::Cluster;
use super::transport::Way;

/// A cluster that answers each request by status and text; `requests_per_second` as for a real one.
pub(crate) fn cluster_of(
    requests_per_second: u32,
    answer: impl Fn(&Request<Body>) -> (u16, String) + Clone + Send + 'static,
) -> Cluster {
    let service = service_fn(move |request: Request<Body>| {
        let (status, text) = answer(&request);
        let response = Response::builder()
            .status(status)
            .header("retry-after", "30");
        let response = response.body(Full::new(Bytes::from(text)));
        async move { response }
    });
    let client = kube::Client::new(service, "default");
    Cluster::new(client, &Way::direct(), requests_per_second)
}

/// A parameter of the request's query.
pub(crate) fn param<'a>(request: &'a Request<Body>, name: &str) -> Option<&'a str> {
    let pairs = request.uri().query().unwrap_or_default().split('&');
    let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// A list of namespaces of these names.
pub(crate) fn namespaces(names: &[&str]) -> String {
    let items = names
        .iter()
        .map(|name| serde_json::json!({"metadata": {"name": name}}));
    let items: Vec<Value> = items.collect();
    serde_json::json!({"metadata": {"resourceVersion": "7"}, "items": items}).to_string()
}
