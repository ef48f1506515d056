//! What a kubelet writes to the standard input of a plugin.

use serde_json::{Value, json};

/// The request for an image.
#[must_use]
pub fn plugin_request(image: &str) -> String {
    plugin_request_with(image, json!({}))
}

/// The request for an image, with more members: a service account's token and annotations.
#[must_use]
pub fn plugin_request_with(image: &str, more: Value) -> String {
    let mut request = json!({
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "kind": "CredentialProviderRequest",
        "image": image,
    });
    if let (Some(request), Value::Object(more)) = (request.as_object_mut(), more) {
        request.extend(more);
    }
    request.to_string()
}
