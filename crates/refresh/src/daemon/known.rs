//! What is known of namespaces and service accounts; little enough for clusters of thousands.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::schedule::Key;
use crate::cluster::Object;
use crate::plan::{Namespace, Plan};
use crate::refresher::Accounts;

/// Namespaces, and the service accounts that some target means.
#[derive(Debug)]
pub(super) struct Known {
    namespaces: HashMap<Arc<str>, Namespace>,
    accounts: HashMap<Arc<str>, BTreeMap<String, Object>>,
    annotations: BTreeSet<String>,
    pub(super) namespaces_listed: bool,
    /// Whether accounts are followed; else they are asked for.
    pub(super) accounts_listed: bool,
}

impl Known {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            namespaces: HashMap::new(),
            accounts: HashMap::new(),
            annotations: plan.annotations(),
            namespaces_listed: plan.secrets.is_empty(),
            accounts_listed: false,
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Namespace> {
        self.namespaces.get(name)
    }

    /// A namespace by name alone.
    pub(super) fn name(&mut self, name: &Arc<str>) {
        let namespace = Namespace::named(Arc::clone(name));
        self.namespaces.insert(Arc::clone(name), namespace);
    }

    /// A namespace as it is now; its name when something changed that matters.
    pub(super) fn namespace(&mut self, object: Object, plan: &Plan) -> Option<Arc<str>> {
        let mut namespace = Namespace::of(object, &self.annotations);
        let selects = plan
            .secrets
            .iter()
            .any(|secret| secret.namespaces.selector.is_some());
        if !selects {
            namespace.labels.clear();
        }
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

    /// A service account as it is now.
    pub(super) fn account(&mut self, mut account: Object, plan: &Plan) {
        let meant = plan
            .secrets
            .iter()
            .any(|secret| secret.accounts.covers(&account));
        let namespace = std::mem::take(&mut account.metadata.namespace);
        let name = account.metadata.name.clone();
        if !meant {
            self.no_account(&namespace, &name);
            return;
        }
        account.metadata.annotations.clear();
        self.accounts
            .entry(namespace.into())
            .or_default()
            .insert(name, account);
    }

    pub(super) fn no_account(&mut self, namespace: &str, name: &str) {
        if let Some(accounts) = self.accounts.get_mut(namespace) {
            accounts.remove(name);
        }
    }

    /// What the work on a Secret has to know of accounts.
    pub(super) fn accounts_for(
        &self,
        place: usize,
        namespace: &Namespace,
        plan: &Plan,
    ) -> Accounts {
        match self.accounts_listed {
            true => Accounts::Lacking(self.lacking(place, &namespace.name, plan)),
            false => Accounts::Unknown,
        }
    }

    /// The Secrets of a namespace that some account lacks.
    pub(super) fn keys_lacking(&self, namespace: &str, plan: &Plan) -> Vec<Key> {
        let Some(known) = self.namespaces.get(namespace) else {
            return Vec::new();
        };
        let places = plan.secrets.iter().enumerate();
        places
            .filter(|(_, secret)| secret.covers(known).is_ok())
            .filter(|(place, _)| !self.lacking(*place, namespace, plan).is_empty())
            .map(|(place, _)| Key::Secret(place, Arc::clone(&known.name)))
            .collect()
    }

    fn lacking(&self, place: usize, namespace: &str, plan: &Plan) -> Vec<Object> {
        let secret = &plan.secrets[place];
        let name = secret.name_in(namespace);
        let lacks = |account: &&Object| {
            let list = account.image_pull_secrets.as_deref().unwrap_or_default();
            secret.accounts.covers(account) && !list.iter().any(|r| r.name == name)
        };
        let accounts = self
            .accounts
            .get(namespace)
            .into_iter()
            .flat_map(BTreeMap::values);
        accounts.filter(lacks).cloned().collect()
    }
}
