//! The work on one object: read it where that is needed, decide, write it where that is needed. One
//! run and the daemon both do exactly this.

mod accounts;
mod file;
mod secret;
mod tenant;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use regcred_core::{Clock, Env};

use crate::cluster::{Cluster, EventBudget};
use crate::plan::Plan;
use crate::report::Report;
use crate::secret::Fingerprint;
use crate::status::Status;
use crate::token::{Life, fraction};
use crate::tokens::Tokens;

pub(crate) use accounts::{Accounts, wanted as wanted_accounts};

/// Everything that work on an object needs.
pub struct Refresher {
    pub(crate) plan: Arc<Plan>,
    pub(crate) tokens: Tokens,
    pub(crate) cluster: Option<Cluster>,
    pub(crate) clock: Clock,
    pub(crate) status: Arc<Status>,
    pub(crate) mode: Mode,
    events: EventBudget,
}

/// How the work is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mode {
    /// Secrets of others are taken over.
    pub force: bool,
    /// Nothing is written; it is only said what would be.
    pub dry_run: bool,
    /// New tokens, whatever the age of what is there.
    pub anew: bool,
}

/// What is remembered of an object that was looked at.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Its resource version.
    pub(crate) version: String,
    pub(crate) fingerprint: Option<Fingerprint>,
    /// The times of its entries, by source.
    pub(crate) lives: Vec<(usize, Life)>,
    /// When it is read again, to see whether somebody changed it.
    pub(crate) check_at: DateTime<Utc>,
    pub(crate) expires: Option<DateTime<Utc>>,
    /// Whether an event has said that a registry fails.
    pub(crate) told: bool,
    /// Whether somebody had changed it. If they do so again it waits for the periodic look: two
    /// controllers must not fight as fast as they can.
    pub(crate) restored: bool,
    /// A hash of what decides its content beside the tokens.
    pub(crate) inputs: String,
}

/// What came of the work on an object.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) reports: Vec<Report>,
    pub(crate) seen: Option<Seen>,
    pub(crate) next: Next,
}

/// When the object is looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// At this time.
    At(DateTime<Utc>),
    /// In a few seconds: its namespace is named, and not there yet.
    Soon,
    /// After a pause that grows with each failure.
    Later,
    /// As soon as the API server can be reached.
    WhenReachable,
    /// When something about its namespace changes.
    Never,
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
            tokens: Tokens::new(Arc::clone(&plan), env, clock.clone(), Arc::clone(&status)),
            events: EventBudget::new(clock.now()),
            plan,
            cluster,
            clock,
            status,
            mode,
        }
    }

    /// What is known of the work.
    #[must_use]
    pub fn status(&self) -> Arc<Status> {
        Arc::clone(&self.status)
    }

    /// When an object that is as it should be is read again: each at its own time, so that thousands
    /// of them do not come together.
    fn next_check(&self) -> DateTime<Utc> {
        let period = self
            .plan
            .intervals
            .reapply
            .0
            .mul_f64(0.9 + 0.2 * fraction());
        self.clock.now() + TimeDelta::from_std(period).unwrap_or(TimeDelta::minutes(15))
    }
}
