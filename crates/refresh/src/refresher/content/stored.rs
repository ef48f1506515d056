//! What the refresher reads from a Secret in the cluster.

use std::collections::BTreeMap;

use regcred_docker_config::{Document, DocumentError};

use super::times::life_in;
use crate::cluster::{SecretContent, StoredSecret};
use crate::digest::digest;
use crate::life::Life;
use crate::names::{ADOPT, INPUTS, MANAGED_BY, NAME, PREFIX};
use crate::plan::{Plan, SecretPlan};

/// Covers everything that the refresher writes: to notice changes without keeping tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; 16]);

impl StoredSecret {
    /// Whether it carries our label.
    pub(crate) fn is_ours(&self) -> bool {
        self.manager() == Some(NAME)
    }

    /// Who manages it, by its label.
    pub(crate) fn manager(&self) -> Option<&str> {
        self.content.labels.get(MANAGED_BY).map(String::as_str)
    }

    /// Whether its owner hands it over.
    pub(crate) fn may_be_adopted(&self) -> bool {
        let mark = self.content.annotations.get(ADOPT);
        mark.is_some_and(|value| value == "true")
    }

    /// Whether it has the labels and annotations of the configuration; one that is not ours keeps its
    /// own.
    pub(crate) fn is_labelled(&self, plan: &SecretPlan) -> bool {
        let (content, wanted) = (&self.content, &plan.object);
        !self.is_ours()
            || (includes(&content.labels, &wanted.labels)
                && includes(&content.annotations, &wanted.annotations))
    }

    /// Why apply cannot change it, if it cannot.
    pub(crate) fn obstacle(&self, plan: &SecretPlan) -> Option<String> {
        let kind = &self.content.kind;
        if kind != plan.format.secret_type() {
            return Some(format!("its type is {kind:?} and cannot be changed"));
        }
        self.immutable.then(|| "it is immutable".to_owned())
    }

    /// The times of a source's entries, if those entries are all there and nothing that decides them
    /// has changed since.
    pub(crate) fn life_of(
        &self,
        plan: &Plan,
        secret: &SecretPlan,
        inputs: &str,
        source: usize,
    ) -> Option<Life> {
        let annotations = &self.content.annotations;
        if annotations.get(INPUTS)? != inputs {
            return None;
        }
        let document = self.document(secret).ok()?;
        let registry = &plan.sources[source].registry;
        let complete = registry.hosts.iter().all(|host| document.has(host));
        if !complete || document.hosts().next().is_none() {
            return None;
        }
        life_in(annotations, &registry.name)
    }

    /// The docker configuration inside.
    pub(crate) fn document(&self, plan: &SecretPlan) -> Result<Document, DocumentError> {
        Document::parse(self.content.exposed_text(), plan.format)
    }
}

impl SecretContent {
    /// Whether type and text are the same, and all of its labels and annotations are there.
    pub(crate) fn holds(&self, wanted: &Self) -> bool {
        self.kind == wanted.kind
            && self.exposed_text() == wanted.exposed_text()
            && includes(&self.labels, &wanted.labels)
            && includes(&self.annotations, &wanted.annotations)
    }
}

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

fn includes(have: &BTreeMap<String, String>, want: &BTreeMap<String, String>) -> bool {
    want.iter().all(|(key, value)| have.get(key) == Some(value))
}
