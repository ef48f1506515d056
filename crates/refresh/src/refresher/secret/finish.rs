//! The outcome of the work on one Secret: the report, what is remembered, when it is processed again,
//! and the Events about its registries.

use chrono::TimeDelta;

use super::{Existing, Work};
use crate::cluster::{ClusterError, ClusterErrorKind, EventReason};
use crate::life::Life;
use crate::refresher::content::{Desired, Fingerprint};
use crate::refresher::outcome::{LastSeen, Next, Outcome};
use crate::report::{Action, Report};

impl Work<'_> {
    /// Nothing is due and nothing has changed.
    pub(super) fn untouched(&self, existing: &Existing, lives: Vec<(usize, Life)>) -> Outcome {
        let (version, fingerprint) = match (existing, &self.seen) {
            (Existing::Read(found), _) => (
                found.resource_version.clone(),
                Some(Fingerprint::of(&found.content, self.plan)),
            ),
            (_, Some(seen)) => (seen.version.clone(), seen.fingerprint),
            (_, None) => (String::new(), None),
        };
        let mut report = self.report(Action::Unchanged);
        report.expires_at = lives.iter().filter_map(|(_, life)| life.expires).min();
        self.done(report, version, fingerprint, lives)
    }

    /// No source has a token, and the Secret has no entries.
    pub(super) fn nothing_to_write(&self) -> Outcome {
        self.again(self.report(Action::Failed))
    }

    pub(super) fn again(&self, mut report: Report) -> Outcome {
        let retries = self.failures.iter().map(|(_, failure)| failure.retry_at);
        let next = retries.min().map_or(Next::Later, Next::At);
        self.explain(&mut report);
        Outcome::forgotten(report, next)
    }

    pub(super) fn done(
        &self,
        mut report: Report,
        version: String,
        fingerprint: Option<Fingerprint>,
        lives: Vec<(usize, Life)>,
    ) -> Outcome {
        self.explain(&mut report);
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
                let life = lives.iter().find(|(known, _)| known == source);
                life.map(|(_, life)| refresher.tokens.due(*source, life))
            }
        });
        let next = due.chain([check_at]).min().unwrap_or(check_at);
        // What is due already waits for a token that another task is fetching.
        let next = next.max(now + TimeDelta::seconds(1));
        let expires = report.expires_at;
        Outcome {
            reports: vec![report],
            seen: Some(LastSeen {
                version,
                fingerprint,
                lives,
                check_at,
                expires,
                reported: seen.is_some_and(|seen| seen.reported),
                restored: false,
                inputs: self.inputs.clone(),
            }),
            next: Next::At(next),
        }
    }

    pub(super) fn failed(&self, error: &ClusterError) -> Outcome {
        let mut report = self.report(Action::Failed).caused_by(error);
        if error.kind == ClusterErrorKind::Terminating {
            report.action = Action::Skip;
        }
        Outcome {
            reports: vec![report],
            seen: self.seen.clone(),
            next: Next::after(error),
        }
    }

    fn explain(&self, report: &mut Report) {
        if let Some((_, first)) = self.failures.first() {
            report.registry_failed = true;
            report.reason = Some(first.text.to_string());
        }
    }

    pub(super) fn report_of(&self, action: Action, desired: &Desired) -> Report {
        let mut report = self.report(action);
        report.hosts.clone_from(&desired.hosts);
        report.expires_at = desired.expires();
        report
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
                self.record("", reason, &failure.text).await;
                seen.reported = true;
            }
            None if seen.reported && report.action == Action::Update => {
                let text = format!("logins for {} again", report.hosts.join(", "));
                let reason = EventReason::Refreshed;
                self.record("", reason, &text).await;
                seen.reported = false;
            }
            _ => {}
        }
    }
}
