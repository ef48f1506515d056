//! Namespaces and service accounts as the watches report them: little enough of each for clusters of
//! thousands.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::schedule::Key;
use crate::cluster::Object;
use crate::plan::{Namespace, Plan, SecretPlan};

/// Namespaces, and the service accounts that some target selects or that prove an identity.
#[derive(Debug)]
pub(super) struct Inventory {
    namespaces: HashMap<Arc<str>, Namespace>,
    accounts: HashMap<Arc<str>, BTreeMap<String, Object>>,
    annotations: BTreeSet<String>,
    pub(super) namespaces_listed: bool,
    /// The namespaces whose accounts are watched (`None`: all); others are fetched on demand.
    listed: BTreeSet<Option<String>>,
}

/// What a change of a service account means.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct AccountChange {
    /// Whether another identity counts in its namespace.
    pub(super) identity: bool,
    /// The Secrets that it should list and does not.
    pub(super) lacking: Vec<Key>,
}

impl Inventory {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            namespaces: HashMap::new(),
            accounts: HashMap::new(),
            annotations: plan.annotations(),
            namespaces_listed: plan.named_namespaces().is_some(),
            listed: BTreeSet::new(),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Namespace> {
        self.namespaces.get(name)
    }

    /// Adds a namespace by name alone.
    pub(super) fn name(&mut self, name: &Arc<str>) {
        let namespace = Namespace::named(Arc::clone(name));
        self.namespaces.insert(Arc::clone(name), namespace);
    }

    /// Adds or updates a namespace; returns its name if something relevant has changed.
    pub(super) fn namespace(&mut self, object: Object) -> Option<Arc<str>> {
        let namespace = Namespace::of(object, &self.annotations);
        let name = Arc::clone(&namespace.name);
        if self.namespaces.get(&name) == Some(&namespace) {
            return None;
        }
        self.namespaces.insert(Arc::clone(&name), namespace);
        Some(name)
    }

    pub(super) fn forget(&mut self, name: &str) {
        self.namespaces.remove(name);
        self.accounts.remove(name);
    }

    pub(super) fn accounts_listed(&mut self, place: Option<String>, listed: bool) {
        if listed {
            self.listed.insert(place);
        } else {
            self.listed.remove(&place);
        }
    }

    /// Adds or updates a service account; what it means for the Secrets of its namespace.
    pub(super) fn account(&mut self, mut account: Object, plan: &Plan) -> AccountChange {
        let meta = &mut account.metadata;
        let mut identities = plan.identities();
        let proves = identities.any(|identity| identity.service_account == meta.name);
        if !proves {
            meta.annotations.clear();
        }
        let annotations = meta.annotations.clone();
        let (namespace, name) = (std::mem::take(&mut meta.namespace), meta.name.clone());
        let mut secrets = plan.secrets.iter();
        if !proves && !secrets.any(|secret| secret.accounts.covers(&account)) {
            self.no_account(&namespace, &name);
            return AccountChange::default();
        }
        let lacking = self.lacked_by(&account, &namespace, plan);
        let accounts = self.accounts.entry(namespace.into()).or_default();
        let known = accounts.insert(name, account).unwrap_or_default();
        AccountChange {
            identity: known.metadata.annotations != annotations,
            lacking,
        }
    }

    /// The Secrets of its namespace that it should list and does not.
    fn lacked_by(&self, account: &Object, namespace: &str, plan: &Plan) -> Vec<Key> {
        let Some(known) = self.namespaces.get(namespace) else {
            return Vec::new();
        };
        let places = plan.secrets.iter().enumerate();
        places
            .filter(|(_, secret)| lacks(account, secret, namespace) && secret.covers(known).is_ok())
            .map(|(place, _)| Key::Secret(place, Arc::clone(&known.name)))
            .collect()
    }

    pub(super) fn no_account(&mut self, namespace: &str, name: &str) {
        if let Some(accounts) = self.accounts.get_mut(namespace) {
            accounts.remove(name);
        }
    }

    /// The first selected accounts that lack a Secret, few enough for one turn: the watch reports the others
    /// again. `None` if the namespace's accounts are not watched.
    pub(super) fn accounts_for(
        &self,
        place: usize,
        namespace: &Namespace,
        plan: &Plan,
    ) -> Option<Vec<Object>> {
        let one = Some(namespace.name.to_string());
        let is_watched = self.listed.contains(&None) || self.listed.contains(&one);
        let (secret, name) = (&plan.secrets[place], &namespace.name);
        let accounts = self.accounts.get(name).into_iter();
        let accounts = accounts.flat_map(BTreeMap::values);
        let lacking = accounts.filter(|account| lacks(account, secret, name));
        is_watched.then(|| lacking.take(IN_ONE_TURN).cloned().collect())
    }
}

fn lacks(account: &Object, secret: &SecretPlan, namespace: &str) -> bool {
    secret.accounts.covers(account) && !account.lists(&secret.name_in(namespace))
}

/// A namespace with thousands of accounts shares its turns with the others.
const IN_ONE_TURN: usize = 100;

#[cfg(test)]
mod tests;
