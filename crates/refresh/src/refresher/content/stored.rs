//! What the refresher reads from a Secret in the cluster, and the annotations by which it knows the
//! times of the entries: times and a hash, nothing of a token.

use std::collections::BTreeMap;

use regcred_docker_config::{Document, DocumentError};

use crate::cluster::{SecretContent, StoredSecret};
use crate::digest::digest;
use crate::life::{Life, Lives, rfc3339};
use crate::names::{ADOPT, EXPIRES_AT, INPUTS, MANAGED_BY, NAME, PREFIX, REFRESHED_AT, REGISTRIES};
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

    /// Whether another writer has changed what was written here: its entries, or the times by which
    /// their age is known.
    pub(crate) fn is_edited(&self, plan: &SecretPlan) -> bool {
        let times = [EXPIRES_AT, REGISTRIES, INPUTS];
        let mut times = times
            .iter()
            .filter(|key| self.content.annotations.contains_key(**key));
        self.is_ours()
            && (self.is_foreign(&["data", plan.format.secret_key()])
                || times.any(|key| self.is_foreign(&["metadata", "annotations", key])))
    }

    /// Why apply cannot change it, if it cannot.
    pub(crate) fn obstacle(&self, plan: &SecretPlan) -> Option<String> {
        let kind = &self.content.kind;
        if kind != plan.format.secret_type() {
            // Its owner chose it, and its length.
            let kind: String = kind.chars().take(100).collect();
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
