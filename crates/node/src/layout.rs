//! Where a node of each kind has the kubelet's flags, its CredentialProviderConfig and its plugins.

mod completed;
mod document;
mod drop_in;
mod k0s;
mod kubelet;
mod microk8s;
mod microshift;
mod rancher;
mod rancher_files;
mod unsupported;

use std::path::Path;

use crate::error::NodeError;
use crate::flags::ProviderPaths;
use crate::found::Found;
use crate::view::View;

pub use microk8s::MICROK8S_FLAGS;
pub use rancher::{RANCHER_BIN_DIR, RANCHER_CONFIG};

pub(crate) use completed::{Completed, completed};

/// What a node of this kind needs.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) found: Found,
    /// The configuration and the directory of plugins.
    pub(crate) paths: ProviderPaths,
}

impl Layout {
    /// Finds out what the node is, and where its kubelet reads. `bin_dir` is for a kubelet that has no
    /// directory yet.
    pub(crate) fn of(view: &View<'_>, bin_dir: Option<&Path>) -> Result<Self, NodeError> {
        unsupported::refuse(view)?;
        let kinds: [(&str, Finder); 6] = [
            ("MicroK8s", microk8s::find),
            ("k3s", rancher::find_k3s),
            ("RKE2", rancher::find_rke2),
            ("k0s", k0s::find),
            ("MicroShift", microshift::find),
            ("kubelet", kubelet::find),
        ];
        let mut found = Vec::new();
        for (name, find) in kinds {
            found.extend(find(view, bin_dir)?.map(|layout| (name, layout)));
        }
        match <[_; 1]>::try_from(found) {
            Ok([(_, (found, paths))]) => Ok(Self { found, paths }),
            Err(found) if found.is_empty() => Err(NodeError::refused(
                format!(
                    "no kubelet is found: neither one of {} nor MicroK8s's snap",
                    SERVICES.join(", ")
                ),
                "run it on a node, or name the root of a node's file system with --root",
            )),
            Err(found) => {
                let names = found
                    .iter()
                    .map(|(_, (found, _))| format!("{} ({})", found.kind, found.unit));
                let names: Vec<_> = names.collect();
                Err(NodeError::refused(
                    format!("several kubelets are found: {}", names.join(", ")),
                    "remove the units that are not in use",
                ))
            }
        }
    }
}

/// Looks for one kind of node.
type Finder = fn(&View<'_>, Option<&Path>) -> Result<Option<(Found, ProviderPaths)>, NodeError>;

/// The units that have a kubelet. MicroK8s's is found by the file of its flags.
pub const SERVICES: [&str; 8] = [
    kubelet::UNIT,
    rancher::K3S[0],
    rancher::K3S[1],
    rancher::RKE2[0],
    rancher::RKE2[1],
    k0s::UNITS[0],
    k0s::UNITS[1],
    microshift::UNIT,
];
