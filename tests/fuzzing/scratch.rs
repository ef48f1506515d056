//! Files of one run, in a directory of the thread.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

thread_local! {
    static DIRECTORY: TempDir = new();
}

fn new() -> TempDir {
    // In memory where that is possible: a fuzz target writes files thousands of times a second.
    let memory = tempfile::tempdir_in("/dev/shm");
    memory
        .or_else(|_| tempfile::tempdir())
        .expect("a directory")
}

/// The directory, with what earlier runs left.
pub(crate) fn directory() -> PathBuf {
    DIRECTORY.with(|directory| directory.path().to_owned())
}

/// A file there with this content.
pub(crate) fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = directory().join(name);
    write(&path, content);
    path
}

/// Writes a file, and the directories above it.
pub(crate) fn write(path: &Path, content: &[u8]) {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).expect("a directory");
    }
    fs::write(path, content).expect("a file");
}

/// The parts of an input that has several files: they are separated by a line `%%`.
pub(crate) fn parts(input: &[u8]) -> Vec<&[u8]> {
    const MARK: &[u8] = b"\n%%\n";
    let mut parts = Vec::new();
    let mut rest = input;
    while let Some(at) = rest.windows(MARK.len()).position(|part| part == MARK) {
        parts.push(&rest[..at + 1]);
        rest = &rest[at + MARK.len()..];
    }
    parts.push(rest);
    parts
}
