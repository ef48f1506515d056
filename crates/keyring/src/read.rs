//! Reading a credential file whole, within a bound.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use secrecy::SecretSlice;

/// The bytes of a file.
///
/// # Errors
/// When it cannot be read, or is larger than any credential file.
pub(crate) fn read(path: &Path) -> io::Result<SecretSlice<u8>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let too_large = || {
        io::Error::new(
            io::ErrorKind::FileTooLarge,
            "the file is larger than 64 MiB",
        )
    };
    if length > LIMIT {
        return Err(too_large());
    }
    // Room for one byte more, so that the end is found without growing.
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default() + 1);
    let count = file.take(LIMIT + 1).read_to_end(&mut bytes)?;
    let bytes = SecretSlice::from(bytes);
    if count as u64 > LIMIT {
        return Err(too_large());
    }
    Ok(bytes)
}

/// Far above a Secret's 1 MiB; the kubelet itself has no limit for files of the node.
const LIMIT: u64 = 64 << 20;
