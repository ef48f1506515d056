//! TLS under any name in front of a plain server: the API server under the name of an identity
//! binding.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls_pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

/// Listens on loopback until it is dropped.
pub struct TlsFront {
    address: SocketAddr,
    directory: TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TlsFront {
    /// Starts a server with a certificate for that one name, which passes everything on.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(name: &str, behind: SocketAddr) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
        let address = listener.local_addr().expect("a bound address");
        let (config, ca) = server_config(name, &format!("authority of {address}"));
        std::fs::write(directory.path().join(CA_FILE), ca).expect("a CA file");
        listener.set_nonblocking(true).expect("a socket option");
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, config.into(), behind) => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            address,
            directory,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `https://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The authority that it is trusted through.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.directory.path().join(CA_FILE)
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: std::net::TcpListener, config: Arc<ServerConfig>, behind: SocketAddr) {
    let listener = TcpListener::from_std(listener).expect("a listening socket");
    let acceptor = TlsAcceptor::from(config);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            if let (Ok(mut tls), Ok(mut plain)) = (
                acceptor.accept(stream).await,
                TcpStream::connect(behind).await,
            ) {
                let _ = tokio::io::copy_bidirectional(&mut tls, &mut plain).await;
            }
        });
    }
}

fn server_config(name: &str, authority: &str) -> (ServerConfig, String) {
    let new_key = || KeyPair::generate().expect("a P-256 key");
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // OpenSSL tells certificates by their names: a server's must not be its authority's.
    let name_of_ca = authority.to_owned();
    params
        .distinguished_name
        .push(DnType::CommonName, name_of_ca);
    let ca = CertifiedIssuer::self_signed(params, new_key()).expect("a CA certificate");
    let key = new_key();
    let certificate = CertificateParams::new(vec![name.to_owned()])
        .and_then(|params| params.signed_by(&key, &ca))
        .expect("a server certificate");
    let der = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider's own versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], der)
        .expect("a key that fits");
    (config, ca.pem())
}

const CA_FILE: &str = "ca.crt";
