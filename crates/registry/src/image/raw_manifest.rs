//! The exact bytes of a manifest or index. A document that is written again has another digest.

use bytes::Bytes;
use serde::Serialize;

use super::descriptor::Descriptor;
use super::digest::Digest;
use super::manifest_or_index::{ManifestError, ManifestOrIndex};

/// A manifest or index as bytes, with what names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawManifest {
    /// The exact bytes, whose hash the digest is.
    pub bytes: Bytes,
    /// One of the four types of [`media_type`](super::media_type).
    pub media_type: String,
    /// The digest, verified.
    pub digest: Digest,
}

impl RawManifest {
    /// Writes a document, which should name the same media type itself.
    ///
    /// # Errors
    /// When the document has another form than `media_type`.
    pub fn write(media_type: &str, document: &impl Serialize) -> Result<Self, ManifestError> {
        let bytes = serde_json::to_vec(document).map_err(|error| ManifestError::json(&error))?;
        let digest = Digest::of(&bytes);
        Self::read(media_type, digest, bytes.into())
    }

    /// Finds out the media type of bytes whose digest has been verified. `content_type` is what
    /// names them: a header or descriptor.
    ///
    /// # Errors
    /// See [`ManifestOrIndex::media_type_of`].
    pub fn read(content_type: &str, digest: Digest, bytes: Bytes) -> Result<Self, ManifestError> {
        Ok(Self {
            media_type: ManifestOrIndex::media_type_of(content_type, &bytes)?,
            bytes,
            digest,
        })
    }

    /// The manifest or index in the bytes.
    ///
    /// # Errors
    /// When they have another form than that of their media type.
    pub fn parse(&self) -> Result<ManifestOrIndex, ManifestError> {
        ManifestOrIndex::parse(&self.media_type, &self.bytes)
    }

    /// The descriptor of these bytes.
    #[must_use]
    pub fn descriptor(&self) -> Descriptor {
        let size = self.bytes.len() as u64;
        Descriptor::new(self.media_type.clone(), self.digest.clone(), size)
    }
}

#[cfg(test)]
mod tests {
    use super::super::media_type;
    use super::*;

    /// An index with fields of a later version everywhere, and no spaces.
    const INDEX: &str = concat!(
        r#"{"annotations":{"a":"b"},"future":[1],"mediaType":"application/vnd.oci.image.index.v1+json","#,
        r#""schemaVersion":2,"manifests":[{"later":true,"mediaType":"application/vnd.oci.image.manifest.v1+json","#,
        r#""digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,"#,
        r#""platform":{"features":["sse4"],"os":"linux","architecture":"amd64"}}]}"#
    );

    #[test]
    fn a_document_that_is_written_again_keeps_what_it_does_not_know() {
        let digest = Digest::of(INDEX.as_bytes());
        let raw = RawManifest::read("", digest, INDEX.into()).expect("index");
        assert_eq!(raw.bytes, INDEX);
        let Ok(ManifestOrIndex::Index(mut index)) = raw.parse() else {
            panic!("an index");
        };
        let again = RawManifest::write(media_type::OCI_INDEX, &index).expect("written");
        let json = |raw: &RawManifest| serde_json::from_slice::<serde_json::Value>(&raw.bytes);
        assert_eq!(json(&again).expect("JSON"), json(&raw).expect("JSON"));
        let entry = index.manifests[0].clone();
        assert!(entry.usable().is_some());
        index.manifests.push(entry);
        let longer = RawManifest::write(media_type::OCI_INDEX, &index).expect("written");
        assert_ne!(longer.digest, raw.digest);
        assert_eq!(longer.parse(), Ok(ManifestOrIndex::Index(index)));
        assert_eq!(
            RawManifest::write(media_type::OCI_MANIFEST, &raw.parse().is_ok()),
            Err(ManifestError::Json { line: 1, column: 4 }),
            "not a manifest"
        );
    }
}
