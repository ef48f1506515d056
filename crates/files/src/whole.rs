//! A file read whole, within a limit.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};

use secrecy::zeroize::Zeroizing;

/// Wiped when reading fails halfway.
pub(crate) fn whole(file: File, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let length = file.metadata()?.len();
    let too_large = || io::Error::new(io::ErrorKind::FileTooLarge, TooLarge(limit));
    if length > limit {
        return Err(too_large());
    }
    // Room for one byte more, so that the end is found without growing: no outgrown buffer leaves a
    // copy in memory.
    let room = usize::try_from(length).unwrap_or_default() + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    let count = file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if count as u64 > limit {
        return Err(too_large());
    }
    Ok(bytes)
}

#[derive(Debug)]
struct TooLarge(u64);

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = match self.0 {
            bytes if bytes % (1 << 20) == 0 => (bytes >> 20, "MiB"),
            bytes if bytes % (1 << 10) == 0 => (bytes >> 10, "KiB"),
            bytes => (bytes, "bytes"),
        };
        write!(f, "it is larger than {count} {unit}")
    }
}

impl std::error::Error for TooLarge {}
