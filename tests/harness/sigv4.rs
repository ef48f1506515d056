//! AWS Signature Version 4, the checking side, written from the AWS reference page "Create a
//! signed AWS API request" and not from any SDK, so that an error there shows here.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use ring::hmac;
use sha2::{Digest as _, Sha256};

use crate::server::Seen;

/// An access key that the checker knows.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// Access key id.
    pub id: String,
    /// Secret key.
    pub secret: String,
    /// The session token that must come along; `None` for a long-lived key, with which none may.
    pub session: Option<String>,
}

/// What a sound signature says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Who signed.
    pub key_id: String,
    /// Region of the scope.
    pub region: String,
    /// Service of the scope.
    pub service: String,
}

/// Why a signature was refused: the AWS error code and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// `__type` of the answer.
    pub code: &'static str,
    /// `message` of the answer.
    pub message: String,
}

/// Checks the request's signature: every header that AWS demands is signed, the time is within
/// five minutes, the session token is the key's, and the signature is right.
///
/// # Errors
/// What AWS would answer.
pub fn verify(request: &Seen, keys: &[AccessKey], now: DateTime<Utc>) -> Result<Signed, Refused> {
    let text = request.header("authorization").ok_or_else(|| {
        refused(
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        )
    })?;
    let fields = Fields::parse(text).ok_or_else(|| {
        refused(
            "IncompleteSignatureException",
            "Authorization is not complete",
        )
    })?;
    let [key_id, day, region, service, "aws4_request"] = fields.scope[..] else {
        return Err(refused(
            "IncompleteSignatureException",
            "the scope has not five parts",
        ));
    };
    let key = keys.iter().find(|k| k.id == key_id).ok_or_else(|| {
        let message = "The security token included in the request is invalid.";
        refused("UnrecognizedClientException", message)
    })?;
    if request.header("x-amz-security-token") != key.session.as_deref() {
        let message = "The security token included in the request is invalid";
        return Err(refused("UnrecognizedClientException", message));
    }
    let date = request.header("x-amz-date").unwrap_or_default();
    check_time(date, day, now)?;
    check_signed_headers(request, &fields.signed_headers)?;

    let canonical = canonical_request(request, &fields.signed_headers);
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{date}\n{scope}\n{}",
        hex_sha256(&canonical)
    );
    let mut signing = format!("AWS4{}", key.secret).into_bytes();
    for part in [day, region, service, "aws4_request", &to_sign] {
        let step = hmac::Key::new(hmac::HMAC_SHA256, &signing);
        signing = hmac::sign(&step, part.as_bytes()).as_ref().to_vec();
    }
    if hex(&signing) != fields.signature {
        let message = "The request signature we calculated does not match the signature you \
                       provided.";
        return Err(refused("InvalidSignatureException", message));
    }
    Ok(Signed {
        key_id: key.id.clone(),
        region: region.to_owned(),
        service: service.to_owned(),
    })
}

/// The parts of `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
struct Fields<'a> {
    scope: Vec<&'a str>,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

impl<'a> Fields<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix("AWS4-HMAC-SHA256 ")?;
        let field = |name: &str| {
            rest.split(',')
                .filter_map(|part| part.trim().split_once('='))
                .find_map(|(key, value)| (key == name).then_some(value))
        };
        Some(Self {
            scope: field("Credential")?.split('/').collect(),
            signed_headers: field("SignedHeaders")?.split(';').collect(),
            signature: field("Signature")?,
        })
    }
}

fn check_time(date: &str, day: &str, now: DateTime<Utc>) -> Result<(), Refused> {
    let signed_at = NaiveDateTime::parse_from_str(date, "%Y%m%dT%H%M%SZ")
        .map_err(|_| {
            refused(
                "IncompleteSignatureException",
                "X-Amz-Date is missing or odd",
            )
        })?
        .and_utc();
    if !date.starts_with(day) {
        let message = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version";
        return Err(refused("InvalidSignatureException", message));
    }
    if (now - signed_at).abs() > TimeDelta::minutes(5) {
        let message = format!("Signature expired or not yet current: {date}");
        return Err(refused("InvalidSignatureException", &message));
    }
    Ok(())
}

/// `host` and every `x-amz-*` header of the request must be among the signed ones, in order.
fn check_signed_headers(request: &Seen, signed: &[&str]) -> Result<(), Refused> {
    let must = |name: &str| name == "host" || name == "content-type" || name.starts_with("x-amz-");
    let missing = request
        .headers
        .keys()
        .map(http::HeaderName::as_str)
        .find(|name| must(name) && !signed.contains(name));
    if let Some(name) = missing {
        let message = format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.");
        return Err(refused("InvalidSignatureException", &message));
    }
    if !signed.is_sorted() || !signed.contains(&"host") {
        return Err(refused(
            "IncompleteSignatureException",
            "SignedHeaders is not in order",
        ));
    }
    Ok(())
}

fn canonical_request(request: &Seen, signed: &[&str]) -> String {
    let mut query: Vec<&str> = request.query.split('&').filter(|p| !p.is_empty()).collect();
    query.sort_unstable();
    let headers: String = signed
        .iter()
        .map(|name| {
            let values: Vec<String> = request
                .headers
                .get_all(*name)
                .iter()
                .map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned())
                .map(|v| v.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect();
            format!("{name}:{}\n", values.join(","))
        })
        .collect();
    format!(
        "{}\n{}\n{}\n{headers}\n{}\n{}",
        request.method,
        request.path,
        query.join("&"),
        signed.join(";"),
        hex(&Sha256::digest(&request.body))
    )
}

fn hex_sha256(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn refused(code: &'static str, message: &str) -> Refused {
    Refused {
        code,
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests;
