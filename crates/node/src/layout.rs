//! Where a node of each kind has the kubelet's flags, its CredentialProviderConfig and its plugins.

mod document;
mod drop_in;
mod k0s;
mod kubelet;
mod microk8s;
mod microshift;
mod rancher;
mod unsupported;

use std::path::Path;

use crate::error::NodeError;
use crate::flags::ProviderPaths;
use crate::found::Found;
use crate::view::View;

pub use microk8s::MICROK8S_FLAGS;
pub use rancher::{RANCHER_BIN_DIR, RANCHER_CONFIG};

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
                "no kubelet is found: none of the units kubelet, k3s, k3s-agent, rke2-server, rke2-agent, \
                 k0sworker, k0scontroller and microshift, nor MicroK8s's snap",
                "run it on a node, or name a node's file system with --root",
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
