//! The last failed fetch, kept in the lock file for the processes that waited for it.
//!
//! It is not a cache of errors. A process that waited while another one failed shares that failure,
//! as callers that join a flight do in the kubelet; a later process fetches again. The note also keeps
//! a refresh ahead of expiry from being tried again at once.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use regcred_core::{ErrorKind, ProviderError};
use serde::{Deserialize, Serialize};

/// When a fetch failed, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    at: String,
    kind: String,
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_step: Option<String>,
}

impl Failure {
    /// A note of the error; `None` for failures that concern only the calling process.
    pub(crate) fn new(error: &ProviderError, now: DateTime<Utc>) -> Option<Self> {
        let (_, kind) = SHARED.iter().find(|(kind, _)| *kind == error.kind())?;
        let bounded = |text: &str| text.chars().take(MAX_MESSAGE).collect();
        Some(Self {
            at: now.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            kind: (*kind).to_owned(),
            message: bounded(&error.reason()),
            next_step: error.next_step().map(bounded),
        })
    }

    /// A note of a refresh that took too long.
    pub(crate) fn slow(now: DateTime<Utc>) -> Self {
        Self {
            at: now.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            kind: "unreachable".to_owned(),
            message: "the refresh took too long".to_owned(),
            next_step: None,
        }
    }

    /// Writes the note into the lock file. A failure to do so is ignored.
    pub(crate) fn leave(&self, file: &File) {
        if let Ok(bytes) = serde_json::to_vec(self) {
            let _ = file.set_len(0).and_then(|()| file.write_all_at(&bytes, 0));
        }
    }

    /// Reads the note of the lock file.
    pub(crate) fn read(file: &File) -> Option<Self> {
        let mut bytes = vec![0; MAX_NOTE];
        let length = file.read_at(&mut bytes, 0).ok()?;
        serde_json::from_slice(&bytes[..length]).ok()
    }

    /// Whether it happened between the two moments.
    pub(crate) fn happened(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
        DateTime::parse_from_rfc3339(&self.at).is_ok_and(|at| from <= at && at <= to)
    }

    /// Whether a refresh failed too recently for another try.
    pub(crate) fn is_recent(&self, now: DateTime<Utc>) -> bool {
        self.happened(now - PAUSE, now)
    }

    /// The error, for a process that waited.
    pub(crate) fn to_error(&self, provider: &'static str) -> Option<ProviderError> {
        let (kind, _) = SHARED.iter().find(|(_, name)| *name == self.kind)?;
        let message = format!(
            "{} (reported by another process that requested the same credential)",
            self.message
        );
        let error = ProviderError::new(provider, *kind, message);
        Some(error.with_next_step(self.next_step.clone()))
    }
}

/// Failures that any process with the same identity would hit as well.
const SHARED: [(ErrorKind, &str); 5] = [
    (ErrorKind::IdentityUnavailable, "identity unavailable"),
    (ErrorKind::Denied, "denied"),
    (ErrorKind::Throttled, "throttled"),
    (ErrorKind::Unreachable, "unreachable"),
    (ErrorKind::Malformed, "malformed"),
];

/// How long after a failed refresh the still valid entry is served without another try.
const PAUSE: TimeDelta = TimeDelta::seconds(30);
const MAX_MESSAGE: usize = 2000;
const MAX_NOTE: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use regcred_core::report;

    use super::*;

    #[test]
    fn a_note_gives_the_error_back() {
        let now = DateTime::UNIX_EPOCH;
        let error = ProviderError::new("ecr", ErrorKind::Throttled, "the API said 429")
            .with_source(std::io::Error::other("slow down"))
            .with_next_step("wait".to_owned());
        let file = tempfile::tempfile().unwrap();
        Failure::new(&error, now).expect("shared").leave(&file);
        let note = Failure::read(&file).expect("a note");
        let again = note.to_error("ecr").expect("a known kind");
        assert_eq!(again.kind(), ErrorKind::Throttled);
        assert_eq!(
            report(&again),
            "ecr: the API said 429: slow down (reported by another process that requested the same \
             credential); wait"
        );
        assert!(note.is_recent(now + TimeDelta::seconds(30)));
        assert!(!note.is_recent(now + TimeDelta::seconds(31)));
        assert!(!note.is_recent(now - TimeDelta::seconds(1)));
    }

    #[test]
    fn a_shorter_note_replaces_a_longer_one() {
        let file = tempfile::tempfile().unwrap();
        let long = ProviderError::new("ecr", ErrorKind::Denied, "x".repeat(500));
        let now = DateTime::UNIX_EPOCH;
        Failure::new(&long, now).expect("shared").leave(&file);
        let slow = Failure::slow(now);
        slow.leave(&file);
        assert_eq!(Failure::read(&file), Some(slow));
    }

    #[test]
    fn what_lies_in_the_asking_process_is_not_shared() {
        let error = ProviderError::new("ecr", ErrorKind::NotConfigured, "no region");
        assert_eq!(Failure::new(&error, DateTime::UNIX_EPOCH), None);
    }
}
