//! Pushes an image into a repository: blobs in parallel, manifests, names.
//!
//! What the repository has is not sent again, and what another repository of the same registry has is
//! mounted where the registry allows it. The order of writes is blobs, children, parents, tags: a push
//! that ends half-way leaves no name of an incomplete image, and the next one sends only the rest.

mod blob_body;
mod image_source;
mod push_image;
mod transfer;
mod upload;

pub use image_source::ImageSource;
pub use push_image::{Push, PushedImage};
