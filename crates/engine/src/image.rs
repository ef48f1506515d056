//! The kubelet's image path: policy, store, records of earlier pulls, the image manager.

mod backoff;
mod ensure;
mod error;
mod event;
mod layout_store;
mod limits;
mod manager;
mod policy;
mod pull;
mod records;
mod request;
mod store;

pub use ensure::PullOutcome;
pub use error::{PullError, PullReason};
pub use event::{Event, EventKind};
pub use layout_store::LayoutStore;
pub use limits::{LimitsError, PullLimits};
pub use manager::{ImageManager, ImageManagerBuilder};
pub use policy::{PullPolicy, UnknownPullPolicy};
pub use records::{
    Access, Allowlist, PodCredentials, PolicyError, PullIntent, PullRecords, RecordError,
    VerificationPolicy,
};
pub use request::PullRequest;
pub use store::{ImageStore, ListedImage, StoredImage};
