//! Session keys: a fresh 2048-bit pair for each security token.
//!
//! ring makes no RSA keys, so the `rsa` crate does, on a thread beside the network calls: about
//! half a second. RUSTSEC-2023-0071 (the Marvin attack) is a leak in the timing of that crate's
//! private key operations. None runs here: the key is made, written out and handed to ring, which
//! signs.

use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::rand_core::OsRng;
use tokio::sync::oneshot;

use regcred_core::{ErrorKind, ProviderError};

use super::{KeyError, PrivateKey};
use crate::failure::failure;

/// Begins to make a key at once; the future waits for it. A key that nobody waits for any more
/// holds nothing up.
pub(crate) fn session_key() -> impl Future<Output = Result<PrivateKey, ProviderError>> {
    let (send, receive) = oneshot::channel();
    std::thread::spawn(move || {
        // Nobody may wait any more.
        let _ = send.send(make());
    });
    async move {
        let failed = || failure(ErrorKind::IdentityUnavailable, "cannot make a session key");
        match receive.await {
            Ok(Ok(key)) => Ok(key),
            Ok(Err(error)) => Err(failed().with_source(error)),
            Err(_) => Err(failed()),
        }
    }
}

fn make() -> Result<PrivateKey, KeyError> {
    let damaged = |_| KeyError::Damaged("the generator failed".to_owned());
    let key = RsaPrivateKey::new(&mut OsRng, BITS).map_err(damaged)?;
    let der = key
        .to_pkcs1_der()
        .map_err(|_| KeyError::Damaged("the generator's key has no form".to_owned()))?;
    PrivateKey::from_pkcs1(der.as_bytes())
}

const BITS: usize = 2048;
