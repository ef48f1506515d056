//! One token for each source, however many targets it has: fetched once, kept while it is good,
//! renewed at half of its life, asked for with growing pauses while it cannot be had.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use regcred_core::{Clock, Env, report};
use tokio::time::timeout;

use crate::plan::Plan;
use crate::source::{self, Proof};
use crate::status::Status;
use crate::token::{Life, Rhythm, Token, fraction, pause};

/// The tokens of all sources.
pub(crate) struct Tokens {
    plan: Arc<Plan>,
    env: Env,
    clock: Clock,
    status: Arc<Status>,
    early: f64,
    slots: Mutex<HashMap<SlotKey, Arc<Slot>>>,
    inputs: Mutex<Vec<Option<String>>>,
    patience: Duration,
}

/// Whose token: the refresher's own, or a namespace's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tenant {
    pub(crate) namespace: Arc<str>,
    pub(crate) role: String,
}

/// What a source has to give now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// A token that is not over; perhaps an older one, when there is a failure too.
    pub(crate) token: Option<Arc<Token>>,
    /// Why there is no newer one.
    pub(crate) failure: Option<Failure>,
}

/// Why a token could not be had.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) text: Arc<str>,
    /// When it is asked for again.
    pub(crate) retry_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct SlotKey {
    source: usize,
    tenant: Option<Tenant>,
}

#[derive(Default)]
struct Slot {
    state: tokio::sync::Mutex<State>,
    /// The last answer, for those who come while a new one is fetched.
    last: Mutex<Answer>,
}

#[derive(Default)]
struct State {
    token: Option<Arc<Token>>,
    stale: bool,
    failures: u32,
    failure: Option<Failure>,
}

