//! The kinds of patch: server-side apply with field managers, JSON Patch, merge patch.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::status::Refusal;

/// Who wrote a field, and how: what is applied and what is updated under one name are two owners.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Owner(pub(crate) String, pub(crate) &'static str);

/// Which fields each owner has, by pointer.
pub(crate) type Owners = BTreeMap<Owner, BTreeSet<String>>;

/// The object after server-side apply, and who owns what then. Lists are atomic here, as the lists
/// of the objects in question are.
pub(crate) fn apply(
    old: Option<&Value>,
    mut owners: Owners,
    config: &Value,
    (manager, (name, namespace)): (&str, (&str, &str)),
    force: bool,
) -> Result<(Value, Owners), Refusal> {
    let mut wanted = leaves_of(config);
    wanted.retain(|pointer, _| !IDENTITY.contains(&pointer.as_str()));
    let me = Owner(manager.to_owned(), "Apply");
    let mut conflicts = Vec::new();
    for (pointer, value) in &wanted {
        if old.and_then(|old| old.pointer(pointer)) == Some(value) {
            continue;
        }
        let others = owners
            .iter()
            .filter(|(other, fields)| **other != me && fields.contains(pointer));
        conflicts.extend(others.map(|(other, _)| (other.clone(), pointer.clone())));
    }
    if !conflicts.is_empty() && !force {
        let told = conflicts.into_iter().map(|(other, pointer)| {
            let Owner(manager, operation) = other;
            let how = match operation {
                UPDATE => " using v1",
                _ => "",
            };
            (format!("{manager:?}{how}"), pointer)
        });
        return Err(Refusal::managed(&told.collect::<Vec<_>>()));
    }
    for (other, pointer) in conflicts {
        if let Some(fields) = owners.get_mut(&other) {
            fields.remove(&pointer);
        }
    }
    let before = owners.remove(&me).unwrap_or_default();
    let mut object = old.cloned().unwrap_or_else(|| {
        let mut object = json!({"metadata": {"name": name}});
        if !namespace.is_empty() {
            object["metadata"]["namespace"] = namespace.into();
        }
        object
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
    owners.insert(me, wanted.into_keys().collect());
    owners.retain(|_, fields| !fields.is_empty());
    Ok((object, owners))
}

/// Who owns what after an object was written as a whole: the writer what is new or changed, no manager
/// what is gone.
pub(crate) fn taken_by(
    owner: Owner,
    mut owners: Owners,
    object: &Value,
    old: Option<&Value>,
) -> Owners {
    let mut all = leaves_of(object);
    all.retain(|pointer, _| !is_the_servers(pointer));
    for fields in owners.values_mut() {
        fields.retain(|field| object.pointer(field).is_some());
    }
    all.retain(|pointer, value| old.and_then(|old| old.pointer(pointer)) != Some(value));
    for fields in owners.values_mut() {
        fields.retain(|field| !all.contains_key(field));
    }
    owners.entry(owner).or_default().extend(all.into_keys());
    owners.retain(|_, fields| !fields.is_empty());
    owners
}

/// RFC 6902, as strict as the library that the server uses.
pub(crate) fn json_patch(object: &mut Value, patch: &Value) -> Result<(), Refusal> {
    let Some(operations) = patch.as_array() else {
        return Err(Refusal::bad("error decoding patch: no list of operations"));
    };
    for operation in operations {
        let (Some(op), Some(path)) = (operation["op"].as_str(), operation["path"].as_str()) else {
            return Err(Refusal::bad("error decoding patch: op and path are wanted"));
        };
        let value = operation["value"].clone();
        match op {
            "test" if object.pointer(path).unwrap_or(&Value::Null) == &value => {}
            "test" => return Err(Refusal::unfit(&format!("testing value {path} failed"))),
            "add" => add(object, path, value)?,
            "replace" => match object.pointer_mut(path) {
                Some(place) => *place = value,
                None => return Err(missing(op, path)),
            },
            "remove" if object.pointer(path).is_some() => take(object, path),
            _ => return Err(missing(op, path)),
        }
    }
    Ok(())
}

/// RFC 7386.
pub(crate) fn merge(object: &mut Value, patch: &Value) {
    let Some(changes) = patch.as_object() else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = json!({});
    }
    for (name, change) in changes {
        match (change, object.as_object_mut()) {
            (Value::Null, Some(members)) => drop(members.remove(name)),
            _ => merge(&mut object[name], change),
        }
    }
}

/// `add`: the parent must be there.
fn add(object: &mut Value, path: &str, value: Value) -> Result<(), Refusal> {
    let refusal = || missing("add", path);
    let (parent, last) = path.rsplit_once('/').ok_or_else(refusal)?;
    let last = plain(last);
    match object.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            members.insert(last, value);
        }
        Some(Value::Array(list)) if last == "-" => list.push(value),
        Some(Value::Array(list)) => {
            let at = last.parse().ok().filter(|at| *at <= list.len());
            list.insert(at.ok_or_else(refusal)?, value);
        }
        _ => return Err(refusal()),
    }
    Ok(())
}

fn missing(op: &str, path: &str) -> Refusal {
    Refusal::unfit(&format!(
        "{op} operation does not apply: doc is missing path: {path}"
    ))
}

fn leaves_of(value: &Value) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    leaves(value, String::new(), &mut found);
    found
}

fn leaves(value: &Value, pointer: String, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                let step = name.replace('~', "~0").replace('/', "~1");
                leaves(member, format!("{pointer}/{step}"), found);
            }
        }
        Value::Object(_) | Value::Null => {}
        leaf => {
            found.insert(pointer, leaf.clone());
        }
    }
}

fn set(object: &mut Value, pointer: &str, value: Value) {
    let mut node = object;
    for step in pointer.split('/').skip(1) {
        node = &mut node[plain(step)];
    }
    *node = value;
}

fn take(object: &mut Value, pointer: &str) {
    let Some((parent, last)) = pointer.rsplit_once('/') else {
        return;
    };
    let last = plain(last);
    match object.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            members.remove(&last);
        }
        Some(Value::Array(list)) => {
            if let Some(at) = last.parse().ok().filter(|at| *at < list.len()) {
                list.remove(at);
            }
        }
        _ => {}
    }
}

/// A step of a pointer as a member's name.
fn plain(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

fn is_the_servers(pointer: &str) -> bool {
    IDENTITY.contains(&pointer) || pointer.starts_with("/metadata/managedFields")
}

/// How whole objects are written.
pub(crate) const UPDATE: &str = "Update";
/// The content type of server-side apply.
pub(crate) const APPLY: &str = "application/apply-patch+yaml";

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
