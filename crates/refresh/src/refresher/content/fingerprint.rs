//! What tells a Secret's contents apart without holding them.

use crate::cluster::SecretContent;
use crate::digest::digest;
use crate::names::{MANAGED_BY, PREFIX};
use crate::plan::SecretPlan;

/// Covers everything that the refresher writes: to notice changes without keeping tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; 16]);

impl Fingerprint {
    pub(crate) fn of(content: &SecretContent, plan: &SecretPlan) -> Self {
        let wanted = &plan.object;
        let labels = content.labels.iter();
        let labels =
            labels.filter(|(key, _)| *key == MANAGED_BY || wanted.labels.contains_key(*key));
        let annotations = content
            .annotations
            .iter()
            .filter(|(key, _)| key.starts_with(PREFIX) || wanted.annotations.contains_key(*key));
        let ours = labels.chain(annotations);
        let mut parts = vec![content.kind.as_str(), content.exposed_text()];
        parts.extend(ours.flat_map(|(key, value)| [key.as_str(), value.as_str()]));
        Self(digest(parts))
    }
}
