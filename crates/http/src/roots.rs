//! Trusted root certificates: one bundle file, read at the first TLS handshake.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_files::{MIB, read};
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;

use crate::{CaBundle, ClientOptions};

/// Where roots come from; nothing is read until [`RootSource::load`].
#[derive(Clone, Debug)]
pub(crate) struct RootSource {
    bundle: Option<CaBundle>,
    directories: Vec<PathBuf>,
    extra: Vec<Vec<u8>>,
}

impl RootSource {
    pub(crate) fn new(options: &ClientOptions) -> Self {
        let env = &options.env;
        let by_variable = || {
            Some(CaBundle {
                path: env.path(VARIABLE)?,
                named_by: VARIABLE,
            })
        };
        let directories = env.get("SSL_CERT_DIR").unwrap_or_default();
        Self {
            bundle: options.ca_bundle.clone().or_else(by_variable),
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
        self.read(&mut |der| store.add(der.into()).is_ok())?;
        Ok(store)
    }

    /// Whether a root is this certificate, byte for byte. Reads every source again: a handshake that
    /// succeeds never asks.
    pub(crate) fn holds(&self, certificate: &CertificateDer<'_>) -> bool {
        let mut is_held = false;
        let read = self.read(&mut |der| {
            is_held |= der == certificate.as_ref();
            true
        });
        read.is_ok() && is_held
    }

    fn read(&self, add: Add<'_>) -> Result<(), RootsError> {
        let mut added = 0;
        match &self.bundle {
            Some(bundle) => {
                let pem = read(&bundle.path, LARGEST).map_err(|source| RootsError::Unreadable {
                    bundle: bundle.clone(),
                    source: Arc::new(source),
                })?;
                added += add_pem(add, &pem);
                if added == 0 {
                    return Err(RootsError::Empty(bundle.clone()));
                }
            }
            // The other sources may be all that is needed.
            None => {
                let mut each = BUNDLES.iter().map(|path| add_file(add, path));
                added += each.find(|added| *added > 0).unwrap_or(0);
            }
        }
        for directory in &self.directories {
            added += add_directory(add, directory);
        }
        for pem in &self.extra {
            match add_pem(add, pem) {
                0 => return Err(RootsError::NoExtra),
                more => added += more,
            }
        }
        // Reading a file for each root costs a one-shot process more than the call it makes, so the
        // distribution's directories come last.
        for directory in DIRECTORIES {
            if added == 0 {
                added += add_directory(add, Path::new(directory));
            }
        }
        if added == 0 {
            return Err(RootsError::Missing);
        }
        Ok(())
    }
}

/// Takes the DER of a certificate and returns whether it could use it.
type Add<'a> = &'a mut dyn FnMut(&[u8]) -> bool;

/// Why no certificate could be trusted.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum RootsError {
    #[error("cannot read the CA bundle {} of {}", .bundle.path.display(), .bundle.named_by)]
    Unreadable {
        bundle: CaBundle,
        #[source]
        source: Arc<io::Error>,
    },
    #[error("the CA bundle {} of {} has no usable PEM certificate", .0.path.display(), .0.named_by)]
    Empty(CaBundle),
    #[error("no trusted roots were found: install ca-certificates or set SSL_CERT_FILE")]
    Missing,
    #[error("an additional CA holds no certificate")]
    NoExtra,
}

fn add_file(add: Add<'_>, path: impl AsRef<Path>) -> usize {
    read(path.as_ref(), LARGEST).map_or(0, |pem| add_pem(add, &pem))
}

fn add_directory(add: Add<'_>, directory: &Path) -> usize {
    let files = pem_files(directory).into_iter();
    files.map(|path| add_file(add, path)).sum()
}

/// Adds the certificates that can be parsed and returns their number.
///
/// rustls's own PEM reader takes ten times as long for a distribution's bundle, which is most of
/// what a plugin computes in its one request.
fn add_pem(add: Add<'_>, pem: &[u8]) -> usize {
    let mut base64 = Vec::with_capacity(8192);
    let usable = certificates(pem).filter(|text| {
        base64.clear();
        base64.extend(text.iter().filter(|byte| !byte.is_ascii_whitespace()));
        STANDARD.decode(&base64).is_ok_and(|der| add(&der))
    });
    usable.count()
}

/// The text between the lines that begin and end a certificate.
fn certificates(mut pem: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let begin = find(pem, BEGIN)? + BEGIN.len();
        let end = begin + find(&pem[begin..], END)?;
        let text = &pem[begin..end];
        pem = &pem[end + END.len()..];
        Some(text)
    })
}

fn find(text: &[u8], mark: &[u8]) -> Option<usize> {
    // Dashes are rare, so few places are compared.
    let mut from = 0;
    loop {
        from += text.get(from..)?.iter().position(|byte| *byte == b'-')?;
        if text[from..].starts_with(mark) {
            return Some(from);
        }
        from += 1;
    }
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

/// Where distributions keep the bundle; the first that holds a certificate is used.
const BUNDLES: [&str; 7] = [
    "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Arch, Gentoo
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Fedora, RHEL, Amazon Linux
    "/etc/pki/tls/certs/ca-bundle.crt",   // older RHEL, Bottlerocket
    "/etc/ssl/ca-bundle.pem",             // SUSE
    "/etc/pki/tls/cacert.pem",            // OpenELEC
    "/etc/ssl/cert.pem",                  // Alpine, macOS
    "/usr/local/share/certs/ca-root-nss.crt", // FreeBSD
];
/// Where distributions keep their roots one by one; the first that has any is used.
const DIRECTORIES: [&str; 2] = ["/etc/ssl/certs", "/etc/pki/tls/certs"];
/// A distribution's bundle has about a quarter of a mebibyte.
const LARGEST: u64 = 16 * MIB;
const VARIABLE: &str = "SSL_CERT_FILE";
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

#[cfg(test)]
mod tests;
