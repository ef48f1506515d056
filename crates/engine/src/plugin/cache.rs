//! A plugin's answers in memory: the kubelet's keys, lifetimes and purge (kubernetes
//! `pkg/credentialprovider/plugin/plugin.go`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use regcred_api::{CredentialProviderResponse, GoDuration};
use regcred_core::{CacheScope, Clock};

/// The service account part of a key; empty outside token mode. See [`super::token_mode`].
pub(super) type AccountKey = Arc<[String]>;

pub(super) struct ResponseCache {
    clock: Clock,
    default_duration: GoDuration,
    /// Whether answers without a credential are kept for [`EMPTY_LIFE`] at most.
    short_empty: bool,
    entries: Mutex<Entries>,
}

struct Entries {
    by_key: HashMap<(String, AccountKey), Entry>,
    purged_at: DateTime<Utc>,
}

struct Entry {
    answer: Arc<CredentialProviderResponse>,
    expires_at: DateTime<Utc>,
}

impl ResponseCache {
    pub(super) fn new(clock: Clock, default_duration: GoDuration, short_empty: bool) -> Self {
        let entries = Mutex::new(Entries {
            by_key: HashMap::new(),
            purged_at: clock.now(),
        });
        Self {
            clock,
            default_duration,
            short_empty,
            entries,
        }
    }

    /// The first answer that has not expired, by image, by registry, for all images.
    pub(super) fn find(
        &self,
        image: &str,
        account: &AccountKey,
    ) -> Option<Arc<CredentialProviderResponse>> {
        let now = self.clock.now();
        let mut entries = self.entries();
        if now > after(entries.purged_at, PURGE_INTERVAL) {
            entries.by_key.retain(|_, entry| now <= entry.expires_at);
            entries.purged_at = now;
        }
        keys(image, account).into_iter().find_map(|key| {
            let entry = entries.by_key.get(&key)?;
            (now <= entry.expires_at).then(|| Arc::clone(&entry.answer))
        })
    }

    /// Drops exactly this answer; one that has replaced it stays.
    pub(super) fn forget(
        &self,
        image: &str,
        account: &AccountKey,
        answer: &Arc<CredentialProviderResponse>,
    ) {
        let mut entries = self.entries();
        for key in keys(image, account) {
            let kept = entries.by_key.get(&key);
            if kept.is_some_and(|entry| Arc::ptr_eq(&entry.answer, answer)) {
                entries.by_key.remove(&key);
            }
        }
    }

