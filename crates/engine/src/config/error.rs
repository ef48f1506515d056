//! Why a node's configuration cannot be used, in the kubelet's sentences.

use std::io;
use std::path::{Path, PathBuf};

use regcred_api::{ConfigVersion, DecodeError};
use regcred_go::{go_aggregate, go_errno, go_quote};
use thiserror::Error;

use super::entry_problem::EntryProblem;

/// Where an entry of the configuration is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryOrigin {
    /// The file.
    pub file: PathBuf,
    /// Position in that file's `providers`.
    pub index: usize,
    /// The version in which that file is written.
    pub version: ConfigVersion,
}

/// Why a node's configuration cannot be used. A kubelet exits at its start with these sentences.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No path was given.
    #[error("credential provider config path is empty")]
    EmptyPath,
    /// The path does not exist or cannot be accessed.
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
    /// A file cannot be decoded.
    #[error("error decoding config {}: {error}", quoted(path))]
    Decode {
        /// The file.
        path: PathBuf,
        /// Where and why.
        error: DecodeError,
    },
    /// Two entries have one name, in one file or in two.
    #[error(
        "duplicate provider name {} found in configuration file(s)",
        go_quote(name)
    )]
    Duplicate {
        /// The name.
        name: String,
        /// Where the second of the two is written.
        origin: EntryOrigin,
    },
    /// The entries are not valid; one sentence for each problem.
    #[error("failed to validate credential provider config: {}", aggregate(.0))]
    Invalid(Vec<EntryProblem>),
    /// The bin dir does not exist.
    #[error("plugin binary directory {} did not exist", .0.display())]
    NoBinDir(PathBuf),
    /// The bin dir cannot be accessed.
    #[error("error inspecting binary directory {}: stat {}: {}", path.display(), path.display(), go_errno(error))]
    BinDir {
        /// The bin dir.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// The bin dir does not contain a configured plugin.
    #[error("plugin binary executable {} did not exist", .0.display())]
    NoPlugin(PathBuf),
    /// The plugin's file cannot be accessed or executed.
    #[error("error inspecting binary executable {}: exec: {}: {}", path.display(), quoted(path), go_errno(error))]
    Plugin {
        /// The plugin's file.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
}

/// The step of reading that failed, as Go's `PathError` names it: a directory can be opened.
fn read_step(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::IsADirectory => "read",
        _ => "open",
    }
}

/// Equal sentences appear once.
fn aggregate(problems: &[EntryProblem]) -> String {
    let sentences: Vec<_> = problems.iter().map(ToString::to_string).collect();
    go_aggregate(&sentences)
}

fn quoted(path: &Path) -> String {
    go_quote(&path.to_string_lossy())
}
