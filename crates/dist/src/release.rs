//! What is packed, for which target, and where the results go.

use std::fs;
use std::path::{Path, PathBuf};

use crate::DistError;

/// A release for one target.
#[derive(Clone, Debug)]
pub struct Release {
    /// The version of the workspace.
    pub version: String,
    /// The target of the Rust compiler, as `x86_64-unknown-linux-gnu`.
    pub target: String,
    /// The time of everything in the packages, in seconds since 1970: `SOURCE_DATE_EPOCH`.
    pub date: u32,
    /// The checkout: its documents, and `plugins/` for the plugins' names.
    pub source: PathBuf,
    /// The directory of the built programs.
    pub programs: PathBuf,
    /// The directory of what the built command printed: `man/` and the completions `regcred.bash`,
    /// `regcred.fish` and `_regcred`.
    pub pages: PathBuf,
    /// The PEM file with the roots that the images trust.
    pub ca_bundle: PathBuf,
    /// The directory for the results. It is created.
    pub out: PathBuf,
}

/// An architecture under the names of those who need one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Architecture {
    /// Rust's and RPM's.
    pub(crate) machine: &'static str,
    /// Debian's and OCI's.
    pub(crate) short: &'static str,
}

impl Release {
    pub(crate) fn architecture(&self) -> Result<Architecture, DistError> {
        let known = ARCHITECTURES.iter().find(|known| {
            let rest = self.target.strip_prefix(known.machine);
            rest.is_some_and(|rest| rest.starts_with('-') && rest.contains("-linux-"))
        });
        known
            .copied()
            .ok_or_else(|| DistError::Target(self.target.clone()))
    }

    pub(crate) fn has_packages(&self) -> bool {
        self.target.ends_with("-gnu")
    }

    /// The version for dpkg and rpm: one before a release sorts before it.
    pub(crate) fn package_version(&self) -> String {
        self.version.replace('-', "~")
    }

    /// The address of a file of this version in the repository.
    pub(crate) fn address(&self, path: &Path) -> String {
        let repository = env!("CARGO_PKG_REPOSITORY");
        format!("{repository}/blob/v{}/{}", self.version, path.display())
    }

    /// The file names of the plugins, in order.
    pub(crate) fn plugins(&self) -> Result<Vec<String>, DistError> {
        let directory = self.source.join("plugins");
        let entries = fs::read_dir(&directory).map_err(DistError::file("read", &directory))?;
        let clouds = entries.flatten().map(|entry| entry.file_name());
        let mut names: Vec<_> = clouds
            .map(|cloud| format!("{}-credential-provider", cloud.to_string_lossy()))
            .collect();
        if names.is_empty() {
            return Err(DistError::NoPlugins(directory));
        }
        names.sort();
        Ok(names)
    }

    /// Writes a file of the results.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, DistError> {
        let path = self.out.join(name);
        fs::create_dir_all(&self.out).map_err(DistError::file("create", &self.out))?;
        fs::write(&path, bytes).map_err(DistError::file("write", &path))?;
        Ok(path)
    }
}

/// A whole file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, DistError> {
    fs::read(path).map_err(DistError::file("read", path))
}

const ARCHITECTURES: [Architecture; 2] = [
    Architecture {
        machine: "x86_64",
        short: "amd64",
    },
    Architecture {
        machine: "aarch64",
        short: "arm64",
    },
];
