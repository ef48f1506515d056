//! `index.json`: the names of the images in the store.
//!
//! It is changed by reading, editing one entry, and renaming a new file over it, under a lock that
//! is held for a millisecond. It is edited as plain JSON, so that entries and fields which other
//! tools wrote survive.

use std::fs::File;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use regcred_core::ImageRef;
use regcred_files::MIB;
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::directories::Directories;
use super::error::LayoutError;
use super::ingest::Temporary;
use crate::image::{Descriptor, media_type};

/// The `index.json` of one layout.
pub(super) struct IndexFile<'a>(pub(super) &'a Directories);

impl IndexFile<'_> {
    /// Writes an index without entries if the file does not exist: a layout must have one.
    pub(super) fn create(&self) -> Result<(), LayoutError> {
        let _lock = self.lock()?;
        match self.0.root().stat(INDEX) {
            Ok(None) => self.write(&empty(), true),
            Ok(Some(_)) => Ok(()),
            Err(error) => Err(LayoutError::io("read", &self.path())(error)),
        }
    }

    /// All entries that are descriptors. No file counts as no entries.
    pub(super) fn entries(&self) -> Result<Vec<Descriptor>, LayoutError> {
        let index = self.read()?;
        Ok(manifests(&index)
            .filter_map(|entry| Descriptor::deserialize(entry).ok())
            .collect())
    }

    /// Puts what `choose` makes of the present entry under `name`, in place of any entry of that name. Does
    /// not touch the file when the same entry is there already; returns whether it was written.
    ///
    /// `before_write` runs only when there is something to write, still before the lock is taken. Under the
    /// lock `choose` is asked once more: another process may have changed the entry.
    pub(super) fn set(
        &self,
        name: &str,
        choose: impl Fn(Option<Descriptor>) -> Descriptor,
        durable: bool,
        before_write: impl FnOnce() -> Result<(), LayoutError>,
    ) -> Result<bool, LayoutError> {
        let change = |index: &Value| {
            let present = || manifests(index).filter(|e| is_named(e, name));
            let known = present().find_map(|e| Descriptor::deserialize(e).ok());
            let entry = named(&choose(known), name);
            (!present().eq([&entry])).then_some(entry)
        };
        if change(&self.read()?).is_none() {
            return Ok(false);
        }
        before_write()?;
        let _lock = self.lock()?;
        let mut index = self.read()?;
        let Some(entry) = change(&index) else {
            return Ok(false);
        };
        self.replace(&mut index, name, entry)?;
        self.write(&index, durable)?;
        Ok(true)
    }

    /// Removes the entry of a name; returns whether there was one.
    pub(super) fn remove(&self, name: &str, durable: bool) -> Result<bool, LayoutError> {
        let _lock = self.lock()?;
        let mut index = self.read()?;
        let Some(entries) = index["manifests"].as_array_mut() else {
            return Ok(false);
        };
        let before = entries.len();
        entries.retain(|entry| !is_named(entry, name));
        if entries.len() == before {
            return Ok(false);
        }
        self.write(&index, durable)?;
        Ok(true)
    }

    fn replace(&self, index: &mut Value, name: &str, entry: Value) -> Result<(), LayoutError> {
        let entries = index
            .as_object_mut()
            .map(|index| index.entry("manifests").or_insert_with(|| json!([])))
            .and_then(Value::as_array_mut)
            .ok_or_else(|| self.broken("\"manifests\" is not a list"))?;
        let at = entries.iter().position(|e| is_named(e, name));
        entries.retain(|e| !is_named(e, name));
        entries.insert(at.unwrap_or(entries.len()), entry);
        Ok(())
    }

    fn read(&self) -> Result<Value, LayoutError> {
        let bytes = match self.0.root().read(INDEX, LARGEST) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(empty()),
            Err(e) => return Err(LayoutError::io("read", &self.path())(e)),
        };
        let index: Value =
            serde_json::from_slice(&bytes).map_err(|_| self.broken("it is not JSON"))?;
        if !index.is_object() {
            return Err(self.broken("it is not a JSON object"));
        }
        Ok(index)
    }

    fn write(&self, index: &Value, durable: bool) -> Result<(), LayoutError> {
        let text = index.to_string();
        let mut temporary = Temporary::create(self.0.ingest()?, "index", text.len() as u64)?;
        temporary.write(text.as_bytes())?;
        temporary.publish(self.0.root(), INDEX, durable)
    }

    /// The lock, which is released when the file is dropped; `None` where locks do not work.
    fn lock(&self) -> Result<Option<File>, LayoutError> {
        let (file, path) = self.0.lock_file(LOCK)?;
        match regcred_files::lock(&file, PATIENCE) {
            Ok(()) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::TimedOut => Err(LayoutError::Locked {
                path,
                seconds: PATIENCE.as_secs(),
            }),
            Err(error) => {
                tracing::warn!(%error, "this file system has no locks; a second process that \
                    stores an image at the same moment may lose its name");
                Ok(None)
            }
        }
    }

    fn path(&self) -> PathBuf {
        self.0.root().path().join(INDEX)
    }

    pub(super) fn broken(&self, reason: &str) -> LayoutError {
        LayoutError::BrokenIndex {
            path: self.path(),
            reason: reason.to_owned(),
        }
    }
}

/// The name of an entry, if it has one.
pub(crate) fn name_of(descriptor: &Descriptor) -> Option<&str> {
    descriptor.annotations.get(REF_NAME).map(String::as_str)
}

fn manifests(index: &Value) -> impl Iterator<Item = &Value> {
    index["manifests"].as_array().into_iter().flatten()
}

fn is_named(entry: &Value, name: &str) -> bool {
    entry["annotations"][REF_NAME] == name
}

fn named(descriptor: &Descriptor, name: &str) -> Value {
    let mut entry = descriptor.clone();
    for (key, name) in [
        (REF_NAME, name.to_owned()),
        (CONTAINERD_NAME, full_name(name)),
    ] {
        entry.annotations.insert(key.to_owned(), name);
    }
    json!(entry)
}

/// A short reference such as `app:v1` with its registry: a kubelet finds an image in containerd by that
/// name only. Any other text as it is.
fn full_name(name: &str) -> String {
    match ImageRef::parse(name) {
        Ok(reference) if name.contains([':', '@']) => reference.to_string(),
        _ => name.to_owned(),
    }
}

fn empty() -> Value {
    json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": []})
}

/// The name for skopeo, podman and umoci: `oci:DIRECTORY:NAME`.
const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The name for `ctr images import` and nerdctl.
const CONTAINERD_NAME: &str = "io.containerd.image.name";
/// A hundred thousand names fit.
const LARGEST: u64 = 64 * MIB;
pub(super) const INDEX: &str = "index.json";
const LOCK: &str = "index.lock";
const PATIENCE: Duration = Duration::from_secs(30);
