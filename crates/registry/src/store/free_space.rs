//! Free space, so that a pull which does not fit fails before it downloads.

use std::path::Path;

/// Bytes free to an ordinary user in the file system of `path` or of its nearest existing parent;
/// `None` where the file system does not count.
pub(crate) fn available(path: &Path) -> Option<u64> {
    let existing = path.ancestors().find(|p| p.exists())?;
    let stat = rustix::fs::statvfs(existing).ok()?;
    (stat.f_blocks > 0).then(|| stat.f_bavail.saturating_mul(stat.f_frsize))
}
