//! Pulls an image: manifest, platform, blobs in parallel, name.
//!
//! What the store has is not fetched again: a pull of an image that is there costs one manifest
//! request. The order of writes is blobs, manifests, name, so that a pull that ends half-way leaves
//! blobs and beginnings of blobs, which the next pull uses, and no name of an incomplete image.
//!
//! The name refers to what is complete. Where the registry has an index under it and one platform was
//! wanted, that is this platform's manifest; the store has the index as well, and a pull for another
//! platform adds to it.

mod blob_sink;
mod blobs;
mod connections;
mod divided_stream;
mod division;
mod name_entry;
mod pull_image;
mod pulled_image;
mod stored;
mod transfer;

pub use division::Division;
pub use pull_image::{PullOptions, pull};
pub use pulled_image::PulledImage;
pub use stored::stored;
