//! One token for each source, however many targets it has: fetched once, kept while it is valid,
//! renewed at half of its lifetime, retried with growing pauses while it cannot be fetched.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use regcred_core::{Clock, Env, report};
use tokio::time::timeout;

use super::tenant::{Tenant, TenantIdentity};
use super::token::Token;
use super::token_source::{fetch, inputs};
use crate::backoff::{fraction, pause};
use crate::life::{Life, Rhythm};
use crate::plan::Plan;
use crate::status::Status;

/// The tokens of all sources.
pub(crate) struct TokenStore {
    plan: Arc<Plan>,
    env: Env,
    clock: Clock,
    status: Arc<Status>,
    early: f64,
    slots: Mutex<HashMap<SlotKey, Arc<TokenSlot>>>,
    inputs: Mutex<Vec<Option<String>>>,
    patience: Duration,
}

/// What a source has to offer now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Available {
    /// A token that has not expired; with a failure, perhaps an older one.
    pub(crate) token: Option<Arc<Token>>,
    /// Why there is no newer one.
    pub(crate) failure: Option<TokenFailure>,
}

/// Why a token could not be fetched.
#[derive(Clone, Debug)]
pub(crate) struct TokenFailure {
    pub(crate) text: Arc<str>,
    /// When the next request is made.
    pub(crate) retry_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct SlotKey {
    source: usize,
    tenant: Option<Tenant>,
}

#[derive(Default)]
struct TokenSlot {
    /// Held by the caller who requests a new token.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<SlotState>,
}

#[derive(Default)]
struct SlotState {
    token: Option<Arc<Token>>,
    stale: bool,
    failures: u32,
    failure: Option<TokenFailure>,
}

impl TokenStore {
    /// A store without tokens.
    pub(crate) fn new(plan: Arc<Plan>, env: Env, clock: Clock, status: Arc<Status>) -> Self {
        let inputs = Mutex::new(vec![None; plan.sources.len()]);
        Self {
            plan,
            env,
            clock,
            status,
            early: fraction() * 0.1,
            slots: Mutex::default(),
            inputs,
            patience: Duration::from_secs(3600),
        }
    }

    /// When a token of the source with these times is due.
    pub(crate) fn due(&self, source: usize, life: &Life) -> DateTime<Utc> {
        // Issued in the future: some clock was wrong, and no time that it wrote can be trusted.
        if life.issued > self.clock.now() + SKEW {
            return DateTime::UNIX_EPOCH;
        }
        life.due(Rhythm {
            early: self.early,
            max_age: self.plan.sources[source].registry.max_age.map(|p| p.0),
        })
    }

    /// How long to wait for a token that another caller is fetching, if there is no older one. A
    /// registry that hangs must not delay callers that need other registries too.
    pub(crate) fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// The source's token: the one in memory while it is not due, else a new one. Of callers that
    /// come together one fetches; the others get what was available last, or wait.
    pub(crate) async fn get(&self, source: usize, tenant: Option<&TenantIdentity>) -> Available {
        let slot = self.slot(source, tenant.map(|identity| &identity.tenant));
        let turn = match slot.turn.try_lock() {
            Ok(turn) => Ok(turn),
            Err(_) => {
                let last = self.last(&slot);
                if last.token.is_some() || last.failure.is_some() {
                    return last;
                }
                timeout(self.patience, slot.turn.lock()).await
            }
        };
        if turn.is_err() {
            let text = "its token is still being requested".into();
            return Available {
                token: None,
                failure: Some(self.soon(text, self.clock.now())),
            };
        }
        if let Some(token) = self.not_due(source, &slot) {
            return Available {
                token: Some(token),
                failure: None,
            };
        }
        if !self.is_pausing(&slot) {
            self.fetch(source, tenant, &slot).await;
        }
        let now = self.clock.now();
        let state = lock(&slot.state);
        let token = state.token.clone();
        Available {
            token: token.filter(|t| state.failure.is_none() || !t.life.has_expired(now)),
            failure: state.failure.clone(),
        }
    }

    /// The token in memory, if there is one that has not expired.
    pub(crate) fn peek(&self, source: usize, tenant: Option<&Tenant>) -> Option<Arc<Token>> {
        self.last(&self.slot(source, tenant)).token
    }

    /// What is available while a new token is requested.
    fn last(&self, slot: &TokenSlot) -> Available {
        let now = self.clock.now();
        let state = lock(&slot.state);
        let failure = state.failure.clone();
        Available {
            token: state.token.clone().filter(|t| !t.life.has_expired(now)),
            failure: failure.map(|failure| self.soon(failure.text, failure.retry_at)),
        }
    }

