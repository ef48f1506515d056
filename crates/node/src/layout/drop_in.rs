//! A drop-in of a unit.

use std::path::PathBuf;

use crate::state::{FileContent, FileState};

/// A drop-in that comes after the others of the unit: its path and its content.
pub(super) fn drop_in(unit: &str, what: &str, settings: &str) -> (PathBuf, FileState) {
    let path = format!("/etc/systemd/system/{unit}.d/zz-regcred.conf");
    let text = format!(
        "# Written by `regcred install`; `regcred uninstall` removes it.\n# {what}\n[Service]\n{settings}"
    );
    let content = FileContent::own(text.into_bytes(), 0o644);
    (path.into(), FileState::File(content))
}
