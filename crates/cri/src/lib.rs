//! Client of a container runtime: the image service of the Container Runtime Interface (CRI v1), as
//! the kubelet uses it, over a Unix socket.
//!
//! The messages in `generated` are made by tonic-prost-build from the files in `proto`; no build needs
//! a protobuf compiler.

mod client;
mod endpoint;
mod error;
mod message;

pub use client::{Cri, Downloads, Filesystem, Image, RuntimeVersion};
pub use endpoint::{EndpointError, WELL_KNOWN, socket_of};
pub use error::CriError;
#[cfg(feature = "server")]
pub use message::{containerd, runtime};
