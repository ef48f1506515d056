//! Kubernetes Events on the Secrets, few enough to be read: a budget, and silence where the right to
//! write them is missing.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{Call, Cluster, Kind};
use crate::secret::{NAME, rfc3339};

/// What happened to a Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happening {
    /// It was written for the first time, or again after a failure.
    Refreshed,
    /// It could not be renewed.
    RefreshFailed,
    /// Somebody else owns its fields.
    Conflict,
    /// Somebody else made it.
    ForeignSecret,
}

/// How many events may still be written.
#[derive(Debug)]
pub(crate) struct Budget {
    left: Mutex<(f64, DateTime<Utc>)>,
    refused: AtomicBool,
}

impl Budget {
    pub(crate) fn new(now: DateTime<Utc>) -> Self {
        Self {
            left: Mutex::new((BURST, now)),
            refused: AtomicBool::new(false),
        }
    }

    fn take(&self, now: DateTime<Utc>) -> bool {
        if self.refused.load(Ordering::Relaxed) {
            return false;
        }
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let (amount, since) = *left;
        let seconds = (now - since).num_seconds().clamp(0, 3600);
        #[expect(clippy::cast_precision_loss, reason = "an hour at most")]
        let amount = (amount + seconds as f64 * PER_SECOND).min(BURST);
        let granted = amount >= 1.0;
        *left = (if granted { amount - 1.0 } else { amount }, now);
        granted
    }
}

impl Cluster {
    /// Writes an event, if the budget allows; a failure is nobody's concern.
    pub(crate) async fn tell(
        &self,
        budget: &Budget,
        now: DateTime<Utc>,
        place: (&str, &str, &str),
        happening: Happening,
        message: &str,
    ) {
        if self.dry_run || !budget.take(now) {
            return;
        }
        let (namespace, name, uid) = place;
        let kind = match happening {
            Happening::Refreshed => "Normal",
            _ => "Warning",
        };
        let message: String = message.chars().take(900).collect();
        let at = rfc3339(now);
        let mut about = json!({
            "apiVersion": "v1", "kind": "Secret", "namespace": namespace, "name": name,
        });
        if !uid.is_empty() {
            about["uid"] = uid.into();
        }
        let body = json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": format!("{name:.200}."), "namespace": namespace},
            "involvedObject": about,
            "type": kind,
            "reason": format!("{happening:?}"),
            "message": message,
            "source": {"component": NAME},
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": 1,
        });
        let path = format!("/api/v1/namespaces/{namespace}/events");
        let call = Call::post(path, body.to_string());
        if let Err(error) = self.send::<serde_json::Value>(&call).await {
            if error.kind == Kind::Forbidden && !budget.refused.swap(true, Ordering::Relaxed) {
                tracing::info!("no right to write events: {error}");
            } else {
                tracing::debug!("no event: {error}");
            }
        }
    }
}

const BURST: f64 = 50.0;
const PER_SECOND: f64 = 0.2;
