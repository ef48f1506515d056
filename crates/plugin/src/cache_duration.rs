//! How long the kubelet may keep an answer: `cacheDuration` from the real expiry of a credential.

use std::time::Duration;

use chrono::{DateTime, Utc};
use regcred_core::Issued;

/// How long an answer may be kept from now on, rounded to whole seconds as upstream's plugins do.
///
/// | credential | kept |
/// |---|---|
/// | more than an hour left | half of what is left, at most 12 hours |
/// | less | what is left, less the larger of five minutes and a tenth |
/// | expiry unknown, or passed | not at all |
///
/// A provider's own rule ([`Issued::cache_for`]) replaces this, never past the expiry. An answer
/// without credentials cannot become stale and is kept until it expires.
pub(crate) fn cache_duration(issued: &Issued, now: DateTime<Utc>) -> Duration {
    let left = issued
        .expires_at
        .map(|end| (end - now).to_std().unwrap_or_default());
    let kept = match (issued.cache_for, left) {
        (Some(rule), None) => rule,
        (Some(rule), Some(left)) => rule.min(left),
        (None, None) => Duration::ZERO,
        (None, Some(left)) if issued.auth.is_empty() => left.min(LONGEST),
        (None, Some(left)) if left > HOUR => (left / 2).min(LONGEST),
        (None, Some(left)) => left.saturating_sub(MARGIN.max(left / 10)),
    };
    let rounded = kept.as_secs() + u64::from(kept.subsec_millis() >= 500);
    let end = left.map_or(u64::MAX, |left| left.as_secs());
    Duration::from_secs(rounded.min(end))
}

const HOUR: Duration = Duration::from_secs(3600);
const MARGIN: Duration = Duration::from_secs(300);
/// No cloud's token lives for more than a day; more than half of that comes from a wrong clock.
const LONGEST: Duration = Duration::from_secs(12 * 3600);

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use regcred_core::{CacheScope, Credentials};

    use super::*;

    fn kept(left: Option<i64>, rule: Option<u64>, logins: usize) -> u64 {
        let now = DateTime::UNIX_EPOCH;
        let login = ("h.io".to_owned(), Credentials::new("u", "p"));
        let issued = Issued {
            auth: vec![login; logins],
            scope: CacheScope::Registry,
            expires_at: left.map(|ms| now + TimeDelta::milliseconds(ms)),
            cache_for: rule.map(Duration::from_secs),
        };
        cache_duration(&issued, now).as_secs()
    }

    #[test]
    fn the_remaining_life_decides() {
        for (left, seconds) in [
            (None, 0),
            (Some(-5_000), 0),
            (Some(0), 0),
            (Some(200_000), 0),
            (Some(300_000), 0),
            (Some(600_000), 300),
            (Some(600_999), 301),
            (Some(600_499), 300),
            (Some(3_600_000), 3240),
            (Some(3_602_000), 1801),
            (Some(12 * 3_600_000), 6 * 3600),
            (Some(12 * 3_600_000 - 1), 6 * 3600),
            (Some(400 * 86_400_000), 12 * 3600),
        ] {
            assert_eq!(kept(left, None, 1), seconds, "{left:?}");
        }
    }

    #[test]
    fn a_rule_of_the_provider_never_stretches_past_the_end() {
        assert_eq!(kept(Some(600_000), Some(60), 1), 60);
        assert_eq!(kept(Some(600_000), Some(6000), 1), 600);
        assert_eq!(kept(Some(600_999), Some(6000), 1), 600);
        assert_eq!(kept(Some(-1), Some(6000), 1), 0);
        assert_eq!(kept(None, Some(86_400), 1), 86_400);
        assert_eq!(kept(Some(600_000), Some(0), 1), 0);
    }

    #[test]
    fn an_answer_without_credentials_needs_no_margin() {
        assert_eq!(kept(Some(300_000), None, 0), 300);
        assert_eq!(kept(None, None, 0), 0);
    }
}
