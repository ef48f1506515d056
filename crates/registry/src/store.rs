//! The OCI image layout on disk (image-spec `image-layout.md`).

mod blob_writer;
mod directories;
mod error;
mod free_space;
mod index_file;
mod ingest;
mod layout;
mod marker;
mod usage;

pub use blob_writer::BlobWriter;
pub use error::LayoutError;
pub(crate) use index_file::name_of;
pub use layout::{Layout, Removed};
