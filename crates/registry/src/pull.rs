//! Pulls an image: manifest, platform, blobs in parallel, name.
//!
//! What the store has is not fetched again: a pull of an image that is there costs one manifest
//! request. The order of writes is blobs, manifests, name, so that a pull that ends half-way leaves
//! blobs and beginnings of blobs, which the next pull uses, and no name of an incomplete image.
//!
//! The name refers to what the registry has under it. Where that is an index and one platform was
//! wanted, the store holds the index whole and of its images only that one, which image-spec allows
//! (a sparse index); a pull for another platform adds to it.

mod blob_sink;
mod blobs;
mod host_platform;
mod manifest_reader;
mod plan;
mod platform_choice;
mod progress;
mod pull_image;
mod pulled_image;
mod selection;
mod store_failure;
mod stored;
mod transfer;

pub use platform_choice::PlatformChoice;
pub use progress::{BlobState, NoProgress, Progress, PullEvent};
pub use pull_image::{PullOptions, pull};
pub use pulled_image::PulledImage;
pub use stored::stored;
