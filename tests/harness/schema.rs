//! A JSON schema for editors, against a document that has every field.

use std::collections::BTreeSet;

use serde_json::Value;

/// Every field of the document is in the schema and the reverse, except below the `hidden` paths. The
/// schema's objects refuse what they do not name, and everything has a description.
///
/// # Panics
/// When they differ.
#[track_caller]
pub fn assert_same_fields(schema: &str, document: &Value, hidden: &[&str]) {
    let schema: Value = serde_json::from_str(schema).expect("JSON");
    let (mut free, mut theirs, mut ours) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    schema_paths(&schema, &schema, "", &mut theirs, &mut free);
    paths(document, "", &free, &mut ours);
    let is_shown = |path: &String| !hidden.iter().any(|hidden| path.starts_with(hidden));
    theirs.retain(is_shown);
    ours.retain(is_shown);
    assert_eq!(ours, theirs);
}

/// Paths of all properties; `[]` for elements of a list, `{}` for values of a `free` map.
fn paths(value: &Value, path: &str, free: &BTreeSet<String>, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name = if free.contains(path) { "{}" } else { name };
                let path = format!("{path}.{name}");
                found.insert(path.clone());
                paths(member, &path, free, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                paths(item, &format!("{path}[]"), free, found);
            }
        }
        _ => {}
    }
}

/// The same paths in a schema, and those of its free maps.
fn schema_paths(
    schema: &Value,
    root: &Value,
    path: &str,
    found: &mut BTreeSet<String>,
    free: &mut BTreeSet<String>,
) {
    let named = schema["description"].is_string();
    let schema = match schema["$ref"].as_str() {
        Some(reference) => root.pointer(&reference[1..]).expect("a definition"),
        None => schema,
    };
    let is_part = path.is_empty() || path.ends_with("{}") || path.ends_with("[]");
    let has_parts = schema["items"].is_object() || schema["properties"].is_object();
    let is_named = named || schema["description"].is_string();
    assert!(
        is_named || is_part || has_parts,
        "{path} has no description"
    );
    if let Some(properties) = schema["properties"].as_object() {
        assert_eq!(schema["additionalProperties"], false, "{path}");
        for (name, property) in properties {
            let path = format!("{path}.{name}");
            found.insert(path.clone());
            schema_paths(property, root, &path, found, free);
        }
    } else if schema["additionalProperties"].is_object() {
        free.insert(path.to_owned());
        found.insert(format!("{path}.{{}}"));
    }
    if schema["items"].is_object() {
        schema_paths(&schema["items"], root, &format!("{path}[]"), found, free);
    }
}
