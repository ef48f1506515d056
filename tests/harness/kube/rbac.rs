//! Role-based access control, as far as rules decide by verb, resource, namespace and name.

/// One rule; an empty list of namespaces or names means all.
#[derive(Clone, Debug)]
pub struct Rule {
    verbs: Vec<String>,
    resources: Vec<String>,
    namespaces: Vec<String>,
    names: Vec<String>,
}

impl Rule {
    /// These verbs on these resources (`serviceaccounts/token` for a subresource), both as lists
    /// parted by commas.
    #[must_use]
    pub fn new(verbs: &str, resources: &str) -> Self {
        Self {
            verbs: list(verbs),
            resources: list(resources),
            namespaces: Vec::new(),
            names: Vec::new(),
        }
    }

    /// Only in these namespaces: a Role and not a ClusterRole.
    #[must_use]
    pub fn within(mut self, namespaces: &str) -> Self {
        self.namespaces = list(namespaces);
        self
    }

    /// Only objects of these names.
    #[must_use]
    pub fn named(mut self, names: &str) -> Self {
        self.names = list(names);
        self
    }

    pub(crate) fn allows(&self, verb: &str, resource: &str, namespace: &str, name: &str) -> bool {
        let has = |list: &[String], text: &str| list.iter().any(|entry| entry == text);
        has(&self.verbs, verb)
            && has(&self.resources, resource)
            && (self.namespaces.is_empty() || has(&self.namespaces, namespace))
            && (self.names.is_empty() || has(&self.names, name))
    }
}

fn list(text: &str) -> Vec<String> {
    text.split(',')
        .map(|entry| entry.trim().to_owned())
        .collect()
}
