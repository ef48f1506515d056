//! Manifests and indexes as a pull reads them. The bytes themselves are stored as they came: a
//! document written anew would have another digest.

use serde::Deserialize;

use super::descriptor::Descriptor;
use super::media_type;
use super::null::or_default;
use super::platform::Platform;

/// What stands behind a tag or digest: one image, or an index of several.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one exists at a time, and a box would show in every pattern"
)]
pub enum Document {
    /// One image or artifact.
    Manifest(Manifest),
    /// Several, usually one for each platform.
    Index(Index),
}

/// A manifest: a configuration and layers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The configuration blob.
    pub config: Descriptor,
    /// The layers, lowest first. May be empty.
    #[serde(default, deserialize_with = "or_default")]
    pub layers: Vec<Descriptor>,
    /// What an artifact is; `None` for images.
    #[serde(default)]
    pub artifact_type: Option<String>,
    /// The manifest this one refers to (signatures, attestations).
    #[serde(default)]
    pub subject: Option<Descriptor>,
}

/// An index: manifests, or further indexes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// The entries in their order. May be empty.
    #[serde(default, deserialize_with = "or_default")]
    pub manifests: Vec<Descriptor>,
    /// The manifest this index refers to.
    #[serde(default)]
    pub subject: Option<Descriptor>,
}

impl Document {
    /// Reads a document of the media type that [`Document::media_type_of`] gave.
    ///
    /// # Errors
    /// [`DocumentError`] when it has another form.
    pub fn parse(media_type: &str, bytes: &[u8]) -> Result<Self, DocumentError> {
        let broken = |error: serde_json::Error| DocumentError::Json {
            line: error.line(),
            column: error.column(),
        };
        match media_type {
            other if media_type::is_schema1(other) => Err(DocumentError::Schema1),
            other if media_type::is_index(other) => serde_json::from_slice(bytes)
                .map(Self::Index)
                .map_err(broken),
            other if media_type::is_manifest(other) => serde_json::from_slice(bytes)
                .map(Self::Manifest)
                .map_err(broken),
            other => Err(DocumentError::unknown(other)),
        }
    }

    /// The media type of an answer: its `Content-Type`, unless that says nothing; then the body's
    /// own `mediaType`, else by the fields it has.
    ///
    /// # Errors
    /// When the body contradicts itself or its header (CVE-2021-41190), is Docker's schema 1, or is
    /// nothing that can be pulled.
    pub fn media_type_of(content_type: &str, bytes: &[u8]) -> Result<String, DocumentError> {
        let content_type = media_type::essence(content_type);
        if media_type::is_schema1(&content_type) {
            return Err(DocumentError::Schema1);
        }
        let shape: Shape = serde_json::from_slice(bytes).map_err(|error| DocumentError::Json {
            line: error.line(),
            column: error.column(),
        })?;
        if shape.schema_version == Some(1) || shape.fs_layers.is_some() {
            return Err(DocumentError::Schema1);
        }
        let (list, image) = (
            shape.manifests.is_some(),
            shape.layers.is_some() || shape.config.is_some(),
        );
        if list && image {
            return Err(DocumentError::Confused);
        }
        let known = |t: &String| media_type::is_index(t) || media_type::is_manifest(t);
        let found = match (known(&content_type), shape.media_type) {
            (true, Some(own)) if own != content_type => return Err(DocumentError::Contradiction),
            (true, _) => content_type,
            (false, Some(own)) if known(&own) => own,
            (false, Some(own)) => return Err(DocumentError::unknown(&own)),
            (false, None) if list => media_type::OCI_INDEX.to_owned(),
            (false, None) if image => media_type::OCI_MANIFEST.to_owned(),
            (false, None) => return Err(DocumentError::unknown(&content_type)),
        };
        if (media_type::is_index(&found) && image) || (media_type::is_manifest(&found) && list) {
            return Err(DocumentError::Contradiction);
        }
        Ok(found)
    }
}

impl Manifest {
    /// All blobs of the image: the configuration, then the layers.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        std::iter::once(&self.config).chain(&self.layers)
    }
}

impl Index {
    /// The entries that name a platform this host can run, best first; the first of equals comes
    /// first. Attestations and entries of unknown types are never among them. An entry may be an
    /// index itself.
    #[must_use]
    pub fn for_platform(&self, host: &Platform) -> Vec<&Descriptor> {
        let mut found: Vec<_> = self
            .candidates()
            .filter_map(|entry| Some((host.rank(entry.platform.as_ref()?)?, entry)))
            .collect();
        found.sort_by_key(|(rank, _)| *rank);
        found.into_iter().map(|(_, entry)| entry).collect()
    }

    /// The entries that name no platform: nested indexes to look into, and images whose
    /// configuration must say it.
    pub fn without_platform(&self) -> impl Iterator<Item = &Descriptor> {
        self.candidates().filter(|entry| entry.platform.is_none())
    }

    /// The platforms that are offered, each once, for a message that says why none fits.
    #[must_use]
    pub fn offered(&self) -> Vec<String> {
        let mut names = Vec::new();
        for entry in self.candidates() {
            if let Some(platform) = &entry.platform {
                let name = platform.to_string();
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    fn candidates(&self) -> impl Iterator<Item = &Descriptor> {
        self.manifests.iter().filter(|entry| {
            let kind = entry.media_type.as_str();
            (media_type::is_index(kind) || media_type::is_manifest(kind)) && !entry.is_attestation()
        })
    }
}

/// Just enough of a document to tell what it is.
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

/// Why a document cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// It is no JSON of this form.
    #[error("the manifest is not the expected JSON (line {line}, column {column})")]
    Json {
        /// Line of the mistake, from 1.
        line: usize,
        /// Column of the mistake, from 1.
        column: usize,
    },
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
    /// Another document than an image or index.
    #[error("{0:?} is no media type of an image or index")]
    Unknown(String),
}

impl DocumentError {
    fn unknown(media_type: &str) -> Self {
        Self::Unknown(media_type.chars().take(100).collect())
    }
}

#[cfg(test)]
mod tests;
