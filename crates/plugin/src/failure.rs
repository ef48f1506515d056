//! Why a run failed, and the exit code that says so.

use std::io;

use regcred_core::ProviderError;

use crate::copied::CopyError;
use crate::docker_file::FileError;
use crate::exit_code;

/// A failure of a face. One line on standard error is made of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line or standard input is wrong.
    #[error("{0}")]
    Usage(String),
    /// What the provider said.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The reader of our answer is gone.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
    /// A docker configuration could not be read or changed.
    #[error(transparent)]
    DockerFile(#[from] FileError),
    /// A docker configuration has not what is wanted of it.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The system refused what every program gets.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
}

impl Failure {
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => exit_code::USAGE,
            Self::Provider(error) => exit_code::of(error.kind()),
            Self::DockerFile(_) | Self::Copy(_) => exit_code::NOT_CONFIGURED,
            Self::Output(_) | Self::Runtime(_) => exit_code::BUG,
        }
    }
}
