//! Reading a file whole, within a bound.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// The bytes of a file.
///
/// # Errors
/// When it cannot be read or has more than `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!("larger than {} MiB", limit >> 20)));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("f");
        std::fs::write(&path, "12345678").expect("file");
        assert_eq!(read(&path, 8).expect("within"), b"12345678");
        let error = read(&path, 7).expect_err("beyond").to_string();
        assert_eq!(error, "larger than 0 MiB");
    }
}
