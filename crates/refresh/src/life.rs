//! When a login was issued, when it expires, and when it is due: at half of its lifetime, a little early.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// From when to when a login is valid. Kept in an annotation of Secrets under these names.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Life {
    /// When it was issued, to the second.
    #[serde(rename = "refreshedAt")]
    pub(crate) issued: DateTime<Utc>,
    /// When it expires; `None` if unknown.
    #[serde(rename = "expiresAt", default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<DateTime<Utc>>,
}

/// The times of several sources' logins, by the sources' indices in the plan.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lives(pub(crate) Vec<(usize, Life)>);

impl Lives {
    pub(crate) fn of(&self, source: usize) -> Option<Life> {
        let mut all = self.0.iter();
        all.find(|(known, _)| *known == source)
            .map(|(_, life)| *life)
    }

    /// Whether it is known when the source's login expires.
    pub(crate) fn is_known(&self, source: usize) -> bool {
        self.of(source).is_some_and(|life| life.expires.is_some())
    }

    /// When the first login expires.
    pub(crate) fn expires(&self) -> Option<DateTime<Utc>> {
        self.0.iter().filter_map(|(_, life)| life.expires).min()
    }
}

impl Life {
    /// A life from now on. Fractions of a second are dropped: times are kept in annotations.
    pub(crate) fn from(now: DateTime<Utc>, expires: Option<DateTime<Utc>>) -> Self {
        Self {
            issued: whole_second(now),
            expires: expires.map(whole_second),
        }
    }

    /// When it should be renewed. A token that has already expired, or that lives for weeks, comes
    /// from a wrong clock: neither makes a hot loop or a sleep for ever.
    ///
    /// `early` is how much before half of its lifetime, as a part of the lifetime: 0 to 0.1. Refreshers
    /// that were started together should not call together for ever. `max_age` is the latest age.
    pub(crate) fn due(&self, early: f64, max_age: Option<Duration>) -> DateTime<Utc> {
        let length = match self.expires {
            Some(expires) => (expires - self.issued).min(LONGEST),
            None => UNKNOWN,
        };
        let seconds = length.num_seconds().max(0);
        #[expect(clippy::cast_precision_loss, reason = "a day in seconds is small")]
        let half = (seconds as f64) * (0.5 - early.clamp(0.0, 0.1));
        let mut age = TimeDelta::milliseconds((half * 1000.0).round() as i64);
        if let Some(most) = max_age {
            age = age.min(delta(most));
        }
        self.issued + age.max(SHORTEST)
    }

    /// Whether it has expired.
    pub(crate) fn has_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// A length of time in the units of wall-clock times; what is too long for them counts as a year.
pub(crate) fn delta(length: Duration) -> TimeDelta {
    TimeDelta::from_std(length).unwrap_or(TimeDelta::days(365))
}

/// A time as annotations, reports and the status page show it.
pub(crate) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn whole_second(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(time.timestamp(), 0).unwrap_or(time)
}

const LONGEST: TimeDelta = TimeDelta::hours(24);
const SHORTEST: TimeDelta = TimeDelta::seconds(60);
/// For logins without an expiry: keys, robot accounts, tokens of unknown lifetime.
const UNKNOWN: TimeDelta = TimeDelta::hours(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn due_after(seconds: Option<i64>, early: f64, max_age: Option<u64>) -> i64 {
        let issued = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        let life = Life::from(issued, seconds.map(|s| issued + TimeDelta::seconds(s)));
        let max_age = max_age.map(Duration::from_secs);
        (life.due(early, max_age) - issued).num_seconds()
    }

    #[test]
    fn half_of_the_life_a_little_early() {
        assert_eq!(due_after(Some(12 * 3600), 0.0, None), 6 * 3600);
        assert_eq!(due_after(Some(3600), 0.1, None), 1440);
        assert_eq!(due_after(Some(12 * 3600), 0.0, Some(3600)), 3600);
        assert_eq!(due_after(None, 0.0, None), 1800);
    }

    #[test]
    fn absurd_lives_make_neither_a_hot_loop_nor_a_sleep_for_ever() {
        assert_eq!(due_after(Some(-300_000_000), 0.0, None), 60);
        assert_eq!(due_after(Some(0), 0.1, None), 60);
        assert_eq!(due_after(Some(400 * 86_400), 0.0, None), 12 * 3600);
    }
}
