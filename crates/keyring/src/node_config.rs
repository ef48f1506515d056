//! The node's docker configuration: eight places, the first file that parses, no merging
//! (kubernetes `pkg/credentialprovider/config.go`, `ReadDockerConfigFile`).

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use regcred_api::DecodeError;
use regcred_api::docker_config::{self, DockerConfig, Format};
use regcred_core::Credentials;
use regcred_files::{MIB, read_secret_bytes};
use secrecy::{ExposeSecret as _, SecretSlice};
use serde::Serialize;
use serde::ser::{SerializeStruct as _, Serializer};

use crate::key;
use crate::keyring::Entry;
use crate::{CredentialSource, Keyring, KeyringRules, RejectedKey};

/// The directories that the search starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPaths {
    /// The kubelet's `--root-dir`, by default `/var/lib/kubelet`.
    pub root_dir: PathBuf,
    /// The working directory.
    pub cwd: PathBuf,
    /// `HOME`; without it the working directory is used, as for a kubelet whose unit lacks that
    /// variable.
    pub home: Option<PathBuf>,
}

/// The outcome of a search.
#[derive(Clone, Debug, Default)]
pub struct NodeConfig {
    /// The logins of the file that was used; empty without one.
    pub keyring: Keyring,
    /// Every place, in order, and what was found there.
    pub files: Vec<ConfigFile>,
}

/// A place of the search.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// The file.
    pub path: PathBuf,
    /// What was found.
    pub outcome: FileOutcome,
    /// Notes on its content: parts that the kubelet ignores, entries that are left out.
    pub notes: Vec<String>,
}

/// What was found at a place.
#[derive(Clone, Debug)]
pub enum FileOutcome {
    /// This file is used.
    Used,
    /// The file does not exist.
    Missing,
    /// The file cannot be read, and why.
    Unreadable(String),
    /// The file does not parse.
    Unparsable(DecodeError),
    /// A file before it is used.
    NotReached,
}

impl SearchPaths {
    /// The eight places, in order.
    #[must_use]
    pub fn files(&self) -> [PathBuf; 8] {
        let home = self.home.as_ref().map_or_else(
            || self.cwd.clone(),
            // Relative values start from the working directory.
            |home| self.cwd.join(home),
        );
        let root_dir = self.cwd.join(&self.root_dir);
        [
            root_dir.join(CONFIG_JSON),
            self.cwd.join(CONFIG_JSON),
            home.join(".docker").join(CONFIG_JSON),
            Path::new("/.docker").join(CONFIG_JSON),
            root_dir.join(DOCKERCFG),
            self.cwd.join(DOCKERCFG),
            home.join(DOCKERCFG),
            Path::new("/").join(DOCKERCFG),
        ]
    }
}

impl NodeConfig {
    /// Looks in the given files, in order, and uses the first that exists and parses: those of
    /// [`SearchPaths::files`], or a list that replaces them. A file named `.dockercfg` has the older
    /// form. A file that cannot be used is recorded and not an error, as in the kubelet.
    pub fn load(files: impl IntoIterator<Item = PathBuf>, rules: KeyringRules) -> Self {
        let mut found = Self {
            keyring: Keyring::with_rules(rules),
            files: Vec::new(),
        };
        for path in files {
            let parsed = if found.used().is_some() {
                Err(FileOutcome::NotReached)
            } else {
                read(&path).and_then(|bytes| parse(&path, bytes.expose_secret(), rules))
            };
            found.add(path, parsed);
        }
        found
    }

    /// One file whose content has been read: for a file that a person named. The path is its label.
    #[must_use]
    pub fn of(path: &Path, content: &SecretSlice<u8>, rules: KeyringRules) -> Self {
        let mut found = Self {
            keyring: Keyring::with_rules(rules),
            files: Vec::new(),
        };
        found.add(path.to_owned(), parse(path, content.expose_secret(), rules));
        found
    }

