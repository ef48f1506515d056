//! Keys as JSON: what a container's agent and a `credential_process` return.

use std::collections::BTreeMap;

use aws_credential_types::Credentials;
use serde_json::{Map, Value};

/// The keys of a JSON object, whose names the SDKs compare without regard to case; one of a
/// `credential_process` has a version. The error continues a sentence: the response `...`.
pub(super) fn keys(
    body: &[u8],
    version: Option<u8>,
    provider: &'static str,
) -> Result<Credentials, &'static str> {
    let object: Map<String, Value> =
        serde_json::from_slice(body).map_err(|_| "is not a JSON object")?;
    let lower = |(name, value): (String, _)| (name.to_ascii_lowercase(), value);
    let object: BTreeMap<String, Value> = object.into_iter().map(lower).collect();
    if version.is_some_and(|version| object.get("version") != Some(&version.into())) {
        return Err("does not have Version 1");
    }
    let text = |name| object.get(name)?.as_str();
    let key = text("accesskeyid").ok_or("has no AccessKeyId")?;
    let secret = text("secretaccesskey").ok_or("has no SecretAccessKey")?;
    let session = text("token").or_else(|| text("sessiontoken"));
    let session = session.map(str::to_owned);
    Ok(Credentials::new(key, secret, session, None, provider))
}
