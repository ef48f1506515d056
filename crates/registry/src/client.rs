//! The client of registries (OCI distribution-spec, and distribution's token protocol).

mod address;
mod advice;
mod auth;
mod blob_stream;
mod blob_upload;
mod capability;
mod content_digest;
mod content_range;
mod endpoint;
mod error;
mod error_body;
mod failed_response;
mod foreign_layer;
mod hosts;
mod logins;
mod manifests;
mod object;
mod rate_limits;
mod redirect;
mod redirected;
mod registry_client;
mod repository;
mod request;
mod servers;
mod warnings;

pub use blob_stream::{BlobChunk, BlobStream};
pub use blob_upload::{Mount, Upload};
pub(crate) use error::Reason;
pub use error::RegistryError;
pub use hosts::{Hosts, HostsError};
pub use logins::{HostLogin, HostLogins, Logins};
pub use manifests::ManifestHead;
pub(crate) use object::{Object, Part};
pub use registry_client::RegistryClient;
pub use repository::Repository;