    /// Keeps an answer for its own duration, or for the configured one if it has none. Zero of either
    /// means not at all; an empty answer is kept like any other.
    pub(super) fn store(
        &self,
        image: &str,
        account: &AccountKey,
        answer: &Arc<CredentialProviderResponse>,
    ) {
        let mut duration = answer.cache_duration.unwrap_or(self.default_duration);
        if self.short_empty && answer.auth.is_empty() {
            duration = duration.min(EMPTY_LIFE);
        }
        if duration.0 == 0 {
            return;
        }
        let base = match answer.cache_key_type {
            CacheScope::Image => image,
            CacheScope::Registry => registry(image),
            CacheScope::Global => GLOBAL,
        };
        let entry = Entry {
            answer: Arc::clone(answer),
            expires_at: after(self.clock.now(), TimeDelta::nanoseconds(duration.0)),
        };
        let key = (base.to_owned(), Arc::clone(account));
        self.entries().by_key.insert(key, entry);
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where an answer for an image may be, in the order of the search.
fn keys(image: &str, account: &AccountKey) -> [(String, AccountKey); 3] {
    [image, registry(image), GLOBAL].map(|base| (base.to_owned(), Arc::clone(account)))
}

/// Host and port of a normalised image name.
pub(super) fn registry(image: &str) -> &str {
    image.split('/').next().unwrap_or_default()
}

fn after(time: DateTime<Utc>, span: TimeDelta) -> DateTime<Utc> {
    time.checked_add_signed(span)
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// No image and no registry has this name.
pub(super) const GLOBAL: &str = "<global>";
/// One minute.
const EMPTY_LIFE: GoDuration = GoDuration(60_000_000_000);
const PURGE_INTERVAL: TimeDelta = TimeDelta::minutes(15);

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use regcred_api::ApiVersion;

    use super::*;

    /// A cache whose clock the test moves, in seconds.
    struct Bench {
        now: Arc<AtomicI64>,
        cache: ResponseCache,
    }

    impl Bench {
        fn new(default_secs: i64) -> Self {
            let now = Arc::new(AtomicI64::new(1_000_000));
            let seconds = Arc::clone(&now);
            let clock = Clock::from_fn(move || {
                DateTime::from_timestamp(seconds.load(Ordering::SeqCst), 0).expect("in range")
            });
            let cache = ResponseCache::new(clock, GoDuration(default_secs * SECOND), false);
            Self { now, cache }
        }

        fn wait(&self, seconds: i64) {
            self.now.fetch_add(seconds, Ordering::SeqCst);
        }

        fn store(&self, image: &str, scope: CacheScope, secs: Option<i64>) {
            let answer = CredentialProviderResponse {
                api_version: ApiVersion::V1,
                cache_key_type: scope,
                cache_duration: secs.map(|s| GoDuration(s * SECOND)),
                auth: Vec::new(),
            };
            self.cache.store(image, &no_account(), &Arc::new(answer));
        }

        fn has(&self, image: &str) -> bool {
            self.cache.find(image, &no_account()).is_some()
        }

        fn len(&self) -> usize {
            self.cache.entries().by_key.len()
        }
    }

    const SECOND: i64 = 1_000_000_000;

    fn no_account() -> AccountKey {
        Arc::from([])
    }

    #[test]
    fn the_key_type_decides_which_images_share() {
        for (scope, same_registry, other_registry) in [
            (CacheScope::Image, false, false),
            (CacheScope::Registry, true, false),
            (CacheScope::Global, true, true),
        ] {
            let bench = Bench::new(60);
            bench.store("h.io:5000/a", scope, None);
            assert!(bench.has("h.io:5000/a"));
            assert_eq!(bench.has("h.io:5000/b"), same_registry, "{scope:?}");
            assert_eq!(bench.has("h.io/a"), other_registry, "{scope:?}");
        }
    }

    #[test]
    fn image_comes_before_registry_and_registry_before_global() {
        let bench = Bench::new(60);
        let scope_of = |image| {
            bench
                .cache
                .find(image, &no_account())
                .expect("kept")
                .cache_key_type
        };
        bench.store("h.io/a", CacheScope::Global, None);
        bench.store("h.io/a", CacheScope::Registry, None);
        bench.store("h.io/a", CacheScope::Image, Some(10));
        assert_eq!(scope_of("h.io/a"), CacheScope::Image);
        assert_eq!(scope_of("h.io/b"), CacheScope::Registry);
        assert_eq!(scope_of("i.io/b"), CacheScope::Global);
        bench.wait(11);
        assert_eq!(scope_of("h.io/a"), CacheScope::Registry);
    }

    #[test]
    fn durations_follow_the_answer_then_the_default() {
        for (default, secs, kept_after, gone_after) in [
            (60, None, Some(60), Some(61)),
            (60, Some(10), Some(10), Some(11)),
            (60, Some(0), None, Some(0)),
            (0, None, None, Some(0)),
            (0, Some(10), Some(10), Some(11)),
            (60, Some(-1), None, Some(0)),
            (60, Some(i64::MAX / SECOND), Some(1 << 30), None),
        ] {
            let bench = Bench::new(default);
            bench.store("h.io/a", CacheScope::Image, secs);
            if let Some(seconds) = kept_after {
                bench.wait(seconds);
                assert!(bench.has("h.io/a"), "{default} {secs:?}");
            }
            if let Some(seconds) = gone_after {
                bench.wait(seconds - kept_after.unwrap_or(0));
                assert!(!bench.has("h.io/a"), "{default} {secs:?}");
            }
        }
    }

    #[test]
    fn empty_answers_are_kept_like_others_unless_that_is_to_be_short() {
        for (short, after_a_minute) in [(false, true), (true, false)] {
            let mut bench = Bench::new(3600);
            bench.cache.short_empty = short;
            bench.store("h.io/a", CacheScope::Image, None);
            bench.wait(60);
            assert!(bench.has("h.io/a"));
            bench.wait(1);
            assert_eq!(bench.has("h.io/a"), after_a_minute);
            // What asks for less is not kept for longer.
            bench.store("h.io/b", CacheScope::Image, Some(0));
            assert!(!bench.has("h.io/b"));
        }
    }

    #[test]
    fn accounts_do_not_share() {
        let bench = Bench::new(60);
        bench.store("h.io/a", CacheScope::Global, None);
        let other: AccountKey = Arc::from(["ns".to_owned()]);
        assert!(bench.cache.find("h.io/a", &other).is_none());
    }

    #[test]
    fn expired_entries_are_swept_every_fifteen_minutes() {
        let bench = Bench::new(60);
        bench.store("h.io/a", CacheScope::Image, None);
        bench.wait(15 * 60);
        assert!(!bench.has("h.io/b"));
        assert_eq!(bench.len(), 1, "not more often");
        bench.wait(1);
        assert!(!bench.has("h.io/b"));
        assert_eq!(bench.len(), 0);
    }
}
