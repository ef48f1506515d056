//! What is kept of the cluster's objects, however much their owners write into them.

use std::collections::BTreeSet;

use super::contents::Plan;
use super::secret::NAMESPACE;
use crate::cluster::Object;

/// What decides something of namespaces and service accounts.
#[derive(Clone, Debug, Default)]
struct Decisive {
    labels: BTreeSet<String>,
    annotations: BTreeSet<String>,
    /// Names of our pull secrets; `{namespace}` in them is not replaced.
    secrets: BTreeSet<String>,
}

impl Plan {
    /// A function that drops everything else of an object. Of a long annotation enough stays to see that it
    /// is longer than [`LONGEST_VALUE`]; of an account's pull secrets ours, and whether there are others.
    pub(crate) fn trim(&self) -> impl Fn(&mut Object) + Clone + Send + Sync + use<> {
        let secrets = self.secrets.iter();
        let selectors = secrets.flat_map(|secret| {
            let selectors = [&secret.namespaces.selector, &secret.accounts.selector];
            selectors.into_iter().flatten()
        });
        let decisive = Decisive {
            labels: selectors.flat_map(|selector| selector.keys()).collect(),
            annotations: self.annotations(),
            secrets: self.secrets.iter().map(|s| s.object.name.clone()).collect(),
        };
        move |object| decisive.trim(object)
    }
}

impl Decisive {
    fn trim(&self, object: &mut Object) {
        let metadata = &mut object.metadata;
        metadata.labels.retain(|key, _| self.labels.contains(key));
        let annotations = &mut metadata.annotations;
        annotations.retain(|key, _| self.annotations.contains(key));
        for value in annotations.values_mut() {
            value.truncate(value.floor_char_boundary(LONGEST_VALUE + 4));
            value.shrink_to_fit();
        }
        if let Some(list) = &mut object.image_pull_secrets {
            let namespace = &metadata.namespace;
            let ours = self
                .secrets
                .iter()
                .map(|name| name.replace(NAMESPACE, namespace));
            // Without a name: others.
            let mut left: BTreeSet<String> = ours.chain([String::new()]).collect();
            for reference in &mut *list {
                if !left.contains(&reference.name) {
                    reference.name = String::new();
                }
            }
            list.retain(|reference| left.remove(&reference.name));
            list.shrink_to_fit();
        }
    }
}

/// The longest value of an annotation that is used, in bytes: a role or an account of a cloud is shorter.
pub(crate) const LONGEST_VALUE: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_an_object_does_not_grow_with_what_its_owner_writes() {
        let long = "x".repeat(200_000);
        let many = (0..10_000).map(|n| format!("{{\"name\":\"s{n}\"}}"));
        let text = format!(
            "{{\"metadata\":{{\"namespace\":\"a\",\"name\":\"default\",\
             \"labels\":{{\"team\":\"one\",\"other\":\"x\"}},\
             \"annotations\":{{\"role\":\"{long}\",\"short\":\"r\",\"note\":\"{long}\"}}}},\
             \"imagePullSecrets\":[{},{{\"name\":\"{long}\"}},{{\"name\":\"a-ours\"}},{{\"name\":\"a-ours\"}}]}}",
            many.collect::<Vec<_>>().join(",")
        );
        let mut object: Object = serde_json::from_str(&text).expect("an account");
        let set = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        let decisive = Decisive {
            labels: set(&["team"]),
            annotations: set(&["role", "short"]),
            secrets: set(&["{namespace}-ours"]),
        };
        decisive.trim(&mut object);
        let metadata = &object.metadata;
        assert_eq!(metadata.labels.keys().collect::<Vec<_>>(), ["team"]);
        assert_eq!(metadata.annotations.len(), 2);
        assert_eq!(metadata.annotations["short"], "r");
        let role = &metadata.annotations["role"];
        assert!(role.len() > LONGEST_VALUE && role.capacity() < LONGEST_VALUE + 10);
        let list = object.image_pull_secrets.as_deref().expect("a list");
        let names: Vec<_> = list.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["", "a-ours"], "there are others, and ours");
    }
}
