//! The outcome of the work on one Secret: the report, what is remembered, when it is processed again,
//! the Events about its registries; and that of a Secret that may not be changed.

use std::sync::Arc;

use chrono::TimeDelta;

use super::{Existing, Work};
use crate::cluster::{ClusterError, ClusterErrorKind, EventReason, StoredSecret};
use crate::config::Ownership;
use crate::failure::RefreshFailure;
use crate::life::Lives;
use crate::refresher::content::Fingerprint;
use crate::refresher::outcome::{LastSeen, Next, Outcome, add_failures};
use crate::report::{Action, Report};

impl Work<'_> {
    /// Nothing is due and nothing has changed.
    pub(super) fn untouched(&self, existing: &Existing, lives: Lives) -> Outcome {
        let (version, fingerprint) = match (existing, &self.seen) {
            (Existing::Read(found), _) => (
                found.resource_version.clone(),
                Some(Fingerprint::of(&found.content, self.plan)),
            ),
            (_, Some(seen)) => (seen.version.clone(), seen.fingerprint),
            (_, None) => (String::new(), None),
        };
        self.done(self.report(Action::Unchanged), version, fingerprint, lives)
    }

    /// Nothing is written: it is tried again when a registry is.
    pub(super) fn again(&self, why: Option<RefreshFailure>) -> Outcome {
        let mut report = self.report(Action::Failed);
        if let Some(failure) = why {
            report.add(&Arc::new(failure));
        }
        let retries = self.failures.iter().map(|(_, failure)| failure.retry_at);
        let next = retries.min().map_or(Next::Later, Next::At);
        self.add_failures(&mut report, &Lives::default());
        Outcome::forgotten(report, next)
    }

    pub(super) fn done(
        &self,
        mut report: Report,
        version: String,
        fingerprint: Option<Fingerprint>,
        lives: Lives,
    ) -> Outcome {
        report.expires_at = lives.expires();
        self.add_failures(&mut report, &lives);
        let refresher = self.refresher;
        let now = refresher.clock.now();
        let seen = self.seen.as_ref();
        let check_at = seen.map(|seen| seen.check_at).filter(|at| now < *at);
        let check_at = check_at.unwrap_or_else(|| refresher.next_check());
        let failed = |source: usize| self.failures.iter().find(|(known, _)| *known == source);
        let sources = self.plan.sources.iter();
        let due = sources.filter_map(|source| match failed(*source) {
            Some((_, failure)) => Some(failure.retry_at),
            None => {
                let life = lives.of(*source);
                life.map(|life| refresher.tokens.due(*source, &life))
            }
        });
        let next = due.chain([check_at]).min().unwrap_or(check_at);
        // What is due already waits for a token that another task is fetching.
        let next = next.max(now + TimeDelta::seconds(1));
        Outcome {
            reports: vec![report],
            seen: Some(LastSeen {
                version,
                fingerprint,
                lives,
                check_at,
                reported: seen.is_some_and(|seen| seen.reported),
                restored: false,
                inputs: self.inputs.clone(),
            }),
            next: Next::At(next),
        }
    }

    pub(super) fn failed(&self, error: &ClusterError) -> Outcome {
        let mut report = self.report(Action::Failed).caused_by(error);
        for (_, failure) in &self.failures {
            report.add(&failure.failure);
        }
        if error.kind == ClusterErrorKind::Terminating {
            report.action = Action::Skip;
        }
        Outcome {
            reports: vec![report],
            seen: self.seen.clone(),
            next: Next::after(error),
        }
    }

    /// The outcome for a Secret that has another owner or cannot be changed, if that is not allowed.
    pub(super) async fn refusal(&self, existing: &StoredSecret) -> Option<Outcome> {
        let may_write = self.forced(existing) || self.plan.object.ownership == Ownership::Merge;
        let (action, failure) = if !existing.is_ours() && !may_write {
            let manager = existing.manager();
            let maker = manager.map_or("another owner".to_owned(), |name| format!("{name:?}"));
            let why = format!("it was created by {maker}");
            let next = "set ownership, or annotate it with refresh.regcred.dev/adopt=true";
            (Action::Foreign, RefreshFailure::new(why, Some(next)))
        } else {
            let obstacle = existing.obstacle(self.plan)?;
            if self.forced(existing) {
                return None;
            }
            let next = "ownership Force replaces it";
            (Action::Failed, RefreshFailure::new(obstacle, Some(next)))
        };
        let reason = EventReason::ForeignSecret;
        let text = failure.to_string();
        self.record(&existing.uid, reason, &text).await;
        let report = self.report(action).failed(action, failure);
        let next = Next::At(self.refresher.next_check());
        Some(Outcome::forgotten(report, next))
    }

    /// Whether the Secret is taken over from its owner.
    pub(super) fn forced(&self, existing: &StoredSecret) -> bool {
        self.refresher.mode.force
            || self.plan.object.ownership == Ownership::Force
            || existing.may_be_adopted()
    }

    fn add_failures(&self, report: &mut Report, lives: &Lives) {
        add_failures(report, &self.plan.sources, &self.failures, lives);
    }

    /// Records once that a registry has failed for long, and once that it has recovered.
    pub(super) async fn record_registries(&self, outcome: &mut Outcome) {
        let (Some(seen), Some(report)) = (&mut outcome.seen, outcome.reports.first()) else {
            return;
        };
        let status = &self.refresher.status;
        let mut failures = self.failures.iter();
        let lasting = failures.find(|(source, _)| status.is_in_danger(*source));
        match lasting {
            Some((_, failure)) if !seen.reported => {
                let reason = EventReason::RefreshFailed;
                let text = failure.failure.to_string();
                self.record("", reason, &text).await;
                seen.reported = true;
            }
            None if seen.reported && report.action == Action::Update => {
                let text = format!("logins for {} are valid again", report.hosts.join(", "));
                let reason = EventReason::Refreshed;
                self.record("", reason, &text).await;
                seen.reported = false;
            }
            _ => {}
        }
    }
}
