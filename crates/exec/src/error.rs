//! Why a program returned no answer. Arguments, environment, input and standard output may hold
//! secrets and are never part of it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// A program that could not be run, or whose run does not count.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExecError {
    /// The program did not start: missing, not executable, no memory.
    #[error("cannot start {}", program.display())]
    Start {
        /// The program as it was named.
        program: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It ended with another status than 0.
    #[error("{}: {status}{}", program.display(), after_colon(stderr))]
    Status {
        /// The program as it was named.
        program: PathBuf,
        /// In Go's words: `exit status 3`, `signal: killed`.
        status: String,
        /// What it wrote to standard error, bounded.
        stderr: String,
    },
    /// It was still running at the deadline and was killed with its process group.
    #[error("{} did not end within {after:?} and was killed{}", program.display(), after_colon(stderr))]
    TimedOut {
        /// The program as it was named.
        program: PathBuf,
        /// The time it had.
        after: Duration,
        /// What it had written to standard error by then, bounded.
        stderr: String,
    },
    /// It wrote more than allowed to standard output and was killed with its process group.
    #[error("{} wrote more than {limit} bytes to standard output and was killed", program.display())]
    TooMuchOutput {
        /// The program as it was named.
        program: PathBuf,
        /// The number of bytes allowed.
        limit: usize,
    },
    /// A pipe to the program broke for another reason than its end.
    #[error("lost contact with {}", program.display())]
    Io {
        /// The program as it was named.
        program: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl ExecError {
    /// What the program wrote to standard error before it failed; empty if nothing.
    #[must_use]
    pub fn stderr(&self) -> &str {
        match self {
            Self::Status { stderr, .. } | Self::TimedOut { stderr, .. } => stderr,
            Self::Start { .. } | Self::TooMuchOutput { .. } | Self::Io { .. } => "",
        }
    }
}

fn after_colon(stderr: &str) -> String {
    match stderr.trim() {
        "" => String::new(),
        text => format!(": {text}"),
    }
}
