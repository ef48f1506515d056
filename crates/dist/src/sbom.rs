//! The list of the packages in a program.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::DistError;
use crate::release::read;

/// A CycloneDX document without the packages that are not linked into its program. The tool that writes it lists
/// the packages of the whole workspace's features, and those that only a build runs.
///
/// `linked` is `cargo tree --prefix none --format '{p}'` of the program: a name and a version in each line.
///
/// # Errors
/// When a file cannot be read, or the document is not JSON.
pub fn linked_only(document: &Path, linked: &Path) -> Result<String, DistError> {
    let linked = read(linked)?;
    let listed = listed(&read(document)?, &String::from_utf8_lossy(&linked));
    listed.map_err(|source| DistError::Sbom {
        path: document.to_owned(),
        source,
    })
}

fn listed(document: &[u8], linked: &str) -> Result<String, serde_json::Error> {
    let mut document: Value = serde_json::from_slice(document)?;
    let linked: BTreeSet<_> = linked.lines().filter_map(package).collect();
    let mut kept = BTreeSet::from([document["metadata"]["component"]["bom-ref"].to_string()]);
    if let Some(components) = document.get_mut("components").and_then(Value::as_array_mut) {
        components.retain(|component| {
            let text = |key: &str| component[key].as_str().unwrap_or_default();
            linked.contains(&(text("name"), text("version")))
        });
        let references = components.iter().map(|component| &component["bom-ref"]);
        kept.extend(references.map(ToString::to_string));
    }
    let is_kept = |reference: &Value| kept.contains(&reference.to_string());
    if let Some(edges) = document
        .get_mut("dependencies")
        .and_then(Value::as_array_mut)
    {
        edges.retain(|edge| is_kept(&edge["ref"]));
        for edge in edges {
            if let Some(needed) = edge.get_mut("dependsOn").and_then(Value::as_array_mut) {
                needed.retain(is_kept);
            }
        }
    }
    serde_json::to_string_pretty(&document)
}

/// The name and the version in a line.
fn package(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split(' ');
    Some((words.next()?, words.next()?.strip_prefix('v')?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_packages_that_are_linked_into_the_program_are_listed() {
        let component = |name: &str| {
            let reference = format!("registry#{name}@1.0.0");
            json!({"bom-ref": reference, "name": name, "version": "1.0.0"})
        };
        let document = json!({
            "metadata": {"component": {"bom-ref": "path#program@0.1.0"}},
            "components": [component("linked"), component("of-another-program")],
            "dependencies": [
                {"ref": "path#program@0.1.0",
                 "dependsOn": ["registry#linked@1.0.0", "registry#of-another-program@1.0.0"]},
                {"ref": "registry#linked@1.0.0"},
                {"ref": "registry#of-another-program@1.0.0", "dependsOn": ["registry#linked@1.0.0"]},
            ],
        });
        let linked = "program v0.1.0 (/source)\nlinked v1.0.0\nof-another-program v2.0.0\n";
        let listed = listed(document.to_string().as_bytes(), linked).expect("JSON");
        let listed: Value = serde_json::from_str(&listed).expect("JSON");
        assert_eq!(listed["components"], json!([component("linked")]));
        let edges = json!([
            {"ref": "path#program@0.1.0", "dependsOn": ["registry#linked@1.0.0"]},
            {"ref": "registry#linked@1.0.0"},
        ]);
        assert_eq!(listed["dependencies"], edges);
    }
}
