//! A store after whatever happened to the programs that write it.

use std::path::Path;

use serde_json::Value;

use crate::image::digest_of;

/// Every blob hashes to its name, and every image that has a name is complete.
///
/// # Panics
/// When that is not so.
#[track_caller]
pub fn assert_sound(store: &Path) {
    let blobs = store.join("blobs/sha256");
    for entry in blobs.read_dir().into_iter().flatten() {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("our own file");
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        assert_eq!(digest_of(&bytes), format!("sha256:{name}"), "not whole");
    }
    let Ok(index) = std::fs::read(store.join("index.json")) else {
        return;
    };
    let index: Value = serde_json::from_slice(&index).expect("a whole index.json");
    for entry in index["manifests"].as_array().expect("a list") {
        let digest = entry["digest"].as_str().expect("a digest");
        let hex = digest.trim_start_matches("sha256:");
        assert!(blobs.join(hex).exists(), "{digest} has a name and no blob");
    }
}
