//! Telling a manifest from an index, and refusing what is neither.

use serde::Deserialize;
use serde_json::Value;

use super::digest::{Digest, DigestError};
use super::index::Index;
use super::manifest::Manifest;
use super::media_type;

/// What a tag or digest names: one image, or an index of several.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, and never in a list"
)]
pub enum ManifestOrIndex {
    /// One image or artifact.
    Manifest(Manifest),
    /// Several, usually one for each platform.
    Index(Index),
}

impl ManifestOrIndex {
    /// Reads a document of the type that [`ManifestOrIndex::media_type_of`] returned.
    ///
    /// # Errors
    /// [`ManifestError`] when it has another form.
    pub fn parse(media_type: &str, bytes: &[u8]) -> Result<Self, ManifestError> {
        let json = |error| ManifestError::json(&error);
        if media_type::is_schema1(media_type) {
            Err(ManifestError::Schema1)
        } else if media_type::is_index(media_type) {
            serde_json::from_slice(bytes).map(Self::Index).map_err(json)
        } else if media_type::is_manifest(media_type) {
            let manifest = serde_json::from_slice(bytes);
            manifest.map(Self::Manifest).map_err(|error| {
                let digest = unusable_digest(bytes);
                digest.map_or_else(|| json(error), ManifestError::Digest)
            })
        } else {
            Err(ManifestError::unknown(media_type))
        }
    }

    /// The media type of a document: its own `mediaType`, else the `Content-Type` if that is one of the
    /// four, else the type that its fields show. Docker's name and OCI's for the same thing agree: caches
    /// such as Harbor's return one kind of document under the other's name, and runtimes accept it.
    ///
    /// # Errors
    /// When the document contradicts itself or its header (CVE-2021-41190), is Docker's schema 1,
    /// or is neither a manifest nor an index.
    pub fn media_type_of(content_type: &str, bytes: &[u8]) -> Result<String, ManifestError> {
        let content_type = media_type::essence(content_type);
        if media_type::is_schema1(&content_type) {
            return Err(ManifestError::Schema1);
        }
        let shape: Shape =
            serde_json::from_slice(bytes).map_err(|error| ManifestError::json(&error))?;
        if shape.schema_version == Some(1) || shape.fs_layers.is_some() {
            return Err(ManifestError::Schema1);
        }
        let list = shape.manifests.is_some();
        let image = shape.layers.is_some() || shape.config.is_some();
        if list && image {
            return Err(ManifestError::Confused);
        }
        let found = match (media_type::is_document(&content_type), shape.media_type) {
            (true, Some(own)) if !media_type::is_same_kind(&own, &content_type) => {
                return Err(ManifestError::Contradiction);
            }
            (true, Some(own)) => own,
            (true, None) => content_type,
            (false, Some(own)) if media_type::is_document(&own) => own,
            (false, Some(own)) => return Err(ManifestError::unknown(&own)),
            (false, None) if list => media_type::OCI_INDEX.to_owned(),
            (false, None) if image => media_type::OCI_MANIFEST.to_owned(),
            (false, None) => return Err(ManifestError::unknown(&content_type)),
        };
        if (media_type::is_index(&found) && image) || (media_type::is_manifest(&found) && list) {
            return Err(ManifestError::Contradiction);
        }
        Ok(found)
    }
}

/// The first digest of a manifest's configuration and layers that cannot be verified.
fn unusable_digest(bytes: &[u8]) -> Option<DigestError> {
    let manifest: Value = serde_json::from_slice(bytes).ok()?;
    let layers = manifest["layers"].as_array().into_iter().flatten();
    let descriptors = std::iter::once(&manifest["config"]).chain(layers);
    let mut digests = descriptors.filter_map(|descriptor| descriptor["digest"].as_str());
    digests.find_map(|digest| digest.parse::<Digest>().err())
}

/// The fields that show what a document is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    schema_version: Option<i64>,
    media_type: Option<String>,
    manifests: Option<serde::de::IgnoredAny>,
    layers: Option<serde::de::IgnoredAny>,
    config: Option<serde::de::IgnoredAny>,
    fs_layers: Option<serde::de::IgnoredAny>,
}

/// Why a manifest or index cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// It is not JSON of this form.
    #[error("the manifest is not the expected JSON (line {line}, column {column})")]
    Json {
        /// Line of the error, from 1.
        line: usize,
        /// Column of the error, from 1.
        column: usize,
    },
    /// The digest of a layer or of the configuration cannot be verified.
    #[error("the content of a layer or of the configuration cannot be verified: {0}")]
    Digest(DigestError),
    /// It has the fields of an index and of an image at once.
    #[error("the manifest claims to be an image and an index at once")]
    Confused,
    /// Its own media type, its header's and its fields do not agree.
    #[error("the manifest contradicts its media type")]
    Contradiction,
    /// Docker's schema 1.
    #[error(
        "the image has Docker's manifest format v1, which is no longer supported: push it again \
         with a current tool"
    )]
    Schema1,
    /// Neither a manifest nor an index.
    #[error("{0:?} is not the media type of an image or index")]
    Unknown(String),
}

impl ManifestError {
    pub(super) fn json(error: &serde_json::Error) -> Self {
        Self::Json {
            line: error.line(),
            column: error.column(),
        }
    }

    fn unknown(media_type: &str) -> Self {
        Self::Unknown(media_type.chars().take(100).collect())
    }
}

#[cfg(test)]
mod tests;
