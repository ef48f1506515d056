//! Session keys: a fresh 2048-bit pair for each security token.
//!
//! ring does not make RSA keys. The `rsa` crate does, on a thread of its own during the network
//! calls: about 50 ms. RUSTSEC-2023-0071 (the Marvin attack) is a leak in the timing of
//! that crate's private key operations. None runs here: the key is made, written out and handed to
//! ring, which signs.

use getrandom::SysRng;
use regcred_core::ProviderError;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use tokio::sync::oneshot;

use crate::ERRORS;
use crate::key::{KeyError, PrivateKey};

/// Begins to make a key at once; the future waits for it. A key that is no longer waited for holds
/// nothing up.
pub(crate) fn session_key() -> impl Future<Output = Result<PrivateKey, ProviderError>> {
    let (send, receive) = oneshot::channel();
    std::thread::spawn(move || {
        // The future may be gone.
        let _ = send.send(make());
    });
    async move {
        let failed = || ERRORS.no_identity("cannot make a session key");
        match receive.await {
            Ok(Ok(key)) => Ok(key),
            Ok(Err(error)) => Err(failed().with_source(error)),
            Err(_) => Err(failed()),
        }
    }
}

fn make() -> Result<PrivateKey, KeyError> {
    let damaged = |_| KeyError::Damaged("the generator failed".to_owned());
    let key = rsa::PrivateKey::new(&mut SysRng, BITS).map_err(damaged)?;
    let der = key
        .to_pkcs1_der()
        .map_err(|_| KeyError::Damaged("the generator's key has no PKCS#1 form".to_owned()))?;
    PrivateKey::from_pkcs1(der.as_bytes())
}

const BITS: usize = 2048;

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[tokio::test]
    async fn session_keys_are_new_each_time_and_sign() {
        let (one, two) = tokio::join!(session_key(), session_key());
        let (one, two) = (one.expect("a key"), two.expect("a key"));
        assert_ne!(one.public_base64(), two.public_base64());
        let signature = STANDARD.decode(one.sign(b"text")).expect("base64");
        assert_eq!(signature.len(), 256);
        ring::signature::UnparsedPublicKey::new(
            &ring::signature::RSA_PKCS1_2048_8192_SHA256,
            one.public_pkcs1(),
        )
        .verify(b"text", &signature)
        .expect("its own signature");
    }
}
