//! Which certificate authorities an https endpoint is held against: one bundle file, read when
//! the first https connection is made.
//!
//! Reading each file of the distribution's certificate directory costs a one-shot process more
//! than the call it makes, so the directory is only the last resort.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use regcred_core::Env;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

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
        let named = ["AWS_CA_BUNDLE", "SSL_CERT_FILE"]
            .into_iter()
            .find_map(|name| Some((name, env.path(name)?)));
        Self {
            named,
            usual: BUNDLES,
        }
    }

    /// Reads the bundle.
    pub(crate) fn load(&self) -> Result<TlsContext, TrustError> {
        if let Some((variable, path)) = &self.named {
            let pem = read_bounded(path).map_err(|source| TrustError::Unreadable {
                variable,
                path: path.clone(),
                source,
            })?;
            return usable(pem)
                .map(|pem| context(Some(pem)))
                .ok_or_else(|| TrustError::Empty {
                    variable,
                    path: path.clone(),
                });
        }
        let found = self
            .usual
            .iter()
            .find_map(|path| usable(read_bounded(Path::new(path)).ok()?));
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
fn usable(pem: Vec<u8>) -> Option<Vec<u8>> {
    let mut roots = RootCertStore::empty();
    let mut kept = Vec::new();
    let mut dropped = false;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        match certificate {
            Ok(der) if roots.add(der.clone()).is_ok() => kept.push(der),
            _ => dropped = true,
        }
    }
    if kept.is_empty() {
        return None;
    }
    if !dropped {
        return Some(pem);
    }
    tracing::debug!("some certificates of the CA bundle cannot be read and are left out");
    Some(kept.iter().flat_map(|der| encode(der)).collect())
}

fn encode(der: &CertificateDer<'_>) -> Vec<u8> {
    use base64::Engine as _;
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n").into_bytes()
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BUNDLE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

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
    use super::*;

    fn certificate() -> String {
        rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])
            .expect("key")
            .cert
            .pem()
    }

    #[test]
    fn an_unreadable_certificate_is_left_out_and_the_rest_stays() {
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let bundle = format!("# comment\n{broken}{}", certificate());
        let kept = usable(bundle.into_bytes()).expect("one is sound");
        let kept: Vec<_> = CertificateDer::pem_slice_iter(&kept).collect();
        assert_eq!(kept.len(), 1);
        assert!(usable(broken.as_bytes().to_vec()).is_none());
        assert!(usable(b"no pem".to_vec()).is_none());
    }

    #[test]
    fn a_sound_bundle_passes_unchanged() {
        let bundle = format!("{}{}", certificate(), certificate()).into_bytes();
        assert_eq!(usable(bundle.clone()), Some(bundle));
    }

    #[test]
    fn a_named_bundle_must_be_readable() {
        let env = Env::map([
            ("AWS_CA_BUNDLE", "/nowhere/ca.pem"),
            ("SSL_CERT_FILE", "/x"),
        ]);
        let error = Authorities::from_env(&env).load().expect_err("missing");
        assert!(error.to_string().contains("AWS_CA_BUNDLE"), "{error}");
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("empty.pem");
        std::fs::write(&path, "").expect("file");
        let env = Env::map([("SSL_CERT_FILE", path.to_str().expect("text"))]);
        let error = Authorities::from_env(&env).load().expect_err("empty");
        assert!(error.to_string().contains("no usable PEM"), "{error}");
    }
}
