//! Images of a store, written as a tar file that other programs take.

use std::collections::BTreeSet;
use std::io::{self, Read as _, Write};

use serde_json::{Value, json};
use thiserror::Error;

use super::tar::Tar;
use crate::content::StoredImage;
use crate::image::{Descriptor, Digest, Manifest, media_type};
use crate::store::{Layout, LayoutError};

/// Why images are not exported.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A name that the store does not have.
    #[error("{name} is not in the store")]
    NotStored {
        /// The name.
        name: String,
    },
    /// Something of an image is missing.
    #[error("{name} is not complete: {missing} of its blobs are not in the store; pull it again")]
    Incomplete {
        /// The image's name.
        name: String,
        /// How many.
        missing: usize,
    },
    /// The store cannot be read, or a blob of it is spoiled.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The archive cannot be written.
    #[error("cannot write the archive")]
    Write(#[source] io::Error),
}

/// Writes images as one tar file: `oci-layout`, `index.json`, the blobs, and docker's `manifest.json`
/// for every name of a single image. Each blob is verified while it is read. Equal images make equal
/// files.
///
/// # Errors
/// Before anything is written, for a name that is not in the store or not complete; later for a blob
/// that does not match its digest, and for an archive that cannot be written.
pub fn export(layout: &Layout, names: &[String], out: impl Write) -> Result<(), ExportError> {
    let mut images = Vec::new();
    for name in names {
        let found = StoredImage::find(layout, name)?;
        let image = found.ok_or_else(|| ExportError::NotStored { name: name.clone() })?;
        if image.missing > 0 {
            return Err(ExportError::Incomplete {
                name: name.clone(),
                missing: image.missing,
            });
        }
        images.push(image);
    }
    let entries: Vec<_> = images.iter().map(|image| &image.entry).collect();
    let index = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": entries,
    });
    let mut tar = Tar::new(out);
    let mut add = |name: &str, content: &[u8]| tar.add(name, content).map_err(ExportError::Write);
    add("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    add("index.json", index.to_string().as_bytes())?;
    let docker: Vec<_> = images.iter().filter_map(docker_entry).collect();
    if !docker.is_empty() {
        add("manifest.json", Value::from(docker).to_string().as_bytes())?;
    }
    let mut written = BTreeSet::new();
    for image in &images {
        for raw in &image.manifests {
            if written.insert(raw.digest.clone()) {
                let name = path(&raw.digest);
                tar.add(&name, &raw.bytes).map_err(ExportError::Write)?;
            }
        }
        for blob in &image.blobs {
            if written.insert(blob.digest.clone()) {
                copy(layout, blob, &mut tar)?;
            }
        }
    }
    tar.finish().map_err(ExportError::Write)
}

/// Copies a blob and verifies it.
fn copy(layout: &Layout, blob: &Descriptor, tar: &mut Tar<impl Write>) -> Result<(), ExportError> {
    let mut file = layout.open_blob(blob)?;
    tar.begin(&path(&blob.digest), blob.size)
        .map_err(ExportError::Write)?;
    let mut hasher = blob.digest.hasher();
    let (mut buffer, mut left) = (vec![0; BUFFER], blob.size);
    while left > 0 {
        let part = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let part = &mut buffer[..part];
        let read = file.read_exact(part);
        read.map_err(LayoutError::io("read", &layout.blob_path(&blob.digest)))?;
        hasher.update(part);
        tar.out().write_all(part).map_err(ExportError::Write)?;
        left -= part.len() as u64;
    }
    let actual = hasher.finish();
    if actual != blob.digest {
        let expected = blob.digest.clone();
        return Err(LayoutError::Mismatch { expected, actual }.into());
    }
    tar.end(blob.size).map_err(ExportError::Write)
}

/// The entry of docker's `manifest.json`; `None` for several platforms, and for what is not an image.
fn docker_entry(image: &StoredImage) -> Option<Value> {
    let [Manifest { config, layers, .. }] = &image.images[..] else {
        return None;
    };
    if !matches!(
        &*config.media_type,
        media_type::OCI_CONFIG | media_type::DOCKER_CONFIG
    ) {
        return None;
    }
    // A name with a digest is not a tag.
    let tags: Vec<_> = Some(&image.name)
        .filter(|name| !name.contains('@'))
        .into_iter()
        .collect();
    let layers: Vec<_> = layers.iter().map(|layer| path(&layer.digest)).collect();
    Some(json!({"Config": path(&config.digest), "RepoTags": tags, "Layers": layers}))
}

fn path(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm(), digest.encoded())
}

const BUFFER: usize = 1 << 18;
