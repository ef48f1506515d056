//! What was done with one object, and the exit code of a whole run.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::cluster::ClusterError;
use crate::life::rfc3339;

/// What was done with one object.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The target's name.
    pub target: String,
    /// Empty for a file.
    pub namespace: Arc<str>,
    /// `Secret`, `ServiceAccount` or `File`.
    pub kind: &'static str,
    /// Name or path.
    pub name: String,
    /// What was done.
    pub action: Action,
    /// Why, unless it is evident.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The hosts whose entries were written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// When the first entry expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// A registry issued no token; its existing entries, if there are any, were kept.
    pub registry_failed: bool,
    /// With `registry_failed`: the object has the entries of each registry that failed, and it is
    /// known when they expire.
    pub entries_kept: bool,
    /// With `registry_failed`: another registry of the object did not fail.
    #[serde(skip)]
    pub(crate) in_part: bool,
    /// One word for the API server's error, if that was the cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'static str>,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Created.
    Create,
    /// Updated.
    Update,
    /// Up to date already.
    Unchanged,
    /// Removed.
    Delete,
    /// Not selected.
    Skip,
    /// Not created by the refresher.
    Foreign,
    /// Another field manager owns its fields.
    Conflict,
    /// Failed.
    #[default]
    Failed,
}

/// The exit codes of one run.
pub mod exit {
    /// Everything is up to date.
    pub const DONE: u8 = 0;
    /// A bug.
    pub const BUG: u8 = regcred_run::exit_code::BUG;
    /// The command line or the configuration is wrong, or there is no cluster.
    pub const USAGE: u8 = regcred_run::exit_code::USAGE;
    /// Everything failed: the same for a script, since nothing was done.
    pub const ALL_FAILED: u8 = USAGE;
    /// Something failed.
    pub const SOME_FAILED: u8 = 3;
    /// A registry failed, but every object holds a login that is still valid.
    pub const STILL_VALID: u8 = 4;
}

impl Action {
    pub(crate) const ALL: [Self; 8] = [
        Self::Create,
        Self::Update,
        Self::Unchanged,
        Self::Delete,
        Self::Skip,
        Self::Foreign,
        Self::Conflict,
        Self::Failed,
    ];

    /// In lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Unchanged => "unchanged",
            Self::Delete => "delete",
            Self::Skip => "skip",
            Self::Foreign => "foreign",
            Self::Conflict => "conflict",
            Self::Failed => "failed",
        }
    }

    /// Whether the object is up to date.
    #[must_use]
    pub fn is_good(self) -> bool {
        !matches!(self, Self::Foreign | Self::Conflict | Self::Failed)
    }
}

impl Report {
    /// A failure, until it is known better.
    pub(crate) fn new(
        target: &str,
        namespace: &Arc<str>,
        kind: &'static str,
        name: impl Into<String>,
    ) -> Self {
        Self {
            target: target.to_owned(),
            namespace: Arc::clone(namespace),
            kind,
            name: name.into(),
            ..Self::default()
        }
    }

    /// A report of a docker configuration file.
    pub(crate) fn of_file(target: &str, path: &Path) -> Self {
        Self::new(target, &Arc::from(""), "File", path.display().to_string())
    }

    /// An error of the API server as the reason.
    pub(crate) fn caused_by(mut self, error: &ClusterError) -> Self {
        self.reason = Some(error.to_string());
        self.cause = Some(error.reason());
        self
    }

    /// One more reason.
    pub(crate) fn add_reason(&mut self, more: &str) {
        let reason = self.reason.get_or_insert_default();
        if !reason.is_empty() {
            reason.push_str("; ");
        }
        reason.push_str(more);
    }

    pub(crate) fn with(mut self, action: Action, reason: impl Into<String>) -> Self {
        self.action = action;
        self.reason = Some(reason.into());
        self
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.namespace.is_empty() {
            write!(f, "{} ", self.namespace)?;
        }
        write!(f, "{} {}: {}", self.kind, self.name, self.action.as_str())?;
        if !self.hosts.is_empty() {
            write!(f, ", hosts {}", self.hosts.join(" "))?;
        }
        if let Some(end) = self.expires_at {
            write!(f, ", until {}", rfc3339(end))?;
        }
        match &self.reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
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

/// The last line of a run with this exit code; `None` if nothing failed.
#[must_use]
pub(crate) fn verdict(reports: &[Report], code: u8) -> Option<String> {
    let all = tried(reports).count();
    let bad = tried(reports).filter(|report| is_bad(report)).count();
    let rest = match code {
        exit::DONE => return None,
        exit::STILL_VALID => "which hold logins that are still valid",
        _ => "whose lines have the reason",
    };
    Some(format!("failed for {bad} of {all} objects, {rest}"))
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
        let last = |reports: &[Report]| verdict(reports, code(reports));
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
