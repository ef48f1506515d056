//! Short forms of this provider's errors, and what an answer's head says about them.

use chrono::{DateTime, TimeDelta, Utc};
use regcred_core::{ErrorKind, ProviderError};
use regcred_http::{HeaderMap, HttpError, Response, header, random_word};

use crate::NAME;

/// An error of this provider.
pub(crate) fn failure(kind: ErrorKind, message: impl Into<String>) -> ProviderError {
    ProviderError::new(NAME, kind, message)
}

/// A wrong or missing option, variable or file.
pub(crate) fn misconfigured(message: impl Into<String>) -> ProviderError {
    failure(ErrorKind::NotConfigured, message)
}

/// An answer that does not have the documented form.
pub(crate) fn malformed(message: impl Into<String>) -> ProviderError {
    failure(ErrorKind::Malformed, message)
}

/// A failed call: the sentence says which, the cause says the status and the API's own code.
pub(crate) fn call_failed(message: impl Into<String>, cause: HttpError) -> ProviderError {
    failure(cause.kind(), message).with_source(cause)
}

/// An answer with another status than was hoped for: what was refused, a clock that is off, and
/// the number under which Oracle finds the request.
pub(crate) async fn refused(
    message: impl Into<String>,
    response: Response,
    now: DateTime<Utc>,
) -> ProviderError {
    let mut message = message.into();
    if response.status().as_u16() == 401
        && let Some(skew) = skew(response.headers(), now)
    {
        message.push_str(&skew);
    }
    if let Some(id) = request_id(response.headers()) {
        message.push_str(&format!(" (opc-request-id {id})"));
    }
    call_failed(message, response.into_error("request").await)
}

/// A fresh `opc-request-id`: an answer repeats it.
pub(crate) fn new_request_id() -> String {
    let part = || format!("{:016x}{:016x}", random_word(), random_word());
    format!("{}/{}/{}", part(), part(), part())
}

/// A clock that differs by more than what signatures are allowed.
fn skew(headers: &HeaderMap, now: DateTime<Utc>) -> Option<String> {
    let date = headers.get(header::DATE)?.to_str().ok()?;
    let theirs = DateTime::parse_from_rfc2822(date).ok()?.to_utc();
    let ahead = now - theirs;
    (ahead.abs() > ALLOWED_SKEW).then(|| {
        let direction = match ahead > TimeDelta::zero() {
            true => "ahead of",
            false => "behind",
        };
        let minutes = ahead.num_minutes().abs();
        format!("; this machine's clock is {minutes} min {direction} the server's: correct it")
    })
}

fn request_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get("opc-request-id")?.to_str().ok()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-');
    (id.len() <= 120 && id.bytes().all(plain)).then_some(id)
}

/// A little less than the five minutes that Oracle allows.
const ALLOWED_SKEW: TimeDelta = TimeDelta::seconds(270);

#[cfg(test)]
mod tests {
    use super::*;

    fn said(date: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::DATE, date.parse().expect("value"));
        let now = DateTime::parse_from_rfc3339("2026-08-05T09:08:07Z").expect("date");
        skew(&headers, now.to_utc())
    }

    #[test]
    fn only_a_clock_that_matters_is_spoken_of() {
        assert_eq!(said("Wed, 05 Aug 2026 09:04:07 GMT"), None);
        assert_eq!(said("yesterday"), None);
        let ahead = said("Wed, 05 Aug 2026 09:00:07 GMT").expect("eight minutes");
        assert!(ahead.contains("8 min ahead of"), "{ahead}");
        let behind = said("Wed, 05 Aug 2026 11:08:07 GMT").expect("two hours");
        assert!(behind.contains("120 min behind"), "{behind}");
    }

    #[test]
    fn request_ids_are_shown_only_in_their_own_form() {
        let mut headers = HeaderMap::new();
        assert_eq!(request_id(&headers), None);
        headers.insert("opc-request-id", "A1/b-2".parse().expect("value"));
        assert_eq!(request_id(&headers), Some("A1/b-2"));
        headers.insert("opc-request-id", "a b".parse().expect("value"));
        assert_eq!(request_id(&headers), None);
        assert_eq!(new_request_id().len(), 98);
    }
}
