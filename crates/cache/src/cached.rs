//! A provider whose answers are shared by all processes of a user.
//!
//! | entry | what happens |
//! |---|---|
//! | less than half of its life has passed | served |
//! | older, still valid | one process refreshes it; the others serve it, and so does that one if the refresh fails |
//! | none, or expired | one process fetches it; the others wait and then serve what it stored, or share its failure |

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use chrono::{DateTime, Utc};
use regcred_core::{
    CacheKey, Clock, CredentialRequest, Env, Issued, Plan, PodTokens, Provider, ProviderError,
    RegistryHost, report,
};
use tokio::time::timeout;

use crate::dir::CacheDir;
use crate::entry::{Entry, State};
use crate::failure::Failure;
use crate::lock::{Attempt, EntryLock};
use crate::slot::Slot;

/// A provider with the cache in front of it. If the cache fails, the fetch runs without it.
pub struct Cached {
    inner: Box<dyn Provider>,
    dir: Found,
    clock: Clock,
    wait: Duration,
    refresh: Duration,
}

impl Cached {
    /// Wraps a provider; without a directory it only passes requests through.
    #[must_use]
    pub fn new(inner: Box<dyn Provider>, dir: Option<CacheDir>, clock: Clock) -> Self {
        Self::within(inner, LazyLock::new(Box::new(|| dir) as Finder), clock)
    }

    /// Wraps a provider; the directory that the environment names is looked for, and made, with the
    /// first request that has a key.
    #[must_use]
    pub fn on_demand(inner: Box<dyn Provider>, env: Env, clock: Clock) -> Self {
        let dir = LazyLock::new(Box::new(move || CacheDir::resolve(&env)) as Finder);
        Self::within(inner, dir, clock)
    }

    fn within(inner: Box<dyn Provider>, dir: Found, clock: Clock) -> Self {
        Self {
            inner,
            dir,
            clock,
            wait: WAIT,
            refresh: REFRESH,
        }
    }

    /// Sets how long to wait for another process's fetch before fetching without the lock.
    #[must_use]
    pub fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Sets how long a refresh of a still valid entry may take before that entry is served.
    #[must_use]
    pub fn with_refresh_limit(mut self, refresh: Duration) -> Self {
        self.refresh = refresh;
        self
    }

