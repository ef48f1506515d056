//! Which files are read.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

use rustix::fs::makedev;
use rustix::io::Errno;

/// The file if it is a regular one; the null device counts as an empty one.
pub(crate) fn regular(file: File) -> io::Result<File> {
    let found = file.metadata()?;
    let is_null = found.file_type().is_char_device() && found.rdev() == makedev(1, 3);
    if found.is_file() || is_null {
        return Ok(file);
    }
    if found.is_dir() {
        return Err(Errno::ISDIR.into());
    }
    let why = "it is not a regular file";
    Err(io::Error::new(io::ErrorKind::InvalidInput, why))
}