impl Tokens {
    /// No token yet.
    #[must_use]
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
        // Issued in times to come: some clock was wrong, and nothing that it wrote can be trusted.
        if life.issued > self.clock.now() + SKEW {
            return DateTime::UNIX_EPOCH;
        }
        life.due(Rhythm {
            early: self.early,
            max_age: self.plan.sources[source].max_age.map(|p| p.0),
        })
    }

    /// How long to wait for a token that somebody else is fetching, where there is no older one. A
    /// registry that hangs must not hold up those who need others too.
    pub(crate) fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// The source's token: the one in memory while it is not due, else a new one. Of callers that
    /// come together one fetches; the others are given the last answer, or wait for the first.
    pub(crate) async fn get(&self, source: usize, who: Option<(&Tenant, &dyn Proof)>) -> Answer {
        let slot = self.slot(source, who.map(|(tenant, _)| tenant));
        let mut state = match slot.state.try_lock() {
            Ok(state) => state,
            Err(_) => {
                let last = lock(&slot.last).clone();
                let is_good = |token: &Arc<Token>| !token.life.is_over(self.clock.now());
                if last.failure.is_some() || last.token.as_ref().is_some_and(is_good) {
                    return Answer {
                        token: last.token.filter(is_good),
                        failure: last.failure.map(|failure| self.soon(failure)),
                    };
                }
                match timeout(self.patience, slot.state.lock()).await {
                    Ok(state) => state,
                    Err(_) => return self.still_asking(),
                }
            }
        };
        let now = self.clock.now();
        if let Some(token) = &state.token
            && !state.stale
            && now < self.due(source, &token.life)
        {
            return Answer {
                token: Some(Arc::clone(token)),
                failure: None,
            };
        }
        let waiting = state.failure.as_ref().is_some_and(|f| {
            // A clock that was set back must not make the pause longer than it can be.
            now < f.retry_at && f.retry_at - now <= self.longest_pause()
        });
        if !waiting {
            self.fetch(source, who, &mut state).await;
        }
        let now = self.clock.now();
        let token = state.token.clone();
        let answer = Answer {
            token: token.filter(|t| state.failure.is_none() || !t.life.is_over(now)),
            failure: state.failure.clone(),
        };
        *lock(&slot.last) = answer.clone();
        answer
    }

    fn still_asking(&self) -> Answer {
        let failure = Failure {
            text: "its token is still being asked for".into(),
            retry_at: self.clock.now(),
        };
        Answer {
            token: None,
            failure: Some(self.soon(failure)),
        }
    }

    fn soon(&self, failure: Failure) -> Failure {
        Failure {
            retry_at: failure
                .retry_at
                .max(self.clock.now() + TimeDelta::seconds(5)),
            ..failure
        }
    }

    /// The token in memory, if there is one that is not over.
    pub(crate) async fn peek(&self, source: usize, tenant: Option<&Tenant>) -> Option<Arc<Token>> {
        let slot = self.slot(source, tenant);
        let state = slot.state.lock().await;
        let now = self.clock.now();
        state.token.clone().filter(|token| !token.life.is_over(now))
    }

    /// Sources whose files changed since this was asked last; their tokens are renewed at the next
    /// request. The first time it only remembers.
    pub(crate) async fn changed_inputs(&self) -> Vec<usize> {
        let mut changed = Vec::new();
        for (place, source) in self.plan.sources.iter().enumerate() {
            let found = source::inputs(source, &self.env);
            let mut known = lock(&self.inputs);
            let before = known[place].replace(found.clone());
            if before.is_some_and(|before| before != found) {
                changed.push(place);
            }
        }
        for slot in self.slots_of(&changed) {
            let mut state = slot.state.lock().await;
            state.stale = true;
            state.failure = None;
        }
        changed
    }

    /// Drops what is kept for a namespace that is gone.
    pub(crate) fn forget(&self, namespace: &str) {
        let mut slots = lock(&self.slots);
        let is_theirs = |key: &SlotKey| {
            key.tenant
                .as_ref()
                .is_some_and(|t| *t.namespace == *namespace)
        };
        slots.retain(|key, _| !is_theirs(key));
    }

    async fn fetch(&self, source: usize, who: Option<(&Tenant, &dyn Proof)>, state: &mut State) {
        let plan = &self.plan.sources[source];
        let started = tokio::time::Instant::now();
        let proof = who.map(|(_, proof)| proof);
        let fetched = source::fetch(plan, proof, &self.env, &self.clock).await;
        let took = started.elapsed();
        let now = self.clock.now();
        match fetched {
            Ok(token) => {
                tracing::info!(
                    registry = plan.name,
                    namespace = who.map(|(tenant, _)| &*tenant.namespace),
                    hosts = token.logins.len(),
                    expires_at = token.life.expires.map(|end| end.to_rfc3339()),
                    "token issued"
                );
                if token.life.is_over(now) {
                    tracing::warn!(
                        registry = plan.name,
                        "the token is over already: compare this machine's clock with the cloud's"
                    );
                }
                self.status
                    .token(source, &token.life, now, took, who.is_some());
                *state = State {
                    token: Some(Arc::new(token)),
                    ..State::default()
                };
            }
            Err(error) => {
                let text = report(&error);
                tracing::warn!(
                    registry = plan.name,
                    namespace = who.map(|(tenant, _)| &*tenant.namespace),
                    "no token: {text}"
                );
                state.failures += 1;
                let intervals = self.plan.intervals;
                let wait = pause(state.failures, intervals.retry.0, intervals.retry_cap.0);
                self.status
                    .token_failure(source, error.kind(), &text, now, took);
                state.failure = Some(Failure {
                    text: text.into(),
                    retry_at: now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::seconds(60)),
                });
            }
        }
    }

    fn longest_pause(&self) -> TimeDelta {
        let cap = self.plan.intervals.retry_cap.0.max(Duration::from_secs(1));
        TimeDelta::from_std(cap).unwrap_or(TimeDelta::seconds(300))
    }

    fn slot(&self, source: usize, tenant: Option<&Tenant>) -> Arc<Slot> {
        let key = SlotKey {
            source,
            tenant: tenant.cloned(),
        };
        let mut slots = lock(&self.slots);
        Arc::clone(slots.entry(key).or_default())
    }

    fn slots_of(&self, sources: &[usize]) -> Vec<Arc<Slot>> {
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

/// How far clocks of machines may be apart.
const SKEW: TimeDelta = TimeDelta::minutes(10);
