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

    /// Reads every source.
    pub(crate) fn load(&self) -> Result<Roots, RootsError> {
        let mut roots = Roots::default();
        self.read(&mut roots)?;
        Ok(roots)
    }

    fn read(&self, roots: &mut Roots) -> Result<(), RootsError> {
        let mut added = false;
        match &self.bundle {
            Some(bundle) => {
                let pem = read(&bundle.path, LARGEST).map_err(|source| RootsError::Unreadable {
                    bundle: bundle.clone(),
                    source: Arc::new(source),
                })?;
                added |= roots.add_pem(&pem);
                if !added {
                    return Err(RootsError::Empty(bundle.clone()));
                }
            }
            // The other sources may be all that is needed.
            None => added |= BUNDLES.iter().any(|path| roots.add_file(path)),
        }
        for directory in &self.directories {
            added |= roots.add_directory(directory);
        }
        for pem in &self.extra {
            if !roots.add_pem(pem) {
                return Err(RootsError::NoExtra);
            }
            added = true;
        }
        // Reading a file for each root costs a one-shot process more than the call it makes, so the
        // distribution's directories come last.
        for directory in DIRECTORIES {
            if !added {
                added |= roots.add_directory(Path::new(directory));
            }
        }
        if added {
            Ok(())
        } else {
            Err(RootsError::Missing)
        }
    }
}

/// Root certificates as they were read. One is parsed when a chain may end at it: a distribution has 150, and
/// parsing all takes longer than a handshake.
#[derive(Debug, Default)]
pub(crate) struct Roots(Vec<CertificateDer<'static>>);

impl Roots {
    /// Whether a root is this certificate, byte for byte.
    pub(crate) fn holds(&self, certificate: &CertificateDer<'_>) -> bool {
        self.0.contains(certificate)
    }

    /// The roots that have the name of an issuer of this chain; all of them if none has, so that the verdict
    /// on the chain is the same as with all.
    pub(crate) fn for_chain(&self, chain: &[&CertificateDer<'_>]) -> RootCertStore {
        let issuers: Vec<_> = chain.iter().filter_map(|link| names(link)).collect();
        let is_issuer = |root: &&CertificateDer<'_>| {
            let subject = names(root).map(|named| named.subject);
            issuers.iter().any(|link| Some(link.issuer) == subject)
        };
        let store = Self::store(self.0.iter().filter(is_issuer));
        if store.is_empty() {
            Self::store(self.0.iter())
        } else {
            store
        }
    }

    /// Single certificates that cannot be parsed are left out: distributions ship some that rustls refuses.
    fn store<'a>(roots: impl Iterator<Item = &'a CertificateDer<'static>>) -> RootCertStore {
        let mut store = RootCertStore::empty();
        for root in roots {
            let _ = store.add(root.clone());
        }
        store
    }

    fn add_file(&mut self, path: impl AsRef<Path>) -> bool {
        read(path.as_ref(), LARGEST).is_ok_and(|pem| self.add_pem(&pem))
    }

    fn add_directory(&mut self, directory: &Path) -> bool {
        let added = pem_files(directory)
            .into_iter()
            .filter(|path| self.add_file(path));
        added.count() > 0
    }

    /// Adds the certificates and returns whether one of them is usable.
    ///
    /// rustls's own PEM reader takes ten times as long for a distribution's bundle, which is most of
    /// what a plugin computes in its one request.
    fn add_pem(&mut self, pem: &[u8]) -> bool {
        let mut base64 = Vec::with_capacity(8192);
        let mut is_usable = false;
        for text in certificates(pem) {
            let Some(der) = decode(text.trim_ascii(), &mut base64) else {
                continue;
            };
            let der = CertificateDer::from(der);
            is_usable = is_usable || !Self::store([&der].into_iter()).is_empty();
            self.0.push(der);
        }
        is_usable
    }
}

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
    #[error("no trusted roots were found")]
    Missing,
    #[error("an additional CA holds no certificate")]
    NoExtra,
}

/// The names in a certificate, each the content of its `Name`, as webpki compares them.
struct Names<'a> {
    issuer: &'a [u8],
    subject: &'a [u8],
}

/// Walks over `TBSCertificate` (RFC 5280 section 4.1) to its names; `None` for what is not one.
fn names(certificate: &[u8]) -> Option<Names<'_>> {
    let (_, tbs, _) = element(element(certificate)?.1)?;
    let (tag, _, after_version) = element(tbs)?;
    let rest = if tag == VERSION { after_version } else { tbs };
    let (_, _, rest) = element(rest)?; // serial number
    let (_, _, rest) = element(rest)?; // signature algorithm
    let (_, issuer, rest) = element(rest)?;
    let (_, _, rest) = element(rest)?; // validity
    let (_, subject, _) = element(rest)?;
    Some(Names { issuer, subject })
}

/// The first element of a DER text: its tag, its content, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => (usize::from(*rest.first()?), &rest[1..]),
        0x82 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// Decodes base64 with white space in it. Lines of 64 characters, which nearly every bundle has, are joined
/// without a look at each character.
fn decode(text: &[u8], base64: &mut Vec<u8>) -> Option<Vec<u8>> {
    base64.clear();
    for line in text.chunks(LINE + 1) {
        base64.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
    }
    STANDARD.decode(&*base64).ok().or_else(|| {
        base64.clear();
        base64.extend(text.iter().filter(|byte| !byte.is_ascii_whitespace()));
        STANDARD.decode(&*base64).ok()
    })
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
/// Characters of base64 in a line (RFC 7468).
const LINE: usize = 64;
/// The tag of an explicit version number.
const VERSION: u8 = 0xa0;
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

#[cfg(test)]
mod tests;
