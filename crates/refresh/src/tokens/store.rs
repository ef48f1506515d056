//! One token for each source, however many targets it has: fetched once, kept while it is valid,
//! renewed at half of its lifetime, retried with growing pauses while it cannot be fetched.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use regcred_core::{Clock, Env, ErrorKind, ProviderError};
use tokio::time::timeout;

use super::not_issued::not_issued;
use super::token::{Tenant, TenantIdentity, Token};
use super::token_source::{fetch, inputs};
use crate::backoff::{fraction, pause};
use crate::config::{FILE, STATIC};
use crate::failure::{PANICKED, REPORT_IT, RefreshFailure};
use crate::life::{Life, delta};
use crate::plan::{Plan, SourceKind, SourcePlan};
use crate::status::Status;

/// The tokens of all sources.
pub(crate) struct TokenStore {
    plan: Arc<Plan>,
    env: Env,
    clock: Clock,
    status: Arc<Status>,
    early: f64,
    slots: Mutex<HashMap<SlotKey, Arc<TokenSlot>>>,
    inputs: Mutex<Vec<String>>,
    patience: Duration,
    in_daemon: bool,
}

/// What a source has to offer now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Available {
    /// A token that has not expired; with a failure, perhaps an older one.
    pub(crate) token: Option<Arc<Token>>,
    /// Why a newer one was not issued.
    pub(crate) failure: Option<TokenFailure>,
}

/// Why a token could not be fetched.
#[derive(Clone, Debug)]
pub(crate) struct TokenFailure {
    pub(crate) failure: Arc<RefreshFailure>,
    /// When the next request is made.
    pub(crate) retry_at: DateTime<Utc>,
}

/// One token for each namespace, whatever role it names: a namespace that names another one all the time
/// takes no more memory than the others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct SlotKey {
    source: usize,
    namespace: Option<Arc<str>>,
}

impl SlotKey {
    fn new(source: usize, tenant: Option<&Tenant>) -> Self {
        let namespace = tenant.map(|tenant| Arc::clone(&tenant.namespace));
        Self { source, namespace }
    }
}

#[derive(Default)]
struct TokenSlot {
    /// Held by the caller that requests a new token.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<SlotState>,
}

#[derive(Default)]
struct SlotState {
    /// The role of the tenant whose token it is; empty for the refresher's own.
    role: String,
    available: Available,
    /// Failures in a row.
    failures: u32,
    /// When the last request was made, and when the next is due.
    requested: DateTime<Utc>,
    next: DateTime<Utc>,
}

impl SlotState {
    /// Whether a request is due. A clock that was set back must not make a pause longer than it was
    /// meant to be.
    fn is_due(&self, now: DateTime<Utc>) -> bool {
        now >= self.next || now < self.requested - TimeDelta::minutes(1)
    }

    /// What is available under this role: nothing of another.
    fn available(&self, tenant: Option<&Tenant>) -> Available {
        if self.role == role_of(tenant) {
            self.available.clone()
        } else {
            Available::default()
        }
    }
}

fn role_of(tenant: Option<&Tenant>) -> &str {
    tenant.map_or("", |tenant| &tenant.role)
}

impl TokenStore {
    /// A store without tokens.
    pub(crate) fn new(plan: Arc<Plan>, env: Env, clock: Clock, status: Arc<Status>) -> Self {
        let known = plan.sources.iter().map(|source| inputs(source, &env));
        Self {
            inputs: Mutex::new(known.collect()),
            plan,
            env,
            clock,
            status,
            early: fraction() * 0.1,
            slots: Mutex::default(),
            patience: Duration::from_secs(3600),
            in_daemon: false,
        }
    }

    /// When a token of the source with these times is due.
    pub(crate) fn due(&self, source: usize, life: &Life) -> DateTime<Utc> {
        // Issued in the future: some clock was wrong, and no time that it wrote can be trusted.
        if life.issued > self.clock.now() + SKEW {
            return DateTime::UNIX_EPOCH;
        }
        let max_age = self.plan.sources[source].registry.max_age;
        life.due(self.early, max_age.map(|period| period.0))
    }

