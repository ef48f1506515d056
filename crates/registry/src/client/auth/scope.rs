//! Scopes of tokens: `repository:library/nginx:pull,push` (distribution's `auth/scope.md`).

use std::collections::{BTreeMap, BTreeSet};

/// A set of scopes in a fixed order, with the actions of one resource merged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scopes(BTreeMap<String, BTreeSet<String>>);

/// A list separated by spaces. A word that is not a scope is kept as it is: the token server knows
/// better.
impl From<&str> for Scopes {
    fn from(list: &str) -> Self {
        let mut scopes = Self::default();
        for scope in list.split_whitespace() {
            // The name may hold a port, so the actions are after the last colon.
            let (resource, actions) = match scope.rsplit_once(':') {
                Some((resource, actions)) if resource.contains(':') => (resource, actions),
                _ => (scope, ""),
            };
            let actions = actions.split(',').filter(|action| !action.is_empty());
            let known = scopes.0.entry(resource.to_owned()).or_default();
            known.extend(actions.map(str::to_owned));
        }
        scopes
    }
}

impl Scopes {
    /// Adds all of another set.
    pub(crate) fn merge(&mut self, other: Self) {
        for (resource, actions) in other.0 {
            self.0.entry(resource).or_default().extend(actions);
        }
    }

    /// Whether all of another set is in this one.
    pub(super) fn cover(&self, other: &Self) -> bool {
        other.0.iter().all(|(resource, actions)| {
            let known = self.0.get(resource);
            known.is_some_and(|known| known.is_superset(actions))
        })
    }

    /// One text for each resource.
    pub(super) fn list(&self) -> Vec<String> {
        let text = |(resource, actions): (&String, &BTreeSet<String>)| {
            let actions: Vec<_> = actions.iter().map(String::as_str).collect();
            if actions.is_empty() {
                resource.clone()
            } else {
                format!("{resource}:{}", actions.join(","))
            }
        };
        self.0.iter().map(text).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(list: &str) -> Scopes {
        list.into()
    }

    #[test]
    fn actions_of_one_resource_are_merged() {
        let mut all = scopes("repository:x:push repository:a/b:pull repository:x:pull");
        assert_eq!(
            all.list(),
            ["repository:a/b:pull", "repository:x:pull,push"]
        );
        all.merge(scopes(
            "registry:catalog:* odd repository(plugin):h:5000/p:pull",
        ));
        assert_eq!(
            all.list(),
            [
                "odd",
                "registry:catalog:*",
                "repository(plugin):h:5000/p:pull",
                "repository:a/b:pull",
                "repository:x:pull,push"
            ]
        );
    }

    #[test]
    fn a_wider_set_covers() {
        let wide = scopes("repository:x:pull,push");
        assert!(wide.cover(&scopes("repository:x:pull")));
        assert!(wide.cover(&scopes("")));
        assert!(!wide.cover(&scopes("repository:x:delete")));
        assert!(!wide.cover(&scopes("repository:y:pull")));
    }
}
