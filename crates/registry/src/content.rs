//! What an image consists of: the manifests and blobs under a name, in a registry or in a store.

mod documents;
mod garbage;
mod host_platform;
mod manifest_reader;
mod plan;
mod platform_choice;
mod selection;
mod store_failure;
mod stored_image;

pub(crate) use documents::documents_below;
pub use garbage::collect_garbage;
pub(crate) use manifest_reader::{LARGEST_MANIFEST, ManifestReader};
pub(crate) use plan::Plan;
pub use platform_choice::PlatformChoice;
pub(crate) use store_failure::store_failure;
pub use stored_image::StoredImage;
