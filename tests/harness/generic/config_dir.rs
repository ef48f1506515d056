//! A configuration file in a directory of its own.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A directory with a configuration file, and what it names.
pub struct ConfigDir(TempDir);

impl ConfigDir {
    /// The file with these entries, YAML of a list.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn new(entries: &str) -> Self {
        let directory = Self(tempfile::tempdir().expect("a directory"));
        directory.rewrite(entries);
        directory
    }

    /// Other entries.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn rewrite(&self, entries: &str) {
        let text = format!(
            "apiVersion: generic.regcred.dev/v1\nkind: RegistryConfiguration\nregistries:\n{entries}"
        );
        let _ = self.write("generic.yaml", &text);
    }

    /// A file next to it.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The variable that the message contains its path.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        let path = self.path().join("generic.yaml").display().to_string();
        vec![("REGCRED_GENERIC_CONFIG".to_owned(), path)]
    }
}
