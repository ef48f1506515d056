//! The published JSON schemas of commands' output.

use std::fs;

use boon::{Compiler, Schemas};
use serde_json::Value;

use crate::need::workspace;

/// Compares JSON with `docs/reference/<name>.schema.json`.
///
/// # Panics
/// When the schema is not one, or the JSON does not match it.
pub fn assert_matches_schema(json: &Value, name: &str) {
    let mut compiler = Compiler::new();
    let directory = workspace().join("docs/reference");
    for entry in fs::read_dir(&directory).expect("the directory of the schemas") {
        let file = entry.expect("an entry").file_name();
        let Some(file) = file.to_str().filter(|file| file.ends_with(".schema.json")) else {
            continue;
        };
        let text = fs::read(directory.join(file)).expect("a schema");
        let schema = serde_json::from_slice(&text).expect("JSON");
        let added = compiler.add_resource(&format!("{BASE}{file}"), schema);
        added.expect("a schema of its own");
    }
    let mut schemas = Schemas::new();
    let url = format!("{BASE}{name}.schema.json");
    let compiled = compiler.compile(&url, &mut schemas);
    let compiled = compiled.unwrap_or_else(|error| panic!("{name}.schema.json: {error}"));
    if let Err(error) = schemas.validate(json, compiled) {
        panic!("{error:#}\nin {json:#}");
    }
}

/// Schemas refer to each other by their file names.
const BASE: &str = "https://regcred.example/";
