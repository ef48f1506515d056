//! Keys as JSON: what a container's agent and a `credential_process` return.

use std::collections::BTreeMap;

use aws_credential_types::Credentials;
use serde_json::{Map, Value};

/// A JSON object with names in lower case: the SDKs compare them so.
pub(super) struct KeyDocument(BTreeMap<String, Value>);

impl KeyDocument {
    /// `None` for anything but a JSON object.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let object: Map<String, Value> = serde_json::from_slice(body).ok()?;
        let lower = |(name, value): (String, _)| (name.to_ascii_lowercase(), value);
        Some(Self(object.into_iter().map(lower).collect()))
    }

    /// Whether it has the version of a `credential_process`.
    pub(super) fn is_version_1(&self) -> bool {
        self.0.get("version").is_some_and(|version| *version == 1)
    }

    /// The keys; the error completes the sentence `the response ...`.
    pub(super) fn keys(&self, provider: &'static str) -> Result<Credentials, &'static str> {
        let text = |name| self.0.get(name)?.as_str();
        let key = text("accesskeyid").ok_or("has no AccessKeyId")?;
        let secret = text("secretaccesskey").ok_or("has no SecretAccessKey")?;
        let session = text("token").or_else(|| text("sessiontoken"));
        let session = session.map(str::to_owned);
        Ok(Credentials::new(key, secret, session, None, provider))
    }
}
