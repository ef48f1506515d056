//! What was done with one object, and what a whole run comes to.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::secret::rfc3339;

/// What was done with one object.
#[derive(Clone, Debug, Serialize)]
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
    /// Why, where that does not go without saying.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The hosts that have entries of ours.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// When the first entry ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// A registry gave no token, and what was there was kept.
    pub registry_failed: bool,
    /// What kind of answer of the API server stood in the way, in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'static str>,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is new.
    Create,
    /// It has new content.
    Update,
    /// It was as it should be.
    Unchanged,
    /// It was removed.
    Delete,
    /// It is not meant to be there.
    Skip,
    /// Somebody else made it.
    Foreign,
    /// Somebody else owns its fields.
    Conflict,
    /// It could not be done.
    Failed,
}

/// The exit codes of one run.
pub mod exit {
    /// All done, or nothing due.
    pub const DONE: u8 = 0;
    /// The command line or the configuration is wrong, or there is no cluster.
    pub const USAGE: u8 = 1;
    /// Nothing could be done.
    pub const ALL_FAILED: u8 = 2;
    /// Some of it could not be done.
    pub const SOME_FAILED: u8 = 3;
    /// A registry failed, but what is there is good for a while longer.
    pub const STILL_VALID: u8 = 4;
}

impl Action {
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

    /// Whether the object is as it should be.
    #[must_use]
    pub fn is_good(self) -> bool {
        !matches!(self, Self::Foreign | Self::Conflict | Self::Failed)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            namespace,
            kind,
            name,
            action,
            ..
        } = self;
        match namespace.is_empty() {
            true => write!(f, "{kind} {name}: {}", action.as_str())?,
            false => write!(f, "{namespace} {kind} {name}: {}", action.as_str())?,
        }
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

/// The exit code of a run. What is kept because a registry failed counts as good while it outlives
/// the next attempt.
#[must_use]
pub fn exit_code(reports: &[Report], next_attempt: DateTime<Utc>) -> u8 {
    let tried = || {
        reports
            .iter()
            .filter(|report| report.action != Action::Skip)
    };
    let is_bad = |report: &&Report| report.registry_failed || !report.action.is_good();
    let outlives = |report: &Report| {
        report.action.is_good() && report.expires_at.is_some_and(|end| end > next_attempt)
    };
    let bad = tried().filter(is_bad).count();
    if bad == 0 {
        return exit::DONE;
    }
    if tried().filter(is_bad).all(outlives) {
        return exit::STILL_VALID;
    }
    match tried().count() == bad {
        true => exit::ALL_FAILED,
        false => exit::SOME_FAILED,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn the_exit_code_says_whether_all_is_fresh() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        let report = |action, registry_failed, minutes: i64| Report {
            target: "t".to_owned(),
            namespace: "a".into(),
            kind: "Secret",
            name: "s".to_owned(),
            action,
            reason: None,
            hosts: Vec::new(),
            expires_at: Some(now + TimeDelta::minutes(minutes)),
            registry_failed,
            cause: None,
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
        assert_eq!(
            code(&[good.clone(), kept, dying.clone()]),
            exit::SOME_FAILED
        );
        assert_eq!(code(&[dying]), exit::ALL_FAILED);
        assert_eq!(code(&[good, failed.clone()]), exit::SOME_FAILED);
        assert_eq!(code(&[failed, skipped]), exit::ALL_FAILED);
    }
}
