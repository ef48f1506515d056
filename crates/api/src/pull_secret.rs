//! Pull secrets: Secret manifests with a docker configuration inside, as the kubelet takes them
//! (kubernetes `pkg/credentialprovider/secrets/secrets.go`) and as `kubectl` writes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_go::{DecodeError, Value, decode_base64, folds_to, json, yaml};
use secrecy::{ExposeSecret, SecretSlice, SecretString};

use crate::docker_config::{self, BadEntries, DockerConfig, Format};

/// A document of a pull secret file.
#[derive(Clone, Debug)]
pub struct PullSecret {
    /// Namespace, where the manifest has one.
    pub namespace: String,
    /// Name; empty for a bare docker configuration.
    pub name: String,
    /// UID, where the manifest comes from a cluster.
    pub uid: String,
    /// The docker configuration inside.
    pub content: Content,
}

/// The content of a document.
#[derive(Clone, Debug)]
pub enum Content {
    /// A docker configuration.
    Config(DockerConfig),
    /// A document that the kubelet would not use, and why. The kubelet does not log it.
    Skipped(String),
}

/// Parses a file: one Secret or several (YAML documents, JSON objects one after another, `kind: List`),
/// or a bare `config.json`. A text that begins with `{` is JSON.
///
/// # Errors
/// When the file is neither, and when a Secret of a docker type holds bad base64 or a configuration
/// that does not parse, which fails the whole pull of a pod.
pub fn parse(input: &[u8], bad_entries: BadEntries) -> Result<Vec<PullSecret>, DecodeError> {
    let is_json = input.trim_ascii_start().starts_with(b"{");
    let documents = if is_json {
        json::parse_stream(input)?
    } else {
        let documents = yaml::parse(input)?;
        documents.into_iter().map(|found| found.value).collect()
    };
    let mut secrets = Vec::new();
    for document in &documents {
        if is_json && documents.len() == 1 && is_bare_config(document) {
            let config = docker_config::parse(input, Format::ConfigJson, bad_entries)?;
            secrets.push(PullSecret {
                namespace: String::new(),
                name: String::new(),
                uid: String::new(),
                content: Content::Config(config),
            });
        } else {
            collect(document, bad_entries, &mut secrets)?;
        }
    }
    Ok(secrets)
}

/// Writes a Secret of type `kubernetes.io/dockerconfigjson` as YAML.
#[must_use]
pub fn render_yaml(
    name: &str,
    namespace: Option<&str>,
    config_json: &SecretString,
) -> SecretString {
    // A JSON string is a YAML string too.
    let namespace = namespace.map_or_else(String::new, |namespace| {
        format!("\n  namespace: {}", json::string(namespace))
    });
    let (name, data) = (
        json::string(name),
        STANDARD.encode(config_json.expose_secret()),
    );
    let text = format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}{namespace}\n\
         type: {}\ndata:\n  {}: {data}\n",
        Format::ConfigJson.secret_type(),
        Format::ConfigJson.secret_key()
    );
    text.into()
}

/// Whether this is an object that docker wrote, rather than a Kubernetes object.
fn is_bare_config(document: &Value) -> bool {
    let Value::Object(members) = document else {
        return false;
    };
    let has = |name: &str| members.iter().any(|(key, _)| folds_to(key, name));
    !has("kind")
        && (members.is_empty()
            || ["auths", "credsStore", "credHelpers", "HttpHeaders"]
                .into_iter()
                .any(has))
}

