//! MicroK8s: a file with one flag of the kubelet on each line.

use std::path::Path;

use crate::error::NodeError;
use crate::flags::{ProviderFlags, ProviderPaths};
use crate::found::Found;
use crate::state::FileState;
use crate::view::View;

pub(super) fn find(
    view: &View<'_>,
    bin_dir: Option<&Path>,
) -> Result<Option<(Found, ProviderPaths)>, NodeError> {
    let path = view.real(Path::new(MICROK8S_FLAGS))?;
    let FileState::File(content) = view.state(&path)? else {
        return Ok(None);
    };
    let text = view.text(&path)?.unwrap_or_default();
    let mut args = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if !line.starts_with('-') {
            return Err(NodeError::at(
                &path,
                number + 1,
                "this line is not a flag of the kubelet",
                "write one flag on each line, and run this again",
            ));
        }
        let parts = line
            .split(['=', ' '])
            .map(|part| part.trim_matches(['"', '\'']));
        args.extend(parts);
    }
    let flags = ProviderFlags::of(args.iter().copied());
    let paths = flags
        .paths()
        .map_err(|why| NodeError::at(&path, None, why, "set both, or neither"))?;
    let found = Found::new("MicroK8s", "snap.microk8s.daemon-kubelite.service");
    if let Some(paths) = paths {
        return Ok(Some((found, paths)));
    }
    let paths = ProviderPaths::chosen(CONFIG, Some(bin_dir.unwrap_or(Path::new(PLUGINS))));
    let mut edited = text.to_string();
    if !edited.is_empty() && !edited.ends_with('\n') {
        edited.push('\n');
    }
    edited += &(paths.flags().join("\n") + "\n");
    let state = FileState::File(content.with(edited.into_bytes()));
    Ok(Some((found.edited(path, state), paths)))
}

/// The file of the flags of MicroK8s's kubelet, one on each line.
pub const MICROK8S_FLAGS: &str = "/var/snap/microk8s/current/args/kubelet";
/// What is below `common` stays when the snap is refreshed.
const CONFIG: &str = "/var/snap/microk8s/common/credential-providers.yaml";
const PLUGINS: &str = "/var/snap/microk8s/common/credential-providers";
