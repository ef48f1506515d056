//! Small files that hold a key, a token or a login: read whole and in bounds, and guarded from the
//! first byte on.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretSlice, SecretString};

/// The text of a file of at most 1 MiB.
///
/// # Errors
/// When it cannot be read, is longer, or is no UTF-8.
pub fn read_secret(path: &Path) -> io::Result<SecretString> {
    let bytes = read_secret_bytes(path)?;
    let text = std::str::from_utf8(bytes.expose_secret())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))?;
    Ok(text.into())
}

/// The bytes of such a file.
///
/// # Errors
/// When it cannot be read or is longer.
pub fn read_secret_bytes(path: &Path) -> io::Result<SecretSlice<u8>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = File::open(path)?.take(LIMIT + 1).read_to_end(&mut bytes)?;
    if read as u64 > LIMIT {
        let why = "it is longer than 1 MiB";
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    Ok(std::mem::take(&mut *bytes).into())
}

const LIMIT: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_texts_are_read_and_missing_binary_and_huge_files_refused() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("f");
        let error = read_secret(&path).expect_err("missing");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        let mut largest = vec![b'a'; 1 << 20];
        for content in [b"canary\n".to_vec(), Vec::new(), largest.clone()] {
            std::fs::write(&path, &content).expect("file");
            let read = read_secret(&path).expect("small");
            assert_eq!(read.expose_secret().as_bytes(), content);
            assert!(!format!("{read:?}").contains("canary"));
        }
        largest.push(b'a');
        for content in [vec![0xff, 0xfe], largest] {
            std::fs::write(&path, content).expect("file");
            let error = read_secret(&path).expect_err("refused");
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }
}
