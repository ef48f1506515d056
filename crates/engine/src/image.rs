//! The kubelet's image path: policy, store, records of earlier pulls, the image manager.

mod layout_store;
mod manager;
mod policy;
mod pull;
mod records;
mod store;

pub use layout_store::LayoutStore;
pub use manager::{
    EnsureError, EnsureRequest, Ensured, Event, EventKind, ImageManager, ImageManagerBuilder,
    LimitsError, PullLimits,
};
pub use policy::{PullPolicy, UnknownPullPolicy};
pub use pull::{PullError, PullOutcome, PullReason, PullRequest};
pub use records::{
    Access, Allowlist, PodCredentials, PolicyError, PullIntent, PullRecords, RecordError,
    VerificationPolicy,
};
pub use store::{ImageStore, ListedImage, StoreError, StoredImage};
