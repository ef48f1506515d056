//! The documents of an image and what names them (OCI image-spec). No I/O.

mod descriptor;
mod digest;
mod document;
pub mod media_type;
mod null;
mod platform;
mod platform_rank;

pub use descriptor::Descriptor;
pub use digest::{Digest, DigestError, Hasher};
pub use document::{Document, DocumentError, Index, Manifest};
pub use platform::{Platform, PlatformError};
pub use platform_rank::Rank;
