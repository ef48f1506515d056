//! Namespaces and service accounts as the watches report them: little enough of each for clusters of
//! thousands.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::schedule::Key;
use crate::cluster::Object;
use crate::plan::{Namespace, Plan};

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
    pub(super) fn namespace(&mut self, object: Object, plan: &Plan) -> Option<Arc<str>> {
        let mut namespace = Namespace::of(object, &self.annotations);
        let mut secrets = plan.secrets.iter();
        if !secrets.any(|secret| secret.namespaces.selector.is_some()) {
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

    pub(super) fn accounts_listed(&mut self, place: Option<String>, listed: bool) {
        if listed {
            self.listed.insert(place);
        } else {
            self.listed.remove(&place);
        }
    }

    /// Adds or updates a service account; true if this changes whose identity counts.
    pub(super) fn account(&mut self, mut account: Object, plan: &Plan) -> bool {
        let meta = &mut account.metadata;
        let mut identities = plan.identities();
        let proves = identities.any(|identity| identity.service_account == meta.name);
        let decisive = &self.annotations;
        meta.annotations
            .retain(|key, _| proves && decisive.contains(key));
        let annotations = meta.annotations.clone();
        let (namespace, name) = (std::mem::take(&mut meta.namespace), meta.name.clone());
        let mut secrets = plan.secrets.iter();
        if !proves && !secrets.any(|secret| secret.accounts.covers(&account)) {
            self.no_account(&namespace, &name);
            return false;
        }
        let accounts = self.accounts.entry(namespace.into()).or_default();
        let known = accounts.insert(name, account);
        known.unwrap_or_default().metadata.annotations != annotations
    }

    pub(super) fn no_account(&mut self, namespace: &str, name: &str) {
        if let Some(accounts) = self.accounts.get_mut(namespace) {
            accounts.remove(name);
        }
    }

    /// The selected accounts that lack a Secret; `None` if the namespace's accounts are not watched.
    pub(super) fn accounts_for(
        &self,
        place: usize,
        namespace: &Namespace,
        plan: &Plan,
    ) -> Option<Vec<Object>> {
        let one = Some(namespace.name.to_string());
        let is_watched = self.listed.contains(&None) || self.listed.contains(&one);
        is_watched.then(|| self.lacking(place, &namespace.name, plan))
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
        let lacks = |account: &&Object| secret.accounts.covers(account) && !account.lists(&name);
        let accounts = self.accounts.get(namespace).into_iter();
        let accounts = accounts.flat_map(BTreeMap::values);
        accounts.filter(lacks).cloned().collect()
    }
}
