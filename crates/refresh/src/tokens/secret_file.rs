//! Files that hold a secret, such as mounted Secrets.

use std::io;
use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};

use crate::digest::hash;

/// A file's text without its last line break.
pub(super) fn read_line(path: &Path) -> io::Result<SecretString> {
    let text = regcred_files::read_secret(path, MAX_FILE)?;
    let line = text.expose_secret().trim_end_matches(['\r', '\n']);
    Ok(line.into())
}

/// A hash of a file's content, or of the reason why it cannot be read.
pub(super) fn fingerprint(path: &Path) -> String {
    match regcred_files::read_secret_bytes(path, MAX_FILE) {
        Ok(bytes) => hash([&*String::from_utf8_lossy(bytes.expose_secret())]),
        Err(error) => error.kind().to_string(),
    }
}

/// Whether there is no secret at all.
pub(super) fn is_empty(secret: &SecretString) -> bool {
    secret.expose_secret().is_empty()
}

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 4 * regcred_files::MIB;
