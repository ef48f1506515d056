//! The text of an entry's file: docker's JSON (cli `types.go`, `ImageManifest`).

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_core::ImageRef;
use regcred_go::json::{self, Members};
use regcred_registry::{Descriptor, Digest, Platform, RawManifest, media_type};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::entry::ListEntry;

impl ListEntry {
    /// The record as docker writes it, in one line. Members that only this program needs come last;
    /// docker ignores them.
    #[must_use]
    pub fn to_record(&self) -> String {
        json::object(|record| {
            record.text("Ref", &self.image.to_string());
            record.object("Descriptor", |members| {
                write_descriptor(members, &self.descriptor);
            });
            record.text("Raw", &STANDARD.encode(&self.manifest.bytes));
            let is_docker = self.manifest.media_type == media_type::DOCKER_MANIFEST;
            let member = if is_docker { DOCKER } else { OCI };
            // A manifest that was parsed is UTF-8.
            let text = String::from_utf8_lossy(&self.manifest.bytes);
            record.json(member, &json::compact(&text));
            if let Some(layout) = &self.layout {
                record.text("Layout", &layout.to_string_lossy());
            }
            if let Some(digest) = &self.of_list {
                record.text("ListDigest", digest.as_str());
            }
        })
    }

    /// Reads a record. Those of old versions have no manifest bytes; they are written again as docker
    /// writes them, and must have the digest.
    ///
    /// # Errors
    /// A phrase: what is wrong with the text.
    pub(crate) fn from_record(text: &[u8]) -> Result<Self, String> {
        let record: Record = serde_json::from_slice(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("it is not a record of an image (line {line}, column {column})")
        })?;
        let image = ImageRef::parse(&record.image).map_err(|error| error.to_string())?;
        let (media, document) = match (&record.docker, &record.oci) {
            (Some(docker), _) => (media_type::DOCKER_MANIFEST, docker.get()),
            (None, Some(oci)) => (media_type::OCI_MANIFEST, oci.get()),
            (None, None) => return Err(format!("{image} has no payload")),
        };
        let (digest, platform) = match (&record.digest, &record.descriptor) {
            (Some(digest), _) => (digest, record.platform.clone()),
            (None, Some(descriptor)) => (&descriptor.digest, descriptor.platform.clone()),
            (None, None) => return Err(format!("{image} has no descriptor")),
        };
        let bytes = match &record.raw {
            Some(raw) => STANDARD
                .decode(raw)
                .map_err(|_| "its Raw is not base64".to_owned())?,
            None => written_again(document, digest).into_bytes(),
        };
        if !digest.matches(&bytes) {
            let actual = Digest::of(&bytes);
            return Err(format!(
                "internal digest mismatch for {image}: expected {digest}, got {actual}"
            ));
        }
        let manifest = RawManifest::read(media, digest.clone(), bytes.into())
            .map_err(|error| error.to_string())?;
        if media_type::is_index(&manifest.media_type) {
            return Err(format!("{image} is a manifest list"));
        }
        let mut entry = Self::new(image, manifest, platform);
        if let Some(descriptor) = record.descriptor {
            entry.descriptor.annotations = descriptor.annotations;
            entry.descriptor.artifact_type = descriptor.artifact_type;
        }
        entry.layout = record.layout;
        entry.of_list = record.of_list;
        Ok(entry)
    }
}

/// The record's members, by the names of docker's fields.
#[derive(Deserialize)]
struct Record {
    #[serde(rename = "Ref")]
    image: String,
    #[serde(rename = "Descriptor")]
    descriptor: Option<Descriptor>,
    #[serde(rename = "Raw")]
    raw: Option<String>,
    #[serde(rename = "SchemaV2Manifest")]
    docker: Option<Box<RawValue>>,
    #[serde(rename = "OCIManifest")]
    oci: Option<Box<RawValue>>,
    #[serde(rename = "Layout")]
    layout: Option<PathBuf>,
    #[serde(rename = "ListDigest")]
    of_list: Option<Digest>,
    /// Written by old versions, as is `platform`.
    #[serde(rename = "Digest")]
    digest: Option<Digest>,
    #[serde(rename = "Platform")]
    platform: Option<Platform>,
}

/// The manifest with the white space with which it has the digest, as far as that can be known.
fn written_again(document: &str, digest: &Digest) -> String {
    let forms = [
        document.to_owned(),
        json::indent(document, "   "),
        json::indent(document, "  "),
    ];
    let found = forms.iter().find(|form| digest.matches(form.as_bytes()));
    found.unwrap_or(&forms[0]).clone()
}

/// Go's `ocispec.Descriptor`.
fn write_descriptor(members: &mut Members, descriptor: &Descriptor) {
    members.text("mediaType", &descriptor.media_type);
    members.text("digest", descriptor.digest.as_str());
    members.json("size", &descriptor.size.to_string());
    write_annotations(members, &descriptor.annotations);
    if let Some(platform) = &descriptor.platform {
        members.object("platform", |members| write_platform(members, platform));
    }
    let artifact = descriptor.artifact_type.as_deref();
    members.some_text("artifactType", artifact.unwrap_or_default());
}

pub(crate) fn write_annotations<'a>(
    members: &mut Members,
    annotations: impl IntoIterator<Item = (&'a String, &'a String)>,
) {
    let mut annotations = annotations.into_iter().peekable();
    if annotations.peek().is_some() {
        members.object("annotations", |members| {
            for (key, value) in annotations {
                members.text(key, value);
            }
        });
    }
}

/// Go's `ocispec.Platform`.
pub(crate) fn write_platform(members: &mut Members, platform: &Platform) {
    members.text("architecture", &platform.architecture);
    members.text("os", &platform.os);
    members.some_text("os.version", &platform.os_version);
    if !platform.os_features.is_empty() {
        let features: Vec<_> = platform.os_features.iter().map(String::as_str).collect();
        members.json("os.features", &json::string_list(&features));
    }
    members.some_text("variant", &platform.variant);
}

const DOCKER: &str = "SchemaV2Manifest";
const OCI: &str = "OCIManifest";

#[cfg(test)]
mod tests;