fn collect(
    document: &Value,
    bad_entries: BadEntries,
    secrets: &mut Vec<PullSecret>,
) -> Result<(), DecodeError> {
    let text = |value: &Value, name| {
        let text = value.member(name).and_then(Value::plain_text);
        text.unwrap_or_default().to_owned()
    };
    let (kind, api_version) = (text(document, "kind"), text(document, "apiVersion"));
    if kind.is_empty() {
        return Err(DecodeError::new(
            "expected a Secret manifest, or a docker config.json with `auths`",
        ));
    }
    if let ("List" | "SecretList", Some(Value::Array(items))) = (&*kind, document.member("items")) {
        return items
            .iter()
            .try_for_each(|item| collect(item, bad_entries, secrets));
    }
    let metadata = document.member("metadata").unwrap_or(&Value::Null);
    let (namespace, name) = (text(metadata, "namespace"), text(metadata, "name"));
    let content = if kind == "Secret" && api_version == "v1" {
        content(document, bad_entries).map_err(|error| error.inside(format!("secret {name:?}")))?
    } else {
        Content::Skipped(format!("{kind} of {api_version:?} is not a Secret"))
    };
    secrets.push(PullSecret {
        namespace,
        name,
        uid: text(metadata, "uid"),
        content,
    });
    Ok(())
}

/// The configuration of a Secret whose key fits its type.
fn content(secret: &Value, bad_entries: BadEntries) -> Result<Content, DecodeError> {
    let kind = secret.member("type").and_then(Value::plain_text);
    let kind = kind.unwrap_or("Opaque");
    let Some(format) = Format::of_secret_type(kind) else {
        return Ok(Content::Skipped(format!(
            "type {kind:?} is not a pull secret's: expected {} or {}",
            Format::ConfigJson.secret_type(),
            Format::Dockercfg.secret_type()
        )));
    };
    let key = format.secret_key();
    let bytes = match data(secret, key)? {
        None => return Ok(Content::Skipped(without_key(secret, format))),
        Some(bytes) if bytes.expose_secret().is_empty() => {
            return Ok(Content::Skipped(format!("its key {key} is empty")));
        }
        Some(bytes) => bytes,
    };
    docker_config::parse(bytes.expose_secret(), format, bad_entries).map(Content::Config)
}

/// Why a Secret without the key of its type is not used, and whether it has the other type's.
fn without_key(secret: &Value, format: Format) -> String {
    let other = match format {
        Format::ConfigJson => Format::Dockercfg,
        Format::Dockercfg => Format::ConfigJson,
    };
    let (key, other_key) = (format.secret_key(), other.secret_key());
    if matches!(data(secret, other_key), Ok(None)) {
        format!("it has no key {key}")
    } else {
        let other = other.secret_type();
        format!("it has no key {key}; with its key {other_key} the type is {other}")
    }
}

/// The value of a key; `stringData` overrides `data`, as in the API server.
fn data(secret: &Value, key: &str) -> Result<Option<SecretSlice<u8>>, DecodeError> {
    let member = |map| secret.member(map).and_then(|map| map.member(key));
    if let Some(value) = member("stringData") {
        let text = value.text_of(&format!("stringData[{key}]"), "a string")?;
        let bytes = text.unwrap_or_default().as_bytes().to_vec();
        return Ok(Some(bytes.into()));
    }
    let Some(value) = member("data") else {
        return Ok(None);
    };
    let place = format!("data[{key}]");
    let text = value.text_of(&place, "base64")?.unwrap_or_default();
    let is_plain = text.trim_start().starts_with('{');
    let bytes = decode_base64(text, true)
        .map_err(|error| error.advise(is_plain.then_some(PLAIN_DATA)).inside(place))?;
    Ok(Some(bytes.into()))
}

const PLAIN_DATA: &str = "data is base64, and this is not encoded: put plain text under stringData";

/// Whether the API server accepts this as a Secret's name: a DNS subdomain name.
#[must_use]
pub fn is_object_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

/// Whether the API server accepts this as a namespace's name: a DNS label.
#[must_use]
pub fn is_namespace_name(text: &str) -> bool {
    text.len() <= 63 && is_label(text)
}

/// RFC 1123, in lower case, of any length.
fn is_label(text: &str) -> bool {
    let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends = [text.bytes().next(), text.bytes().last()];
    ends.into_iter().all(|end| end.is_some_and(legal))
        && text.bytes().all(|b| legal(b) || b == b'-')
}

#[cfg(test)]
mod tests;
