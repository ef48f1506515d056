//! Scopes of tokens: `repository:library/nginx:pull,push`
//! (distribution's `auth/scope.md`).

use std::collections::{BTreeMap, BTreeSet};

/// A set of scopes, actions of one resource put together, in a fixed order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scopes(BTreeMap<String, BTreeSet<String>>);

impl Scopes {
    /// Adds a list separated by spaces. A word that is no scope is kept as it is: the token server
    /// knows better.
    pub(super) fn add(&mut self, list: &str) {
        for scope in list.split_whitespace() {
            // The name may hold a port, so the actions are behind the last colon.
            let (resource, actions) = match scope.rsplit_once(':') {
                Some((resource, actions)) if resource.contains(':') => (resource, actions),
                _ => (scope, ""),
            };
            let known = self.0.entry(resource.to_owned()).or_default();
            known.extend(
                actions
                    .split(',')
                    .filter(|a| !a.is_empty())
                    .map(str::to_owned),
            );
        }
    }

    /// Adds all of another set.
    pub(super) fn merge(&mut self, other: Self) {
        for (resource, actions) in other.0 {
            self.0.entry(resource).or_default().extend(actions);
        }
    }

    /// Whether all of another set is in this one.
    pub(super) fn cover(&self, other: &Self) -> bool {
        other.0.iter().all(|(resource, actions)| {
            self.0
                .get(resource)
                .is_some_and(|known| known.is_superset(actions))
        })
    }

    /// One text for each resource.
    pub(super) fn list(&self) -> Vec<String> {
        let text = |(resource, actions): (&String, &BTreeSet<String>)| {
            let actions: Vec<_> = actions.iter().map(String::as_str).collect();
            match actions.is_empty() {
                true => resource.clone(),
                false => format!("{resource}:{}", actions.join(",")),
            }
        };
        self.0.iter().map(text).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(list: &str) -> Scopes {
        let mut scopes = Scopes::default();
        scopes.add(list);
        scopes
    }

    #[test]
    fn actions_of_one_resource_are_put_together() {
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
