//! When a request is sent again and after which pause (RFC 9110 section 10.2.3, `Retry-After`).

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode, header};

use crate::random_word;

/// How often a request is sent and how the pauses between grow. A pause is random between zero and
/// a ceiling that doubles from `base` to `cap` (full jitter), so that many processes started
/// together drift apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often the request is sent at most, the first time included. At least 1.
    pub attempts: u32,
    /// Ceiling of the first pause.
    pub base: Duration,
    /// Ceiling of every pause.
    pub cap: Duration,
}

impl Retry {
    /// The request is sent once.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            attempts: 1,
            base: Duration::ZERO,
            cap: Duration::ZERO,
        }
    }

    /// For requests that may safely be repeated: four times in all, pauses up to half a second,
    /// one and two seconds.
    #[must_use]
    pub const fn gentle() -> Self {
        Self {
            attempts: 4,
            base: Duration::from_millis(500),
            cap: Duration::from_secs(30),
        }
    }

    /// The pause after attempt number `attempt` (1 is the first): random, up to the ceiling.
    #[must_use]
    pub fn pause(&self, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(16);
        let ceiling = self.base.saturating_mul(1 << doublings).min(self.cap);
        jitter(ceiling)
    }
}

/// Whether a retry may turn this status into another.
#[must_use]
pub fn is_passing_status(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// The pause that a response requests by `Retry-After`: seconds, or an HTTP date (a past one means
/// no pause). `None` when the header is missing or has neither form.
#[must_use]
pub(crate) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some(
        (date.with_timezone(&Utc) - now)
            .to_std()
            .unwrap_or(Duration::ZERO),
    )
}

/// A random duration between zero and the ceiling.
pub(crate) fn jitter(ceiling: Duration) -> Duration {
    #[expect(clippy::cast_precision_loss, reason = "a pause needs no precision")]
    let share = random_word() as f64 / u64::MAX as f64;
    ceiling.mul_f64(share.clamp(0.0, 1.0))
}

/// A longer pause than this is not waited out: the response goes back to the caller.
pub(crate) const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, value.parse().expect("value"));
        let now = DateTime::parse_from_rfc3339("1994-11-06T08:49:07Z").expect("date");
        retry_after(&headers, now.with_timezone(&Utc))
    }

    #[test]
    fn both_forms_of_retry_after_are_read() {
        assert_eq!(asked("7"), Some(Duration::from_secs(7)));
        assert_eq!(
            asked("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(Duration::from_secs(30))
        );
        assert_eq!(asked("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(asked("soon"), None);
        assert_eq!(asked("-1"), None);
        assert_eq!(
            asked("99999999999999999999999"),
            Some(Duration::from_secs(u64::MAX))
        );
    }

    #[test]
    fn pauses_stay_below_a_ceiling_that_doubles_up_to_the_cap() {
        let retry = Retry {
            attempts: 9,
            base: Duration::from_millis(100),
            cap: Duration::from_millis(350),
        };
        for (attempt, ceiling) in [(1, 100), (2, 200), (3, 350), (60, 350)] {
            for _ in 0..50 {
                assert!(retry.pause(attempt) <= Duration::from_millis(ceiling));
            }
        }
        let drawn: std::collections::BTreeSet<_> = (0..50).map(|_| retry.pause(3)).collect();
        assert!(drawn.len() > 10, "pauses are random");
    }
}
