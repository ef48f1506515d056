//! OCI registries: the distribution client, the local image layout, and the pull and push of images.
//!
//! [`RegistryClient`] makes a [`Repository`] with the [`Logins`] of one attempt; that reads and
//! writes manifests and blobs. [`pull`] fetches an image into a [`Layout`]; [`Push`] puts
//! one into a repository, from a layout or from another repository.
//!
//! Floors, each of which uses only what is below it:
//!
//! | folder | holds |
//! |---|---|
//! | `pull`, `push` | the transfer of an image from a registry into a store, and into a registry |
//! | `archive` | images of a store as one file |
//! | `content` | what an image consists of |
//! | `client`, `store` | the distribution client; the OCI image layout on disk |
//! | `image` | digests, descriptors, manifests, indexes, platforms; no I/O |

mod archive;
mod client;
mod content;
#[cfg(test)]
mod fake;
mod image;
mod progress;
mod pull;
mod push;
mod store;

pub use archive::{ExportError, export};
pub use client::{
    BlobChunk, BlobStream, HostLogin, HostLogins, Hosts, HostsError, Logins, ManifestHead, Mount,
    OfferedLogin, RegistryClient, RegistryError, Repository, ServerExchange, ServerReport, Upload,
};
pub use content::{PlatformChoice, StoredImage, collect_garbage};
pub use image::{
    Descriptor, Digest, DigestError, Hasher, Index, IndexEntry, Manifest, ManifestError,
    ManifestOrIndex, Platform, PlatformError, Rank, RawManifest, media_type,
};
pub use progress::{BlobState, NoProgress, Progress, TransferEvent};
pub use pull::{Division, PullOptions, PulledImage, pull, stored};
pub use push::{ImageSource, Push, PushedImage};
pub use regcred_http::{Body, HttpError, StatusCode};
pub use store::{BlobWriter, Layout, LayoutError, Removed};
