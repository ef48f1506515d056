//! Service account tokens in memory, one for each account, pod, audience and life.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::SecretString;

/// The tokens of a cluster's service accounts.
#[derive(Default)]
pub(super) struct AccountTokens(pub(super) Mutex<HashMap<TokenKey, Arc<TokenSlot>>>);

/// Whose token, for whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct TokenKey {
    pub(super) namespace: String,
    pub(super) name: String,
    /// The account's UID; empty for whichever account has the name.
    pub(super) account: String,
    pub(super) pod: Option<(String, String)>,
    pub(super) audience: String,
    pub(super) life: Option<Duration>,
}

#[derive(Default)]
pub(super) struct TokenSlot(pub(super) tokio::sync::Mutex<Option<KeptToken>>);

pub(super) struct KeptToken {
    pub(super) token: SecretString,
    pub(super) renew_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
}

impl AccountTokens {
    pub(super) fn slot(&self, key: &TokenKey, now: DateTime<Utc>) -> Arc<TokenSlot> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !slots.contains_key(key) && slots.len() >= ROOM {
            // A slot that is locked is in use.
            slots.retain(|_, slot| {
                let kept = slot.0.try_lock();
                kept.map_or(true, |kept| {
                    kept.as_ref().is_some_and(|kept| now < kept.expires_at)
                })
            });
            if slots.len() >= ROOM {
                slots.clear();
            }
        }
        Arc::clone(slots.entry(key.clone()).or_default())
    }
}

pub(super) const ROOM: usize = 10_000;
