//! skopeo: the independent client that pushes our images and reads our layouts.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::{Finished, Program, need};

/// The installed skopeo.
pub struct Skopeo(PathBuf);

impl Skopeo {
    /// The program; `None` where it is not installed and need not be.
    #[must_use]
    pub fn find() -> Option<Self> {
        need("skopeo").map(Self)
    }

    /// Runs it with its signature policy switched off.
    #[must_use]
    pub fn run(&self, args: &[&str]) -> Finished {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        Program::new(&self.0)
            .arg("--insecure-policy")
            .args(args)
            .env("HOME", scratch.path())
            .env("TMPDIR", scratch.path())
            // The registry that it pushes to syncs each blob, and disks may be busy.
            .limit(Duration::from_secs(300))
            .run()
    }

    /// The root manifest of a name in an OCI layout, as it is.
    ///
    /// # Panics
    /// When skopeo cannot read the layout.
    #[must_use]
    pub fn raw(&self, layout: &Path, name: &str) -> Vec<u8> {
        let source = format!("oci:{}:{name}", layout.display());
        let done = self.run(&["inspect", "--raw", &source]);
        let _ = done.success();
        done.bytes().to_vec()
    }

    /// Copies a name out of an OCI layout, which reads and verifies each of its blobs, and returns
    /// the manifest that arrived.
    ///
    /// # Panics
    /// When skopeo finds anything wrong.
    #[must_use]
    pub fn copy_out(&self, layout: &Path, name: &str, architecture: &str) -> Value {
        let target = tempfile::tempdir().expect("a temporary directory");
        let source = format!("oci:{}:{name}", layout.display());
        let copied = format!("dir:{}", target.path().display());
        let arch = format!("--override-arch={architecture}");
        let _ = self
            .run(&["--override-os=linux", &arch, "copy", &source, &copied])
            .success();
        let manifest = std::fs::read(target.path().join("manifest.json")).expect("a manifest");
        serde_json::from_slice(&manifest).expect("JSON")
    }
}
