//! Files with the token of an identity provider.

use std::io;
use std::path::Path;

use regcred_files::read_secret;
use secrecy::{ExposeSecret as _, SecretString};

/// The token without the blanks around it. The kubelet renews such a file in place.
///
/// # Errors
/// When the file cannot be read, is longer than 64 KiB or is empty.
pub(crate) fn read_token(path: impl AsRef<Path>) -> io::Result<SecretString> {
    let text = read_secret(path.as_ref(), LARGEST)?;
    match text.expose_secret().trim() {
        "" => Err(io::Error::other("the file is empty")),
        token => Ok(token.into()),
    }
}

/// STS accepts at most 20,000 characters.
const LARGEST: u64 = 64 << 10;
