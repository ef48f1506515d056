//! Where a keyring may differ from the kubelet's, by choice.

use regcred_api::docker_config::BadEntries;
use regcred_core::ImagePattern;

/// The choices. By default all are off, and a keyring is the kubelet's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct KeyringRules {
    /// Leaves out a bad entry of a docker configuration or pull secret; the kubelet refuses the
    /// whole file.
    pub skip_bad_entries: bool,
    /// Uses the logins of Docker Hub for `docker.io` only; the kubelet also offers them to hosts
    /// that have neither a dot nor a port, such as `localhost`.
    pub docker_hub_only: bool,
    /// Reads an IPv6 literal without a port, `[fe80::1]/team`, as an address; the kubelet takes its
    /// brackets for a glob, which matches hardly anything. With a port both mean the same.
    pub literal_ipv6: bool,
}

impl KeyringRules {
    /// A pattern or key, read by these rules.
    #[must_use]
    pub fn read(self, pattern: ImagePattern) -> ImagePattern {
        if self.literal_ipv6 {
            pattern
        } else {
            pattern.with_brackets_as_glob()
        }
    }

    pub(crate) fn bad_entries(self) -> BadEntries {
        if self.skip_bad_entries {
            BadEntries::Skip
        } else {
            BadEntries::RejectFile
        }
    }
}
