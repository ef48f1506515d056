//! Why a registry's servers are not known, and the bounded read of a file that configures them.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

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
    /// The file is not TOML of this form.
    #[error("{path:?} cannot be used: {reason}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// A client key without its certificate.
    #[error("{path:?} has no certificate: a .key file needs the .cert file of its name next to it")]
    NoPartner {
        /// The key.
        path: PathBuf,
    },
    /// No HTTP client can be made for a server.
    #[error(transparent)]
    Client(#[from] HttpError),
}

/// A file's bytes, bounded.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, HostsError> {
    let mut bytes = Vec::new();
    let read = File::open(path)
        .and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes))
        .and_then(|read| {
            // A part of it could mean something else than the whole.
            if read as u64 > LARGEST_FILE {
                return Err(io::Error::other("it is longer than 1 MiB"));
            }
            Ok(())
        });
    read.map_err(|source| HostsError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    Ok(bytes)
}

const LARGEST_FILE: u64 = 1 << 20;
