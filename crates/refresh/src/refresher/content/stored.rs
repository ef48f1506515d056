//! What the refresher reads from a Secret in the cluster.

use std::collections::BTreeMap;

use regcred_docker_config::{Document, DocumentError};
use secrecy::{ExposeSecret as _, SecretString};

use super::fingerprint::Fingerprint;
use super::times::life_in;
use crate::cluster::StoredSecret;
use crate::life::Life;
use crate::names::{ADOPT, INPUTS, MANAGED_BY, NAME};
use crate::plan::{Plan, SecretPlan};

impl StoredSecret {
    /// Whether it carries our label.
    pub(crate) fn is_ours(&self) -> bool {
        self.manager() == Some(NAME)
    }

    /// Who manages it, by its label.
    pub(crate) fn manager(&self) -> Option<&str> {
        self.labels.get(MANAGED_BY).map(String::as_str)
    }

    /// Whether its owner hands it over.
    pub(crate) fn may_be_adopted(&self) -> bool {
        self.annotations
            .get(ADOPT)
            .is_some_and(|value| value == "true")
    }

    /// Whether it has the labels and annotations of the configuration; one that is not ours keeps its
    /// own.
    pub(crate) fn is_labelled(&self, plan: &SecretPlan) -> bool {
        !self.is_ours()
            || (includes(&self.labels, &plan.labels)
                && includes(&self.annotations, &plan.annotations))
    }

    /// Why apply cannot change it, if it cannot.
    pub(crate) fn obstacle(&self, plan: &SecretPlan) -> Option<String> {
        if self.kind != plan.format.secret_type() {
            return Some(format!("its type is {:?} and cannot be changed", self.kind));
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
        if self.annotations.get(INPUTS)? != inputs {
            return None;
        }
        let document = self.document(secret).ok()?;
        let source = &plan.sources[source];
        let complete = source.hosts.iter().all(|host| document.has(host));
        if !complete || document.hosts().next().is_none() {
            return None;
        }
        life_in(&self.annotations, &source.name)
    }

    /// The docker configuration inside.
    pub(crate) fn document(&self, plan: &SecretPlan) -> Result<Document, DocumentError> {
        let text = self.text.as_ref().map_or("", |text| text.expose_secret());
        Document::parse(text, plan.format)
    }

    /// A fingerprint of everything in it that the refresher writes.
    pub(crate) fn fingerprint(&self, plan: &SecretPlan) -> Fingerprint {
        let (labels, annotations) = (&self.labels, &self.annotations);
        Fingerprint::new(&self.kind, self.text.as_ref(), labels, annotations, plan)
    }

    /// Whether its content is this text.
    pub(crate) fn holds(&self, text: &SecretString) -> bool {
        let own = self.text.as_ref().map(|text| text.expose_secret());
        own == Some(text.expose_secret())
    }

    /// The same Secret with another content.
    pub(crate) fn with_text(mut self, text: SecretString) -> Self {
        self.text = Some(text);
        self
    }
}

/// Whether labels or annotations include all of these.
pub(super) fn includes(have: &BTreeMap<String, String>, want: &BTreeMap<String, String>) -> bool {
    want.iter().all(|(key, value)| have.get(key) == Some(value))
}
