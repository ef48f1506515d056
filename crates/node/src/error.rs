//! Why a node is not changed.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a node is left as it is, or was put back as it was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NodeError {
    /// A file is in a form that is not edited, or a node is one that is not changed this way.
    #[error("{}{what}; {instead}", place(file.as_deref(), *line))]
    Refused {
        /// The file.
        file: Option<PathBuf>,
        /// The line in it, counted from one.
        line: Option<usize>,
        /// What is in the way.
        what: String,
        /// What to do by hand.
        instead: String,
    },
    /// The system refused to read or write.
    #[error("cannot {verb} {}", path.display())]
    Io {
        /// `read`, `write` ...
        verb: &'static str,
        /// The path on the node.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The kubelet did not come back, or a program of the node failed.
    #[error("{0}")]
    Service(String),
    /// It was not the kubelet's fault, and everything is as it was.
    #[error("{why}; everything is as it was before")]
    PutBack {
        /// The failure.
        why: Box<Self>,
    },
    /// It failed, and so did putting back.
    #[error("{why}; putting back failed as well: {again}; run `regcred uninstall`")]
    Stuck {
        /// The failure.
        why: Box<Self>,
        /// The second failure.
        again: Box<Self>,
    },
    /// What was installed does not pass the caller's check, which has reported it.
    #[error("what the kubelet would read does not pass `regcred check`")]
    Unchecked,
}

impl NodeError {
    /// A refusal that names a line of a file.
    pub fn at(
        file: &Path,
        line: impl Into<Option<usize>>,
        what: impl Into<String>,
        instead: impl Into<String>,
    ) -> Self {
        Self::Refused {
            file: Some(file.to_owned()),
            line: line.into(),
            what: what.into(),
            instead: instead.into(),
        }
    }

    /// A refusal about the node as a whole.
    pub fn refused(what: impl Into<String>, instead: impl Into<String>) -> Self {
        Self::Refused {
            file: None,
            line: None,
            what: what.into(),
            instead: instead.into(),
        }
    }

    /// For `map_err`.
    pub(crate) fn io(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { verb, path, source }
    }
}

fn place(file: Option<&Path>, line: Option<usize>) -> String {
    match (file, line) {
        (Some(file), Some(line)) => format!("{}:{line}: ", file.display()),
        (Some(file), None) => format!("{}: ", file.display()),
        (None, _) => String::new(),
    }
}
