//! Everything that the work on an object needs.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use regcred_core::{Clock, Env};

use crate::backoff::fraction;
use crate::cluster::Cluster;
use crate::life::delta;
use crate::plan::Plan;
use crate::status::Status;
use crate::tokens::TokenStore;

/// Keeps the objects of a plan fresh.
pub struct Refresher {
    pub(crate) plan: Arc<Plan>,
    pub(crate) tokens: TokenStore,
    pub(crate) cluster: Option<Cluster>,
    pub(crate) clock: Clock,
    pub(crate) status: Arc<Status>,
    pub(crate) mode: Mode,
}

/// How the work is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mode {
    /// Whether Secrets that the refresher did not create are taken over.
    pub force: bool,
    /// Whether nothing is written, and only reported.
    pub dry_run: bool,
    /// Whether new tokens are requested, whatever the age of the existing entries.
    pub renew_all: bool,
}

impl Refresher {
    /// A refresher that has done nothing yet.
    #[must_use]
    pub fn new(
        plan: Arc<Plan>,
        cluster: Option<Cluster>,
        env: Env,
        clock: Clock,
        mode: Mode,
    ) -> Self {
        let status = Arc::new(Status::new(&plan, clock.clone()));
        Self {
            tokens: TokenStore::new(Arc::clone(&plan), env, clock.clone(), Arc::clone(&status)),
            plan,
            cluster,
            clock,
            status,
            mode,
        }
    }

    /// When an object that is up to date is read again: each at its own time, so that thousands of
    /// them do not come together.
    pub(super) fn next_check(&self) -> DateTime<Utc> {
        let reapply = self.plan.intervals.reapply.0;
        let period = reapply.mul_f64(0.9 + 0.2 * fraction());
        self.clock.now() + delta(period)
    }
}
