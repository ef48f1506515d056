//! What cargo and the file system have of the workspace.

#![expect(
    clippy::disallowed_methods,
    reason = "asks cargo for the workspace's manifest data"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Normal (not dev, not build) dependencies of each package; those below `tests/` left out.
pub(super) fn normal_dependencies() -> BTreeMap<String, Vec<String>> {
    packages()
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            let normal = dependencies.iter().filter(|d| d["kind"].is_null());
            let names = normal.map(|d| text(&d["name"])).collect();
            (text(&package["name"]), names)
        })
        .collect()
}

/// Each package's root files: its library's, or its only program's.
pub(super) fn crate_roots() -> Vec<(String, PathBuf)> {
    let mut roots = Vec::new();
    for package in packages() {
        let targets = package["targets"].as_array().expect("targets");
        let has = |target: &Value, kind: &str| target["kind"][0] == *kind;
        let is_library = targets.iter().any(|target| has(target, "lib"));
        for target in targets {
            if has(target, "lib") || (!is_library && has(target, "bin")) {
                let root = PathBuf::from(text(&target["src_path"]));
                roots.push((text(&package["name"]), root));
            }
        }
    }
    roots
}

fn packages() -> Vec<Value> {
    let output = Command::new(option_env!("CARGO").unwrap_or("cargo"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata");
    let mut packages = metadata["packages"].as_array().expect("packages").clone();
    assert!(packages.len() > 10, "the workspace has its packages");
    let tests = root().join("tests");
    packages.retain(|package| !Path::new(&text(&package["manifest_path"])).starts_with(&tests));
    packages
}

/// Every Rust source of the crates and plugins; tests in files of their own left out.
pub(super) fn sources() -> Vec<PathBuf> {
    let is_other = |name: &str| {
        [
            "tests",
            "tests.rs",
            "testing.rs",
            "fake.rs",
            "bench.rs",
            "bench",
            "generated",
        ]
        .contains(&name)
    };
    let mut files = files_below(&[root().join("crates"), root().join("plugins")], is_other);
    files.retain(|path| path.extension().is_some_and(|e| e == "rs"));
    files
}

/// Every file below the directories, in order; `without` is asked about each name on the way.
pub(crate) fn files_below(directories: &[PathBuf], without: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = directories.to_vec();
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).expect("directory") {
            let path = entry.expect("entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if without(&name) {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// A file's path from the root of the workspace.
pub(super) fn shown(file: &Path) -> String {
    let shown = file.strip_prefix(root()).unwrap_or(file);
    shown.to_string_lossy().into_owned()
}

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests package lies in the workspace")
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}
