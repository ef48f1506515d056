//! Times as the library's objects hold them.

use chrono::{DateTime, Utc};
use k8s_openapi::jiff::Timestamp;

/// To the microsecond.
pub(crate) fn timestamp(time: DateTime<Utc>) -> Timestamp {
    Timestamp::from_microsecond(time.timestamp_micros()).unwrap_or_default()
}
