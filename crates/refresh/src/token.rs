//! A token as it was issued, and when it is due: at half of its life, a little early.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use regcred_core::Credentials;
use regcred_docker_config::EntryLogin;

/// The logins of one source, all from the same request.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// The login for each host.
    pub(crate) logins: BTreeMap<String, Credentials>,
    /// Its times.
    pub(crate) life: Life,
}

/// A login as it is written into a docker configuration.
pub(crate) fn written(login: &Credentials) -> EntryLogin<'_> {
    EntryLogin {
        username: &login.username,
        password: &login.password,
        email: "",
    }
}

/// From when to when something is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    /// When it was issued, to the second.
    pub(crate) issued: DateTime<Utc>,
    /// When it ends; `None` when nobody knows.
    pub(crate) expires: Option<DateTime<Utc>>,
}

/// How early, and how late at most, a token is renewed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rhythm {
    /// Which part of its life a token is renewed before half of it: 0 to 0.1. Two refreshers that
    /// were started together should not call together for ever.
    pub(crate) early: f64,
    /// Renew at this age at the latest.
    pub(crate) max_age: Option<Duration>,
}

impl Life {
    /// A life from now on. Fractions of a second are dropped: times go through annotations.
    #[must_use]
    pub(crate) fn from(now: DateTime<Utc>, expires: Option<DateTime<Utc>>) -> Self {
        Self {
            issued: whole_second(now),
            expires: expires.map(whole_second),
        }
    }

    /// When it should be renewed. An answer that says it is over already, or that it lives for
    /// weeks, is a wrong clock or a strange one: neither makes a hot loop or a sleep for ever.
    #[must_use]
    pub(crate) fn due(&self, rhythm: Rhythm) -> DateTime<Utc> {
        let length = match self.expires {
            Some(expires) => (expires - self.issued).min(LONGEST),
            None => UNKNOWN,
        };
        let seconds = length.num_seconds().max(0);
        #[expect(clippy::cast_precision_loss, reason = "a day in seconds is small")]
        let half = (seconds as f64) * (0.5 - rhythm.early.clamp(0.0, 0.1));
        let mut age = TimeDelta::milliseconds((half * 1000.0).round() as i64);
        if let Some(most) = rhythm.max_age.and_then(|d| TimeDelta::from_std(d).ok()) {
            age = age.min(most);
        }
        self.issued + age.max(SHORTEST)
    }

    /// Whether it is over.
    #[must_use]
    pub(crate) fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// A pause before another attempt: random up to `base` doubled for each failure, `cap` at most, and
/// never less than a quarter of that.
#[must_use]
pub(crate) fn pause(failures: u32, base: Duration, cap: Duration) -> Duration {
    let most = base
        .saturating_mul(1 << failures.saturating_sub(1).min(16))
        .min(cap);
    most.mul_f64(0.25 + 0.75 * fraction())
}

/// A random number from 0 to 1. Not for secrets.
pub(crate) fn fraction() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 11;
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let fraction = bits as f64 / (1_u64 << 53) as f64;
    fraction
}

fn whole_second(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(time.timestamp(), 0).unwrap_or(time)
}

const LONGEST: TimeDelta = TimeDelta::hours(24);
const SHORTEST: TimeDelta = TimeDelta::seconds(60);
/// For logins that say no end: keys, robots, tokens of unknown life.
const UNKNOWN: TimeDelta = TimeDelta::hours(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn due_after(seconds: Option<i64>, early: f64, max_age: Option<u64>) -> i64 {
        let issued = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        let life = Life::from(issued, seconds.map(|s| issued + TimeDelta::seconds(s)));
        let max_age = max_age.map(Duration::from_secs);
        (life.due(Rhythm { early, max_age }) - issued).num_seconds()
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

    #[test]
    fn pauses_grow_to_the_cap_and_are_never_zero() {
        let (base, cap) = (Duration::from_secs(5), Duration::from_secs(300));
        for failures in 0..100 {
            let pause = pause(failures, base, cap);
            assert!(pause <= cap && pause >= base / 4, "{failures}: {pause:?}");
        }
        assert!(pause(100, base, cap) >= cap / 4);
    }
}
