//! What the tests of this crate share besides the scripted server.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use regcred_core::{Env, ImageRef};
use regcred_http::Retry;
pub(crate) use regcred_http_testing::{Fake, Reply, Seen, bind};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;

use crate::{Hosts, RegistryClient};

/// The image under which a server has everything.
pub(crate) fn image(server: &Fake) -> ImageRef {
    let name = format!("{}/team/app:v1", server.host());
    ImageRef::parse(&name).expect("image")
}

/// A `certs.d` directory with this `hosts.toml` for the registry.
pub(crate) fn hosts_toml(registry: &str, text: &str) -> (TempDir, Hosts) {
    let root = tempfile::tempdir().expect("directory");
    let directory = root.path().join(registry);
    fs::create_dir_all(&directory).expect("directory");
    fs::write(directory.join("hosts.toml"), text).expect("file");
    let hosts = Hosts::new([root.path().to_owned()]);
    (root, hosts)
}

/// A client that does not wait long.
pub(crate) fn client(hosts: Hosts) -> RegistryClient {
    let retry = Retry {
        attempts: 3,
        base: Duration::from_millis(1),
        cap: Duration::from_millis(5),
    };
    RegistryClient::with_retry(&Env::default(), hosts, retry).expect("client")
}

/// An acceptor for 127.0.0.1 and the PEM of its certificate, which is its own CA.
pub(crate) fn tls() -> (TlsAcceptor, String) {
    let signed = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let certificate = signed.cert.pem();
    let key = signed.signing_key.serialize_pem();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap();
    (Arc::new(config).into(), certificate)
}
