//! Pulling from OCI registries: the distribution client, and the local image layout it fills.
//!
//! [`RegistryClient`] makes a [`Repository`] with at most one credential; that asks for manifests
//! and streams blobs.

mod answer;
mod descriptor;
mod digest;
mod document;
mod error;
pub mod media_type;
mod platform;

pub use descriptor::Descriptor;
pub use digest::{Digest, DigestError, Hasher};
pub use document::{Document, DocumentError, Index, Manifest};
pub use error::RegistryError;
pub use platform::{Platform, PlatformError, Rank};
