//! The client of registries (OCI distribution-spec, and distribution's token protocol).

mod address;
mod advice;
mod auth;
mod blob_stream;
mod content_range;
mod endpoint;
mod error;
mod error_body;
mod hosts;
mod rate_limits;
mod redirect;
mod registry_client;
mod repository;
mod warnings;

pub use blob_stream::BlobStream;
pub use error::RegistryError;
pub(crate) use error::{Object, Part, Reason};
pub use hosts::{Hosts, HostsError};
pub use registry_client::{RegistryClient, RegistryOptions};
pub use repository::{Fetched, Head, Repository};
