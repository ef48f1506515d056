//! OCI request signatures, version 1: draft-cavage-http-signatures-08 with RSA-SHA256.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use regcred_http::{Request, Url, host_and_port};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::key::PrivateKey;

/// A name for Oracle and the key that signs.
#[derive(Debug)]
pub(crate) struct Signer {
    /// May hold a whole security token.
    key_id: SecretString,
    key: PrivateKey,
    /// A user's token by which an instance acts on their behalf.
    delegation: Option<SecretString>,
}

impl Signer {
    /// A signer with a key id that the caller knows: an API key, a certificate, a resource.
    pub(crate) fn named(key_id: impl Into<SecretString>, key: PrivateKey) -> Self {
        Self {
            key_id: key_id.into(),
            key,
            delegation: None,
        }
    }

    /// A signer by a security token, whose issuer knows the key. Some issuers write the prefix
    /// `ST$` themselves.
    pub(crate) fn by_token(token: &SecretString, key: PrivateKey) -> Self {
        let token = token.expose_secret().trim();
        let token = token.strip_prefix(TOKEN_PREFIX).unwrap_or(token);
        Self::named(format!("{TOKEN_PREFIX}{token}"), key)
    }

    /// The same, on behalf of the user of a delegation token.
    pub(crate) fn on_behalf_of(mut self, token: SecretString) -> Self {
        self.delegation = Some(token);
        self
    }

    /// The key, for a request that carries its public half.
    pub(crate) fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// The key, for another signer.
    pub(crate) fn into_key(self) -> PrivateKey {
        self.key
    }

    /// A signed GET request.
    pub(crate) fn get(&self, url: &Url, now: DateTime<Utc>) -> Request {
        let date = http_date(now);
        let authorization = self.authorization(&self.get_lines(url, &date));
        let mut request = Request::get(url.as_str()).header("Date", &date);
        if let Some(token) = &self.delegation {
            request = request.secret_header(DELEGATION, token);
        }
        request.secret_header("Authorization", &authorization)
    }

    /// A signed POST request with a JSON body.
    pub(crate) fn post(&self, url: &Url, body: &Value, now: DateTime<Utc>) -> Request {
        self.post_with(url, body, now, true)
    }

    /// The same for the federation endpoint, to which Oracle's SDKs do not sign the host.
    pub(crate) fn post_without_host(&self, url: &Url, body: &Value, now: DateTime<Utc>) -> Request {
        self.post_with(url, body, now, false)
    }

    fn post_with(&self, url: &Url, body: &Value, now: DateTime<Utc>, with_host: bool) -> Request {
        let date = http_date(now);
        let body = body.to_string();
        let lines = Self::post_lines(url, &body, &date, with_host);
        Request::post(url.as_str())
            .header("Date", &date)
            .header("Content-Type", JSON)
            .header("X-Content-SHA256", &body_hash(&body))
            .secret_header("Authorization", &self.authorization(&lines))
            .body(body)
            .secret_body()
    }

    fn get_lines(&self, url: &Url, date: &str) -> Lines {
        let mut lines = vec![
            ("date", date.to_owned()),
            ("(request-target)", target("get", url)),
            ("host", host_and_port(url)),
        ];
        if let Some(token) = &self.delegation {
            lines.push((DELEGATION, token.expose_secret().to_owned()));
        }
        lines
    }

    fn post_lines(url: &Url, body: &str, date: &str, with_host: bool) -> Lines {
        let mut lines = vec![
            ("date", date.to_owned()),
            ("(request-target)", target("post", url)),
        ];
        if with_host {
            lines.push(("host", host_and_port(url)));
        }
        lines.extend([
            ("content-length", body.len().to_string()),
            ("content-type", JSON.to_owned()),
            ("x-content-sha256", body_hash(body)),
        ]);
        lines
    }

    fn authorization(&self, lines: &[(&'static str, String)]) -> SecretString {
        let names: Vec<&str> = lines.iter().map(|(name, _)| *name).collect();
        let signature = self.key.sign(signing_string(lines).as_bytes());
        format!(
            "Signature version=\"1\",headers=\"{}\",keyId=\"{}\",algorithm=\"rsa-sha256\",\
             signature=\"{signature}\"",
            names.join(" "),
            self.key_id.expose_secret()
        )
        .into()
    }
}

/// Names and values of the signed headers, in order.
type Lines = Vec<(&'static str, String)>;

/// One line for each header, without a line end after the last.
fn signing_string(lines: &[(&'static str, String)]) -> String {
    let lines: Vec<String> = lines
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    lines.join("\n")
}

/// Path and query exactly as they are sent.
fn target(method: &str, url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{method} {}?{query}", url.path()),
        None => format!("{method} {}", url.path()),
    }
}

/// IMF-fixdate (RFC 9110 section 5.6.7).
fn http_date(now: DateTime<Utc>) -> String {
    now.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// SHA-256 in base64.
fn body_hash(body: &str) -> String {
    STANDARD.encode(Sha256::digest(body.as_bytes()))
}

const TOKEN_PREFIX: &str = "ST$";
const DELEGATION: &str = "opc-obo-token";
const JSON: &str = "application/json";

#[cfg(test)]
mod tests;
