//! Trusted root certificates: one bundle file, read at the first TLS handshake.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use regcred_files::{MIB, read};
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::ClientOptions;

/// Where roots come from; nothing is read until [`RootSource::load`].
#[derive(Clone, Debug)]
pub(crate) struct RootSource {
    bundle: Option<PathBuf>,
    directories: Vec<PathBuf>,
    extra: Vec<Vec<u8>>,
}

impl RootSource {
    pub(crate) fn new(options: &ClientOptions) -> Self {
        let env = &options.env;
        let directories = env.get("SSL_CERT_DIR").unwrap_or_default();
        Self {
            bundle: options
                .ca_bundle
                .clone()
                .or_else(|| env.path("SSL_CERT_FILE")),
            directories: directories
                .split(':')
                .filter(|d| !d.is_empty())
                .map(PathBuf::from)
                .collect(),
            extra: options.extra_ca_pem.clone(),
        }
    }

    /// Reads every source. Single certificates that cannot be parsed are left out: distributions
    /// ship some that rustls refuses.
    pub(crate) fn load(&self) -> Result<RootCertStore, RootsError> {
        let mut store = RootCertStore::empty();
        let bundle = match &self.bundle {
            Some(path) => Some(
                read(path, LARGEST).map_err(|source| RootsError::Unreadable {
                    path: path.clone(),
                    source: Arc::new(source),
                })?,
            ),
            None => BUNDLES
                .iter()
                .find_map(|path| read(Path::new(path), LARGEST).ok()),
        };
        // Without any bundle the other sources may be all that is needed.
        if let Some(pem) = bundle {
            add_pem(&mut store, &pem);
        }
        for directory in &self.directories {
            for path in pem_files(directory) {
                if let Ok(pem) = read(&path, LARGEST) {
                    add_pem(&mut store, &pem);
                }
            }
        }
        for pem in &self.extra {
            if add_pem(&mut store, pem) == 0 {
                return Err(RootsError::NoExtra);
            }
        }
        if store.is_empty() {
            return Err(match &self.bundle {
                Some(path) => RootsError::Empty(path.clone()),
                None => RootsError::Missing,
            });
        }
        Ok(store)
    }
}

/// Why no certificate could be trusted.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum RootsError {
    #[error("cannot read the trusted roots in {path:?}")]
    Unreadable {
        path: PathBuf,
        #[source]
        source: Arc<io::Error>,
    },
    #[error("{0:?} holds no certificate that can be trusted")]
    Empty(PathBuf),
    #[error("no trusted roots were found: install ca-certificates or set SSL_CERT_FILE")]
    Missing,
    #[error("an additional CA holds no certificate")]
    NoExtra,
}

/// Adds what can be parsed and says how many that were.
fn add_pem(store: &mut RootCertStore, pem: &[u8]) -> usize {
    let certificates = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok);
    store.add_parsable_certificates(certificates).0
}

/// The PEM files of a directory, in a fixed order.
fn pem_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|e| ["pem", "crt", "cer"].iter().any(|known| e == *known))
        })
        .collect();
    files.sort();
    files
}

/// Where distributions keep the bundle; the first that can be read is used.
const BUNDLES: [&str; 7] = [
    "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Arch, Gentoo
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Fedora, RHEL, Amazon Linux
    "/etc/pki/tls/certs/ca-bundle.crt",   // older RHEL, Bottlerocket
    "/etc/ssl/ca-bundle.pem",             // SUSE
    "/etc/pki/tls/cacert.pem",            // OpenELEC
    "/etc/ssl/cert.pem",                  // Alpine, macOS
    "/usr/local/share/certs/ca-root-nss.crt", // FreeBSD
];
/// A distribution's bundle has a quarter of a mebibyte.
const LARGEST: u64 = 16 * MIB;
