//! What the head of a refusal adds to its message.

use chrono::{DateTime, TimeDelta, Utc};
use regcred_cloud::TokenCall;
use regcred_core::ProviderError;
use regcred_http::{HeaderMap, Response, StatusCode, header};

/// The error for a response with another status than 200: the id under which Oracle finds the request,
/// and what to do; a clock that is off is corrected first.
pub(crate) async fn refused(
    asked: &TokenCall,
    advice: Option<String>,
    response: Response,
    now: DateTime<Utc>,
) -> ProviderError {
    let is_unknown = response.status() == StatusCode::UNAUTHORIZED;
    let skew = skew(response.headers(), now).filter(|_| is_unknown);
    let id = request_id(response.headers()).map(|id| format!(" (opc-request-id {id})"));
    let what = format!("token request{}", id.unwrap_or_default());
    let failed = asked.failed(response.into_error(&what).await);
    failed.with_next_step(skew.or(advice))
}

/// A clock that differs by more than what signatures are allowed.
fn skew(headers: &HeaderMap, now: DateTime<Utc>) -> Option<String> {
    let date = headers.get(header::DATE)?.to_str().ok()?;
    let theirs = DateTime::parse_from_rfc2822(date).ok()?.to_utc();
    let ahead = now - theirs;
    (ahead.abs() > ALLOWED_SKEW).then(|| {
        let direction = if ahead > TimeDelta::zero() {
            "ahead of"
        } else {
            "behind"
        };
        let minutes = ahead.num_minutes().abs();
        format!("this machine's clock is {minutes} min {direction} the server's: correct it")
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

    fn message(date: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::DATE, date.parse().expect("value"));
        let now = DateTime::parse_from_rfc3339("2026-08-05T09:08:07Z").expect("date");
        skew(&headers, now.to_utc())
    }

    #[test]
    fn only_a_clock_that_matters_is_reported() {
        assert_eq!(message("Wed, 05 Aug 2026 09:04:07 GMT"), None);
        assert_eq!(message("yesterday"), None);
        let ahead = message("Wed, 05 Aug 2026 09:00:07 GMT").expect("eight minutes");
        assert!(ahead.contains("8 min ahead of"), "{ahead}");
        let behind = message("Wed, 05 Aug 2026 11:08:07 GMT").expect("two hours");
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
    }
}
