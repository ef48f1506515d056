//! The machine that this process runs on.

use std::path::PathBuf;
use std::time::Duration;

use regcred_cloud::firmware_holds;
use regcred_http::Retry;

/// Files that show which machine this is.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// Holds Azure's tag on Azure's machines.
    pub(crate) asset_tag: PathBuf,
    /// Exists where Azure Arc's agent is installed.
    pub(crate) arc_agent: PathBuf,
    /// Where Arc's agent writes the keys of its challenges.
    pub(crate) arc_tokens: PathBuf,
}

impl Machine {
    /// Whether the firmware marks this as a virtual machine of Azure.
    pub(crate) fn is_azure(&self) -> bool {
        firmware_holds(&self.asset_tag, ASSET_TAG)
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            asset_tag: "/sys/class/dmi/id/chassis_asset_tag".into(),
            arc_agent: "/opt/azcmagent/bin/himds".into(),
            arc_tokens: "/var/opt/azcmagent/tokens".into(),
        }
    }
}

/// The metadata service of a virtual machine, by its address: it has no name.
pub(crate) const METADATA: &str = "http://169.254.169.254";
/// The time to connect to a service of this machine.
pub(crate) const CONNECT: Duration = Duration::from_secs(3);
/// How requests to a service of this machine are repeated.
pub(crate) const RETRY: Retry = Retry {
    attempts: 5,
    base: Duration::from_millis(400),
    cap: Duration::from_secs(5),
};
const ASSET_TAG: &str = "7783-7084-3265-9085-8269-3286-77";
