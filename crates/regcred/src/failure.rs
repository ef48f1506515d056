//! Why a subcommand failed, and the exit code that says so.

use std::io;
use std::path::PathBuf;

use regcred_core::ProviderError;
use regcred_engine::EngineError;
use regcred_plugin::exit_code;
use regcred_registry::LayoutError;

/// A failure. One line on standard error is made of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line is wrong.
    #[error("{0}")]
    Usage(String),
    /// Something that has to be set is missing.
    #[error("{0}")]
    NotConfigured(&'static str),
    /// Registries would be asked at their public names where somebody wanted others asked.
    #[error(
        "{} is no directory: give --hosts-dir (or REGCRED_HOSTS_DIR) one that is laid out like \
         /etc/containerd/certs.d, or leave it out to ask registries directly",
        .0.display()
    )]
    NoHosts(PathBuf),
    /// The node's configuration cannot be used.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] LayoutError),
    /// A provider cannot be made.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// It has been told; only the exit code is left to say.
    #[error("")]
    Told(u8),
    /// Somebody asked to stop.
    #[error("interrupted")]
    Signal(u8),
    /// The reader of the result is gone.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
    /// The system refused what every program gets.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => exit_code::USAGE,
            Self::NotConfigured(_) | Self::NoHosts(_) | Self::Engine(_) | Self::Store(_) => {
                exit_code::NOT_CONFIGURED
            }
            Self::Provider(error) => exit_code::of(error.kind()),
            Self::Told(code) => *code,
            Self::Signal(number) => AFTER_SIGNAL + number,
            Self::Output(_) | Self::Runtime(_) => exit_code::BUG,
        }
    }
}

/// Shells report the end by signal N as this and N.
const AFTER_SIGNAL: u8 = 128;
