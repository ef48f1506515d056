//! Why a text is not a private key.

/// Why a text is not a usable key. Nothing of the key is ever shown.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("it holds no private key in PEM form")]
    NotPem,
    #[error("it is a public key, and the private one of the pair is needed")]
    Public,
    #[error("it is a certificate, and its private key is needed")]
    Certificate,
    #[error("it is not an RSA key ({0}); Oracle's API keys are RSA")]
    NotRsa(String),
    #[error("it is encrypted and no passphrase was given")]
    NoPassphrase,
    #[error("its passphrase is wrong, or its encryption is not supported")]
    WrongPassphrase,
    #[error("it is encrypted by {0}, which is not supported: convert it with openssl pkcs8 -topk8")]
    Cipher(String),
    #[error("it is shorter than 2048 bits, which is not safe and not accepted: make a new one")]
    TooSmall,
    #[error("it is longer than 4096 bits, which is not supported")]
    TooLarge,
    #[error("it is damaged ({0})")]
    Damaged(String),
}
