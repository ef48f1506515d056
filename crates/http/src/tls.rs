//! The TLS side of a client: rustls with ring, roots read at the first handshake only.

use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, SignatureScheme,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use secrecy::ExposeSecret;

use crate::ClientOptions;
use crate::roots::{RootSource, RootsError};

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
}

/// Whose certificates are taken.
#[derive(Debug)]
enum Trust {
    Anyone,
    /// Those that the roots vouch for. They are read when the first certificate is verified: a client
    /// that only uses plain http never reads them.
    Roots(RootSource, OnceLock<Loaded>),
}

type Loaded = Result<Arc<WebPkiServerVerifier>, RootsError>;

impl Verifier {
    fn load(&self, roots: &RootSource) -> Loaded {
        let store = Arc::new(roots.load()?);
        WebPkiServerVerifier::builder_with_provider(store, self.provider.clone())
            .build()
            .map_err(|_| RootsError::Missing)
    }
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
        match loaded.get_or_init(|| self.load(roots)) {
            Ok(usual) => {
                usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            Err(error) => Err(Error::Other(OtherError(Arc::new(error.clone())))),
        }
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

/// What to do about a failed handshake, where the failure itself leaves that open.
pub(crate) fn hint(error: &Error) -> Option<&'static str> {
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            Some("its issuer is not among the trusted roots; add it by SSL_CERT_FILE")
        }
        Error::InvalidMessage(_) => Some("the server does not speak TLS on this port"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
