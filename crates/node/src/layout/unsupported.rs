//! Nodes that belong to another program, and what to do on them instead.

use std::path::Path;

use crate::error::NodeError;
use crate::state::FileState;
use crate::view::View;

/// Refuses a node on which a change is not possible or does not stay.
pub(super) fn refuse(view: &View<'_>) -> Result<(), NodeError> {
    let release = view.text(Path::new("/etc/os-release"))?.unwrap_or_default();
    let id = release.lines().find_map(|line| line.strip_prefix("ID="));
    let id = id.unwrap_or_default().trim_matches(['"', '\'']);
    let system = SYSTEMS.iter().find(|(name, _, _)| *name == id);
    if let Some((_, what, instead)) = system {
        return Err(NodeError::refused(*what, *instead));
    }
    for (mark, what, instead) in MARKS {
        let mark = view.real(Path::new(mark))?;
        if view.tree.is_directory(&mark) || view.state(&mark)? != FileState::Absent {
            return Err(NodeError::at(&mark, None, *what, *instead));
        }
    }
    Ok(())
}

const SYSTEMS: &[(&str, &str, &str)] = &[
    (
        "talos",
        "Talos takes its files from its image and its machine configuration",
        "put the plugins into a system extension, and the entries into machine.kubelet.credentialProviderConfig",
    ),
    (
        "bottlerocket",
        "Bottlerocket has Amazon's plugin only, and its root cannot be changed",
        "keep pull secrets fresh by regcred-refresh",
    ),
];

const MARKS: &[(&str, &str, &str)] = &[
    (
        "/etc/machine-config-daemon",
        "OpenShift's machine-config daemon reports files that others change as Degraded",
        "use a MachineConfig",
    ),
    (
        "/var/snap/k8s/common/args",
        "the snap k8s has the kubelet's flags of its bootstrap or join configuration",
        "set extra-node-kubelet-args there",
    ),
];
