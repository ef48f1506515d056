//! What was done with one object.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::cluster::ClusterError;
use crate::failure::RefreshFailure;
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
    /// The failures in parts, each also in the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Arc<RefreshFailure>>,
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
        self.cause = Some(error.reason());
        self.add(error.failure());
        self
    }

    /// One more failure.
    pub(crate) fn add(&mut self, failure: &Arc<RefreshFailure>) {
        let reason = self.reason.get_or_insert_default();
        if !reason.is_empty() {
            reason.push_str("; ");
        }
        if let Some(registry) = &failure.registry {
            reason.push_str(&format!("registry {registry}: "));
        }
        reason.push_str(&failure.to_string());
        self.failures.push(Arc::clone(failure));
    }

    pub(crate) fn failed(mut self, action: Action, failure: RefreshFailure) -> Self {
        self.action = action;
        self.add(&Arc::new(failure));
        self
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
