//! The two kinds of patch: server-side apply with field managers, and JSON Patch.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::store::{Place, Store};

/// A patch that was refused.
pub(crate) enum Refused {
    /// Fields that other managers own: manager and pointer.
    Conflict(Vec<(String, String)>),
    /// The patch does not fit, or a test of it failed.
    Invalid(String),
}

/// The object after server-side apply, and who owns what then. Lists are atomic here, as the lists
/// of the objects in question are.
pub(crate) fn apply(
    store: &Store,
    resource: &str,
    place: &Place,
    config: &Value,
    manager: &str,
    force: bool,
) -> Result<(Value, BTreeMap<String, BTreeSet<String>>), Refused> {
    let old = store.get(resource, &place.0, &place.1);
    let mut owners = store
        .managers
        .get(&(resource.to_owned(), place.clone()))
        .cloned()
        .unwrap_or_default();
    let mut wanted = BTreeMap::new();
    leaves(config, String::new(), &mut wanted);
    wanted.retain(|pointer, _| !IDENTITY.contains(&pointer.as_str()));
    let mut conflicts = Vec::new();
    for (pointer, value) in &wanted {
        let same = old.and_then(|old| old.pointer(pointer)) == Some(value);
        let others = owners
            .iter()
            .filter(|(other, fields)| *other != manager && fields.contains(pointer));
        if !same {
            conflicts.extend(others.map(|(other, _)| (other.clone(), pointer.clone())));
        }
    }
    if !conflicts.is_empty() && !force {
        return Err(Refused::Conflict(conflicts));
    }
    for (other, pointer) in conflicts {
        if let Some(fields) = owners.get_mut(&other) {
            fields.remove(&pointer);
        }
    }
    let before = owners.remove(manager).unwrap_or_default();
    let mut object = old.cloned().unwrap_or_else(|| {
        json!({"apiVersion": config["apiVersion"], "kind": config["kind"], "metadata": {
            "name": place.1, "namespace": place.0,
        }})
    });
    for pointer in before
        .iter()
        .filter(|pointer| !wanted.contains_key(*pointer))
    {
        if !owners.values().any(|fields| fields.contains(pointer)) {
            take(&mut object, pointer);
        }
    }
    for (pointer, value) in &wanted {
        set(&mut object, pointer, value.clone());
    }
    owners.insert(manager.to_owned(), wanted.into_keys().collect());
    owners.retain(|_, fields| !fields.is_empty());
    Ok((object, owners))
}

/// Who owns the fields of an object that was written as a whole.
pub(crate) fn owned_by(object: &Value, old: Option<&Value>) -> BTreeSet<String> {
    let mut all = BTreeMap::new();
    leaves(object, String::new(), &mut all);
    all.retain(|pointer, value| {
        !IDENTITY.contains(&pointer.as_str())
            && !pointer.starts_with("/metadata/managedFields")
            && old.and_then(|old| old.pointer(pointer)) != Some(value)
    });
    all.into_keys().collect()
}

/// RFC 6902, as far as it is used.
pub(crate) fn json_patch(object: &mut Value, patch: &Value) -> Result<(), Refused> {
    let invalid = |text: String| Err(Refused::Invalid(text));
    for operation in patch.as_array().into_iter().flatten() {
        let path = operation["path"].as_str().unwrap_or_default();
        let value = operation["value"].clone();
        match operation["op"].as_str() {
            Some("test") if object.pointer(path) == Some(&value) => {}
            Some("test") => return invalid(format!("testing value {path} failed")),
            Some("add") if path.ends_with("/-") => {
                let list = object.pointer_mut(&path[..path.len() - 2]);
                match list.and_then(Value::as_array_mut) {
                    Some(list) => list.push(value),
                    None => return invalid(format!("{path} is no list")),
                }
            }
            Some("add" | "replace") => set(object, path, value),
            Some("remove") if object.pointer(path).is_some() => take(object, path),
            _ => return invalid(format!("cannot do this at {path}")),
        }
    }
    Ok(())
}

fn leaves(value: &Value, pointer: String, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                let step = name.replace('~', "~0").replace('/', "~1");
                leaves(member, format!("{pointer}/{step}"), found);
            }
        }
        Value::Object(_) => {}
        leaf => {
            found.insert(pointer, leaf.clone());
        }
    }
}

fn set(object: &mut Value, pointer: &str, value: Value) {
    let mut node = object;
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        node = &mut node[step];
    }
    *node = value;
}

fn take(object: &mut Value, pointer: &str) {
    let Some((parent, last)) = pointer.rsplit_once('/') else {
        return;
    };
    let last = last.replace("~1", "/").replace("~0", "~");
    match object.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            members.remove(&last);
        }
        Some(Value::Array(list)) => {
            if let Ok(index) = last.parse::<usize>() {
                list.remove(index);
            }
        }
        _ => {}
    }
}

/// Not fields that anybody owns.
const IDENTITY: [&str; 7] = [
    "/apiVersion",
    "/kind",
    "/metadata/name",
    "/metadata/namespace",
    "/metadata/uid",
    "/metadata/resourceVersion",
    "/metadata/creationTimestamp",
];
