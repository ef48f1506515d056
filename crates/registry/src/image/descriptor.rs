//! Descriptors (OCI image-spec `descriptor.md`): what names a blob or manifest and its size.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::digest::Digest;
use super::null::or_default;
use super::platform::Platform;

/// Names content by its digest. Fields that it does not know are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the content is.
    pub media_type: String,
    /// The content's digest.
    pub digest: Digest,
    /// The content's length in bytes.
    pub size: u64,
    /// Other addresses of the content: foreign layers of Windows images.
    #[serde(default, deserialize_with = "or_default")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Annotations.
    #[serde(default, deserialize_with = "or_default")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// The content itself in base64, for small blobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// What an artifact is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// What the image runs on, in an index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Every other field as it was read.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Descriptor {
    /// A descriptor without any of the optional fields.
    #[must_use]
    pub fn new(media_type: impl Into<String>, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.into(),
            digest,
            size,
            urls: Vec::new(),
            annotations: BTreeMap::new(),
            data: None,
            artifact_type: None,
            platform: None,
            other: Map::new(),
        }
    }

    /// The descriptor of these bytes, by sha256.
    #[must_use]
    pub fn of(media_type: impl Into<String>, bytes: &[u8]) -> Self {
        Self::new(media_type, Digest::of(bytes), bytes.len() as u64)
    }

    /// The content in `data`, if it has the right size and digest.
    #[must_use]
    pub fn embedded(&self) -> Option<Bytes> {
        let bytes = STANDARD.decode(self.data.as_deref()?).ok()?;
        let matches = bytes.len() as u64 == self.size && self.digest.matches(&bytes);
        matches.then(|| bytes.into())
    }

    /// The platform, if one is named; `{}` names none.
    #[must_use]
    pub fn named_platform(&self) -> Option<&Platform> {
        self.platform
            .as_ref()
            .filter(|platform| platform.is_named())
    }

    /// Whether it names a build attestation of BuildKit, which is not an image to run.
    #[must_use]
    pub fn is_attestation(&self) -> bool {
        let kind = self.annotations.get("vnd.docker.reference.type");
        kind.is_some_and(|kind| kind == "attestation-manifest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    #[test]
    fn json_omits_what_is_empty_and_keeps_unknown_fields() {
        let text =
            format!(r#"{{"mediaType":"a/b","digest":"{SHA}","size":2,"urls":null,"unknown":1}}"#);
        let read: Descriptor = serde_json::from_str(&text).expect("descriptor");
        let mut expected = Descriptor::of("a/b", b"{}");
        expected.other.insert("unknown".to_owned(), 1.into());
        assert_eq!(read, expected);
        let written = serde_json::to_string(&read).expect("json");
        assert_eq!(
            written,
            format!(r#"{{"mediaType":"a/b","digest":"{SHA}","size":2,"unknown":1}}"#)
        );
    }

    #[test]
    fn a_negative_size_is_refused() {
        let text = format!(r#"{{"mediaType":"a/b","digest":"{SHA}","size":-1}}"#);
        assert!(serde_json::from_str::<Descriptor>(&text).is_err());
    }

    #[test]
    fn embedded_content_is_verified() {
        let mut descriptor = Descriptor::of("a/b", b"{}");
        assert_eq!(descriptor.embedded(), None);
        descriptor.data = Some("e30=".to_owned());
        assert_eq!(descriptor.embedded().as_deref(), Some(b"{}".as_slice()));
        descriptor.data = Some("e31=".to_owned());
        assert_eq!(descriptor.embedded(), None);
    }
}
