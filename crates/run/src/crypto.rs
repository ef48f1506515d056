//! The process's TLS provider.

/// Makes ring the provider of every rustls connection of this process. Cheap, and harmless when
/// one is already installed.
pub fn install_crypto() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
