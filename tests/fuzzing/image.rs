//! Manifests and indexes.

use bytes::Bytes;
use regcred_registry::{Digest, ManifestOrIndex, Platform, RawManifest};
use serde_json::Value;

use crate::message::shown;

/// A line with the content type, and the document.
pub(crate) fn manifest(input: &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == b'\n');
    let (Some(content_type), Some(body)) = (parts.next(), parts.next()) else {
        return;
    };
    let content_type = String::from_utf8_lossy(content_type);
    let digest = Digest::of(body);
    let raw = match RawManifest::read(&content_type, digest, Bytes::copy_from_slice(body)) {
        Ok(raw) => raw,
        Err(error) => return drop(shown(&error)),
    };
    assert_eq!(raw.descriptor().size, body.len() as u64);
    let document = match raw.parse() {
        Ok(document) => document,
        Err(error) => return drop(shown(&error)),
    };
    let written = match &document {
        ManifestOrIndex::Manifest(manifest) => {
            for blob in manifest.blobs() {
                let _ = blob.embedded();
            }
            RawManifest::write(&raw.media_type, manifest)
        }
        ManifestOrIndex::Index(index) => {
            let host = Platform::new("linux", "arm", "v7");
            let found = index.for_platform(&host);
            assert!(found.len() + index.without_platform().count() <= index.manifests.len());
            let _ = index.offered();
            // A key that an entry has twice is refused, and is not written again.
            if index.manifests.iter().any(|entry| entry.usable().is_none()) {
                return;
            }
            RawManifest::write(&raw.media_type, index)
        }
    };
    // Fractions may be rounded.
    if serde_json::from_slice(body).is_ok_and(|value| is_exact(&value)) {
        let again = written.expect("what was read is printed");
        assert_eq!(again.parse().expect("and read"), document);
    }
}

fn is_exact(value: &Value) -> bool {
    match value {
        Value::Number(number) => !number.is_f64(),
        Value::Array(items) => items.iter().all(is_exact),
        Value::Object(members) => members.values().all(is_exact),
        _ => true,
    }
}
