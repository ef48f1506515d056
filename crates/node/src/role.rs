//! What a changed file is for.

use serde::{Deserialize, Serialize};

/// What a changed file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A plugin.
    Plugin,
    /// The CredentialProviderConfig.
    Config,
    /// Where the kubelet's flags come from.
    Flags,
}
