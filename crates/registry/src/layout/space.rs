//! How much may still be written, so that a pull that cannot fit says so before it downloads.

use std::path::Path;

use super::LayoutError;

/// Bytes free to an ordinary user in the file system of `path` or of its nearest existing parent;
/// `None` where the file system keeps no such count.
pub(crate) fn available(path: &Path) -> Option<u64> {
    let existing = path.ancestors().find(|p| p.exists())?;
    let stat = rustix::fs::statvfs(existing).ok()?;
    (stat.f_blocks > 0).then(|| stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// # Errors
/// [`LayoutError::NoSpace`] when fewer than `needed` bytes are free.
pub(crate) fn require(root: &Path, needed: u64) -> Result<(), LayoutError> {
    match available(root) {
        Some(available) if available < needed => Err(LayoutError::NoSpace {
            path: root.to_owned(),
            needed,
            available,
            source: rustix::io::Errno::NOSPC.into(),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_need_beyond_the_disk_is_refused_with_both_numbers() {
        let dir = tempfile::tempdir().expect("directory");
        assert!(require(dir.path(), 1).is_ok());
        let error = require(dir.path(), u64::MAX).expect_err("no disk is that large");
        assert!(error.to_string().contains(&u64::MAX.to_string()), "{error}");
        assert!(matches!(error, LayoutError::NoSpace { available, .. } if available > 0));
    }
}
