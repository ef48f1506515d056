//! Lists of images for several platforms, as `docker manifest` keeps them on this machine until they
//! are pushed.
//!
//! A [`ManifestStore`] has lists, each a directory of records; a [`ListEntry`] is one record: an image,
//! its manifest, and the platform under which the list names it. [`list_document`] makes the manifest
//! list or index of them. Store and documents are docker's byte for byte, so that either program
//! continues what the other began.

mod entry;
mod known_platforms;
mod list_document;
mod record;
mod store;
mod store_error;

pub use entry::ListEntry;
pub use known_platforms::{check_platform, known_platforms, known_variants};
pub use list_document::{PlatformClash, clash, list_document};
pub use store::ManifestStore;
pub use store_error::StoreError;
