//! Pulling from OCI registries: the distribution client, and the local image layout it fills.
//!
//! [`RegistryClient`] makes a [`Repository`] with the [`Logins`] of one attempt; that asks for
//! manifests and streams blobs.
//!
//! Four floors, each of which uses only what is below it:
//!
//! | folder | holds |
//! |---|---|
//! | `pull` | what an image consists of, and its transfer from a registry into a store |
//! | `client`, `store` | the distribution client; the OCI image layout on disk |
//! | `image` | digests, descriptors, manifests, indexes, platforms; no I/O |

mod client;
#[cfg(test)]
mod fake;
mod image;
mod pull;
mod store;

pub use client::{
    BlobChunk, BlobStream, HostLogin, HostLogins, Hosts, HostsError, Logins, ManifestHead, Mount,
    OfferedLogin, RegistryClient, RegistryError, Repository, ServerExchange, ServerReport, Upload,
};
pub use image::{
    Descriptor, Digest, DigestError, Hasher, Index, IndexEntry, Manifest, ManifestError,
    ManifestOrIndex, Platform, PlatformError, Rank, RawManifest, media_type,
};
pub use pull::{
    BlobState, NoProgress, PlatformChoice, Progress, PullEvent, PullOptions, PulledImage, pull,
    stored,
};
pub use regcred_http::{Body, HttpError, StatusCode};
pub use store::{BlobWriter, Layout, LayoutError};
