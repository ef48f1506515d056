//! Where a program is.

use std::path::PathBuf;

/// The first regular file of this name in the directories of `path`, the value of `PATH`. Relative
/// directories are skipped: what they name depends on where this process was started.
#[must_use]
pub fn find_program(name: &str, path: &str) -> Option<PathBuf> {
    std::env::split_paths(path)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_in_absolute_directories_are_found() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("program");
        std::fs::write(&file, "").expect("a file");
        std::fs::create_dir(dir.path().join("folder")).expect("a directory");
        let path = format!(".::/nowhere:{}", dir.path().display());
        assert_eq!(find_program("program", &path), Some(file));
        assert_eq!(find_program("folder", &path), None);
        assert_eq!(find_program("Cargo.toml", "."), None);
        assert_eq!(find_program("program", ""), None);
    }
}
