//! Role-based access control, as far as rules decide by verb, group, resource, namespace and name.

/// One rule; an empty list of namespaces or names means all.
#[derive(Clone, Debug)]
pub struct Rule {
    groups: Vec<String>,
    verbs: Vec<String>,
    resources: Vec<String>,
    namespaces: Vec<String>,
    names: Vec<String>,
}

impl Rule {
    /// These verbs on these resources of the core group (`serviceaccounts/token` for a subresource),
    /// both as lists parted by commas.
    #[must_use]
    pub fn new(verbs: &str, resources: &str) -> Self {
        Self {
            groups: list(""),
            verbs: list(verbs),
            resources: list(resources),
            namespaces: Vec::new(),
            names: Vec::new(),
        }
    }

    /// Resources of these API groups instead; the core's name is empty.
    #[must_use]
    pub fn of_groups(mut self, groups: &str) -> Self {
        self.groups = list(groups);
        self
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

    pub(crate) fn allows(&self, asked: &Asking<'_>) -> bool {
        let has = |list: &[String], text: &str| list.iter().any(|e| e == text || e == "*");
        has(&self.groups, asked.group)
            && has(&self.verbs, asked.verb)
            && has(&self.resources, asked.resource)
            && (self.namespaces.is_empty() || has(&self.namespaces, asked.namespace))
            && (self.names.is_empty() || self.names.iter().any(|name| name == asked.name))
    }
}

/// What is asked of the rules.
pub(crate) struct Asking<'a> {
    pub(crate) verb: &'a str,
    pub(crate) group: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
}

fn list(text: &str) -> Vec<String> {
    text.split(',')
        .map(|entry| entry.trim().to_owned())
        .collect()
}