    /// The store of a daemon, which logs each failure once; a single run has it in its reports. `patience` is
    /// how long to wait for a token that another caller is fetching, without an older one: a registry that
    /// hangs must not delay callers that need other registries too.
    pub(crate) fn serve_daemon(&mut self, patience: Duration) {
        self.patience = patience;
        self.in_daemon = true;
    }

    /// The source's token: the one in memory while it is not due, else a new one. Of callers that
    /// come together one fetches; the others get what was available last, or wait.
    pub(crate) async fn get(&self, source: usize, tenant: Option<&TenantIdentity>) -> Available {
        let whose = tenant.map(|identity| &identity.tenant);
        let slot = self.slot(source, whose);
        let turn = match slot.turn.try_lock() {
            Ok(turn) => Ok(turn),
            Err(_) => {
                let last = self.last(&slot, whose);
                if last.token.is_some() || last.failure.is_some() {
                    return last;
                }
                timeout(self.patience, slot.turn.lock()).await
            }
        };
        if turn.is_err() {
            let failure = RefreshFailure {
                registry: Some(self.plan.sources[source].registry.name.clone()),
                ..RefreshFailure::new("its token is still being requested", None)
            };
            return Available {
                token: None,
                failure: Some(TokenFailure {
                    failure: Arc::new(failure),
                    retry_at: self.clock.now() + SOON,
                }),
            };
        }
        let is_due = {
            let state = &mut *lock(&slot.state);
            if state.role != role_of(whose) {
                *state = SlotState {
                    role: role_of(whose).to_owned(),
                    ..SlotState::default()
                };
            }
            state.is_due(self.clock.now())
        };
        if is_due {
            self.fetch(source, tenant, &slot).await;
        }
        let now = self.clock.now();
        let Available { token, failure } = lock(&slot.state).available(whose);
        Available {
            token: token.filter(|token| failure.is_none() || !token.life.has_expired(now)),
            failure,
        }
    }

    /// The token in memory, if there is one that has not expired.
    pub(crate) fn peek(&self, source: usize, tenant: Option<&Tenant>) -> Option<Arc<Token>> {
        let slot = lock(&self.slots)
            .get(&SlotKey::new(source, tenant))
            .cloned();
        self.last(&*slot?, tenant).token
    }

    /// What is available while a new token is requested.
    fn last(&self, slot: &TokenSlot, tenant: Option<&Tenant>) -> Available {
        let now = self.clock.now();
        let mut last = lock(&slot.state).available(tenant);
        last.token = last.token.filter(|token| !token.life.has_expired(now));
        if let Some(failure) = &mut last.failure {
            failure.retry_at = failure.retry_at.max(now + SOON);
        }
        last
    }

    /// Sources whose files have changed since the last call; their tokens are renewed at the next
    /// request.
    pub(crate) async fn changed_inputs(&self) -> Vec<usize> {
        let mut changed = Vec::new();
        for (place, source) in self.plan.sources.iter().enumerate() {
            let found = inputs(source, &self.env);
            let known = &mut lock(&self.inputs)[place];
            if *known != found {
                *known = found;
                changed.push(place);
            }
        }
        let mut slots: Vec<_> = lock(&self.slots).clone().into_iter().collect();
        slots.retain(|(key, _)| changed.contains(&key.source));
        for (_, slot) in slots {
            // A token that is being requested may come from the old files.
            let _turn = slot.turn.lock().await;
            let mut state = lock(&slot.state);
            state.next = DateTime::UNIX_EPOCH;
            state.available.failure = None;
        }
        changed
    }

    /// Drops the tokens of a namespace that was deleted.
    pub(crate) fn forget(&self, namespace: &str) {
        let mut slots = lock(&self.slots);
        slots.retain(|key, _| key.namespace.as_deref() != Some(namespace));
    }