    /// The stored answer, if it is fresh, else the plan: a caller starts a runtime for the latter only.
    ///
    /// # Errors
    /// Those of [`Provider::plan`].
    pub fn stored_or_plan<'a>(
        &'a self,
        request: &'a CredentialRequest,
    ) -> Result<StoredOrPlan<'a>, ProviderError> {
        let plan = self.inner.plan(request)?;
        let Some((slot, key)) = self.slot(&plan, request) else {
            return Ok(StoredOrPlan::Plan(plan));
        };
        let found = slot.read(self.clock.now());
        if let Some((entry, State::Fresh)) = found {
            return Ok(StoredOrPlan::Stored(self.serve(entry, &request.registry)));
        }
        let answer = async move { self.answer(&slot, found, plan, &request.registry).await };
        Ok(StoredOrPlan::Plan(Plan::new(Some(key), answer)))
    }

    /// Where the answer is stored, and its key.
    fn slot(&self, plan: &Plan<'_>, request: &CredentialRequest) -> Option<(Slot<'_>, CacheKey)> {
        // A host that is not served gets nothing, even if an entry is stored for it.
        if !self.inner.serves(&request.registry) {
            return None;
        }
        let key = plan.key()?.clone();
        let dir = self.dir.as_ref()?;
        Some((Slot::new(dir, self.inner.name(), &key), key))
    }

    async fn answer(
        &self,
        slot: &Slot<'_>,
        found: Option<(Entry, State)>,
        plan: Plan<'_>,
        registry: &RegistryHost,
    ) -> Result<Issued, ProviderError> {
        match found {
            Some((entry, State::Fresh)) => Ok(self.serve(entry, registry)),
            Some((entry, _)) => Ok(self.refresh_ahead(slot, entry, plan, registry).await),
            None => self.fetch_once(slot, plan, registry).await,
        }
    }

    /// Renews an entry that is still valid, unless another process is renewing it.
    async fn refresh_ahead(
        &self,
        slot: &Slot<'_>,
        entry: Entry,
        plan: Plan<'_>,
        registry: &RegistryHost,
    ) -> Issued {
        let Attempt::Held(lock) = slot.attempt() else {
            return self.serve(entry, registry);
        };
        let now = self.clock.now();
        if let Some((renewed, State::Fresh)) = slot.read(now) {
            return self.serve(renewed, registry);
        }
        if lock.last_failure().is_some_and(|f| f.is_recent(now)) {
            return self.serve(entry, registry);
        }
        let provider = self.inner.name();
        match timeout(self.refresh, plan.fetch()).await {
            Ok(Ok(issued)) => {
                slot.store(&issued, self.clock.now());
                issued
            }
            Ok(Err(error)) => {
                tracing::warn!(
                    "refresh failed, serving the {provider} credential that expires at {}: {}",
                    entry.expires_at,
                    report(&error)
                );
                self.leave_note(&lock, &error);
                self.serve(entry, registry)
            }
            Err(_) => {
                tracing::warn!(
                    "no refresh within {:?}, serving the {provider} credential that expires at {}",
                    self.refresh,
                    entry.expires_at
                );
                lock.leave(&Failure::slow(self.clock.now()));
                self.serve(entry, registry)
            }
        }
    }

    /// Fetches, or waits for the process that does.
    async fn fetch_once(
        &self,
        slot: &Slot<'_>,
        plan: Plan<'_>,
        registry: &RegistryHost,
    ) -> Result<Issued, ProviderError> {
        let asked_at = self.clock.now();
        let mut waited = false;
        let lock = match slot.attempt() {
            Attempt::Held(lock) => Some(lock),
            Attempt::Unavailable => None,
            Attempt::Busy => {
                tracing::debug!("waiting for another process that fetches the same credential");
                waited = true;
                slot.wait(self.wait).await
            }
        };
        // Another process may have stored it before this one got the lock.
        if let Some((entry, _)) = slot.read(self.clock.now()) {
            return Ok(self.serve(entry, registry));
        }
        if waited && let Some(error) = self.shared_failure(lock.as_ref(), asked_at) {
            return Err(error);
        }
        match plan.fetch().await {
            Ok(issued) => {
                slot.store(&issued, self.clock.now());
                Ok(issued)
            }
            Err(error) => {
                if let Some(lock) = &lock {
                    self.leave_note(lock, &error);
                }
                Err(error)
            }
        }
    }

    fn leave_note(&self, lock: &EntryLock, error: &ProviderError) {
        if let Some(failure) = Failure::new(error, self.clock.now()) {
            lock.leave(&failure);
        }
    }

    /// The failure of a fetch that ended while this process waited for it.
    fn shared_failure(
        &self,
        lock: Option<&EntryLock>,
        asked_at: DateTime<Utc>,
    ) -> Option<ProviderError> {
        lock?
            .last_failure()
            .filter(|failure| failure.happened(asked_at, self.clock.now()))?
            .to_error(self.inner.name())
    }

    fn serve(&self, entry: Entry, registry: &RegistryHost) -> Issued {
        let provider = self.inner.name();
        tracing::debug!("got {provider} credentials from the cache for {registry}");
        entry.issued
    }
}

impl Provider for Cached {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn match_images(&self) -> Vec<String> {
        self.inner.match_images()
    }

    fn docker_hosts(&self) -> Vec<String> {
        self.inner.docker_hosts()
    }

    fn serves(&self, registry: &RegistryHost) -> bool {
        self.inner.serves(registry)
    }

    fn pod_tokens(&self) -> Vec<PodTokens> {
        self.inner.pod_tokens()
    }

    fn secret_files(&self) -> Vec<PathBuf> {
        self.inner.secret_files()
    }

    fn plan<'a>(&'a self, request: &'a CredentialRequest) -> Result<Plan<'a>, ProviderError> {
        let plan = self.inner.plan(request)?;
        let Some((slot, key)) = self.slot(&plan, request) else {
            return Ok(plan);
        };
        let answer = async move {
            let found = slot.read(self.clock.now());
            self.answer(&slot, found, plan, &request.registry).await
        };
        Ok(Plan::new(Some(key), answer))
    }
}

/// A fresh answer, or the way to one.
#[derive(Debug)]
pub enum StoredOrPlan<'a> {
    /// A stored answer, less than half of whose life has passed.
    Stored(Issued),
    /// The plan, through the cache.
    Plan(Plan<'a>),
}

/// A directory that is looked for at most once.
type Found = LazyLock<Option<CacheDir>, Finder>;
type Finder = Box<dyn FnOnce() -> Option<CacheDir> + Send>;

/// Half of the time of a plugin run: enough for any fetch that succeeds, and as much is left for a
/// fetch by this process.
const WAIT: Duration = Duration::from_secs(25);
const REFRESH: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
