//! Pulling from OCI registries: the distribution client, and the local image layout it fills.
//!
//! [`RegistryClient`] makes a [`Repository`] with at most one credential; that asks for manifests
//! and streams blobs.

mod address;
mod answer;
mod auth;
mod blob;
mod client;
mod descriptor;
mod digest;
mod document;
mod endpoint;
mod error;
#[cfg(test)]
mod fake;
mod hosts;
mod layout;
mod limits;
pub mod media_type;
mod platform;
mod progress;
mod pull;
mod redirect;
mod refusal;
mod repository;
mod warnings;

pub use blob::BlobStream;
pub use client::{RegistryClient, RegistryOptions};
pub use descriptor::Descriptor;
pub use digest::{Digest, DigestError, Hasher};
pub use document::{Document, DocumentError, Index, Manifest};
pub use error::RegistryError;
pub use hosts::{Hosts, HostsError};
pub use layout::{BlobWriter, Layout, LayoutError};
pub use platform::{Platform, PlatformError, Rank};
pub use progress::{BlobState, NoProgress, Progress, PullEvent};
pub use pull::{PlatformChoice, PullOptions, PulledImage, pull, stored};
pub use regcred_http::{ClientOptions, HttpError, Retry, StatusCode};
pub use repository::{Fetched, Head, Repository};
