//! A cached answer and its form on disk: one JSON object, version 1.
//!
//! This file writes passwords; the directory it goes to is the user's own.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use regcred_core::{CacheScope, Credentials, Issued};
use secrecy::ExposeSecret as _;
use secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Serialize};

use crate::dir::MAX_FILE;

/// What a provider issued, and when.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) issued_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) issued: Issued,
}

/// The state of an entry at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Less than half of its life has passed: served as it is.
    Fresh,
    /// Due for renewal, but still valid.
    Ageing,
    /// Expired or about to be.
    Spent,
}

impl Entry {
    /// An entry of an answer with an expiry; others cannot be cached.
    pub(crate) fn new(issued: &Issued, now: DateTime<Utc>) -> Option<Self> {
        Some(Self {
            issued_at: now,
            expires_at: issued.expires_at.filter(|end| *end > now)?,
            issued: issued.clone(),
        })
    }

    /// Its state. One that was written in the future, by a clock that jumped, is never fresh.
    pub(crate) fn state(&self, now: DateTime<Utc>) -> State {
        let life = self.expires_at - self.issued_at;
        let age = now - self.issued_at;
        let left = self.expires_at - now;
        if left <= MARGIN {
            State::Spent
        } else if age >= TimeDelta::zero() && age < life / 2 {
            State::Fresh
        } else {
            State::Ageing
        }
    }

    /// The file's bytes; `None` when they would be too many.
    pub(crate) fn encode(&self, provider: &str, key: &str) -> Option<Zeroizing<Vec<u8>>> {
        let text = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let auth = self.issued.auth.iter().map(|(pattern, login)| AuthOut {
            pattern,
            username: &login.username,
            password: login.password.expose_secret(),
        });
        let out = Out {
            version: VERSION,
            provider,
            key,
            issued_at: text(self.issued_at),
            expires_at: text(self.expires_at),
            scope: scope_name(self.issued.scope),
            cache_for_seconds: self.issued.cache_for.map(|d| d.as_secs()),
            auth: auth.collect(),
        };
        // Allocated in full: a buffer that grows leaves copies of passwords in memory.
        let mut bytes = Zeroizing::new(Vec::with_capacity(16 * 1024));
        serde_json::to_writer(&mut *bytes, &out).ok()?;
        (bytes.len() as u64 <= MAX_FILE).then_some(bytes)
    }

    /// Reads a file back; `None` for another version, provider or key, and for anything malformed.
    pub(crate) fn decode(bytes: &[u8], provider: &str, key: &str) -> Option<Self> {
        let (found, entry) = Self::decode_any(bytes, key)?;
        (found == provider).then_some(entry)
    }

    /// The same for an entry of any provider; returns the provider too.
    pub(crate) fn decode_any(bytes: &[u8], key: &str) -> Option<(String, Self)> {
        let stored: In = serde_json::from_slice(bytes).ok()?;
        if stored.version != VERSION || stored.key != key {
            return None;
        }
        let time = |text: &str| Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc());
        let expires_at = time(&stored.expires_at)?;
        let auth = stored.auth.into_iter().map(|auth| {
            let login = Credentials::new(auth.username, auth.password);
            (auth.pattern, login)
        });
        let entry = Self {
            issued_at: time(&stored.issued_at)?,
            expires_at,
            issued: Issued {
                auth: auth.collect(),
                scope: scope_from(&stored.scope)?,
                expires_at: Some(expires_at),
                cache_for: stored.cache_for_seconds.map(Duration::from_secs),
            },
        };
        Some((stored.provider, entry))
    }
}

#[derive(Serialize)]
struct Out<'a> {
    version: u32,
    provider: &'a str,
    key: &'a str,
    issued_at: String,
    expires_at: String,
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_for_seconds: Option<u64>,
    auth: Vec<AuthOut<'a>>,
}

#[derive(Serialize)]
struct AuthOut<'a> {
    pattern: &'a str,
    username: &'a str,
    password: &'a str,
}

