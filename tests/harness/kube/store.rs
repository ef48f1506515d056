//! Objects, their versions, and the changes that watches replay.

use std::collections::{BTreeMap, VecDeque};

use regcred_core::Clock;
use serde_json::{Value, json};

use super::apply::{Owner, Owners};

/// Namespace and name within a resource.
pub(crate) type Place = (String, String);

/// A change as a watch tells it.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) version: u64,
    pub(crate) kind: &'static str,
    pub(crate) resource: String,
    pub(crate) object: Value,
}

/// Everything there is.
#[derive(Default)]
pub(crate) struct Store {
    version: u64,
    objects: BTreeMap<String, BTreeMap<Place, Value>>,
    owners: BTreeMap<(String, Place), Owners>,
    pub(crate) history: VecDeque<Change>,
    oldest: u64,
}

impl Store {
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Watches and continuations from before this version are too late.
    pub(crate) fn oldest(&self) -> u64 {
        self.oldest
    }

    /// Forgets what was before now; who follows already is told all the same.
    pub(crate) fn compact(&mut self) {
        self.oldest = self.version;
    }

    /// Who owns which fields of an object.
    pub(crate) fn owners(&self, resource: &str, place: &Place) -> Owners {
        let key = (resource.to_owned(), place.clone());
        self.owners.get(&key).cloned().unwrap_or_default()
    }

    pub(crate) fn own(&mut self, resource: &str, place: &Place, owners: Owners) {
        self.owners
            .insert((resource.to_owned(), place.clone()), owners);
    }

    pub(crate) fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<&Value> {
        let place = (namespace.to_owned(), name.to_owned());
        self.objects.get(resource)?.get(&place)
    }

    pub(crate) fn all(&self, resource: &str) -> impl Iterator<Item = &Value> {
        self.objects
            .get(resource)
            .into_iter()
            .flat_map(BTreeMap::values)
    }

    /// The objects after a place, in order.
    pub(crate) fn after(
        &self,
        resource: &str,
        last: Option<&Place>,
    ) -> impl Iterator<Item = (&Place, &Value)> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = last.map_or(Unbounded, |last| Excluded(last.clone()));
        let objects = self.objects.get(resource).into_iter();
        objects.flat_map(move |objects| objects.range((from.clone(), Unbounded)))
    }

    /// Stores an object as it is but for what the server sets; true when it is new.
    pub(crate) fn put(&mut self, resource: &str, mut object: Value) -> bool {
        let place = place_of(&object);
        let old = self.objects.get(resource).and_then(|all| all.get(&place));
        let kind = if old.is_some() { "MODIFIED" } else { "ADDED" };
        let (uid, made) = old.map_or_else(
            || {
                let number = self.version + 1;
                (
                    json!(format!("00000000-0000-4000-8000-{number:012x}")),
                    now(),
                )
            },
            |old| {
                let metadata = &old["metadata"];
                (
                    metadata["uid"].clone(),
                    metadata["creationTimestamp"].clone(),
                )
            },
        );
        self.version += 1;
        object["metadata"]["uid"] = uid;
        object["metadata"]["creationTimestamp"] = made;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let managed = self.managed_fields(resource, &place);
        if let Some(managed) = managed {
            object["metadata"]["managedFields"] = managed;
        }
        self.remember(kind, resource, &object);
        let all = self.objects.entry(resource.to_owned()).or_default();
        all.insert(place, object).is_none()
    }

    pub(crate) fn remove(&mut self, resource: &str, namespace: &str, name: &str) -> Option<Value> {
        let place = (namespace.to_owned(), name.to_owned());
        let mut object = self.objects.get_mut(resource)?.remove(&place)?;
        self.owners.remove(&(resource.to_owned(), place));
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.remember("DELETED", resource, &object);
        Some(object)
    }

    pub(crate) fn remove_namespace(&mut self, name: &str) {
        let mut places = Vec::new();
        for (resource, objects) in &self.objects {
            let inside = objects.keys().filter(|(namespace, _)| namespace == name);
            places.extend(inside.map(|(_, object)| (resource.clone(), object.clone())));
        }
        for (resource, object) in places {
            self.remove(&resource, name, &object);
        }
        self.remove("namespaces", "", name);
    }

    fn remember(&mut self, kind: &'static str, resource: &str, object: &Value) {
        // Events are written and never followed here.
        if resource == "events" {
            return;
        }
        self.history.push_back(Change {
            version: self.version,
            kind,
            resource: resource.to_owned(),
            object: object.clone(),
        });
        while self.history.len() > HISTORY {
            if let Some(dropped) = self.history.pop_front() {
                self.oldest = dropped.version;
            }
        }
    }

    /// `metadata.managedFields` in the server's own form.
    fn managed_fields(&self, resource: &str, place: &Place) -> Option<Value> {
        let owners = self.owners.get(&(resource.to_owned(), place.clone()))?;
        let version = match resource {
            "leases" => "coordination.k8s.io/v1",
            _ => "v1",
        };
        let entries = owners.iter().map(|(Owner(manager, operation), fields)| {
            let mut tree = json!({});
            for field in fields {
                let mut node = &mut tree;
                for step in field.split('/').skip(1) {
                    node = &mut node[format!("f:{}", step.replace("~1", "/").replace("~0", "~"))];
                    if node.is_null() {
                        *node = json!({});
                    }
                }
            }
            json!({
                "manager": manager, "operation": operation, "apiVersion": version, "time": now(),
                "fieldsType": "FieldsV1", "fieldsV1": tree,
            })
        });
        Some(entries.collect())
    }
}

pub(crate) fn place_of(object: &Value) -> Place {
    let text = |name: &str| {
        object["metadata"][name]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    (text("namespace"), text("name"))
}

/// An object without what only the server writes: two that are equal so are not written twice.
pub(crate) fn bare(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in [
            "uid",
            "resourceVersion",
            "creationTimestamp",
            "managedFields",
        ] {
            metadata.remove(field);
        }
    }
    object
}

fn now() -> Value {
    Clock::system()
        .now()
        .to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
        .into()
}

/// As many changes as a watch can be late.
const HISTORY: usize = 40_000;
