//! Verification of OCI request signatures, version 1, on what came over the wire.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::server::{Reply, Seen};

/// Who signed, and the signature itself.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) key_id: String,
    pub(super) signature: String,
    /// Names of the signed headers.
    pub(super) headers: Vec<String>,
}

/// Checks everything that can be checked before the key is known.
pub(super) fn read(request: &Seen, needed: &[&str], now: DateTime<Utc>) -> Result<Signed, String> {
    let header = request
        .header("authorization")
        .ok_or("no Authorization header")?;
    let parameters = header.strip_prefix("Signature ").ok_or("another scheme")?;
    let mut found = BTreeMap::new();
    for part in parameters.split(',') {
        let (name, value) = part
            .trim()
            .split_once('=')
            .ok_or("a parameter without value")?;
        let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
        let value = value.ok_or("a parameter without quotes")?;
        if found.insert(name, value).is_some() {
            return Err(format!("{name} twice"));
        }
    }
    let get = |name: &str| found.get(name).copied().ok_or(format!("no {name}"));
    if get("version")? != "1" || get("algorithm")? != "rsa-sha256" {
        return Err("another version or algorithm".to_owned());
    }
    let headers: Vec<String> = get("headers")?.split(' ').map(str::to_owned).collect();
    for name in needed {
        if !headers.iter().any(|signed| signed == name) {
            return Err(format!("{name} is not signed"));
        }
    }
    let date = request.header("date").ok_or("no date")?;
    let date = DateTime::parse_from_rfc2822(date).map_err(|_| "an unreadable date")?;
    if (now - date.to_utc()).abs() > TimeDelta::minutes(5) {
        return Err("the date is more than five minutes off".to_owned());
    }
    if needed.contains(&"x-content-sha256") {
        let hash = STANDARD.encode(Sha256::digest(&request.body));
        if request.header("x-content-sha256") != Some(&hash) {
            return Err("the body is another one than was signed".to_owned());
        }
        let length = request.body.len().to_string();
        if request.header("content-length") != Some(&length) {
            return Err("the length is another one than was signed".to_owned());
        }
    }
    Ok(Signed {
        key_id: get("keyId")?.to_owned(),
        signature: get("signature")?.to_owned(),
        headers,
    })
}

/// Checks the signature with a public key in PKCS#1 form.
pub(super) fn verify(request: &Seen, signed: &Signed, public_key: &[u8]) -> Result<(), String> {
    let mut lines = Vec::new();
    for name in &signed.headers {
        let value = match name.as_str() {
            "(request-target)" => {
                let method = request.method.as_str().to_ascii_lowercase();
                match request.query.as_str() {
                    "" => format!("{method} {}", request.path),
                    query => format!("{method} {}?{query}", request.path),
                }
            }
            name => request
                .header(name)
                .ok_or(format!("{name} was not sent"))?
                .to_owned(),
        };
        lines.push(format!("{name}: {value}"));
    }
    let signature = STANDARD
        .decode(&signed.signature)
        .map_err(|_| "no base64")?;
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key)
        .verify(lines.join("\n").as_bytes(), &signature)
        .map_err(|_| "the signature does not verify".to_owned())
}

/// Oracle's answer to a request that was not authenticated. Oracle does not say why; tests like to
/// know.
pub(super) fn refuse(why: &str) -> Reply {
    let body = json!({"code": "NotAuthenticated", "message": format!("not authenticated: {why}")});
    Reply::json(401, &body).header("opc-request-id", "FAKE0123/4567")
}

/// What is signed of a request without a body.
pub(super) const OF_GET: &[&str] = &["date", "(request-target)", "host"];
/// What is signed of one with a body.
pub(super) const OF_POST: &[&str] = &[
    "date",
    "(request-target)",
    "host",
    "content-length",
    "content-type",
    "x-content-sha256",
];
/// Of the federation call, where the SDKs leave the host out.
pub(super) const OF_FEDERATION: &[&str] = &[
    "date",
    "(request-target)",
    "content-length",
    "content-type",
    "x-content-sha256",
];
