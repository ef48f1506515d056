//! The result of asking a plugin.

use std::sync::Arc;
use std::time::Duration;

use regcred_api::CredentialProviderResponse;
use regcred_core::ServiceAccountCoordinates;
use serde::{Serialize, Serializer};

use super::error::{PluginError, SkipReason};

/// The result of asking a plugin. The JSON does not contain passwords.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "state", rename_all = "camelCase")]
#[non_exhaustive]
pub enum Provision {
    /// No pattern matches the image; the plugin was not asked.
    NotMatched,
    /// A pattern matches; the plugin was not asked because plugins were not to be run.
    WouldRun,
    /// The plugin works with service accounts, and the pod lacks what it requires; the kubelet skips
    /// it without logging.
    Skipped {
        /// What the pod lacks.
        reason: SkipReason,
    },
    /// The plugin answered, now or earlier.
    Answered {
        /// The answer; its `auth` may be empty.
        #[serde(flatten, serialize_with = "without_logins")]
        answer: Arc<CredentialProviderResponse>,
        /// The service account whose token it was sent.
        #[serde(skip)]
        service_account: Option<ServiceAccountCoordinates>,
        /// Whether the answer came from the cache.
        cached: bool,
        /// How long asking took; seconds in JSON.
        #[serde(serialize_with = "seconds")]
        took: Duration,
    },
    /// The plugin failed.
    Failed {
        /// Why.
        #[serde(flatten)]
        error: PluginError,
        /// How long asking took; seconds in JSON.
        #[serde(serialize_with = "seconds")]
        took: Duration,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WithoutLogins<'a> {
    keys: Vec<&'a str>,
    cache_key_type: &'static str,
    cache_duration: Option<String>,
}

fn without_logins<S: Serializer>(
    answer: &Arc<CredentialProviderResponse>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let shown = WithoutLogins {
        keys: answer.auth.iter().map(|(key, _)| key.as_str()).collect(),
        cache_key_type: answer.cache_key_type.as_str(),
        cache_duration: answer.cache_duration.map(|duration| duration.to_string()),
    };
    shown.serialize(serializer)
}

/// Seconds with three decimals.
pub(crate) fn seconds<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    let millis = u32::try_from(span.as_millis()).unwrap_or(u32::MAX);
    serializer.serialize_f64(f64::from(millis) / 1000.0)
}
