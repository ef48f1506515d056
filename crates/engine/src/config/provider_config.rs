//! The kubelet's CredentialProviderConfig: one file, or every file of a directory merged
//! (kubernetes `pkg/credentialprovider/plugin/config.go`).

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use regcred_api::{CredentialProviderConfig, ProviderEntry, decode_config};
use regcred_core::hex;
use regcred_files::{MIB, read};
use sha2::{Digest as _, Sha256};

use super::entry_problem::EntryProblem;
use super::error::{ConfigError, EntryOrigin};
use super::validate;

/// The provider entries of a node, in the order of the configuration.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// The entries of all files, not yet validated.
    pub providers: Vec<ProviderEntry>,
    /// Where each entry is written.
    pub origins: Vec<EntryOrigin>,
    /// `sha256:` and 64 hex digits over all files: the label of the kubelet's metric
    /// `kubelet_credential_provider_config_info`.
    pub hash: String,
    /// The files read, in their order.
    pub files: Vec<PathBuf>,
    /// Those of them with more than one YAML document; only the first is read.
    pub read_in_part: Vec<PathBuf>,
}

impl ProviderConfig {
    /// Reads a file, or the `.json`, `.yaml` and `.yml` files directly in a directory in the byte
    /// order of their paths.
    ///
    /// # Errors
    /// With the kubelet's sentences, when something cannot be read or decoded or a provider name
    /// occurs twice.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let (config, problems) = Self::read(path);
        problems.into_iter().next().map_or(Ok(config), Err)
    }

    /// What can be read, and every problem in the order in which a kubelet finds them.
    pub(super) fn read(path: &Path) -> (Self, Vec<ConfigError>) {
        let mut problems = Vec::new();
        let mut config = Self {
            providers: Vec::new(),
            origins: Vec::new(),
            hash: String::new(),
            files: files_of(path).unwrap_or_else(|error| {
                problems.push(error);
                Vec::new()
            }),
            read_in_part: Vec::new(),
        };
        let mut hash = Sha256::new();
        let (mut names, mut duplicates) = (BTreeSet::new(), Vec::new());
        for path in &config.files {
            let decoded = match read_one(path, &mut hash) {
                Ok(decoded) => decoded,
                Err(error) => {
                    problems.push(error);
                    continue;
                }
            };
            if decoded.has_more {
                let shown = path.display();
                tracing::warn!(path = %shown, "only the first YAML document of the file is read");
                config.read_in_part.push(path.clone());
            }
            for (index, provider) in decoded.providers.into_iter().enumerate() {
                let file = path.clone();
                let origin = EntryOrigin {
                    file,
                    index,
                    version: decoded.version,
                };
                let name = provider.name.clone();
                if names.insert(name.clone()) {
                    config.providers.push(provider);
                    config.origins.push(origin);
                } else {
                    duplicates.push(ConfigError::Duplicate { name, origin });
                }
            }
        }
        // Only after all files were decoded, as in the kubelet.
        problems.extend(duplicates);
        config.hash = format!("sha256:{}", hex(hash.finalize()));
        (config, problems)
    }

    /// Every rule of the kubelet's validation that the entries break, in its order and words; empty
    /// if the configuration is valid.
    #[must_use]
    pub fn problems(&self) -> Vec<EntryProblem> {
        validate::problems(&self.providers)
    }
}

fn read_one(path: &Path, hash: &mut Sha256) -> Result<CredentialProviderConfig, ConfigError> {
    let bytes = read(path, MAX_FILE).map_err(|error| ConfigError::ReadFile {
        path: path.to_owned(),
        error,
    })?;
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(&bytes);
    decode_config(&bytes).map_err(|error| ConfigError::Decode {
        path: path.to_owned(),
        error,
    })
}

fn files_of(path: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    if path.as_os_str().is_empty() {
        return Err(ConfigError::EmptyPath);
    }
    let named = || path.to_owned();
    let about = fs::metadata(path);
    let about = about.map_err(|error| ConfigError::Access {
        path: named(),
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
    let files = list();
    let mut files = files.map_err(|error| ConfigError::ReadDirectory {
        path: named(),
        error,
    })?;
    if files.is_empty() {
        return Err(ConfigError::NoFiles(named()));
    }
    files.sort_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    Ok(files)
}

/// As Go's `filepath.Ext`, for which `.yaml` alone is an extension too.
fn has_extension(path: &Path) -> bool {
    let name = path.file_name().map_or(&b""[..], OsStrExt::as_bytes);
    EXTENSIONS.iter().any(|ext| name.ends_with(ext))
}

const EXTENSIONS: [&[u8]; 3] = [b".json", b".yaml", b".yml"];
/// Far beyond any real configuration; the kubelet has no limit.
const MAX_FILE: u64 = 64 * MIB;

#[cfg(test)]
mod tests;
