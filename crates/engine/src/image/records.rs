//! Whether a pod may use an image that is already on the node (KEP-2535, kubernetes
//! `pkg/kubelet/images/pullmanager/image_pull_manager.go`): each pull and its credential are on
//! record, and a pod that has none of the recorded credentials must pull the image itself.
//!
//! The records are a kubelet's own files. Several processes may use them at the same time: they are
//! read, merged and written under a lock, and the last process that pulls an image removes its
//! intent. A kubelet does not know the lock. If it writes the same record at the same moment, the
//! addition of one of them is lost, and a pod has to show its credential once more.

mod files;
mod merge;
mod pod_credentials;
mod policy;
mod pull_records;
mod pulls_under_way;

pub use files::RecordError;
pub use pod_credentials::PodCredentials;
pub(crate) use pod_credentials::credentials_of;
pub use policy::{Allowlist, PolicyError, VerificationPolicy};
pub use pull_records::{Access, PullIntent, PullRecords};
