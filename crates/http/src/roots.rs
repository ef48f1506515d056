//! Trusted root certificates: one bundle file, read at the first TLS handshake.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memchr;
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
                added |= roots.add_pem(pem);
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
            if !roots.add_pem(pem.clone()) {
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

/// Root certificates as they were read. One is decoded and parsed when a chain may end at it: a distribution has 150,
/// and that takes longer for all than a handshake.
#[derive(Debug, Default)]
pub(crate) struct Roots {
    bundles: Vec<Vec<u8>>,
    roots: Vec<Root>,
}

/// A root in a bundle.
#[derive(Debug)]
struct Root {
    bundle: usize,
    /// Its base64 in the bundle.
    text: Range<usize>,
    /// The content of its name; `None` for what is not a certificate.
    subject: Option<Box<[u8]>>,
}

impl Roots {
    /// Whether a root is this certificate, byte for byte.
    pub(crate) fn holds(&self, certificate: &CertificateDer<'_>) -> bool {
        let subject = names(certificate).map(|named| named.subject);
        let mut same_name = self
            .roots
            .iter()
            .filter(|r| r.subject.as_deref() == subject);
        same_name.any(|root| self.der(root).as_ref() == Some(certificate))
    }

    /// The roots that have the name of an issuer of this chain; all of them if none has, so that the verdict
    /// on the chain is the same as with all.
    pub(crate) fn for_chain(&self, chain: &[&CertificateDer<'_>]) -> RootCertStore {
        let issuers: Vec<_> = chain.iter().filter_map(|link| names(link)).collect();
        let store = self.store(|root| {
            let subject = root.subject.as_deref();
            issuers.iter().any(|link| Some(link.issuer) == subject)
        });
        if store.is_empty() {
            self.store(|_| true)
        } else {
            store
        }
    }

    /// Single certificates that cannot be parsed are left out: distributions ship some that rustls refuses.
    fn store(&self, is_wanted: impl Fn(&Root) -> bool) -> RootCertStore {
        let mut store = RootCertStore::empty();
        for root in self.roots.iter().filter(|root| is_wanted(root)) {
            if let Some(der) = self.der(root) {
                let _ = store.add(der);
            }
        }
        store
    }

    fn der(&self, root: &Root) -> Option<CertificateDer<'static>> {
        let text = self.bundles[root.bundle].get(root.text.clone())?;
        decode(text).map(CertificateDer::from)
    }

    fn add_file(&mut self, path: impl AsRef<Path>) -> bool {
        read(path.as_ref(), LARGEST).is_ok_and(|pem| self.add_pem(pem))
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
    fn add_pem(&mut self, pem: Vec<u8>) -> bool {
        let bundle = self.bundles.len();
        let first = self.roots.len();
        self.roots.extend(certificates(&pem).map(|text| Root {
            bundle,
            subject: subject(&pem[text.clone()]),
            text,
        }));
        self.bundles.push(pem);
        let mut added = self.roots[first..].iter();
        added.any(|root| {
            let der = self.der(root);
            der.is_some_and(|der| RootCertStore::empty().add(der).is_ok())
        })
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

/// The subject of a certificate in base64. It is near the beginning, so that the rest is not decoded.
fn subject(text: &[u8]) -> Option<Box<[u8]>> {
    let text = text.trim_ascii();
    let start = text.get(..START).unwrap_or(text);
    let mut base64 = joined(start);
    if STANDARD.decode(&base64).is_err() {
        base64 = without_spaces(start);
        base64.truncate(base64.len() / 4 * 4);
    }
    let start = STANDARD.decode(&base64).ok()?;
    if let Some(named) = of_start(&start).and_then(names_of) {
        return Some(named.subject.into());
    }
    Some(names(&decode(text)?)?.subject.into())
}

/// Walks over `TBSCertificate` (RFC 5280 section 4.1) to its names; `None` for what is not one.
fn names(certificate: &[u8]) -> Option<Names<'_>> {
    names_of(element(element(certificate)?.1)?.1)
}

/// What there is of the content of `TBSCertificate`, at the start of a certificate.
fn of_start(certificate: &[u8]) -> Option<&[u8]> {
    let (_, _, certificate) = header(certificate)?;
    let (_, _, tbs) = header(certificate)?;
    Some(tbs)
}

fn names_of(tbs: &[u8]) -> Option<Names<'_>> {
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
    let (tag, length, rest) = header(der)?;
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// The tag and the length of the first element, and what follows them.
fn header(der: &[u8]) -> Option<(u8, usize, &[u8])> {
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
    Some((tag, length, rest))
}

/// Decodes base64 with white space in it.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.trim_ascii();
    let decoded = STANDARD.decode(joined(text));
    decoded
        .or_else(|_| STANDARD.decode(without_spaces(text)))
        .ok()
}

/// Lines of 64 characters, which nearly every bundle has, joined without a look at each character.
fn joined(text: &[u8]) -> Vec<u8> {
    let mut base64 = Vec::with_capacity(text.len());
    for line in text.chunks(LINE + 1) {
        base64.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
    }
    base64
}

fn without_spaces(text: &[u8]) -> Vec<u8> {
    let letters = text.iter().filter(|byte| !byte.is_ascii_whitespace());
    letters.copied().collect()
}

/// Where the texts are between the lines that begin and end a certificate.
fn certificates(pem: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let begin = find(pem, from, BEGIN)? + BEGIN.len();
        let end = find(pem, begin, END)?;
        from = end + END.len();
        Some(begin..end)
    })
}

fn find(text: &[u8], mut from: usize, mark: &[u8]) -> Option<usize> {
    // Dashes are rare, so few places are compared.
    loop {
        from += memchr(b'-', text.get(from..)?)?;
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
/// Of a certificate's base64, line ends included: as many whole lines as most need to the end of their subject.
const START: usize = 9 * (LINE + 1);
/// The tag of an explicit version number.
const VERSION: u8 = 0xa0;
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

#[cfg(test)]
mod tests;
