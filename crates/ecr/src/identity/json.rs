//! Keys as JSON: what the container's agent and a `credential_process` answer.

use std::collections::BTreeMap;

use aws_credential_types::Credentials;

/// The keys in an answer; the error completes the sentence `the answer ...`.
pub(super) fn keys(body: &[u8], provider: &'static str) -> Result<Credentials, &'static str> {
    let fields = texts(body).ok_or("is no JSON object")?;
    let field = |names: &[&str]| names.iter().find_map(|n| fields.get(*n));
    let key = field(&["accesskeyid"]).ok_or("has no AccessKeyId")?;
    let secret = field(&["secretaccesskey"]).ok_or("has no SecretAccessKey")?;
    let session = field(&["token", "sessiontoken"]).cloned();
    Ok(Credentials::new(key, secret, session, None, provider))
}

/// The text members of a JSON object, names in lower case: the SDKs compare them so.
pub(super) fn texts(body: &[u8]) -> Option<BTreeMap<String, String>> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body).ok()?;
    let texts = object.into_iter().filter_map(|(name, value)| match value {
        serde_json::Value::String(text) => Some((name.to_ascii_lowercase(), text)),
        _ => None,
    });
    Some(texts.collect())
}
