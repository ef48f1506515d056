//! The kubelet's CredentialProviderConfig: one file, or every file of a directory merged
//! (kubernetes `pkg/credentialprovider/plugin/config.go`).

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use regcred_api::{DecodeError, ProviderEntry, decode_config};
use regcred_core::hex;
use regcred_files::{MIB, read};
use regcred_go::{go_aggregate, go_errno, go_quote};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::validate;

/// The provider entries of a node, in the order of the configuration.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// The entries of all files, not yet validated.
    pub providers: Vec<ProviderEntry>,
    /// `sha256:` and 64 hex digits over all files: the label of the kubelet's metric
    /// `kubelet_credential_provider_config_info`.
    pub hash: String,
    /// The files read, in their order.
    pub files: Vec<PathBuf>,
    /// Those of them with further YAML documents behind the first, which nobody reads.
    pub read_in_part: Vec<PathBuf>,
}

impl ProviderConfig {
    /// Reads a file, or the `.json`, `.yaml` and `.yml` files directly in a directory in the byte
    /// order of their paths.
    ///
    /// # Errors
    /// With the kubelet's sentences, when something cannot be read or decoded or a provider name
    /// is there twice.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let files = files_of(path)?;
        let mut decoded = Vec::new();
        let (mut hash, mut read_in_part) = (Sha256::new(), Vec::new());
        for path in &files {
            let bytes = read(path, MAX_FILE).map_err(|error| ConfigError::ReadFile {
                path: path.clone(),
                error,
            })?;
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(&bytes);
            let config = decode_config(&bytes).map_err(|error| ConfigError::Decode {
                path: path.clone(),
                error,
            })?;
            if config.has_more {
                let shown = path.display();
                tracing::warn!(path = %shown, "only the first YAML document of the file is read");
                read_in_part.push(path.clone());
            }
            decoded.extend(config.providers);
        }
        // Only once all files can be decoded, as the kubelet does.
        let mut providers: Vec<ProviderEntry> = Vec::with_capacity(decoded.len());
        let mut names = BTreeSet::new();
        for provider in decoded {
            if !names.insert(provider.name.clone()) {
                return Err(ConfigError::Duplicate(provider.name));
            }
            providers.push(provider);
        }
        Ok(Self {
            providers,
            hash: format!("sha256:{}", hex(hash.finalize())),
            files,
            read_in_part,
        })
    }

    /// Everything the kubelet's validation finds wrong, in its order and its words; empty when the
    /// configuration is sound.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        validate::problems(&self.providers)
    }

    /// The configuration, if nothing is wrong with it.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with all problems.
    pub fn validated(self) -> Result<Self, ConfigError> {
        match self.problems() {
            problems if problems.is_empty() => Ok(self),
            problems => Err(ConfigError::Invalid(problems)),
        }
    }
}

/// Why a node's configuration cannot be used. The kubelet ends with these sentences at its start.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// No path was given.
    #[error("credential provider config path is empty")]
    EmptyPath,
    /// There is nothing under the path, or it cannot be looked at.
    #[error("unable to access path {}: stat {}: {}", quoted(path), path.display(), go_errno(error))]
    Access {
        /// The configured path.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// The directory cannot be listed.
    #[error("unable to read directory {}: open {}: {}", quoted(path), path.display(), go_errno(error))]
    ReadDirectory {
        /// The configured path.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// The directory has no file with a known extension.
    #[error("no configuration files found in directory {}", quoted(.0))]
    NoFiles(PathBuf),
    /// A file cannot be read.
    #[error("unable to read file {}: {} {}: {}", quoted(path), read_step(error), path.display(), go_errno(error))]
    ReadFile {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// A file is not what it should be.
    #[error("error decoding config {}: {error}", quoted(path))]
    Decode {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        error: DecodeError,
    },
    /// Two entries have one name, in one file or in two.
    #[error("duplicate provider name {} found in configuration file(s)", go_quote(.0))]
    Duplicate(String),
    /// The entries break rules; each problem is a sentence of its own.
    #[error("failed to validate credential provider config: {}", go_aggregate(.0))]
    Invalid(Vec<String>),
    /// There is no bin dir.
    #[error("plugin binary directory {} did not exist", .0.display())]
    NoBinDir(PathBuf),
    /// The bin dir cannot be looked at.
    #[error("error inspecting binary directory {}: stat {}: {}", path.display(), path.display(), go_errno(error))]
    BinDir {
        /// The bin dir.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// There is no plugin of a configured name.
    #[error("plugin binary executable {} did not exist", .0.display())]
    NoPlugin(PathBuf),
    /// The plugin cannot be looked at or executed.
    #[error("error inspecting binary executable {}: exec: {}: {}", path.display(), quoted(path), go_errno(error))]
    Plugin {
        /// The plugin's file.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
}

fn files_of(path: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    if path.as_os_str().is_empty() {
        return Err(ConfigError::EmptyPath);
    }
    let about = fs::metadata(path).map_err(|error| ConfigError::Access {
        path: path.to_owned(),
        error,
    })?;
    if !about.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let list = || -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            // A link is not followed here: one to a directory fails when it is read.
            if !entry.file_type()?.is_dir() && has_extension(&entry.path()) {
                files.push(entry.path());
            }
        }
        Ok(files)
    };
    let mut files = list().map_err(|error| ConfigError::ReadDirectory {
        path: path.to_owned(),
        error,
    })?;
    if files.is_empty() {
        return Err(ConfigError::NoFiles(path.to_owned()));
    }
    files.sort_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    Ok(files)
}

/// As Go's `filepath.Ext`, for which `.yaml` alone is an extension too.
fn has_extension(path: &Path) -> bool {
    let name = path.file_name().map_or(&b""[..], OsStrExt::as_bytes);
    EXTENSIONS.iter().any(|ext| name.ends_with(ext))
}

/// The step of reading that failed, as Go's `PathError` names it: a directory can be opened.
fn read_step(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::IsADirectory => "read",
        _ => "open",
    }
}

fn quoted(path: &Path) -> String {
    go_quote(&path.to_string_lossy())
}

const EXTENSIONS: [&[u8]; 3] = [b".json", b".yaml", b".yml"];
/// Far beyond any real configuration; the kubelet has no limit.
const MAX_FILE: u64 = 64 * MIB;

#[cfg(test)]
mod tests;
