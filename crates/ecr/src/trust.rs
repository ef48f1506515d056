//! Which certificate authorities an https endpoint is held against: one bundle file, read when
//! the first https connection is made.
//!
//! Reading each file of the distribution's certificate directory costs a one-shot process more
//! than the call it makes, so the directory is only the last resort.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_core::Env;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;

/// Where the authorities come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authorities {
    /// Named by a variable: it must be readable.
    named: Option<(&'static str, PathBuf)>,
    /// Else the first of these that exists.
    usual: &'static [&'static str],
}

/// A bundle that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrustError {
    /// The file that a variable names cannot be read.
    #[error("cannot read the CA bundle {} that {variable} names", path.display())]
    Unreadable {
        variable: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// The file that a variable names has no certificate.
    #[error("the CA bundle {} that {variable} names has no usable PEM certificate", path.display())]
    Empty {
        variable: &'static str,
        path: PathBuf,
    },
}

impl Authorities {
    /// The bundle that the environment names, as the AWS tools read it, else the system's.
    pub(crate) fn from_env(env: &Env) -> Self {
        let named = [VARIABLE, "SSL_CERT_FILE"]
            .into_iter()
            .find_map(|name| Some((name, env.path(name)?)));
        Self {
            named,
            usual: BUNDLES,
        }
    }

    /// The bundle of a profile's `ca_bundle`, which goes before the system's but not before
    /// `AWS_CA_BUNDLE`.
    pub(crate) fn with_profile(mut self, bundle: &str) -> Self {
        if self
            .named
            .as_ref()
            .is_none_or(|(name, _)| *name != VARIABLE)
        {
            self.named = Some(("the profile's ca_bundle", PathBuf::from(bundle)));
        }
        self
    }

    /// Reads the bundle.
    pub(crate) fn load(&self) -> Result<TlsContext, TrustError> {
        if let Some((variable, path)) = &self.named {
            let pem = read_bounded(path).map_err(|source| TrustError::Unreadable {
                variable,
                path: path.clone(),
                source,
            })?;
            return usable(&pem)
                .map(|pem| context(Some(pem)))
                .ok_or_else(|| TrustError::Empty {
                    variable,
                    path: path.clone(),
                });
        }
        let found = self
            .usual
            .iter()
            .find_map(|path| usable(&read_bounded(Path::new(path)).ok()?));
        Ok(context(found))
    }
}

/// A context that trusts the bundle; without one, whatever the platform's own search finds.
fn context(pem: Option<Vec<u8>>) -> TlsContext {
    let store = match pem {
        Some(pem) => TrustStore::empty().with_pem_certificate(pem),
        None => TrustStore::default(),
    };
    TlsContext::builder()
        .with_trust_store(store)
        .build()
        .expect("building a context has no failing step")
}

/// The bundle, without the certificates that rustls cannot read: the SDK's client would panic at
/// one. `None` when nothing is left.
///
/// rustls's own PEM reader takes ten times as long for a distribution's bundle, and the SDK's client
/// runs it once anyway.
fn usable(pem: &[u8]) -> Option<Vec<u8>> {
    let mut roots = RootCertStore::empty();
    let mut kept = Vec::with_capacity(pem.len() + 4096);
    let mut dropped = 0;
    let mut base64 = Vec::with_capacity(8192);
    for text in certificates(pem) {
        base64.clear();
        base64.extend(text.iter().filter(|byte| !byte.is_ascii_whitespace()));
        let der = STANDARD.decode(&base64).map(CertificateDer::from);
        if der.is_ok_and(|der| roots.add(der).is_ok()) {
            kept.extend_from_slice(BEGIN);
            kept.push(b'\n');
            kept.extend_from_slice(&base64);
            kept.push(b'\n');
            kept.extend_from_slice(END);
            kept.push(b'\n');
        } else {
            dropped += 1;
        }
    }
    if dropped > 0 {
        tracing::debug!("{dropped} certificates of the CA bundle cannot be read and are left out");
    }
    (!kept.is_empty()).then_some(kept)
}

