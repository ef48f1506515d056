//! Counts of the requests to the API server, for metrics.

use std::collections::BTreeMap;

use super::error::{ClusterError, ClusterErrorKind, REASONS};

/// Requests that were sent, and those that failed, by reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestCounts {
    pub(crate) sent: u64,
    pub(crate) failed: BTreeMap<&'static str, u64>,
}

impl RequestCounts {
    /// Counts a failure, unless it is an ordinary answer (an absent object, or one that has changed) or was
    /// not sent.
    pub(super) fn fail(&mut self, error: &ClusterError) {
        use ClusterErrorKind::{Conflict, Gone, NotFound, Standby};
        if !matches!(error.kind, Conflict | Gone | NotFound | Standby) {
            *self.failed.entry(error.reason()).or_default() += 1;
        }
    }
}

impl Default for RequestCounts {
    fn default() -> Self {
        Self {
            sent: 0,
            failed: REASONS.iter().map(|reason| (*reason, 0)).collect(),
        }
    }
}
