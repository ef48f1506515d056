//! What came of the work on one Secret: the report, what is remembered, when it is looked at again,
//! and the events that people see.

use std::sync::Arc;

use chrono::TimeDelta;

use super::{Existence, Work};
use crate::cluster::{Cluster, ClusterError, ClusterErrorKind, EventReason};
use crate::refresher::{Next, Seen, Served};
use crate::report::{Action, Report};
use crate::secret::{Desired, Fingerprint};
use crate::token::Life;

impl Work<'_> {
    /// Nothing is due and nothing was changed.
    pub(super) fn untouched(&mut self, existing: &Existence, lives: Vec<(usize, Life)>) -> Served {
        let (version, fingerprint) = match (existing, self.seen.take()) {
            (Existence::There(found), _) => (
                found.resource_version.clone(),
                Some(found.fingerprint(self.plan)),
            ),
            (_, Some(seen)) => (seen.version, seen.fingerprint),
            (_, None) => (String::new(), None),
        };
        let mut report = self.report(Action::Unchanged);
        report.expires_at = lives.iter().filter_map(|(_, life)| life.expires).min();
        self.done(report, version, fingerprint, lives)
    }

    /// No source gave anything and nothing was there.
    pub(super) fn nothing_to_write(&mut self) -> Served {
        let report = self.report(Action::Failed);
        self.again(report)
    }

    pub(super) fn again(&mut self, mut report: Report) -> Served {
        let retry = self
            .failures
            .iter()
            .map(|(_, failure)| failure.retry_at)
            .min();
        self.explain(&mut report);
        Served {
            reports: vec![report],
            seen: None,
            next: retry.map_or(Next::Later, Next::At),
        }
    }

    pub(super) fn done(
        &mut self,
        mut report: Report,
        version: String,
        fingerprint: Option<Fingerprint>,
        lives: Vec<(usize, Life)>,
    ) -> Served {
        self.explain(&mut report);
        let tokens = &self.refresher.tokens;
        let check_at = match self
            .seen
            .as_ref()
            .filter(|s| self.refresher.clock.now() < s.check_at)
        {
            Some(seen) => seen.check_at,
            None => self.refresher.next_check(),
        };
        let failed = |source: usize| self.failures.iter().find(|(known, _)| *known == source);
        let due = self
            .plan
            .sources
            .iter()
            .filter_map(|source| match failed(*source) {
                Some((_, failure)) => Some(failure.retry_at),
                None => {
                    let life = lives.iter().find(|(known, _)| known == source);
                    life.map(|(_, life)| tokens.due(*source, life))
                }
            });
        let next = due.chain([check_at]).min().unwrap_or(check_at);
        // What is due already waits for a token that somebody else is fetching.
        let next = next.max(self.refresher.clock.now() + TimeDelta::seconds(1));
        let expires = report.expires_at;
        Served {
            reports: vec![report],
            seen: Some(Seen {
                version,
                fingerprint,
                lives,
                check_at,
                expires,
                told: self.seen.as_ref().is_some_and(|seen| seen.told),
                restored: false,
                inputs: self.inputs.clone(),
            }),
            next: Next::At(next),
        }
    }

    pub(super) fn failed(&self, error: &ClusterError) -> Served {
        let mut report = self.report(Action::Failed);
        report.reason = Some(error.to_string());
        report.cause = Some(error.reason());
        if error.kind == ClusterErrorKind::Terminating {
            report.action = Action::Skip;
        }
        Served {
            reports: vec![report],
            seen: self.seen.clone(),
            next: next_after(error),
        }
    }

    pub(super) fn skip(&self, why: &str) -> Served {
        let mut report = self.report(Action::Skip);
        report.reason = Some(why.to_owned());
        Served {
            reports: vec![report],
            seen: None,
            next: Next::Never,
        }
    }

    pub(super) fn explain(&self, report: &mut Report) {
        let texts: Vec<&Arc<str>> = self
            .failures
            .iter()
            .map(|(_, failure)| &failure.text)
            .collect();
        if let Some(first) = texts.first() {
            report.registry_failed = true;
            report.reason = Some(first.to_string());
        }
    }

    pub(super) fn report_of(&self, action: Action, desired: &Desired) -> Report {
        let mut report = self.report(action);
        report.hosts.clone_from(&desired.hosts);
        report.expires_at = desired.expires();
        report
    }

    pub(super) fn report(&self, action: Action) -> Report {
        Report {
            target: self.plan.target.clone(),
            namespace: self.namespace.name.clone(),
            kind: "Secret",
            name: self.name.clone(),
            action,
            reason: None,
            hosts: Vec::new(),
            expires_at: None,
            registry_failed: false,
            cause: None,
        }
    }

    /// A registry that has failed for long is told of once, and its recovery too.
    pub(super) async fn tell_of_registries(&self, cluster: &Cluster, served: &mut Served) {
        let (Some(seen), Some(report)) = (&mut served.seen, served.reports.first()) else {
            return;
        };
        let status = &self.refresher.status;
        let lasting = self
            .failures
            .iter()
            .find(|(source, _)| status.is_in_danger(*source));
        match lasting {
            Some((_, failure)) if !seen.told => {
                self.tell(cluster, "", EventReason::RefreshFailed, &failure.text)
                    .await;
                seen.told = true;
            }
            None if seen.told && report.action == Action::Update => {
                let text = format!("logins for {} again", report.hosts.join(", "));
                self.tell(cluster, "", EventReason::Refreshed, &text).await;
                seen.told = false;
            }
            _ => {}
        }
    }

    pub(super) async fn tell(&self, cluster: &Cluster, uid: &str, reason: EventReason, text: &str) {
        if self.refresher.mode.dry_run {
            return;
        }
        let place = (&*self.namespace.name, self.name.as_str(), uid);
        let now = self.refresher.clock.now();
        cluster
            .record(&self.refresher.events, now, place, reason, text)
            .await;
    }
}

/// When to try again.
pub(super) fn next_after(error: &ClusterError) -> Next {
    match error.kind {
        ClusterErrorKind::Unreachable | ClusterErrorKind::Throttled(_) => Next::WhenReachable,
        ClusterErrorKind::Terminating => Next::Never,
        ClusterErrorKind::NotFound => Next::Soon,
        _ => Next::Later,
    }
}