#[derive(Deserialize)]
struct In {
    version: u32,
    provider: String,
    key: String,
    issued_at: String,
    expires_at: String,
    scope: String,
    cache_for_seconds: Option<u64>,
    auth: Vec<AuthIn>,
}

#[derive(Deserialize)]
struct AuthIn {
    pattern: String,
    username: String,
    password: String,
}

fn scope_name(scope: CacheScope) -> &'static str {
    match scope {
        CacheScope::Image => "image",
        CacheScope::Registry => "registry",
        CacheScope::Global => "global",
    }
}

fn scope_from(name: &str) -> Option<CacheScope> {
    [CacheScope::Image, CacheScope::Registry, CacheScope::Global]
        .into_iter()
        .find(|scope| scope_name(*scope) == name)
}

const VERSION: u32 = 1;

/// A credential with less life than this is not served: the pull that begins with it must be
/// able to log in.
const MARGIN: TimeDelta = TimeDelta::seconds(60);

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        Utc.timestamp_opt(1_700_000_000 + second, 0)
            .single()
            .expect("a time")
    }

    fn issued(life: i64) -> Issued {
        Issued {
            auth: vec![("h.io".to_owned(), Credentials::new("u", "p\"\n"))],
            scope: CacheScope::Registry,
            expires_at: Some(at(life)),
            cache_for: Some(Duration::from_secs(7)),
        }
    }

    #[test]
    fn an_entry_is_fresh_for_half_of_its_life_and_never_past_it() {
        let entry = Entry::new(&issued(3600), at(0)).expect("an entry");
        for (second, state) in [
            (-1, State::Ageing),
            (0, State::Fresh),
            (1799, State::Fresh),
            (1800, State::Ageing),
            (3539, State::Ageing),
            (3540, State::Spent),
            (3600, State::Spent),
            (9999, State::Spent),
        ] {
            assert_eq!(entry.state(at(second)), state, "{second}");
        }
    }

    #[test]
    fn an_answer_without_a_future_end_makes_no_entry() {
        assert!(Entry::new(&issued(0), at(0)).is_none());
        let open_ended = Issued {
            expires_at: None,
            ..issued(0)
        };
        assert!(Entry::new(&open_ended, at(0)).is_none());
    }

    #[test]
    fn the_file_has_the_documented_form_and_reads_back() {
        let entry = Entry::new(&issued(60), at(0)).expect("an entry");
        let bytes = entry.encode("ecr", "k").expect("bytes");
        assert_eq!(
            std::str::from_utf8(&bytes).unwrap(),
            r#"{"version":1,"provider":"ecr","key":"k","issued_at":"2023-11-14T22:13:20Z","expires_at":"2023-11-14T22:14:20Z","scope":"registry","cache_for_seconds":7,"auth":[{"pattern":"h.io","username":"u","password":"p\"\n"}]}"#
        );
        let back = Entry::decode(&bytes, "ecr", "k").expect("an entry");
        assert_eq!(back.issued.auth, entry.issued.auth);
        assert_eq!(back.issued.cache_for, entry.issued.cache_for);
        assert_eq!(back.issued.expires_at, Some(entry.expires_at));
        assert!(Entry::decode(&bytes, "gcr", "k").is_none());
        assert!(Entry::decode(&bytes, "ecr", "other").is_none());
        assert!(Entry::decode(&bytes[..bytes.len() - 1], "ecr", "k").is_none());
    }

    #[test]
    fn what_is_too_large_for_a_file_is_not_written() {
        let mut large = issued(60);
        large.auth[0].1 = Credentials::new("u", "x".repeat(300 * 1024));
        let entry = Entry::new(&large, at(0)).expect("an entry");
        assert!(entry.encode("ecr", "k").is_none());
    }

    #[test]
    fn debug_shows_no_password() {
        let mut secret = issued(60);
        secret.auth[0].1 = Credentials::new("u", "canary");
        let entry = Entry::new(&secret, at(0)).expect("an entry");
        assert!(!format!("{entry:?}").contains("canary"));
    }
}
