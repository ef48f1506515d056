//! Pull secrets as the API server has them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The password of a host in a Secret.
pub(crate) fn password(secret: &Value, host: &str) -> Option<String> {
    let config = config_of(secret);
    Some(config["auths"][host]["password"].as_str()?.to_owned())
}

/// The docker configuration in a Secret.
pub(crate) fn config_of(secret: &Value) -> Value {
    let data = secret["data"][".dockerconfigjson"]
        .as_str()
        .unwrap_or_default();
    let bytes = STANDARD.decode(data).expect("base64");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// A pull secret of another owner.
pub(crate) fn theirs(name: &str, config: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": STANDARD.encode(config.to_string())},
    })
}
