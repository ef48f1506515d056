//! Google's public names on this machine: TLS on port 443 of loopback, passed on to the fakes in
//! the clear. For tests in a network namespace, whose hosts file leads the names here.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls_pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::FakeGoogle;

/// A running front. Dropping it ends it.
pub struct Front {
    directory: TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Front {
    /// Answers for these names on 127.0.0.1:443.
    ///
    /// # Panics
    /// Outside a namespace of one's own, where the port is not to be had.
    #[must_use]
    pub fn start(google: &FakeGoogle, names: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let tls = certify(names, &directory.path().join(CA_FILE));
        let behind = google.server().address();
        let (stop, stopped) = oneshot::channel();
        let listener = std::net::TcpListener::bind("127.0.0.1:443").expect("a free port 443");
        listener.set_nonblocking(true).expect("a socket option");
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("a listening socket");
                let accept = async {
                    while let Ok((stream, _)) = listener.accept().await {
                        let tls = tls.clone();
                        tokio::spawn(async move {
                            let mut near = tls.accept(stream).await?;
                            let mut far = TcpStream::connect(behind).await?;
                            copy_bidirectional(&mut near, &mut far).await
                        });
                    }
                };
                tokio::select! {
                    () = accept => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            directory,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// The CA's certificate as a PEM file.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.directory.path().join(CA_FILE)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn certify(names: &[&str], ca_file: &Path) -> TlsAcceptor {
    let key = || KeyPair::generate().expect("a P-256 key");
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, key()).expect("a CA certificate");
    std::fs::write(ca_file, ca.pem()).expect("our own directory");
    let own = key();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let certificate = CertificateParams::new(names)
        .and_then(|params| params.signed_by(&own, &ca))
        .expect("a server certificate");
    let der = PrivateKeyDer::Pkcs8(own.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider's own versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], der)
        .expect("a key that fits");
    TlsAcceptor::from(Arc::new(config))
}

const CA_FILE: &str = "ca.crt";
