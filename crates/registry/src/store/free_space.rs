//! How much may still be written, so that a pull that cannot fit says so before it downloads.

use std::path::Path;

/// Bytes free to an ordinary user in the file system of `path` or of its nearest existing parent;
/// `None` where the file system keeps no such count.
pub(crate) fn available(path: &Path) -> Option<u64> {
    let existing = path.ancestors().find(|p| p.exists())?;
    let stat = rustix::fs::statvfs(existing).ok()?;
    (stat.f_blocks > 0).then(|| stat.f_bavail.saturating_mul(stat.f_frsize))
}
