//! The end of a run: its exit code, and the verdict on its last line.

use std::error::Error;
use std::fmt;
use std::iter::successors;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::cluster::ClusterError;
use crate::failure::RefreshFailure;
use crate::life::rfc3339;
use crate::report::{Action, Report};

/// The last line of a run in which something failed. `Display` is the verdict.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Conclusion {
    verdict: String,
    pub(crate) exit_code: u8,
    /// What ended the run as a whole; the failures of objects are in their reports.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failures: Vec<RefreshFailure>,
}

impl Conclusion {
    /// That of a run with these reports; `None` if nothing failed.
    pub(crate) fn of(reports: &[Report], next_attempt: DateTime<Utc>) -> Option<Self> {
        let exit_code = exit_code(reports, next_attempt);
        let rest = match exit_code {
            exit::DONE => return None,
            exit::STILL_VALID => "which hold logins that are still valid",
            _ => "whose lines have the reason",
        };
        let all = tried(reports).count();
        let bad = tried(reports).filter(|report| is_bad(report)).count();
        Some(Self {
            verdict: format!("failed for {bad} of {all} objects, {rest}"),
            exit_code,
            failures: Vec::new(),
        })
    }

    /// That of a run that this error ended.
    pub(crate) fn of_error(error: &(dyn Error + 'static), exit_code: u8) -> Self {
        let mut chain = successors(Some(error), |&error| error.source());
        let failure = chain.find_map(|error| {
            let cluster = error.downcast_ref::<ClusterError>();
            let failure = cluster.map(|error| &**error.failure());
            failure.or_else(|| error.downcast_ref::<RefreshFailure>())
        });
        let verdict = regcred_core::report(error);
        let failure = failure.cloned();
        let failure = failure.unwrap_or_else(|| RefreshFailure::new(verdict.clone(), None));
        Self {
            verdict,
            exit_code,
            failures: vec![failure],
        }
    }
}

impl Conclusion {
    /// As a line of a log in JSON, also where logging did not start.
    pub(crate) fn log_line(&self, now: DateTime<Utc>) -> String {
        let first = self.failures.first();
        let line = LastLine {
            time: rfc3339(now),
            level: "error",
            target: "regcred_refresh",
            message: &self.verdict,
            exit_code: self.exit_code,
            identity: first.and_then(|one| one.identity.as_deref()),
            server: first.and_then(|one| one.server.as_deref()),
            answer: first.map(|one| &*one.answer),
            next_step: first.and_then(|one| one.next_step.as_deref()),
        };
        serde_json::to_string(&line).unwrap_or_default()
    }
}

/// The members of a log line about a failure.
#[derive(Serialize)]
struct LastLine<'a> {
    time: String,
    level: &'a str,
    target: &'a str,
    message: &'a str,
    exit_code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_step: Option<&'a str>,
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.verdict)
    }
}

/// The exit codes of one run.
pub mod exit {
    /// Everything is up to date.
    pub const DONE: u8 = 0;
    /// A bug.
    pub const BUG: u8 = regcred_run::exit_code::BUG;
    /// The command line or the configuration is wrong, or no cluster is configured.
    pub const USAGE: u8 = regcred_run::exit_code::USAGE;
    /// Everything failed: the same for a script, since nothing was done.
    pub const ALL_FAILED: u8 = USAGE;
    /// Something failed.
    pub const SOME_FAILED: u8 = 3;
    /// A registry failed, but every object holds a login that is still valid.
    pub const STILL_VALID: u8 = 4;
}

/// The exit code of a run. Entries that were kept because a registry failed count as valid if it is
/// known that they outlive the next attempt.
#[must_use]
pub fn exit_code(reports: &[Report], next_attempt: DateTime<Utc>) -> u8 {
    let bad: Vec<_> = tried(reports).filter(|report| is_bad(report)).collect();
    let outlives = |report: &&Report| {
        let in_time = report.expires_at.is_some_and(|end| end > next_attempt);
        report.action.is_good() && report.entries_kept && in_time
    };
    let in_part = |report: &&Report| report.action.is_good() && report.in_part;
    match bad.len() {
        0 => exit::DONE,
        _ if bad.iter().all(outlives) => exit::STILL_VALID,
        all if all == tried(reports).count() && !bad.iter().any(in_part) => exit::ALL_FAILED,
        _ => exit::SOME_FAILED,
    }
}

/// The reports of objects that were selected.
fn tried(reports: &[Report]) -> impl Iterator<Item = &Report> {
    let all = reports.iter();
    all.filter(|report| report.action != Action::Skip)
}

fn is_bad(report: &Report) -> bool {
    report.registry_failed || !report.action.is_good()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use std::sync::Arc;

    use super::*;

    #[test]
    fn exit_code_and_verdict_show_whether_all_is_fresh() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        let report = |action, registry_failed, minutes: i64| Report {
            action,
            expires_at: Some(now + TimeDelta::minutes(minutes)),
            registry_failed,
            entries_kept: registry_failed,
            ..Report::new("t", &Arc::from("a"), "Secret", "s")
        };
        let code = |reports: &[Report]| exit_code(reports, now + TimeDelta::minutes(15));
        let good = report(Action::Update, false, 60);
        let kept = report(Action::Unchanged, true, 60);
        let dying = report(Action::Unchanged, true, 5);
        let failed = report(Action::Failed, false, 60);
        let skipped = report(Action::Skip, false, 60);
        assert_eq!(code(&[good.clone(), skipped.clone()]), exit::DONE);
        assert_eq!(code(&[]), exit::DONE);
        assert_eq!(code(&[good.clone(), kept.clone()]), exit::STILL_VALID);
        let without = Report {
            entries_kept: false,
            ..kept.clone()
        };
        assert_eq!(code(&[good.clone(), without]), exit::SOME_FAILED);
        assert_eq!(
            code(&[good.clone(), kept.clone(), dying.clone()]),
            exit::SOME_FAILED
        );
        assert_eq!(code(std::slice::from_ref(&dying)), exit::ALL_FAILED);
        let half = Report {
            in_part: true,
            ..dying
        };
        assert_eq!(code(&[half]), exit::SOME_FAILED, "another registry works");
        assert_eq!(code(&[good.clone(), failed.clone()]), exit::SOME_FAILED);
        assert_eq!(code(&[failed.clone(), skipped.clone()]), exit::ALL_FAILED);
        let last = |reports: &[Report]| {
            let last = Conclusion::of(reports, now + TimeDelta::minutes(15));
            last.map(|last| last.to_string())
        };
        assert_eq!(last(&[good.clone(), skipped.clone()]), None);
        let words = "failed for 1 of 2 objects, whose lines have the reason";
        assert_eq!(
            last(&[good.clone(), failed, skipped]).as_deref(),
            Some(words)
        );
        let words = "failed for 1 of 2 objects, which hold logins that are still valid";
        assert_eq!(last(&[good, kept]).as_deref(), Some(words));
    }
}
