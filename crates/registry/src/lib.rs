//! Pulling from OCI registries: the distribution client, and the local image layout it fills.
//!
//! [`RegistryClient`] makes a [`Repository`] with at most one credential; that asks for manifests
//! and streams blobs.

mod answer;
mod descriptor;
mod digest;
mod document;
mod error;
mod layout;
pub mod media_type;
mod platform;
mod progress;

pub use descriptor::Descriptor;
pub use digest::{Digest, DigestError, Hasher};
pub use document::{Document, DocumentError, Index, Manifest};
pub use error::RegistryError;
pub use layout::{BlobWriter, Layout, LayoutError};
pub use platform::{Platform, PlatformError, Rank};
pub use progress::{BlobState, NoProgress, Progress, PullEvent};
