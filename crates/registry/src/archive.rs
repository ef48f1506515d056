//! Images of a store as one tar file: an OCI image layout, which is a docker archive as well.

mod export;

pub use export::{ExportError, export};
