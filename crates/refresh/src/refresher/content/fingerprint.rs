//! What tells a Secret's contents apart without holding them.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};

use crate::digest::digest;
use crate::names::{MANAGED_BY, PREFIX};
use crate::plan::SecretPlan;

/// Covers everything that the refresher writes: to notice changes without keeping tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; 16]);

impl Fingerprint {
    pub(super) fn new(
        kind: &str,
        text: Option<&SecretString>,
        labels: &BTreeMap<String, String>,
        annotations: &BTreeMap<String, String>,
        plan: &SecretPlan,
    ) -> Self {
        let labels = labels
            .iter()
            .filter(|(key, _)| *key == MANAGED_BY || plan.labels.contains_key(*key));
        let annotations = annotations
            .iter()
            .filter(|(key, _)| key.starts_with(PREFIX) || plan.annotations.contains_key(*key));
        let ours = labels.chain(annotations);
        let mut parts = vec![kind, text.map_or("", |text| text.expose_secret())];
        parts.extend(ours.flat_map(|(key, value)| [key.as_str(), value.as_str()]));
        Self(digest(parts))
    }
}
