//! The times of a Secret's entries, kept in its annotations: times and a hash, nothing of a token.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::life::{Life, rfc3339};
use crate::names::{EXPIRES_AT, INPUTS, REFRESHED_AT, REGISTRIES};
use crate::plan::{Plan, SecretPlan};

/// The annotations of a Secret whose entries have these times.
pub(super) fn annotations(
    plan: &Plan,
    secret: &SecretPlan,
    inputs: &str,
    lives: &BTreeMap<usize, Life>,
) -> BTreeMap<String, String> {
    let mut annotations = secret.object.annotations.clone();
    let mut add = |key: &str, value: String| annotations.insert(key.to_owned(), value);
    let times: BTreeMap<&str, Times> = lives
        .iter()
        .map(|(source, life)| {
            let times = Times {
                refreshed_at: life.issued,
                expires_at: life.expires,
            };
            (plan.sources[*source].registry.name.as_str(), times)
        })
        .collect();
    if let Ok(times) = serde_json::to_string(&times) {
        add(REGISTRIES, times);
    }
    add(INPUTS, inputs.to_owned());
    if let Some(end) = lives.values().filter_map(|life| life.expires).min() {
        add(EXPIRES_AT, rfc3339(end));
    }
    if let Some(oldest) = lives.values().map(|life| life.issued).min() {
        add(REFRESHED_AT, rfc3339(oldest));
    }
    annotations
}

/// The times of a registry's entries; anything unreadable counts as absent.
pub(super) fn life_in(annotations: &BTreeMap<String, String>, registry: &str) -> Option<Life> {
    let all = annotations.get(REGISTRIES)?;
    let all: BTreeMap<String, Times> = serde_json::from_str(all).ok()?;
    let times = all.get(registry)?;
    Some(Life {
        issued: times.refreshed_at,
        expires: times.expires_at,
    })
}

#[derive(serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Times {
    refreshed_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime<Utc>>,
}
