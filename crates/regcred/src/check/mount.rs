//! What a mount forbids.

use std::path::Path;

use rustix::fs::{StatVfsMountFlags, statvfs};

/// Whether the file system of a path is mounted noexec. `false` if it cannot be asked.
pub(super) fn is_noexec(path: &Path) -> bool {
    statvfs(path).is_ok_and(|found| found.f_flag.contains(StatVfsMountFlags::NOEXEC))
}
