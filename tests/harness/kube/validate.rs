//! What the server completes in an object, and what it refuses about one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::status::Refusal;
use super::target::Target;

/// Sets what the server sets by itself.
pub(crate) fn complete(target: &Target, object: &mut Value) {
    drop_nulls(object);
    object["kind"] = target.kind().into();
    object["apiVersion"] = target.api_version().into();
    match target.resource.as_str() {
        "secrets" if object["type"].is_null() => object["type"] = "Opaque".into(),
        "namespaces" => {
            let name = object["metadata"]["name"].clone();
            object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
            if object["status"].is_null() {
                object["status"] = json!({"phase": "Active"});
            }
        }
        _ => {}
    }
}

/// Whether the object may be stored in the place of the old one.
pub(crate) fn check(target: &Target, old: Option<&Value>, new: &Value) -> Result<(), Refusal> {
    let name = new["metadata"]["name"].as_str().unwrap_or_default();
    let broken = match target.resource.as_str() {
        _ if name.is_empty() => Some((
            "metadata.name".to_owned(),
            "Required value: name or generateName is required",
        )),
        _ if !is_subdomain(name) => Some((
            "metadata.name".to_owned(),
            "Invalid value: a lowercase RFC 1123 subdomain must consist of lower case \
             alphanumeric characters, '-' or '.'",
        )),
        "secrets" => secret(old, new),
        "leases" => lease(new),
        "events" => event(target, new),
        _ => labels(new),
    };
    match broken {
        Some((field, why)) => Err(Refusal::invalid(target, name, (&field, why))),
        None => Ok(()),
    }
}

type Broken = Option<(String, &'static str)>;

fn secret(old: Option<&Value>, new: &Value) -> Broken {
    if let Some(old) = old {
        if old["type"] != new["type"] {
            return Some(("type".to_owned(), "Invalid value: field is immutable"));
        }
        if old["immutable"] == true {
            let why = "Forbidden: field is immutable when `immutable` is set";
            for field in ["immutable", "data"] {
                if old[field] != new[field] {
                    return Some((field.to_owned(), why));
                }
            }
        }
    }
    let key = match new["type"].as_str() {
        Some("kubernetes.io/dockerconfigjson") => ".dockerconfigjson",
        Some("kubernetes.io/dockercfg") => ".dockercfg",
        _ => return labels(new),
    };
    let field = format!("data[{key}]");
    let Some(data) = new["data"][key].as_str() else {
        return Some((field, "Required value"));
    };
    let bytes = STANDARD.decode(data).unwrap_or_default();
    match serde_json::from_slice::<serde_json::Map<String, Value>>(&bytes) {
        Ok(_) => labels(new),
        Err(_) => Some((
            field,
            "Invalid value: \"<secret contents redacted>\": no JSON object",
        )),
    }
}

fn lease(new: &Value) -> Broken {
    let spec = &new["spec"];
    if spec["leaseDurationSeconds"]
        .as_i64()
        .is_some_and(|seconds| seconds <= 0)
    {
        let why = "Invalid value: must be greater than 0";
        return Some(("spec.leaseDurationSeconds".to_owned(), why));
    }
    if spec["leaseTransitions"]
        .as_i64()
        .is_some_and(|count| count < 0)
    {
        let why = "Invalid value: must be greater than or equal to 0";
        return Some(("spec.leaseTransitions".to_owned(), why));
    }
    None
}

fn event(target: &Target, new: &Value) -> Broken {
    let about = new["involvedObject"]["namespace"]
        .as_str()
        .unwrap_or("default");
    (about != target.namespace).then(|| {
        (
            "involvedObject.namespace".to_owned(),
            "Invalid value: does not match event.namespace",
        )
    })
}

fn labels(new: &Value) -> Broken {
    let plain = |c: char| c.is_ascii_alphanumeric();
    let sound = |value: &str| {
        value.len() <= 63
            && value.starts_with(plain)
            && value.ends_with(plain)
            && value.chars().all(|c| plain(c) || "-_.".contains(c))
    };
    let labels = new["metadata"]["labels"].as_object()?;
    let mut values = labels
        .values()
        .map(|value| value.as_str().unwrap_or_default());
    let why = "Invalid value: a valid label must be an empty string or consist of alphanumeric \
               characters, '-', '_' or '.'";
    values
        .any(|value| !value.is_empty() && !sound(value))
        .then(|| ("metadata.labels".to_owned(), why))
}

/// A field that is null is one that is absent.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn is_subdomain(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let label = |label: &str| {
        let bytes = label.as_bytes();
        let ends = [bytes.first(), bytes.last()];
        ends.iter().all(|b| b.is_some_and(|b| plain(*b)))
            && bytes.iter().all(|b| plain(*b) || *b == b'-')
    };
    name.len() <= 253 && name.split('.').all(label)
}
