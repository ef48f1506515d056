//! The work on one Secret: its inputs, and the words about it.

use crate::cluster::{Cluster, EventReason, StoredSecret};
use crate::plan::{Namespace, SecretPlan};
use crate::refresher::context::Refresher;
use crate::refresher::outcome::LastSeen;
use crate::report::{Action, Report};
use crate::tokens::TokenFailure;

pub(super) struct Work<'a> {
    pub(super) refresher: &'a Refresher,
    pub(super) plan: &'a SecretPlan,
    pub(super) namespace: &'a Namespace,
    pub(super) name: String,
    pub(super) seen: Option<LastSeen>,
    /// Sources without a newer token.
    pub(super) failures: Vec<(usize, TokenFailure)>,
    /// A hash of what decides the content, besides the tokens: the configuration, and whose identity
    /// counts here.
    pub(super) inputs: String,
}

/// What is known of the Secret.
pub(super) enum Existing {
    /// Unchanged since it was last seen.
    AsSeen,
    /// Read now.
    Read(StoredSecret),
    Absent,
}

impl Work<'_> {
    pub(super) fn report(&self, action: Action) -> Report {
        let (target, namespace) = (&self.plan.target, &self.namespace.name);
        Report {
            action,
            ..Report::new(target, namespace, "Secret", &*self.name)
        }
    }

    pub(super) async fn record(
        &self,
        cluster: &Cluster,
        uid: &str,
        reason: EventReason,
        text: &str,
    ) {
        if self.refresher.mode.dry_run {
            return;
        }
        let place = (&*self.namespace.name, self.name.as_str(), uid);
        let now = self.refresher.clock.now();
        let events = &self.refresher.events;
        cluster.record(events, now, place, reason, text).await;
    }
}
