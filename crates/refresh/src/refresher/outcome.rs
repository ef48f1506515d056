//! What the work on an object leads to.

use std::panic::AssertUnwindSafe;

use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;

use super::content::Fingerprint;
use crate::cluster::{ClusterError, ClusterErrorKind};
use crate::failure::{PANICKED, REPORT_IT, RefreshFailure};
use crate::life::Lives;
use crate::report::{Action, Report};
use crate::tokens::TokenFailure;

/// What is remembered of an object.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastSeen {
    pub(crate) version: String,
    pub(crate) fingerprint: Option<Fingerprint>,
    pub(crate) lives: Lives,
    /// When it is read again, to see whether it has changed.
    pub(crate) check_at: DateTime<Utc>,
    /// Whether an Event has reported that a registry fails.
    pub(crate) reported: bool,
    /// Whether a foreign change was undone. After another one it waits for the periodic check: two
    /// controllers must not fight as fast as they can.
    pub(crate) restored: bool,
    /// A hash of what decides its content, besides the tokens.
    pub(crate) inputs: String,
}

/// What the work on an object led to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) reports: Vec<Report>,
    pub(crate) seen: Option<LastSeen>,
    pub(crate) next: Next,
}

/// When the object is processed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    At(DateTime<Utc>),
    /// In a few seconds: its namespace is named, but does not exist yet.
    Soon,
    /// After a pause that grows with each failure.
    Later,
    /// As soon as the API server can be reached.
    WhenReachable,
    /// When something about its namespace changes.
    Never,
}

/// The outcome of the work on an object; a failure that is tried again later if the work panics.
pub(super) async fn survive(
    report: impl FnOnce() -> Report,
    work: impl Future<Output = Outcome>,
) -> Outcome {
    let done = AssertUnwindSafe(work).catch_unwind().await;
    done.unwrap_or_else(|_| {
        let failure = RefreshFailure::new(PANICKED, Some(REPORT_IT));
        Outcome::forgotten(report().failed(Action::Failed, failure), Next::Later)
    })
}

/// Adds to the report of an object which of its sources issued no token and why, and whether the object has
/// their entries; `lives` are the times of all its entries.
pub(super) fn add_failures(
    report: &mut Report,
    sources: &[usize],
    failures: &[(usize, TokenFailure)],
    lives: &Lives,
) {
    report.registry_failed = !failures.is_empty();
    report.in_part = report.registry_failed && failures.len() < sources.len();
    let mut failed = failures.iter();
    report.entries_kept = report.registry_failed && failed.all(|(s, _)| lives.is_known(*s));
    for (_, failure) in failures {
        report.add(&failure.failure);
    }
}

impl Next {
    /// After this error.
    pub(super) fn after(error: &ClusterError) -> Self {
        match error.kind {
            ClusterErrorKind::Unreachable | ClusterErrorKind::Throttled(_) => Self::WhenReachable,
            ClusterErrorKind::Terminating => Self::Never,
            ClusterErrorKind::NotFound | ClusterErrorKind::Standby => Self::Soon,
            _ => Self::Later,
        }
    }
}

impl Outcome {
    /// A single report and nothing to remember.
    pub(crate) fn forgotten(report: Report, next: Next) -> Self {
        Self {
            reports: vec![report],
            seen: None,
            next,
        }
    }
}
