//! The files that an identity comes from, read whole and in bounds.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use secrecy::zeroize::Zeroizing;

/// The text of a file of at most `limit` bytes. A longer one is an error: its beginning might mean
/// something else than the whole.
pub(crate) fn text(path: &Path, limit: u64) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    File::open(path)?
        .take(limit + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > limit {
        let error = format!("it is larger than {} KiB", limit >> 10);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, error));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_beyond_the_limit_is_refused_and_never_cut() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("file");
        std::fs::write(&path, [b'x'; 1024]).expect("file");
        assert_eq!(text(&path, 1024).expect("fits").len(), 1024);
        std::fs::write(&path, [b'x'; 1025]).expect("file");
        let error = text(&path, 1024).expect_err("too large");
        assert_eq!(error.to_string(), "it is larger than 1 KiB");
    }
}
