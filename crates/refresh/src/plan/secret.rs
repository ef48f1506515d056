//! A Secret in each of some namespaces, and what decides whether a namespace gets it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use regcred_api::docker_config::Format;

use crate::cluster::Object;
use crate::config::{Namespaces, SecretTarget, ServiceAccounts, glob, is_pattern};
use crate::digest::hash;
use crate::names::OPT_OUT;

/// What is known of a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Namespace {
    pub(crate) name: Arc<str>,
    pub(crate) labels: BTreeMap<String, String>,
    /// Those of its annotations that decide something.
    pub(crate) annotations: BTreeMap<String, String>,
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

/// A Secret in each selected namespace.
#[derive(Clone, Debug)]
pub(crate) struct SecretPlan {
    /// The target's name in the configuration.
    pub(crate) target: String,
    /// Indices into [`Plan::sources`](super::Plan::sources), in order of merging.
    pub(crate) sources: Vec<usize>,
    /// What is written. In its name `{namespace}` is not yet replaced.
    pub(crate) object: SecretTarget,
    pub(crate) format: Format,
    pub(crate) namespaces: Namespaces,
    pub(crate) accounts: ServiceAccounts,
    /// A hash of everything that decides the content, besides the tokens.
    pub(crate) inputs: String,
}

impl SecretPlan {
    /// The Secret's name in a namespace.
    pub(crate) fn name_in(&self, namespace: &str) -> String {
        self.object.name.replace(NAMESPACE, namespace)
    }

    /// Whether a namespace gets the Secret; the error is the reason why not.
    pub(crate) fn covers(&self, namespace: &Namespace) -> Result<(), &'static str> {
        if !self.mentions(namespace) {
            return Err("not selected");
        }
        if namespace.terminating {
            return Err("the namespace is being deleted");
        }
        if namespace.has_opted_out() {
            return Err("the namespace opted out");
        }
        Ok(())
    }

    /// The inputs of a Secret whose logins belong to these roles of a namespace.
    pub(crate) fn inputs_with<'a>(&'a self, roles: impl Iterator<Item = &'a str>) -> String {
        let mut parts = vec![self.inputs.as_str()];
        parts.extend(roles);
        match parts[..] {
            [alone] => alone.to_owned(),
            _ => hash(parts),
        }
    }

    /// Whether the namespace is selected, though something else may exclude it.
    pub(crate) fn mentions(&self, namespace: &Namespace) -> bool {
        let rule = &self.namespaces;
        let listed = |patterns: &[String]| patterns.iter().any(|p| glob(p, &namespace.name));
        &*namespace.name != NODE_LEASES
            && listed(&rule.include)
            && !listed(&rule.exclude)
            && rule
                .selector
                .as_ref()
                .is_none_or(|selector| selector.matches(&namespace.labels))
    }

    /// The names of the selected namespaces, if names alone select them.
    pub(super) fn literal_namespaces(&self) -> Option<Vec<&str>> {
        let rule = &self.namespaces;
        let literal = rule.selector.is_none() && !rule.include.iter().any(|name| is_pattern(name));
        literal.then(|| {
            let names = rule.include.iter().map(String::as_str);
            let excluded = |name: &&str| rule.exclude.iter().any(|p| glob(p, name));
            names.filter(|name| !excluded(name)).collect()
        })
    }
}

pub(crate) const NAMESPACE: &str = "{namespace}";
/// It holds nothing but the Leases of nodes.
const NODE_LEASES: &str = "kube-node-lease";