/// What stands between the lines that begin and end a certificate.
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
    // Dashes are rare, so that few places are looked at closely.
    let mut from = 0;
    loop {
        from += text.get(from..)?.iter().position(|byte| *byte == b'-')?;
        if text[from..].starts_with(mark) {
            return Some(from);
        }
        from += 1;
    }
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let size = file.metadata()?.len().min(MAX_BUNDLE);
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 1);
    file.take(MAX_BUNDLE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

const VARIABLE: &str = "AWS_CA_BUNDLE";

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

/// The largest bundle read; distributions ship about 220 KB.
const MAX_BUNDLE: u64 = 8 << 20;

/// Debian, Fedora and Amazon Linux, SUSE, old RHEL, Alpine and Bottlerocket.
const BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
];

#[cfg(test)]
mod tests {
    use rustls_pki_types::pem::PemObject as _;

    use super::*;

    fn certificate() -> String {
        rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])
            .expect("key")
            .cert
            .pem()
    }

    /// As the SDK's client reads it: every certificate must be sound.
    fn read_back(bundle: &str) -> Option<Vec<CertificateDer<'static>>> {
        let kept = usable(bundle.as_bytes())?;
        let all = CertificateDer::pem_slice_iter(&kept).collect::<Result<Vec<_>, _>>();
        Some(all.expect("sound"))
    }

    #[test]
    fn an_unreadable_certificate_is_left_out_and_the_rest_stays() {
        let good = certificate();
        let der = CertificateDer::from_pem_slice(good.as_bytes()).expect("sound");
        for broken in [
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "---- a comment -----BEGIN",
        ] {
            let bundle = format!("# first\r\n{broken}\n{good}\n-----BEGIN CERTIFICATE-----\nAA");
            assert_eq!(read_back(&bundle), Some(vec![der.clone()]), "{broken}");
            assert_eq!(read_back(broken), None);
        }
        assert_eq!(read_back(""), None);
    }

    #[test]
    fn a_sound_bundle_keeps_every_certificate() {
        let (first, second) = (certificate(), certificate());
        for bundle in [
            format!("{first}{second}"),
            format!("{first}{second}").replace('\n', "\r\n"),
            format!("subject=x\n{first}\n\nsubject=y\n{}", second.trim_end()),
        ] {
            let all = CertificateDer::pem_slice_iter(bundle.as_bytes());
            let all = all.collect::<Result<Vec<_>, _>>().expect("sound");
            assert_eq!(all.len(), 2);
            assert_eq!(read_back(&bundle), Some(all));
        }
    }

    #[test]
    fn the_systems_bundle_is_read_as_rustls_reads_it() {
        let found = BUNDLES.iter().find_map(|path| std::fs::read(path).ok());
        let Some(bundle) = found else { return };
        let theirs = CertificateDer::pem_slice_iter(&bundle).filter_map(Result::ok);
        let ours = usable(&bundle).expect("some");
        let ours = CertificateDer::pem_slice_iter(&ours).filter_map(Result::ok);
        assert!(ours.eq(theirs));
    }

    #[test]
    fn a_named_bundle_must_be_readable() {
        let env = Env::map([
            ("AWS_CA_BUNDLE", "/nowhere/ca.pem"),
            ("SSL_CERT_FILE", "/x"),
        ]);
        let error = Authorities::from_env(&env).load().expect_err("missing");
        assert!(error.to_string().contains("AWS_CA_BUNDLE"), "{error}");
        let profile = Authorities::from_env(&env).with_profile("/nowhere/own.pem");
        assert_eq!(profile, Authorities::from_env(&env), "the variable wins");
        let env = Env::map([("SSL_CERT_FILE", "/x")]);
        let profile = Authorities::from_env(&env).with_profile("/nowhere/own.pem");
        let error = profile.load().expect_err("missing").to_string();
        assert!(
            error.contains("own.pem that the profile's ca_bundle"),
            "{error}"
        );
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("empty.pem");
        std::fs::write(&path, "").expect("file");
        let env = Env::map([("SSL_CERT_FILE", path.to_str().expect("text"))]);
        let error = Authorities::from_env(&env).load().expect_err("empty");
        assert!(error.to_string().contains("no usable PEM"), "{error}");
    }
}
