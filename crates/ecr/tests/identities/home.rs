//! A home directory with the two AWS files.

use std::path::Path;

/// A home with the two AWS files, and files for tokens.
pub(crate) struct Home(tempfile::TempDir);

impl Home {
    pub(crate) fn new(config: &str, credentials: &str) -> Self {
        let dir = tempfile::tempdir().expect("dir");
        std::fs::create_dir(dir.path().join(".aws")).expect("dir");
        let home = Self(dir);
        home.write(".aws/config", config);
        home.write(".aws/credentials", credentials);
        home
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).expect("file");
        text_of(&path)
    }

    pub(crate) fn path(&self) -> String {
        text_of(self.0.path())
    }
}

fn text_of(path: &Path) -> String {
    path.to_str().expect("text").to_owned()
}
