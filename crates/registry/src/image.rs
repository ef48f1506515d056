//! The documents of an image and what names them (OCI image-spec). No I/O.

mod descriptor;
mod digest;
mod index;
mod manifest;
mod manifest_or_index;
pub mod media_type;
mod null;
mod platform;
mod platform_rank;
mod raw_manifest;

pub use descriptor::Descriptor;
pub use digest::{Digest, DigestError, Hasher};
pub use index::{Index, IndexEntry};
pub use manifest::Manifest;
pub use manifest_or_index::{ManifestError, ManifestOrIndex};
pub use platform::{Platform, PlatformError};
pub use platform_rank::Rank;
pub use raw_manifest::RawManifest;
