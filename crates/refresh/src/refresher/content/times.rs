//! The times of a Secret's entries, kept in its annotations: times and a hash, nothing of a token.

use std::collections::BTreeMap;

use crate::life::{Life, Lives, rfc3339};
use crate::names::{EXPIRES_AT, INPUTS, REFRESHED_AT, REGISTRIES};
use crate::plan::{Plan, SecretPlan};

/// The annotations of a Secret whose entries have these times.
pub(super) fn annotations(
    plan: &Plan,
    secret: &SecretPlan,
    inputs: &str,
    lives: &Lives,
) -> BTreeMap<String, String> {
    let mut annotations = secret.object.annotations.clone();
    let mut add = |key: &str, value: String| annotations.insert(key.to_owned(), value);
    let times = lives.0.iter();
    let times = times.map(|(source, life)| (&plan.sources[*source].registry.name, life));
    if let Ok(times) = serde_json::to_string(&times.collect::<BTreeMap<_, _>>()) {
        add(REGISTRIES, times);
    }
    add(INPUTS, inputs.to_owned());
    if let Some(end) = lives.expires() {
        add(EXPIRES_AT, rfc3339(end));
    }
    if let Some(oldest) = lives.0.iter().map(|(_, life)| life.issued).min() {
        add(REFRESHED_AT, rfc3339(oldest));
    }
    annotations
}

/// The times of a registry's entries; anything unreadable counts as absent.
pub(super) fn life_in(annotations: &BTreeMap<String, String>, registry: &str) -> Option<Life> {
    let all = annotations.get(REGISTRIES)?;
    let all: BTreeMap<String, Life> = serde_json::from_str(all).ok()?;
    all.get(registry).copied()
}
