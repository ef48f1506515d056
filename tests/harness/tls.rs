//! A certificate authority of its own and a server certificate, for loopback or any names.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls_pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;

/// A private CA with one server certificate. Clients trust it through the PEM file at
/// [`Tls::ca_file`].
pub struct Tls {
    config: Arc<ServerConfig>,
    directory: TempDir,
}

impl Tls {
    /// Makes keys and certificates for `localhost` and `127.0.0.1`.
    #[must_use]
    pub fn loopback() -> Self {
        Self::of(&["localhost", "127.0.0.1"])
    }

    /// Makes keys and certificates for these names or addresses.
    ///
    /// # Panics
    /// When one of them is neither.
    #[must_use]
    pub fn of(names: &[&str]) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // OpenSSL tells certificates by their names: an authority's must be no server's, and no
        // other authority's in the same bundle.
        let number = AUTHORITIES.fetch_add(1, Ordering::Relaxed);
        let name = format!("authority {number} of process {}", std::process::id());
        params.distinguished_name.push(DnType::CommonName, name);
        let ca = CertifiedIssuer::self_signed(params, new_key()).expect("a CA certificate");

        let key = new_key();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let certificate = CertificateParams::new(names)
            .and_then(|params| params.signed_by(&key, &ca))
            .expect("a server certificate");

        let directory = tempfile::tempdir().expect("a temporary directory");
        std::fs::write(directory.path().join(CA_FILE), ca.pem()).expect("a CA file");
        let der = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider's own versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], der)
            .expect("a key that fits");
        Self {
            config: Arc::new(config),
            directory,
        }
    }

    /// The CA's certificate as a PEM file.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.directory.path().join(CA_FILE)
    }

    /// The directory of that file.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The server side's settings.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config())
    }
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("a P-256 key")
}

static AUTHORITIES: AtomicUsize = AtomicUsize::new(0);

const CA_FILE: &str = "ca.crt";
