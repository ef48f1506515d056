//! Why a registry's servers are not known, and the bounded read of a file that configures them.

use std::io;
use std::path::{Path, PathBuf};

use regcred_files::MIB;
use regcred_http::HttpError;

/// A `hosts.toml` or a certificate next to it that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostsError {
    /// The registry's name is not an address.
    #[error("{registry:?} is not a registry address")]
    Registry {
        /// The name.
        registry: String,
    },
    /// A file that is named or found cannot be read.
    #[error("cannot read {path:?}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file of trusted certificates has none.
    #[error("{path:?} holds no certificate; a ca file has certificates in PEM form")]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// No HTTP client can be made for a server.
    #[error(transparent)]
    Client(#[from] HttpError),
}

/// A file's bytes.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, HostsError> {
    regcred_files::read(path, MIB).map_err(|source| HostsError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

/// The PEM text of one or more trusted certificates.
pub(super) fn read_ca(path: &Path) -> Result<Vec<u8>, HostsError> {
    let pem = read(path)?;
    let mark = b"-----BEGIN CERTIFICATE-----";
    if pem.windows(mark.len()).any(|part| part == mark) {
        Ok(pem)
    } else {
        Err(HostsError::NoCertificate {
            path: path.to_owned(),
        })
    }
}