    fn add(&mut self, path: PathBuf, parsed: Result<DockerConfig, FileOutcome>) {
        let (outcome, notes) = match parsed {
            Ok(config) => {
                let source = CredentialSource::docker_config(&path);
                (FileOutcome::Used, fill(&mut self.keyring, config, &source))
            }
            Err(outcome) => (outcome, Vec::new()),
        };
        tracing::debug!(path = %path.display(), %outcome, "docker config");
        self.files.push(ConfigFile {
            path,
            outcome,
            notes,
        });
    }

    /// What a kubelet passes over without an error: files that it finds and cannot use, parts of the
    /// file that is used, and entries whose server is not a URL.
    #[must_use]
    pub fn passed_over(&self) -> Vec<String> {
        let mut all = Vec::new();
        for file in &self.files {
            let path = file.path.display();
            if matches!(
                file.outcome,
                FileOutcome::Unreadable(_) | FileOutcome::Unparsable(_)
            ) {
                all.push(format!("{path}: {}", file.outcome));
            }
            all.extend(file.notes.iter().map(|note| format!("{path}: {note}")));
        }
        all.extend(self.keyring.rejected().iter().map(RejectedKey::to_string));
        all
    }

    /// The file that is used, if any.
    #[must_use]
    pub fn used(&self) -> Option<&Path> {
        let used = |file: &&ConfigFile| matches!(file.outcome, FileOutcome::Used);
        self.files.iter().find(used).map(|file| &*file.path)
    }
}

impl Serialize for ConfigFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut file = serializer.serialize_struct("ConfigFile", 5)?;
        file.serialize_field("path", &self.path)?;
        file.serialize_field("used", &matches!(self.outcome, FileOutcome::Used))?;
        file.serialize_field("missing", &matches!(self.outcome, FileOutcome::Missing))?;
        file.serialize_field("outcome", &self.outcome.to_string())?;
        file.serialize_field("notes", &self.notes)?;
        file.end()
    }
}

impl fmt::Display for FileOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Used => f.write_str("used"),
            Self::Missing => f.write_str("missing"),
            Self::Unreadable(why) => write!(f, "unreadable: {why}"),
            Self::Unparsable(error) => write!(f, "unparsable: {error}"),
            Self::NotReached => f.write_str("not looked at"),
        }
    }
}

/// Adds the entries of a file or Secret; returns notes on its content.
pub(crate) fn fill(
    keyring: &mut Keyring,
    config: DockerConfig,
    source: &Arc<CredentialSource>,
) -> Vec<String> {
    for entry in config.entries {
        let notes = entry.ignored.iter().map(|name| ignored(name)).collect();
        keyring.add_entry(Entry {
            server: entry.server,
            credentials: Credentials::new(entry.username, entry.password),
            email: entry.email,
            source: Arc::clone(source),
            notes,
        });
    }
    let rejected = config.rejected.iter();
    let rejected = rejected.map(|(server, error)| {
        let server = key::without_login(server);
        format!("entry {server:?} is left out: {error}")
    });
    let parts = config.ignored.iter().map(|name| ignored(name));
    let misplaced = config.misplaced.map(str::to_owned);
    parts.chain(rejected).chain(misplaced).collect()
}

fn ignored(name: &str) -> String {
    format!("{name} is ignored by the kubelet")
}

fn read(path: &Path) -> Result<SecretSlice<u8>, FileOutcome> {
    read_secret_bytes(path, LARGEST_FILE).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => FileOutcome::Missing,
        kind if error.raw_os_error().is_some() => FileOutcome::Unreadable(kind.to_string()),
        _ => FileOutcome::Unreadable(error.to_string()),
    })
}

fn parse(path: &Path, bytes: &[u8], rules: KeyringRules) -> Result<DockerConfig, FileOutcome> {
    let format = match path.file_name() {
        Some(name) if name == DOCKERCFG => Format::Dockercfg,
        _ => Format::ConfigJson,
    };
    docker_config::parse(bytes, format, rules.bad_entries()).map_err(FileOutcome::Unparsable)
}

/// Far above a Secret's 1 MiB; the kubelet itself has no limit for files of the node.
pub(crate) const LARGEST_FILE: u64 = 64 * MIB;
const CONFIG_JSON: &str = "config.json";
const DOCKERCFG: &str = ".dockercfg";

#[cfg(test)]
mod tests;
