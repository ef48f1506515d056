//! Namespaces, as far as they decide something.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::cluster::Object;
use crate::names::OPT_OUT;

/// What is known of a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Namespace {
    /// Its name.
    pub(crate) name: Arc<str>,
    /// Its labels.
    pub(crate) labels: BTreeMap<String, String>,
    /// Those of its annotations that decide something.
    pub(crate) annotations: BTreeMap<String, String>,
    /// Whether it is being deleted.
    pub(crate) terminating: bool,
}

impl Namespace {
    /// A namespace of which only the name is known.
    pub(crate) fn named(name: Arc<str>) -> Self {
        Self {
            name,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            terminating: false,
        }
    }

    /// A namespace of the cluster, with those of its annotations that decide something.
    pub(crate) fn of(object: Object, decisive: &BTreeSet<String>) -> Self {
        let mut annotations = object.metadata.annotations;
        annotations.retain(|key, _| decisive.contains(key));
        Self {
            name: object.metadata.name.into(),
            labels: object.metadata.labels,
            annotations,
            terminating: object.metadata.deletion_timestamp.is_some(),
        }
    }

    pub(super) fn has_opted_out(&self) -> bool {
        OPT_OUT.iter().any(|(key, values)| {
            let value = self.annotations.get(*key);
            value.is_some_and(|value| values.contains(&value.as_str()))
        })
    }
}
