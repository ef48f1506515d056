//! Images of a store, written as a tar file that other programs take.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Write};

use serde_json::{Value, json};
use tar::{Builder, Header};
use thiserror::Error;

use crate::content::StoredImage;
use crate::image::{Descriptor, Digest, Hasher, Manifest, media_type};
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
    let mut tar = Builder::new(out);
    add(&mut tar, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    add(&mut tar, "index.json", index.to_string().as_bytes())?;
    let docker: Vec<_> = images.iter().filter_map(docker_entry).collect();
    if !docker.is_empty() {
        let docker = Value::from(docker).to_string();
        add(&mut tar, "manifest.json", docker.as_bytes())?;
    }
    let mut written = BTreeSet::new();
    for image in &images {
        for raw in &image.manifests {
            if written.insert(raw.digest.clone()) {
                add(&mut tar, &path(&raw.digest), &raw.bytes)?;
            }
        }
        for blob in &image.blobs {
            if written.insert(blob.digest.clone()) {
                copy(layout, blob, &mut tar)?;
            }
        }
    }
    let mut out = tar.into_inner().map_err(ExportError::Write)?;
    out.flush().map_err(ExportError::Write)
}

fn add(tar: &mut Builder<impl Write>, name: &str, content: &[u8]) -> Result<(), ExportError> {
    let added = tar.append_data(&mut header(content.len() as u64), name, content);
    added.map_err(ExportError::Write)
}

/// A file of root's without a time, so that equal images make equal files.
fn header(size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

/// Copies a blob and verifies it.
fn copy(
    layout: &Layout,
    blob: &Descriptor,
    tar: &mut Builder<impl Write>,
) -> Result<(), ExportError> {
    let mut reader = BlobReader {
        file: layout.open_blob(blob)?,
        hasher: blob.digest.hasher(),
        failed: None,
    };
    let added = tar.append_data(
        &mut header(blob.size),
        path(&blob.digest),
        (&mut reader).take(blob.size),
    );
    if let Some(error) = reader.failed {
        return Err(LayoutError::io("read", &layout.blob_path(&blob.digest))(error).into());
    }
    added.map_err(ExportError::Write)?;
    let actual = reader.hasher.finish();
    if actual != blob.digest {
        let expected = blob.digest.clone();
        return Err(LayoutError::Mismatch { expected, actual }.into());
    }
    Ok(())
}

/// A blob's file, hashed while it is read.
struct BlobReader {
    file: File,
    hasher: Hasher,
    /// Why it cannot be read: the tar file's writer does not distinguish that.
    failed: Option<io::Error>,
}

impl Read for BlobReader {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(bytes);
        match read {
            Ok(read) => {
                self.hasher.update(&bytes[..read]);
                Ok(read)
            }
            Err(error) => {
                let kind = error.kind();
                self.failed = Some(error);
                Err(kind.into())
            }
        }
    }
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
