//! The TLS side of a client: rustls with ring, roots read at the first handshake only.

mod words;

use std::iter;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, SignatureScheme,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use secrecy::ExposeSecret;

use crate::ClientOptions;
use crate::roots::{RootSource, Roots, RootsError};

pub(crate) use words::words;

/// The configuration of a client. Reads no file.
pub(crate) fn client_config(options: &ClientOptions) -> Result<ClientConfig, IdentityError> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Verifier {
        provider: provider.clone(),
        trust: if options.danger_skip_verify {
            Trust::Anyone
        } else {
            Trust::Roots(RootSource::new(options), OnceLock::new())
        },
        spares_this_machine: options.danger_skip_verify_here,
    });
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(IdentityError::Refused)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let Some(identity) = &options.client_identity_pem else {
        return Ok(builder.with_no_client_auth());
    };
    let pem = identity.expose_secret();
    let chain = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .ok()
        .filter(|chain| !chain.is_empty())
        .ok_or(IdentityError::NoCertificate)?;
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| IdentityError::NoKey)?;
    builder
        .with_client_auth_cert(chain, key)
        .map_err(IdentityError::Refused)
}

/// A client certificate that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdentityError {
    #[error("the client identity holds no certificate")]
    NoCertificate,
    #[error("the client identity holds no private key that can be read")]
    NoKey,
    #[error("the client identity cannot be used")]
    Refused(#[source] Error),
}

/// Verifies a server's certificate. That the server has its key is checked whatever is trusted.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    trust: Trust,
    /// Whether the certificates of this machine are not verified.
    spares_this_machine: bool,
}

/// Whose certificates are taken.
#[derive(Debug)]
enum Trust {
    Anyone,
    /// Those that the roots vouch for. They are read when the first certificate is verified: a client
    /// that only uses plain http never reads them.
    Roots(RootSource, OnceLock<Result<Roots, RootsError>>),
}

impl Verifier {
    /// The usual verifier, with the roots that this chain may end at.
    fn usual(
        &self,
        roots: &Roots,
        chain: &[&CertificateDer<'_>],
    ) -> Result<Arc<WebPkiServerVerifier>, RootsError> {
        let store = Arc::new(roots.for_chain(chain));
        WebPkiServerVerifier::builder_with_provider(store, self.provider.clone())
            .build()
            .map_err(|_| RootsError::Missing)
    }
}

/// Whether a server's name is this machine's.
fn is_here(name: &ServerName<'_>) -> bool {
    match name {
        ServerName::IpAddress(address) => IpAddr::from(*address).to_canonical().is_loopback(),
        ServerName::DnsName(name) => name.as_ref() == "localhost",
        _ => false,
    }
}

/// As in Go, a certificate that is itself a root needs no other to vouch for it, whether it is an
/// authority's (`openssl req -x509` makes no other) or one that another authority signed.
fn verify_root(
    roots: &Roots,
    refused: Error,
    end_entity: &CertificateDer<'_>,
    server_name: &ServerName<'_>,
) -> Result<ServerCertVerified, Error> {
    // Both are found out after the dates were checked, so those hold.
    let lacks_chain_only = match &refused {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => true,
        Error::InvalidCertificate(CertificateError::Other(why)) => {
            words::variant(&why.0) == words::CA_AS_SERVER
        }
        _ => false,
    };
    if !lacks_chain_only || !roots.holds(end_entity) {
        return Err(refused);
    }
    verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
    Ok(ServerCertVerified::assertion())
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Trust::Roots(roots, loaded) = &self.trust else {
            return Ok(ServerCertVerified::assertion());
        };
        if self.spares_this_machine && is_here(server_name) {
            return Ok(ServerCertVerified::assertion());
        }
        let unusable = |error| Error::Other(OtherError(Arc::new(error)));
        let roots = loaded.get_or_init(|| roots.load()).as_ref();
        let roots = roots.map_err(|error| unusable(error.clone()))?;
        let chain: Vec<_> = iter::once(end_entity).chain(intermediates).collect();
        self.usual(roots, &chain)
            .map_err(unusable)?
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .or_else(|refused| verify_root(roots, refused, end_entity, server_name))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests;