    async fn fetch(&self, source: usize, tenant: Option<&TenantIdentity>, slot: &TokenSlot) {
        let plan = &self.plan.sources[source];
        let registry = plan.registry.name.as_str();
        let started = tokio::time::Instant::now();
        let namespace = tenant.map(|identity| &*identity.tenant.namespace);
        let fetched = fetch(plan, tenant, &self.env, &self.clock);
        // A bug of one provider must not end the work for the others.
        let fetched = AssertUnwindSafe(fetched).catch_unwind().await;
        let fetched = fetched.unwrap_or_else(|_| Err(panicked(plan)));
        let took = started.elapsed();
        let now = self.clock.now();
        let mut state = lock(&slot.state);
        state.requested = now;
        match fetched {
            Ok(token) => {
                for login in token.logins.values() {
                    login.never_shown();
                }
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
                let is_tenants = tenant.is_some();
                self.status.issued(source, &token.life, is_tenants, took);
                state.failures = 0;
                state.next = self.due(source, &token.life);
                state.available = Available {
                    token: Some(Arc::new(token)),
                    failure: None,
                };
            }
            Err(error) => {
                let kind = error.kind();
                let failure = not_issued(plan, tenant, &error);
                let text = failure.to_string();
                if self.in_daemon {
                    tracing::warn!(
                        registry,
                        namespace,
                        identity = failure.identity,
                        server = failure.server,
                        answer = failure.answer,
                        next_step = failure.next_step,
                        "no token issued: {text}"
                    );
                }
                state.failures += 1;
                let intervals = self.plan.intervals;
                let wait = pause(state.failures, intervals.retry.0, intervals.retry_cap.0);
                self.status.not_issued(source, kind, &text, took);
                state.next = now + delta(wait);
                state.available.failure = Some(TokenFailure {
                    failure: Arc::new(failure),
                    retry_at: state.next,
                });
            }
        }
    }

    fn slot(&self, source: usize, tenant: Option<&Tenant>) -> Arc<TokenSlot> {
        let key = SlotKey::new(source, tenant);
        let mut slots = lock(&self.slots);
        Arc::clone(slots.entry(key).or_default())
    }
}

/// The message of the panic is not shown: it may quote what the provider worked on.
fn panicked(source: &SourcePlan) -> ProviderError {
    let name = match &source.kind {
        SourceKind::Provider(spec) => spec.name,
        SourceKind::File(_) => FILE,
        SourceKind::Static(_) => STATIC,
    };
    ProviderError::new(name, ErrorKind::Malformed, PANICKED).with_next_step(REPORT_IT.to_owned())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How far the clocks of two machines may be apart.
const SKEW: TimeDelta = TimeDelta::minutes(10);
/// When to ask again for what another caller is fetching.
const SOON: TimeDelta = TimeDelta::seconds(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_namespace_has_one_token_whatever_roles_it_names() {
        let config = Config::parse(
            "apiVersion: refresh.regcred.dev/v1\nkind: RefreshConfiguration\nregistries:\n\
             - {name: g, provider: gcr, hosts: [gcr.io]}\ntargets:\n- {name: t, secret: {name: s}}",
        );
        let (env, clock) = (Env::default(), Clock::system());
        let plan = Plan::new(&config.expect("sound"), &regcred_providers::all(), &env);
        let plan = Arc::new(plan.expect("a plan"));
        let status = Arc::new(Status::new(&plan, clock.clone()));
        let store = TokenStore::new(plan, env, clock, status);
        let tenant = |namespace: &str, role: usize| Tenant {
            namespace: namespace.into(),
            role: role.to_string(),
        };
        let count = || lock(&store.slots).len();
        for role in 0..1000 {
            store.slot(0, Some(&tenant("a", role)));
            assert!(store.peek(0, Some(&tenant("b", role))).is_none());
        }
        assert_eq!(count(), 1);
        let slot = store.slot(0, Some(&tenant("a", 1)));
        let token = Token {
            logins: std::collections::BTreeMap::new(),
            life: Life::from(store.clock.now(), None),
        };
        *lock(&slot.state) = SlotState {
            role: "1".to_owned(),
            available: Available {
                token: Some(Arc::new(token)),
                failure: None,
            },
            ..SlotState::default()
        };
        assert!(store.peek(0, Some(&tenant("a", 1))).is_some());
        assert!(
            store.peek(0, Some(&tenant("a", 2))).is_none(),
            "another role's"
        );
        assert!(store.peek(0, None).is_none());
        store.forget("a");
        assert_eq!(count(), 0);
    }
}