    fn not_due(&self, source: usize, slot: &TokenSlot) -> Option<Arc<Token>> {
        let state = lock(&slot.state);
        let token = state.token.clone().filter(|_| !state.stale)?;
        (self.clock.now() < self.due(source, &token.life)).then_some(token)
    }

    /// Whether it failed a short while ago.
    fn is_pausing(&self, slot: &TokenSlot) -> bool {
        let now = self.clock.now();
        let cap = self.plan.intervals.retry_cap.0.max(Duration::from_secs(1));
        let longest = TimeDelta::from_std(cap).unwrap_or(TimeDelta::seconds(300));
        // A clock that was set back must not make the pause longer than it can be.
        let failure = &lock(&slot.state).failure;
        let failure = failure.as_ref();
        failure.is_some_and(|f| now < f.retry_at && f.retry_at - now <= longest)
    }

    fn soon(&self, text: Arc<str>, retry_at: DateTime<Utc>) -> TokenFailure {
        let soon = self.clock.now() + TimeDelta::seconds(5);
        TokenFailure {
            text,
            retry_at: retry_at.max(soon),
        }
    }

    /// Sources whose files have changed since the last call; their tokens are renewed at the next
    /// request. The first call returns none.
    pub(crate) async fn changed_inputs(&self) -> Vec<usize> {
        let mut changed = Vec::new();
        for (place, source) in self.plan.sources.iter().enumerate() {
            let found = inputs(source, &self.env);
            let mut known = lock(&self.inputs);
            let before = known[place].replace(found.clone());
            if before.is_some_and(|before| before != found) {
                changed.push(place);
            }
        }
        for slot in self.slots_of(&changed) {
            // A token that is being requested may be one of before.
            let _turn = slot.turn.lock().await;
            let mut state = lock(&slot.state);
            state.stale = true;
            state.failure = None;
        }
        changed
    }

    /// Drops the tokens of a namespace that was deleted.
    pub(crate) fn forget(&self, namespace: &str) {
        let mut slots = lock(&self.slots);
        let is_theirs = |key: &SlotKey| {
            key.tenant
                .as_ref()
                .is_some_and(|t| *t.namespace == *namespace)
        };
        slots.retain(|key, _| !is_theirs(key));
    }

    async fn fetch(&self, source: usize, tenant: Option<&TenantIdentity>, slot: &TokenSlot) {
        let plan = &self.plan.sources[source];
        let registry = plan.registry.name.as_str();
        let started = tokio::time::Instant::now();
        let namespace = tenant.map(|identity| &*identity.tenant.namespace);
        let fetched = fetch(plan, tenant, &self.env, &self.clock).await;
        let took = started.elapsed();
        let now = self.clock.now();
        let mut state = lock(&slot.state);
        match fetched {
            Ok(token) => {
                tracing::info!(
                    registry,
                    namespace,
                    hosts = token.logins.len(),
                    expires_at = token.life.expires.map(|end| end.to_rfc3339()),
                    "token issued"
                );
                if token.life.has_expired(now) {
                    tracing::warn!(
                        registry,
                        "the token has already expired; check this machine's clock"
                    );
                }
                self.status
                    .token(source, &token.life, now, took, tenant.is_some());
                *state = SlotState {
                    token: Some(Arc::new(token)),
                    ..SlotState::default()
                };
            }
            Err(error) => {
                let text = report(&error);
                tracing::warn!(registry, namespace, "no token: {text}");
                state.failures += 1;
                let intervals = self.plan.intervals;
                let wait = pause(state.failures, intervals.retry.0, intervals.retry_cap.0);
                self.status
                    .token_failure(source, error.kind(), &text, now, took);
                state.failure = Some(TokenFailure {
                    text: text.into(),
                    retry_at: now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::seconds(60)),
                });
            }
        }
    }

    fn slot(&self, source: usize, tenant: Option<&Tenant>) -> Arc<TokenSlot> {
        let key = SlotKey {
            source,
            tenant: tenant.cloned(),
        };
        let mut slots = lock(&self.slots);
        Arc::clone(slots.entry(key).or_default())
    }

    fn slots_of(&self, sources: &[usize]) -> Vec<Arc<TokenSlot>> {
        let slots = lock(&self.slots);
        let chosen = slots
            .iter()
            .filter(|(key, _)| sources.contains(&key.source));
        chosen.map(|(_, slot)| Arc::clone(slot)).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How far the clocks of two machines may be apart.
const SKEW: TimeDelta = TimeDelta::minutes(10);
